import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DriftPlan } from '../core/drift.ts';
import { HTML_PAGE, sendBuffer, sendFixed } from '../core/fault-answers.ts';
import { pick } from '../core/random.ts';
import { isoOf } from '../core/timeline.ts';
import { hasNoEmail, personOf } from '../data/people.ts';
import type { LemlistAccount } from './account.ts';
import { drift } from './drift.ts';
import {
  BadParams,
  isKnownType,
  readActivityQuery,
  readInteger,
  readLimit,
  windowOf,
  writeActivities,
} from './list-activities.ts';
import { CAMPAIGN_NOT_FOUND, textAnswer } from './manners.ts';
import type { LemlistCampaign } from './plan.ts';
import { idOf, lemlistCampaignJson } from './plan.ts';

const JSON_TYPE = 'application/json; charset=utf-8';
const UNSUBSCRIBES = 230;

/** Answers nobody has documented for certain; both are seen. */
export interface LemlistChoices {
  readonly limitAbove100: 'clamp' | 'refuse';
  readonly unknownType: 'emptyObject' | 'refuse';
}

type RawQuery = Readonly<Record<string, unknown>>;

function rawQuery(request: FastifyRequest): RawQuery {
  return (request.query ?? {}) as RawQuery;
}

/** Team, campaigns, activities, leads and unsubscribes (Lemlist fact sheet, sections 5, 7, 8 and 9). */
export function lemlistRoutes(
  app: FastifyInstance,
  account: LemlistAccount,
  drifts: DriftPlan,
  choices: LemlistChoices,
): void {
  app.setErrorHandler(async (error, _request, reply) => {
    if (!(error instanceof BadParams)) throw error;
    return sendFixed(reply, textAnswer(400, error.message));
  });

  app.get('/team', async (request, reply) =>
    reply.send({
      _id: account.plan.teamId,
      name: 'Outbound team',
      ...(rawQuery(request)['version'] === 'v2'
        ? { users: account.plan.userIds.map((userId) => ({ userId, name: 'Jo Berg' })) }
        : { userIds: account.plan.userIds }),
    }),
  );

  app.get('/campaigns', async (request, reply) => reply.send(listCampaigns(account, rawQuery(request), choices)));

  app.get('/campaigns/:id', async (request, reply) => {
    const campaign = namedCampaign(account, request, reply);
    if (campaign === null) return reply;
    return reply.send({
      ...lemlistCampaignJson(account.plan, campaign),
      creator: { userId: pick(account.plan.userIds, campaign.index), userEmail: 'jo@outbound.example' },
      senders: [{ id: account.plan.userIds[0], email: 'jo@outbound.example' }],
    });
  });

  app.get('/activities', async (request, reply) => {
    const query = readActivityQuery(rawQuery(request), choices.limitAbove100);
    if (!isKnownType(query.type)) {
      if (choices.unknownType === 'refuse') throw new BadParams('Bad params: type is not valid');
      return reply.header('content-type', JSON_TYPE).send('{}');
    }
    const window = windowOf(account, query);
    const body = writeActivities(account, window, query);
    for (const spec of drifts.due(query.campaignId ?? null)) drift(account, window, query, spec);
    return sendBuffer(reply, body);
  });

  app.get('/campaigns/:id/export/leads', async (request, reply) => {
    const campaign = namedCampaign(account, request, reply);
    if (campaign === null) return reply;
    const query = rawQuery(request);
    // Without `state` the list is empty, whatever the documents say.
    const leads = query['state'] === 'all' ? exportLeads(account, campaign) : [];
    return query['format'] === 'json'
      ? reply.send(leads)
      : reply.header('content-type', 'text/csv; charset=utf-8').send(csvOf(leads));
  });

  app.get('/unsubscribes', async (request, reply) => {
    const query = rawQuery(request);
    const offset = readInteger(query, 'offset', 0, 0);
    const end = Math.min(UNSUBSCRIBES, offset + readLimit(query, choices.limitAbove100));
    const rows: unknown[] = [];
    for (let nth = offset; nth < end; nth++) rows.push(unsubscribe(account, UNSUBSCRIBES - 1 - nth));
    return reply.send(rows);
  });

  // An unknown path falls through to the web application.
  app.setNotFoundHandler(async (_request, reply) =>
    sendFixed(reply, { status: 200, contentType: 'text/html; charset=utf-8', body: HTML_PAGE }),
  );
}

function namedCampaign(account: LemlistAccount, request: FastifyRequest, reply: FastifyReply): LemlistCampaign | null {
  const { id } = request.params as { readonly id: string };
  const campaign = account.find(id);
  if (campaign === undefined) sendFixed(reply, CAMPAIGN_NOT_FOUND);
  return campaign ?? null;
}

function listCampaigns(account: LemlistAccount, query: RawQuery, choices: LemlistChoices): unknown {
  const limit = readLimit(query, choices.limitAbove100);
  const page = readInteger(query, 'page', 0, 1);
  const offset = page > 0 ? (page - 1) * limit : readInteger(query, 'offset', 0, 0);
  const status = query['status'];
  const creator = query['createdBy'];
  const ascending =
    query['sortBy'] === 'createdAt' && query['sortOrder'] !== 'desc' && query['sortOrder'] !== undefined;
  const matching = account
    .listed()
    .filter((campaign) => status === undefined || campaign.status === status)
    .filter((campaign) => creator === undefined || pick(account.plan.userIds, campaign.index) === creator)
    .sort((a, b) => (ascending ? 1 : -1) * (a.createdAt - b.createdAt || a.index - b.index));
  const listed = matching.slice(offset, offset + limit).map((campaign) => lemlistCampaignJson(account.plan, campaign));
  if (query['version'] !== 'v2') return listed;
  const totalPage = Math.max(1, Math.ceil(matching.length / limit));
  const currentPage = Math.floor(offset / limit) + 1;
  // On the last page `nextPage` repeats the last number.
  const nextPage = Math.min(currentPage + 1, totalPage);
  return { campaigns: listed, pagination: { totalRecords: matching.length, currentPage, nextPage, totalPage } };
}

function exportLeads(account: LemlistAccount, campaign: LemlistCampaign): readonly Record<string, string>[] {
  const text = (json: string): string => JSON.parse(json) as string;
  return Array.from({ length: campaign.leads }, (_, lead) => {
    const index = campaign.firstPerson + lead;
    const person = personOf(account.seed, index);
    const noEmail = hasNoEmail(account.seed, index, campaign.channel === 'linkedin' ? 600 : 30);
    return {
      _id: idOf(account.seed, 'lea', campaign.index * 1_000_000 + lead),
      email: noEmail ? '' : text(`"${person.email}"`),
      firstName: text(person.firstName),
      lastName: text(person.lastName),
      companyName: text(person.company),
      companyDomain: person.domain,
      jobTitle: text(person.jobTitle),
      linkedinUrl: '',
      phone: '',
      icebreaker: '',
      emailStatus: noEmail ? '' : 'deliverable',
      lastState: 'emailsSent',
      status: 'done',
      'Company size': '50-200',
    };
  });
}

function csvOf(leads: readonly Record<string, string>[]): string {
  const [first] = leads;
  if (first === undefined) return '';
  const line = (cells: readonly string[]): string => cells.map((cell) => `"${cell.replaceAll('"', '""')}"`).join(',');
  return [line(Object.keys(first)), ...leads.map((lead) => line(Object.values(lead)))].join('\n');
}

function unsubscribe(account: LemlistAccount, index: number): Record<string, string> {
  const row = Math.floor((account.rows.length * index) / UNSUBSCRIBES);
  const person = personOf(account.seed, 500_000 + index);
  return {
    _id: idOf(account.seed, 'uns', index),
    createdAt: isoOf(account.rows.timeOf(Math.max(0, account.rows.refAt(row)))),
    value: index % 10 === 0 ? person.domain : (JSON.parse(`"${person.email}"`) as string),
    source: ['user', 'lead', 'abuse', 'bounce', 'api'][index % 5] ?? 'user',
  };
}
