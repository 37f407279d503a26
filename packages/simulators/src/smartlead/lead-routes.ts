import type { FastifyInstance, FastifyReply } from 'fastify';
import { sendBuffer, sendFixed } from '../core/fault-answers.ts';
import { parseIso } from '../core/timeline.ts';
import type { SmartleadAccount } from './account.ts';
import { ALL_ACTIVITIES_RULES, ChangedLeads, writeAllActivities } from './all-activities.ts';
import { analyticsJson } from './analytics.ts';
import { LEADS_RULES, leadJson, matchingLeads } from './leads.ts';
import { jsonAnswer } from './manners.ts';
import type { Query } from './query.ts';
import { namedCampaign, validQuery } from './routes.ts';

/** Leads, totals and the account-wide list of changed leads (Smartlead fact sheet, sections 7 to 9). */
export function leadRoutes(app: FastifyInstance, account: SmartleadAccount): void {
  const changed = new ChangedLeads(account);

  app.get('/campaigns/:id/analytics', async (request, reply) => {
    if (validQuery(request, reply, {}) === null) return reply;
    const campaign = namedCampaign(account, request, reply);
    return campaign === null ? reply : reply.send(analyticsJson(campaign));
  });

  app.get('/campaigns/:id/leads', async (request, reply) => {
    const query = validQuery(request, reply, LEADS_RULES);
    if (query === null) return reply;
    const campaign = namedCampaign(account, request, reply);
    if (campaign === null) return reply;
    const offset = query.number('offset') ?? 0;
    const limit = query.number('limit') ?? 100;
    const leads = matchingLeads(account, campaign, query);
    return reply.send({
      total_leads: String(leads.length),
      data: leads.slice(offset, offset + limit).map((view) => leadJson(account, campaign, view)),
      offset,
      limit,
    });
  });

  app.get('/campaigns/all-leads-activities', async (request, reply) => {
    const query = validQuery(request, reply, ALL_ACTIVITIES_RULES);
    if (query === null) return reply;
    const span = readSpan(query, reply);
    if (span === null) return reply;
    const page = { offset: query.number('offset') ?? 0, limit: query.number('limit') ?? 100 };
    const body = writeAllActivities(account, changed.between(span.from, span.to), page);
    return sendBuffer(reply, body);
  });
}

/** The span asked for, or the platform's 400 and null. */
function readSpan(query: Query, reply: FastifyReply): { readonly from: number; readonly to: number } | null {
  const texts = { from: query.text('event_time_from'), to: query.text('event_time_to') };
  const refuse = (error: string): null => {
    sendFixed(reply, jsonAnswer(400, { error, status: 'error' }));
    return null;
  };
  if (texts.to !== undefined && texts.from === undefined) {
    return refuse('event_time_from is required when event_time_to is provided.');
  }
  const from = texts.from === undefined ? 0 : parseIso(texts.from);
  const to = texts.to === undefined ? Number.MAX_SAFE_INTEGER : parseIso(texts.to);
  if (from === null) return refuse('Invalid event_time_from format. Use YYYY-MM-DD or ISO 8601 format.');
  if (to === null) return refuse('Invalid event_time_to format. Use YYYY-MM-DD or ISO 8601 format.');
  return { from, to };
}
