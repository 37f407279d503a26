import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LemlistFact, LemlistOptions, Simulator } from '../index.ts';
import { BODY_MARKER, createLemlistSimulator } from '../index.ts';

type Activity = Record<string, unknown> & {
  readonly _id: string;
  readonly type: string;
  readonly createdAt: string;
  readonly campaignId?: string;
  readonly leadEmail?: string;
};
type Query = Record<string, string | number>;
type Answer = { readonly status: number; readonly headers: Record<string, unknown>; readonly text: string };

const SMALL: LemlistOptions = { seed: 1, campaigns: 8, activities: 1000 };

const basic = (key: string): string => `Basic ${Buffer.from(`:${key}`).toString('base64')}`;

async function get(simulator: Simulator<LemlistFact>, path: string, query: Query = {}): Promise<Answer> {
  const response = await simulator.app.inject({
    url: `/api${path}`,
    headers: { authorization: basic(simulator.apiKey) },
    query: Object.fromEntries(Object.entries(query).map(([key, value]) => [key, String(value)])),
  });
  return { status: response.statusCode, headers: response.headers, text: response.body };
}

async function json<T>(simulator: Simulator<LemlistFact>, path: string, query: Query = {}): Promise<T> {
  const answer = await get(simulator, path, query);
  assert.equal(answer.status, 200, answer.text);
  assert.match(String(answer.headers['content-type']), /^application\/json/);
  return JSON.parse(answer.text) as T;
}

function activities(simulator: Simulator<LemlistFact>, query: Query = {}): Promise<readonly Activity[]> {
  return json(simulator, '/activities', { version: 'v2', ...query });
}

async function walk(simulator: Simulator<LemlistFact>, limit: number, query: Query = {}): Promise<readonly Activity[]> {
  const all: Activity[] = [];
  for (let offset = 0; ; offset += limit) {
    const page = await activities(simulator, { ...query, offset, limit });
    all.push(...page);
    if (page.length < limit) return all;
  }
}

function held(simulator: Simulator<LemlistFact>): readonly Activity[] {
  return [...simulator.ledger.records()].map(({ record }) => record as Activity);
}

test('the key is the password of a nameless user, or the old access token', async () => {
  const { app, apiKey } = createLemlistSimulator(SMALL);
  const ask = async (authorization: string | undefined, url = '/api/team'): Promise<readonly [number, string]> => {
    const response = await app.inject({ url, headers: authorization === undefined ? {} : { authorization } });
    return [response.statusCode, response.statusCode === 200 ? '' : response.body];
  };
  const refused: readonly [number, string] = [401, 'The authentication you supplied is incorrect'];
  assert.deepEqual(await ask(basic(apiKey)), [200, '']);
  assert.deepEqual(await ask(undefined), [400, 'No API key provided']);
  assert.deepEqual(await ask(basic('wrong')), refused);
  assert.deepEqual(await ask(`Bearer ${apiKey}`), refused);
  assert.deepEqual(await ask(`Basic ${Buffer.from(`user:${apiKey}`).toString('base64')}`), refused);
  assert.deepEqual(await ask(undefined, `/api/team?access_token=${apiKey}`), [200, '']);
  assert.deepEqual(await ask(undefined, '/api/team?access_token=wrong'), refused);
  const strict = createLemlistSimulator({ ...SMALL, accessToken: false });
  const response = await strict.app.inject({ url: `/api/team?access_token=${strict.apiKey}` });
  assert.equal(response.statusCode, 400);
});

test('a walk in pages of any size gives exactly the activities of the ledger, newest first', async () => {
  const simulator = createLemlistSimulator(SMALL);
  const expected = held(simulator).toReversed();
  assert.equal(expected.length, SMALL.activities);
  for (const limit of [7, 100]) assert.deepEqual(await walk(simulator, limit), expected);
  const times = expected.map(({ createdAt }) => Date.parse(createdAt));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => b - a),
  );
  // The total is a multiple of the page size: one more page, and it is empty.
  assert.deepEqual(await activities(simulator, { offset: SMALL.activities ?? 0 }), []);
});

test('both bounds are inclusive, as ISO texts and as Unix seconds, and the older names still work', async () => {
  const simulator = createLemlistSimulator(SMALL);
  const all = held(simulator);
  const [min, max] = [all[300]?.createdAt ?? '', all[380]?.createdAt ?? ''];
  const inside = all.filter(({ createdAt }) => createdAt >= min && createdAt <= max).toReversed();
  assert.ok(inside.length >= 81);
  assert.deepEqual(await activities(simulator, { minDate: min, maxDate: max }), inside);
  assert.deepEqual(await activities(simulator, { startDate: min, endDate: max }), inside);
  assert.deepEqual(await activities(simulator, { minDate: min, maxDate: max, startDate: '2000-01-01' }), inside);
  const [from, to] = [Math.floor(Date.parse(min) / 1000), Math.floor(Date.parse(max) / 1000)];
  const bySecond = all.filter(
    ({ createdAt }) => Date.parse(createdAt) >= from * 1000 && Date.parse(createdAt) <= to * 1000,
  );
  assert.deepEqual(await activities(simulator, { minDate: from, maxDate: to }), bySecond.toReversed().slice(0, 100));
  for (const query of [{ minDate: max, maxDate: min }, { minDate: min, maxDate: min }, { minDate: 'soon' }]) {
    const answer = await get(simulator, '/activities', { version: 'v2', ...query });
    assert.equal(answer.status, 400);
    assert.match(answer.text, /^Bad params: /);
    assert.match(String(answer.headers['content-type']), /^text\/plain/);
  }
});

test('filters by campaign, lead, type and first occurrence', async () => {
  const simulator = createLemlistSimulator(SMALL);
  const all = held(simulator).toReversed();
  const some = all.find(({ type, campaignId }) => type === 'emailsOpened' && campaignId !== undefined);
  for (const key of ['type', 'campaignId', 'leadId']) {
    const value = String(some?.[key]);
    assert.deepEqual(
      await walk(simulator, 100, { [key]: value }),
      all.filter((one) => one[key] === value),
    );
  }
  const first = await walk(simulator, 100, { isFirst: 'true' });
  assert.deepEqual(
    first,
    all.filter(({ isFirst }) => isFirst === true),
  );
});

test('limits above 100 and unknown types are answered in either of the ways that were seen', async () => {
  const simulator = createLemlistSimulator(SMALL);
  assert.equal((await activities(simulator, { limit: 500 })).length, 100);
  assert.deepEqual(await json(simulator, '/activities', { version: 'v2', type: 'emailSent' }), {});
  const strict = createLemlistSimulator({ ...SMALL, limitAbove100: 'refuse', unknownType: 'refuse' });
  assert.equal((await get(strict, '/activities', { limit: 101 })).status, 400);
  assert.equal((await get(strict, '/activities', { type: 'emailSent' })).status, 400);
});

test('without a version the flat shape comes back, variables on top', async () => {
  const simulator = createLemlistSimulator(SMALL);
  const second = await walk(simulator, 100);
  const first: Activity[] = [];
  for (let offset = 0; offset < 1000; offset += 100)
    first.push(...(await json<Activity[]>(simulator, '/activities', { offset })));
  assert.deepEqual(
    first.map(({ _id, createdAt }) => [_id, createdAt]),
    second.map(({ _id, createdAt }) => [_id, createdAt]),
  );
  assert.ok(second.some((one) => 'lead' in one) && first.every((one) => !('lead' in one)));
  assert.ok(first.some((one) => one['Company size'] === '50-200'));
  assert.ok(first.some((one) => one['name'] === 'a custom name' && one['campaignName'] !== 'a custom name'));
});

test('the activities hold what real ones hold', () => {
  const simulator = createLemlistSimulator({ seed: 1, campaigns: 12, activities: 24_000 });
  const all = held(simulator);
  const has = (what: string, passes: (one: Activity) => boolean): void => assert.ok(all.some(passes), what);
  has('no campaign', (one) => !('campaignId' in one));
  has('no lead and no contact', (one) => !('leadId' in one) && !('contactId' in one) && !('leadEmail' in one));
  has('a lead without an address', (one) => 'leadId' in one && !('leadEmail' in one));
  has('old, without a step id', (one) => 'sequenceId' in one && !('stepId' in one));
  has('new, with a step id', (one) => 'stepId' in one);
  has('a type from the future', ({ type }) => type === 'smsOTPSent');
  has('a null', (one) => one['leadPhone'] === null);
  has('blanks around the address', ({ leadEmail }) => leadEmail !== undefined && leadEmail.trim() !== leadEmail);
  for (const field of ['message', 'text', 'note', 'body'])
    has(`a body in ${field}`, (one) => String(one[field]).startsWith(BODY_MARKER));
  has('U+0000', (one) => JSON.stringify(one).includes('\\u0000'));
  has('half a surrogate pair', (one) => JSON.stringify(one).includes('\\udfff'));
  has('an unknown field', (one) => 'futureRef' in one);
  assert.equal(new Set(all.map(({ _id }) => _id)).size, all.length);
  assert.ok(new Set(all.map(({ _id }) => _id.toLowerCase())).size < all.length, 'ids that differ in case alone');
  const wholeSeconds = all.filter(({ type }) => type === 'emailsReplied' || type === 'linkedinSent');
  assert.ok(wholeSeconds.filter(({ createdAt }) => createdAt.endsWith('.000Z')).length > wholeSeconds.length * 0.8);
  const sameTime = new Map<string, number>();
  for (const { createdAt } of all) sameTime.set(createdAt, (sameTime.get(createdAt) ?? 0) + 1);
  const runs = [...sameTime.values()];
  assert.ok(runs.filter((run) => run >= 7).length > 100 && Math.max(...runs) >= 250);
  assert.ok(all.every(({ createdAt }) => createdAt > '2024-01-01' && createdAt < '2026-11-01'));
});

test('campaigns: both envelopes, the last page names itself, equal names, an archived one and a removed one', async () => {
  const simulator = createLemlistSimulator({ seed: 1, campaigns: 12, activities: 24_000 });
  type Campaign = { readonly _id: string; readonly name: string; readonly status: string; readonly createdAt: string };
  type Envelope = { readonly campaigns: readonly Campaign[]; readonly pagination: Record<string, number> };
  const bare = await json<readonly Campaign[]>(simulator, '/campaigns');
  assert.equal(bare.length, 11);
  assert.ok(new Set(bare.map(({ name }) => name)).size < bare.length);
  assert.ok(bare.some(({ status }) => status === 'archived'));
  const pages: Envelope[] = [];
  for (const page of [1, 2, 3]) {
    pages.push(
      await json(simulator, '/campaigns', { version: 'v2', limit: 5, page, sortBy: 'createdAt', sortOrder: 'asc' }),
    );
  }
  assert.deepEqual(
    pages.map(({ pagination }) => pagination),
    [
      { totalRecords: 11, currentPage: 1, nextPage: 2, totalPage: 3 },
      { totalRecords: 11, currentPage: 2, nextPage: 3, totalPage: 3 },
      { totalRecords: 11, currentPage: 3, nextPage: 3, totalPage: 3 },
    ],
  );
  const paged = pages.flatMap(({ campaigns }) => campaigns);
  assert.deepEqual(paged, bare.toReversed());
  assert.deepEqual(
    await json(simulator, '/campaigns', { version: 'v2', limit: 5, offset: 5, sortBy: 'createdAt', sortOrder: 'asc' }),
    pages[1],
  );
  const archived = await json<readonly Campaign[]>(simulator, '/campaigns', { status: 'archived' });
  assert.deepEqual(
    archived.map(({ status }) => status),
    ['archived'],
  );

  const listed = new Set(bare.map(({ _id }) => _id));
  const orphan = held(simulator).find(({ campaignId }) => campaignId !== undefined && !listed.has(campaignId));
  const gone = await get(simulator, `/campaigns/${orphan?.campaignId}`);
  assert.deepEqual([gone.status, gone.text], [404, 'Campaign not found']);
  const [one] = bare;
  assert.equal((await json<Campaign>(simulator, `/campaigns/${one?._id}`))._id, one?._id);
  const counts = new Map<unknown, number>();
  for (const { campaignId } of held(simulator)) counts.set(campaignId, (counts.get(campaignId) ?? 0) + 1);
  assert.ok([...counts.values()].includes(200), 'a campaign whose last page is full');
  assert.ok(
    bare.some(({ _id }) => !counts.has(_id)),
    'a campaign without activities',
  );
  for (const { campaignId, createdAt } of held(simulator)) {
    const campaign = bare.find(({ _id }) => _id === campaignId);
    assert.ok(campaign === undefined || campaign.createdAt < createdAt);
  }
});

test('leads come whole, with their variables, and not at all without a state; unsubscribes are paged', async () => {
  const simulator = createLemlistSimulator(SMALL);
  const [campaign] = await json<readonly { readonly _id: string }[]>(simulator, '/campaigns');
  const path = `/campaigns/${campaign?._id}/export/leads`;
  const leads = await json<readonly Record<string, string>[]>(simulator, path, { state: 'all', format: 'json' });
  assert.ok(leads.length > 0 && leads.every((lead) => lead['Company size'] === '50-200'));
  assert.deepEqual(await json(simulator, path, { format: 'json' }), []);
  const csv = await get(simulator, path, { state: 'all', format: 'csv' });
  assert.equal(csv.text.split('\n').length, leads.length + 1);
  const sizes: number[] = [];
  for (const offset of [0, 100, 200]) {
    sizes.push((await json<readonly unknown[]>(simulator, '/unsubscribes', { offset })).length);
  }
  assert.deepEqual(sizes, [100, 100, 30]);
});

test('every answer carries the four headers, in their odd forms', async () => {
  const simulator = createLemlistSimulator({ ...SMALL, rateLimit: '3/60s' });
  const answers: Answer[] = [];
  for (const path of ['/team', '/nowhere', '/campaigns/cam_none', '/team']) answers.push(await get(simulator, path));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 404, 429],
  );
  assert.deepEqual(
    answers.map(({ headers }) => headers['x-ratelimit-remaining']),
    ['2', '1', '0', '0'],
  );
  for (const { headers } of answers) {
    assert.equal(headers['x-ratelimit-limit'], '3');
    assert.match(String(headers['x-ratelimit-reset']), /^\w{3} \w{3} \d\d \d{4} \d\d:\d\d:\d\d GMT\+0200 \(/);
    assert.ok(Math.abs(Date.parse(String(headers['x-ratelimit-reset'])) - Date.now() - 60_000) < 5000);
    assert.match(String(headers['retry-after']), /^\d+(\.\d{1,3})?$/);
  }
  assert.match(String(answers[1]?.headers['content-type']), /^text\/html/);
  assert.equal(answers[3]?.text, 'Too Many Requests');
  const unauthorized = await simulator.app.inject({ url: '/api/team' });
  assert.equal(unauthorized.headers['x-ratelimit-limit'], '3');
  assert.deepEqual(
    simulator.control.arrivals().map(({ accepted }) => accepted),
    [true, true, true, false],
  );
});

test('collisions and broken activities are there when asked for, and only then', () => {
  const repeats = (options: LemlistOptions): number => {
    const seen = new Map<string, Activity>();
    let found = 0;
    for (const one of held(createLemlistSimulator({ ...SMALL, ...options }))) {
      const other = seen.get(one._id);
      seen.set(one._id, one);
      if (other === undefined) continue;
      assert.deepEqual([one.type, one.campaignId], [other.type, other.campaignId]);
      assert.notEqual(one.createdAt, other.createdAt);
      found += 1;
    }
    return found;
  };
  assert.equal(repeats({}), 0);
  assert.equal(repeats({ collisions: 9 }), 9);
  const broken = held(createLemlistSimulator({ ...SMALL, brokenRecords: 10 })).filter(
    (one) =>
      typeof one !== 'object' ||
      one.type === undefined ||
      !(one.createdAt ?? '').startsWith('20') ||
      (one._id === undefined &&
        one.leadEmail === undefined &&
        one['leadId'] === undefined &&
        one['contactId'] === undefined),
  );
  assert.equal(broken.length, 10);
});

test('new and backdated activities come the same way every time', () => {
  const make = (): Simulator<LemlistFact> => createLemlistSimulator(SMALL);
  const simulator = make();
  const before = new Set(simulator.ledger.lines());
  const changes = simulator.control.advance({ activities: 6, backdated: 4 });
  const added = [...simulator.ledger.lines()].filter((line) => !before.has(line));
  assert.equal(added.length, 10);
  assert.equal(changes.filter(({ at }) => at > Date.parse('2026-11-01')).length, 6);
  assert.equal(changes.filter(({ at }) => at <= Date.parse('2026-11-01')).length, 4);
  const twin = make();
  twin.control.advance({ activities: 6, backdated: 4 });
  assert.deepEqual([...twin.ledger.lines()], [...simulator.ledger.lines()]);
});

test('without a pinned upper bound arriving activities repeat rows, with it they do not', async () => {
  const maxDate = '2026-10-31';
  for (const [query, repeated] of [
    [{}, 3],
    [{ maxDate }, 0],
  ] as const) {
    const simulator = createLemlistSimulator(SMALL);
    simulator.control.fault({ kind: 'insertWhilePaging', count: 3, at: '2026-11-03T00:00:00Z' });
    const all = await walk(simulator, 100, query);
    assert.equal(all.length - new Set(all.map(({ _id }) => _id)).size, repeated);
  }
});

test('the same seed gives the same bytes, another seed others', () => {
  const text = (seed: number): string => [...createLemlistSimulator({ ...SMALL, seed }).ledger.lines()].join('\n');
  const first = text(7);
  assert.equal(text(7), first);
  assert.notEqual(text(8), first);
});
