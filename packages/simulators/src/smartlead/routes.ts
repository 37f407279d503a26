import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DriftPlan } from '../core/drift.ts';
import { sendBuffer, sendFixed } from '../core/fault-answers.ts';
import { pathOf } from '../core/platform.ts';
import type { SmartleadAccount, SmartleadCampaign } from './account.ts';
import { drift } from './drift.ts';
import { CAMPAIGN_NOT_FOUND, jsonAnswer } from './manners.ts';
import { campaignJson } from './plan.ts';
import type { Query, Rule } from './query.ts';
import { InvalidQuery, readQuery } from './query.ts';
import { STATISTICS_RULES, windowOf, writeStatistics } from './statistics.ts';

/** Validates the query, or answers the platform's 400 and returns null. */
export function validQuery(
  request: FastifyRequest,
  reply: FastifyReply,
  rules: Readonly<Record<string, Rule>>,
): Query | null {
  try {
    return readQuery(request.query, rules);
  } catch (error) {
    if (!(error instanceof InvalidQuery)) throw error;
    refuseParameter(reply, 'query', error);
    return null;
  }
}

function refuseParameter(reply: FastifyReply, source: 'query' | 'params', error: InvalidQuery): FastifyReply {
  return sendFixed(
    reply,
    jsonAnswer(400, {
      statusCode: 400,
      error: 'Bad Request',
      message: error.message,
      validation: { source, keys: [error.key] },
    }),
  );
}

/** The campaign a path names, or the platform's answer and null. */
export function namedCampaign(
  account: SmartleadAccount,
  request: FastifyRequest,
  reply: FastifyReply,
): SmartleadCampaign | null {
  const { id } = request.params as { readonly id: string };
  if (!/^\d+$/.test(id)) {
    refuseParameter(reply, 'params', new InvalidQuery('campaign_id', 'must be a number'));
    return null;
  }
  const campaign = account.find(Number(id));
  if (campaign === undefined) sendFixed(reply, CAMPAIGN_NOT_FOUND);
  return campaign ?? null;
}

/** Campaigns and statistics, the platform's main readings. */
export function campaignRoutes(app: FastifyInstance, account: SmartleadAccount, drifts: DriftPlan): void {
  app.get('/campaigns', async (request, reply) => {
    const query = validQuery(request, reply, {
      client_id: { type: 'integer', min: 1 },
      include_tags: { type: 'boolean' },
    });
    if (query === null) return reply;
    const newestFirst = [...account.live()].sort((a, b) => b.plan.id - a.plan.id);
    const listed = query.number('client_id') === undefined ? newestFirst : [];
    return reply.send(listed.map(({ plan }) => campaignJson(plan, query.flag('include_tags'))));
  });

  app.get('/campaigns/:id', async (request, reply) => {
    if (validQuery(request, reply, {}) === null) return reply;
    const campaign = namedCampaign(account, request, reply);
    return campaign === null ? reply : reply.send(campaignJson(campaign.plan, false));
  });

  app.get('/campaigns/:id/statistics', async (request, reply) => {
    const query = validQuery(request, reply, STATISTICS_RULES);
    if (query === null) return reply;
    const campaign = namedCampaign(account, request, reply);
    if (campaign === null) return reply;
    const window = windowOf(campaign, query);
    const page = { offset: query.number('offset') ?? 0, limit: query.number('limit') ?? 100 };
    const body = writeStatistics(account, campaign, window, page);
    for (const spec of drifts.due(String(campaign.plan.id))) drift(account, campaign, window, query, spec);
    return sendBuffer(reply, body);
  });

  app.setNotFoundHandler(async (request, reply) =>
    sendFixed(reply, {
      status: 404,
      contentType: 'text/html; charset=utf-8',
      body: `<!DOCTYPE html><html><body><pre>Cannot ${request.method} ${pathOf(request)}</pre></body></html>`,
    }),
  );
}
