import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Simulator, SmartleadFact, SmartleadOptions } from '../index.ts';
import { BODY_MARKER, createSmartleadSimulator } from '../index.ts';

type Row = Record<string, unknown> & {
  readonly stats_id?: string;
  readonly sent_time: string;
  readonly lead_email: string;
};
type Page = {
  readonly total_stats: string;
  readonly data: readonly Row[];
  readonly offset: number;
  readonly limit: number;
};
type Campaign = {
  readonly id: number;
  readonly name: string;
  readonly status: string;
  readonly parent_campaign_id: number | null;
};
type Answer = { readonly status: number; readonly headers: Record<string, unknown>; readonly text: string };

const SMALL: SmartleadOptions = { seed: 1, campaigns: 8, rows: 2400, bodyBytes: 200 };

async function get(
  simulator: Simulator<SmartleadFact>,
  path: string,
  query: Record<string, string | number> = {},
): Promise<Answer> {
  const response = await simulator.app.inject({
    url: `/api/v1${path}`,
    query: {
      api_key: simulator.apiKey,
      ...Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)])),
    },
  });
  return { status: response.statusCode, headers: response.headers, text: response.body };
}

async function json<T>(
  simulator: Simulator<SmartleadFact>,
  path: string,
  query: Record<string, string | number> = {},
): Promise<T> {
  const answer = await get(simulator, path, query);
  assert.equal(answer.status, 200, answer.text.slice(0, 200));
  return JSON.parse(answer.text) as T;
}

async function campaigns(simulator: Simulator<SmartleadFact>): Promise<readonly Campaign[]> {
  return json(simulator, '/campaigns/');
}

async function walk(simulator: Simulator<SmartleadFact>, id: number, limit: number): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (let offset = 0; ; offset += limit) {
    const page = await json<Page>(simulator, `/campaigns/${id}/statistics`, { offset, limit });
    rows.push(...page.data);
    if (offset + limit >= Number(page.total_stats)) return rows;
  }
}

/** The biggest campaign and its total. */
async function biggest(simulator: Simulator<SmartleadFact>): Promise<{ readonly id: number; readonly total: number }> {
  let found = { id: 0, total: -1 };
  for (const { id } of await campaigns(simulator)) {
    const total = Number((await json<Page>(simulator, `/campaigns/${id}/statistics`, { limit: 1 })).total_stats);
    if (total > found.total) found = { id, total };
  }
  return found;
}

test('the key is taken from the query alone', async () => {
  const { app, apiKey } = createSmartleadSimulator(SMALL);
  const missing = await app.inject({ url: '/api/v1/campaigns/', headers: { authorization: `Bearer ${apiKey}` } });
  assert.equal(missing.statusCode, 401);
  assert.deepEqual(missing.json(), { message: 'API key is required.' });
  const wrong = await app.inject({ url: '/api/v1/campaigns/?api_key=nope' });
  assert.equal(wrong.statusCode, 401);
  assert.deepEqual(wrong.json(), { message: 'Invalid API Key' });
});

test('parameters are validated as Joi does', async () => {
  const simulator = createSmartleadSimulator(SMALL);
  const [campaign] = await campaigns(simulator);
  const path = `/campaigns/${campaign?.id}/statistics`;
  const expected: readonly (readonly [string, Record<string, string>, string])[] = [
    [path, { limit: '1001' }, '"limit" must be less than or equal to 1000'],
    [path, { limit: '0' }, '"limit" must be greater than or equal to 1'],
    [path, { limit: 'x' }, '"limit" must be a number'],
    [path, { offset: '-1' }, '"offset" must be greater than or equal to 0'],
    [path, { event_time_lt: '2026-01-01' }, '"event_time_lt" is not allowed'],
    [path, { email_status: 'sent' }, '"email_status" must be one of [opened, clicked, replied, unsubscribed, bounced]'],
    [path, { sent_time_start_date: 'soon' }, '"sent_time_start_date" must be in ISO 8601 date format'],
    [`/campaigns/${campaign?.id}/leads`, { limit: '101' }, '"limit" must be less than or equal to 100'],
    ['/campaigns/', { limit: '10' }, '"limit" is not allowed'],
    ['/campaigns/abc/statistics', {}, '"campaign_id" must be a number'],
  ];
  for (const [url, query, message] of expected) {
    const answer = await get(simulator, url, query);
    assert.equal(answer.status, 400, message);
    const body = JSON.parse(answer.text) as Record<string, unknown>;
    assert.equal(body['message'], message);
    assert.equal(body['error'], 'Bad Request');
  }
});

test('an unknown campaign and an unknown path are told apart', async () => {
  const simulator = createSmartleadSimulator(SMALL);
  const gone = await get(simulator, '/campaigns/1/statistics');
  assert.equal(gone.status, 404);
  assert.deepEqual(JSON.parse(gone.text), { error: 'Campaign not found - Invalid campaign_id.' });
  const lost = await get(simulator, '/campaigns/1/lead-statistics');
  assert.equal(lost.status, 404);
  assert.match(String(lost.headers['content-type']), /^text\/html/);
  assert.match(lost.text, /Cannot GET \/api\/v1\/campaigns\/1\/lead-statistics/);
});

test('campaigns are all listed, newest id first, with the awkward ones among them', async () => {
  const simulator = createSmartleadSimulator(SMALL);
  const list = await campaigns(simulator);
  assert.equal(list.length, 8);
  const ids = list.map(({ id }) => id);
  assert.deepEqual(
    ids,
    ids.toSorted((a, b) => b - a),
  );
  assert.ok(new Set(list.map(({ name }) => name)).size < list.length, 'two have one name');
  assert.ok(list.some(({ parent_campaign_id }) => parent_campaign_id !== null && ids.includes(parent_campaign_id)));
  const draft = list.find(({ status }) => status === 'DRAFTED');
  assert.deepEqual(await json(simulator, `/campaigns/${draft?.id}/statistics`), {
    total_stats: '0',
    data: [],
    offset: 0,
    limit: 100,
  });
});

test('a walk in pages of any size gives exactly the rows of the ledger', async () => {
  for (const sort of ['sentAscending', 'sentDescending', 'shuffled'] as const) {
    const simulator = createSmartleadSimulator({ ...SMALL, sort });
    for (const limit of [37, 100, 1000]) {
      const walked: string[] = [];
      for (const { id, name } of await campaigns(simulator)) {
        for (const row of await walk(simulator, id, limit)) walked.push(JSON.stringify([String(id), name, row]));
      }
      const held = [...simulator.ledger.records()].map(({ campaignId, campaignName, record }) =>
        JSON.stringify([campaignId, campaignName, record]),
      );
      assert.deepEqual(walked.toSorted(), held.toSorted());
      assert.equal(walked.length, SMALL.rows);
    }
  }
});

test('the send time filters are exclusive, in both formats, and total_stats counts what is left', async () => {
  const simulator = createSmartleadSimulator(SMALL);
  const { id } = await biggest(simulator);
  const all = await walk(simulator, id, 1000);
  const at = (row: Row | undefined): number => Date.parse(`${row?.sent_time.replace(' ', 'T').replace(/Z?$/, 'Z')}`);
  const [from, to] = [at(all[10]), at(all[200])];
  for (const write of [
    (ms: number) => new Date(ms).toISOString(),
    (ms: number) => new Date(ms).toISOString().replace('T', ' '),
  ]) {
    const page = await json<Page>(simulator, `/campaigns/${id}/statistics`, {
      limit: 1000,
      sent_time_start_date: write(from),
      sent_time_end_date: write(to),
    });
    const expected = all.filter((row) => at(row) > from && at(row) < to);
    assert.deepEqual(page.data, expected);
    assert.equal(page.total_stats, String(expected.length));
    assert.ok(expected.length > 100);
  }
});

test('status and step filters keep what they say', async () => {
  const simulator = createSmartleadSimulator(SMALL);
  const { id } = await biggest(simulator);
  const all = await walk(simulator, id, 1000);
  const tests: Record<string, (row: Row) => boolean> = {
    opened: (row) => row['open_time'] !== null || Number(row['open_count']) > 0,
    clicked: (row) => row['click_time'] !== null || Number(row['click_count']) > 0,
    replied: (row) => row['reply_time'] !== null,
    bounced: (row) => row['is_bounced'] === true,
    unsubscribed: (row) => row['is_unsubscribed'] === true,
  };
  for (const [email_status, passes] of Object.entries(tests)) {
    const page = await json<Page>(simulator, `/campaigns/${id}/statistics`, { limit: 1000, email_status });
    assert.deepEqual(page.data, all.filter(passes).slice(0, 1000));
    assert.ok(page.data.length > 0, email_status);
  }
  const second = await json<Page>(simulator, `/campaigns/${id}/statistics`, { limit: 1000, email_sequence_number: 2 });
  assert.equal(Number(second.total_stats), all.filter((row) => row['sequence_number'] === 2).length);
});

test('the rows hold what real rows hold', async () => {
  const simulator = createSmartleadSimulator({ seed: 1, campaigns: 8, rows: 9000, bodyBytes: 300 });
  const rows = [...simulator.ledger.records()].map(({ record }) => record as Row);
  const has = (what: string, passes: (row: Row) => boolean): void => assert.ok(rows.some(passes), what);
  has('no stats_id', (row) => !('stats_id' in row));
  has('opened by count alone', (row) => row['open_time'] === null && Number(row['open_count']) > 0);
  has('opened by time alone', (row) => row['open_time'] !== null && row['open_count'] === 0);
  has('clicked by count alone', (row) => row['click_time'] === null && Number(row['click_count']) > 0);
  has('count as digits', (row) => typeof row['click_count'] === 'string' && row['click_count'] !== '0');
  has('naive time', (row) => !row.sent_time.endsWith('Z'));
  has('blanks around the address', (row) => row.lead_email !== row.lead_email.trim());
  has('capitals in the address', (row) => row.lead_email !== row.lead_email.toLowerCase());
  has('step id as text', (row) => typeof row['email_campaign_seq_id'] === 'string');
  has('step id as number', (row) => typeof row['email_campaign_seq_id'] === 'number');
  has('no ignore_reply', (row) => !('ignore_reply' in row));
  has('unknown fields', (row) => 'future' in row);
  has('no body', (row) => row['email_message'] === null);
  has('body', (row) => String(row['email_message']).includes(BODY_MARKER));
  has('U+0000', (row) => JSON.stringify(row).includes('\\u0000'));
  has('half a surrogate pair', (row) => JSON.stringify([row['lead_name'], row['email_subject']]).includes('\\ud83d'));
  for (const field of [
    'lead_name',
    'lead_category',
    'email_campaign_seq_id',
    'seq_variant_id',
    'email_subject',
    'reply_time',
  ]) {
    has(`null ${field}`, (row) => row[field] === null);
  }
  const replies = rows.filter((row) => row['reply_time'] !== null);
  assert.ok(
    replies.every((row) => /:\d\d(\.000)?Z?$/.test(String(row['reply_time']))),
    'whole seconds',
  );
  const marks = replies.map((row) =>
    [row.lead_email.trim().toLowerCase(), String(row['reply_time']).slice(0, 19)].join(),
  );
  assert.ok(new Set(marks).size < marks.length, 'one reply on two rows');
  const totals = new Set<string>();
  for (const { id } of await campaigns(simulator)) {
    totals.add((await json<Page>(simulator, `/campaigns/${id}/statistics`, { limit: 1 })).total_stats);
  }
  assert.ok(totals.has('1000') && totals.has('2000') && totals.has('0'), 'exactly filled pages and nothing');
  const ids = rows.map(({ stats_id }) => stats_id).filter((id) => id !== undefined && id !== null && id !== '');
  assert.equal(new Set(ids).size, ids.length);
});

test('the facts of the ledger are what the rows say', () => {
  const simulator = createSmartleadSimulator({ ...SMALL, rows: 3000 });
  const told: Record<string, number> = {};
  const count = (what: string, times: number): void => void (told[what] = (told[what] ?? 0) + times);
  for (const { record } of simulator.ledger.records()) {
    const row = record as Row;
    count('sent', 1);
    count('opened', row['open_time'] !== null || Number(row['open_count']) > 0 ? 1 : 0);
    count('clicked', row['click_time'] !== null || Number(row['click_count']) > 0 ? 1 : 0);
    count('replied', row['reply_time'] === null ? 0 : 1);
    count('bounced', row['is_bounced'] === true ? 1 : 0);
    count('unsubscribed', row['is_unsubscribed'] === true ? 1 : 0);
  }
  const held: Record<string, number> = {};
  for (const { sourceType } of simulator.ledger.facts()) held[sourceType] = (held[sourceType] ?? 0) + 1;
  assert.deepEqual(held, told);
});

test('the same seed gives the same bytes, another seed others', () => {
  const text = (seed: number): string => [...createSmartleadSimulator({ ...SMALL, seed }).ledger.lines()].join('\n');
  const first = text(7);
  assert.equal(text(7), first);
  assert.notEqual(text(8), first);
});

test('broken rows are there when asked for, and only then', () => {
  const broken = (brokenRecords: number): readonly unknown[] => {
    const { ledger } = createSmartleadSimulator({ ...SMALL, brokenRecords });
    const records = [...ledger.records()].map(({ record }) => record);
    return records.filter((record) => typeof record !== 'object' || hasFault(record as Row));
  };
  assert.equal(broken(0).length, 0);
  assert.equal(broken(14).length, 14);
});

/** Whether a row cannot become events: no readable send or open time, or nobody it belongs to. */
function hasFault(row: Row): boolean {
  const isTime = (value: unknown): boolean => /^20(?!26-02-30)\d\d-\d\d-\d\d[T ]/.test(String(value));
  const isNobody = row.lead_email === null || row.lead_email.trim() === '';
  return !isTime(row.sent_time) || (row['open_time'] !== null && !isTime(row['open_time'])) || isNobody;
}

test('the limit slides, and a refusal says when to come back', async () => {
  const simulator = createSmartleadSimulator({ ...SMALL, rateLimit: '3/60s' });
  for (const remaining of ['2', '1', '0']) {
    const answer = await get(simulator, '/campaigns/');
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['x-ratelimit-limit'], '3');
    assert.equal(answer.headers['x-ratelimit-remaining'], remaining);
    assert.equal(answer.headers['retry-after'], undefined);
    assert.ok(Math.abs(Number(answer.headers['x-ratelimit-reset']) - Date.now() / 1000) < 62);
  }
  const refused = await get(simulator, '/campaigns/');
  assert.equal(refused.status, 429);
  const body = JSON.parse(refused.text) as { readonly error: { readonly code: string; readonly retry_after: number } };
  assert.equal(body.error.code, 'RATE_LIMIT_EXCEEDED');
  assert.equal(refused.headers['retry-after'], String(body.error.retry_after));
  assert.deepEqual(
    simulator.control.arrivals().map(({ accepted }) => accepted),
    [true, true, true, false],
  );
  assert.equal(simulator.control.maxInWindow(60_000), 4);

  const silent = createSmartleadSimulator({ ...SMALL, rateLimit: '1/60s', retryAfter: 'missing' });
  await get(silent, '/campaigns/');
  assert.equal((await get(silent, '/campaigns/')).headers['retry-after'], undefined);
});

test('the list of changed leads has a stricter limit of its own', async () => {
  const simulator = createSmartleadSimulator({ ...SMALL, rateLimit: '100/60s' });
  const statuses: number[] = [];
  for (let i = 0; i < 11; i++)
    statuses.push((await get(simulator, '/campaigns/all-leads-activities', { limit: 1 })).status);
  assert.deepEqual(statuses, [...new Array<number>(10).fill(200), 429]);
  assert.equal((await get(simulator, '/campaigns/')).status, 200);
});

test('changed leads: every lead of the span once, and a full last page claims more', async () => {
  const simulator = createSmartleadSimulator({ ...SMALL, rows: 1200 });
  type Lead = { readonly email_lead_map_id: number; readonly activities: readonly { readonly sent_time: string }[] };
  const read = (query: Record<string, string | number>): Promise<{ data: readonly Lead[]; hasMore: boolean }> =>
    json(simulator, '/campaigns/all-leads-activities', query);
  const everything = await read({ limit: 1000 });
  assert.equal(everything.hasMore, false);
  assert.equal(everything.data.flatMap(({ activities }) => activities).length, 1200);
  const full = await read({ limit: everything.data.length });
  assert.equal(full.hasMore, true);
  assert.deepEqual(await read({ limit: everything.data.length, offset: everything.data.length }), {
    data: [],
    hasMore: false,
  });
  const from = '2025-01-01';
  const later = await read({ limit: 1000, event_time_from: from });
  assert.ok(later.data.length > 0 && later.data.length < everything.data.length);
  assert.equal((await get(simulator, '/campaigns/all-leads-activities', { event_time_to: from })).status, 400);
  const wrong = await get(simulator, '/campaigns/all-leads-activities', { event_time_from: 'x' });
  assert.match(wrong.text, /Invalid event_time_from format/);
  assert.equal((await get(simulator, '/campaigns/all-leads-activities', { campaign_id: 1 })).status, 400);
});

test('leads are counted as text and filtered; totals of a campaign are text too', async () => {
  const simulator = createSmartleadSimulator(SMALL);
  const { id, total } = await biggest(simulator);
  type Leads = { readonly total_leads: string; readonly data: readonly { readonly lead: { readonly id: number } }[] };
  const all = await json<Leads>(simulator, `/campaigns/${id}/leads`);
  assert.equal(typeof all.total_leads, 'string');
  assert.equal(all.data.length, 100);
  const replied = await json<Leads>(simulator, `/campaigns/${id}/leads`, { emailStatus: 'is_replied' });
  const open = await json<Leads>(simulator, `/campaigns/${id}/leads`, { emailStatus: 'not_replied' });
  assert.equal(Number(replied.total_leads) + Number(open.total_leads), Number(all.total_leads));
  const analytics = await json<Record<string, unknown>>(simulator, `/campaigns/${id}/analytics`);
  assert.equal(analytics['sent_count'], String(total));
  assert.equal(analytics['reply_count'], replied.total_leads);
});

test('time passes only when told to: old rows change, new ones come, the same way every time', async () => {
  const step = { sends: 5, opens: 4, clicks: 3, replies: 2, bounces: 1, unsubscribes: 1, to: '2026-11-02' };
  const make = (): Simulator<SmartleadFact> => createSmartleadSimulator(SMALL);
  const simulator = make();
  const before = new Map([...simulator.ledger.lines()].map((line) => [line, 1]));
  const changes = simulator.control.advance(step);
  assert.equal(changes.length, 16);
  const lines = [...simulator.ledger.lines()];
  assert.equal(lines.length, (SMALL.rows ?? 0) + 5);
  const changed = lines.filter((line) => !before.has(line));
  // Five new rows; the eleven late events may share a row.
  assert.ok(changed.length > 5 && changed.length <= 16);
  assert.ok(changes.every(({ at }) => at > Date.parse('2026-11-01') - 1000 && at <= Date.parse('2026-11-02')));
  const twin = make();
  twin.control.advance(step);
  assert.deepEqual([...twin.ledger.lines()], lines);
  assert.throws(() => simulator.control.advance({ to: '2026-11-01' }), /forward/);
});

test('rows come and go while a client pages, where asked', async () => {
  for (const [sort, position, expectRepeat] of [
    ['sentDescending', 'head', true],
    ['sentAscending', 'tail', false],
  ] as const) {
    const simulator = createSmartleadSimulator({ ...SMALL, sort });
    const { id, total } = await biggest(simulator);
    simulator.control.fault({
      kind: 'insertWhilePaging',
      position,
      campaignId: String(id),
      count: 3,
      at: '2026-10-31T00:00:00Z',
    });
    const rows = await walk(simulator, id, 100);
    const ids = rows.map(({ stats_id }) => stats_id).filter((one) => one !== undefined);
    assert.equal(new Set(ids).size < ids.length, expectRepeat);
    const after = await json<Page>(simulator, `/campaigns/${id}/statistics`, { limit: 1 });
    assert.equal(Number(after.total_stats), total + 3);
  }
  const shrinking = createSmartleadSimulator(SMALL);
  const { id, total } = await biggest(shrinking);
  shrinking.control.fault({ kind: 'deleteWhilePaging', campaignId: String(id), count: 2 });
  const rows = await walk(shrinking, id, 100);
  assert.equal(rows.length, total - 2, 'rows slid over the page edges and were missed');
});

test('an inserted row respects the window that was read', async () => {
  const simulator = createSmartleadSimulator(SMALL);
  const { id } = await biggest(simulator);
  const all = await walk(simulator, id, 1000);
  const bounds = { sent_time_start_date: String(all[100]?.sent_time), sent_time_end_date: String(all[300]?.sent_time) };
  const total = async (): Promise<number> =>
    Number((await json<Page>(simulator, `/campaigns/${id}/statistics`, { limit: 1, ...bounds })).total_stats);
  simulator.control.fault({ kind: 'insertWhilePaging', position: 'tail' });
  const before = await total();
  assert.equal(await total(), before + 1);
});

test('a deleted campaign is gone from the list and answers 404', async () => {
  const simulator = createSmartleadSimulator(SMALL);
  const [first] = await campaigns(simulator);
  assert.ok(first);
  simulator.control.fault({ kind: 'campaignDeleted', campaignId: String(first.id) });
  assert.equal((await get(simulator, `/campaigns/${first.id}/statistics`)).status, 404);
  assert.equal((await campaigns(simulator)).length, 7);
});
