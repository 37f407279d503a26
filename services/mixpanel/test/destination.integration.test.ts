import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import type { Delivery, Outgoing } from '@full-sync/destinations';
import { createLogger } from '@full-sync/runtime';
import type { OutreachEvent } from '@full-sync/schemas';
import { MIXPANEL_PROJECT, createMixpanelSimulator } from '@full-sync/simulators';
import type { MixpanelOptions, MixpanelPlatform, Sink } from '@full-sync/simulators';
import { createMixpanelDestination } from '../src/destination.ts';
import type { ImportEvent } from '../src/domain/to-import-event.ts';
import { loadProjects } from '../src/projects.ts';
import type { ProjectSettings } from '../src/projects.ts';
import { anEvent, idOf, someEvents } from './an-event.ts';

const NOW = 1_772_100_000_000;
const [ACCOUNT] = MIXPANEL_PROJECT.serviceAccounts;
assert.ok(ACCOUNT);

const withAccount = {
  MIXPANEL_PROJECT_ID: MIXPANEL_PROJECT.id,
  MIXPANEL_SERVICE_ACCOUNT_USERNAME: ACCOUNT.username,
  MIXPANEL_SERVICE_ACCOUNT_SECRET: ACCOUNT.secret,
};

interface Bench {
  readonly simulator: Sink<MixpanelPlatform>;
  readonly deliver: (events: readonly OutreachEvent[], signal?: AbortSignal) => Promise<Delivery>;
  readonly statuses: (number | null)[];
  now: number;
}

async function open(
  t: TestContext,
  {
    options = {},
    config = { ...withAccount, MIXPANEL_PROJECT_TOKEN: MIXPANEL_PROJECT.token },
  }: { readonly options?: MixpanelOptions; readonly config?: Partial<ProjectSettings> } = {},
): Promise<Bench> {
  const simulator = createMixpanelSimulator({ now: () => NOW, ...options });
  const baseUrl = await simulator.app.listen({ port: 0, host: '127.0.0.1' });
  const bench = { now: NOW, statuses: [] as (number | null)[] };
  const destination = createMixpanelDestination({
    projects: loadProjects({ MIXPANEL_BASE_URL: baseUrl, ...config }),
    profiles: true,
    clock: { now: () => bench.now, sleep: async () => undefined },
    random: () => 0.5,
    logger: createLogger({ service: 'test', level: 'silent' }),
    onAnswer: (status) => bench.statuses.push(status),
  });
  t.after(async () => {
    await destination[Symbol.asyncDispose]();
    await simulator.app.close();
  });
  return Object.assign(bench, {
    simulator,
    deliver: async (events: readonly OutreachEvent[], signal = AbortSignal.timeout(20_000)): Promise<Delivery> => {
      const target = destination.target('test');
      assert.ok(target);
      const batch = events.map((event): Outgoing<ImportEvent> => {
        const mapped = destination.toPayload(event);
        if (mapped.kind !== 'send') throw new Error('not to be sent');
        const eventId = event.event_key.slice(-32);
        return { eventId, payload: mapped.payload, json: JSON.stringify(mapped.payload) };
      });
      return await destination.deliver(target, batch, signal);
    },
  });
}

function kindsOf(delivery: Delivery): Readonly<Record<string, number>> {
  assert.equal(delivery.kind, 'each');
  const counts: Record<string, number> = {};
  for (const { kind } of delivery.kind === 'each' ? delivery.settlements : []) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

test('stores events and tells profiles once, with one request each', async (t) => {
  const bench = await open(t);
  assert.deepEqual(kindsOf(await bench.deliver(someEvents(0, 2_000))), { done: 2_000 });
  assert.deepEqual(bench.statuses, [200, 200]);
  assert.equal(bench.simulator.query().length, 2_000);
  const one = bench.simulator.query().find(({ insertId }) => insertId === idOf(7));
  assert.deepEqual([one?.event, one?.distinctId, one?.time], ['Email Sent', 'lead7@acme.com', anEvent(7).occurred_at]);
  assert.deepEqual(bench.simulator.profiles().get('lead7@acme.com'), {
    $email: 'lead7@acme.com',
    $name: 'Lead 7',
    outreach_campaigns: ['Größe – "wave" 2'],
    outreach_platforms: ['smartlead'],
  });
  // The same people again: nothing is new of them.
  await bench.deliver(someEvents(2_000, 100));
  assert.deepEqual(bench.statuses, [200, 200, 200]);
});

test('by a token alone, by an account without one: then without profiles', async (t) => {
  const token = await open(t, { config: { MIXPANEL_PROJECT_TOKEN: MIXPANEL_PROJECT.token } });
  assert.deepEqual(kindsOf(await token.deliver(someEvents(0, 10))), { done: 10 });
  assert.equal(token.simulator.counts().profiles, 10);
  const account = await open(t, { config: withAccount });
  assert.deepEqual(kindsOf(await account.deliver(someEvents(0, 10))), { done: 10 });
  assert.deepEqual([account.simulator.counts().visible, account.simulator.counts().profiles], [10, 0]);
});

test('what the project refuses is rejected with its reason, the rest is stored', async (t) => {
  for (const insertIdKey of ['insert_id', '$insert_id'] as const) {
    const refusals = [{ property: 'forbidden', message: 'not in this project' }];
    const bench = await open(t, { options: { insertIdKey, refusals } });
    const events = someEvents(0, 50, (n) => (n % 10 === 3 ? { properties: '{"forbidden":1}' } : {}));
    const delivery = await bench.deliver(events);
    assert.deepEqual(kindsOf(delivery), { done: 45, reject: 5 });
    assert.deepEqual(delivery.kind === 'each' && delivery.settlements[13], {
      kind: 'reject',
      code: 'MIXPANEL_REFUSED',
      detail: "'properties.forbidden' is invalid: not in this project",
    });
    assert.equal(bench.simulator.counts().visible, 45);
  }
});

test('a request that is refused whole is split until it is found', async (t) => {
  const bench = await open(t);
  const body = JSON.stringify({ code: 400, failed_records: ['nobody knows which'], num_records_imported: 0 });
  bench.simulator.control.fault({ kind: 'status', status: 400, body, path: '/import', count: 2 });
  assert.deepEqual(kindsOf(await bench.deliver(someEvents(0, 40))), { done: 40 });
  // 40 and 20 are refused; 10, 10 and 20 are stored.
  assert.deepEqual(bench.statuses, [200, 400, 400, 200, 200, 200]);
  bench.simulator.control.fault({ kind: 'status', status: 400, body, path: '/import', count: 1 });
  const [one] = [await bench.deliver([anEvent(99)])];
  assert.deepEqual(kindsOf(one), { reject: 1 });
});

test('a project that refuses everything is no event’s fault: halts instead of burying a batch (I5)', async (t) => {
  const bench = await open(t);
  const body = JSON.stringify({ code: 400, error: 'the project is archived', num_records_imported: 0 });
  bench.simulator.control.fault({ kind: 'status', status: 400, body, path: '/import', count: 1_000 });
  const delivery = await bench.deliver(someEvents(0, 500));
  assert.deepEqual(delivery, { kind: 'halt', code: 'MIXPANEL_REFUSES_ALL', detail: 'the project is archived' });
  assert.ok(bench.statuses.length < 40, `${bench.statuses.length} requests`);
});

test('whatever answers 413 to everything is no event’s fault either, and is forgotten once it is over (I5)', async (t) => {
  const bench = await open(t);
  bench.simulator.control.fault({ kind: 'status', status: 413, body: 'too large', path: '/import', count: 40 });
  const delivery = await bench.deliver(someEvents(0, 500));
  assert.deepEqual(delivery, { kind: 'halt', code: 'MIXPANEL_REFUSES_ALL', detail: 'too large' });
  bench.simulator.control.clearFaults();
  bench.statuses.length = 0;
  assert.deepEqual(kindsOf(await bench.deliver(someEvents(0, 500))), { done: 500 });
  const requests = bench.statuses.length;
  assert.ok(requests <= 4, `${requests} requests for what fits into one`);
});

test('a request too large is halved, and the next ones stay below what was learned', async (t) => {
  const bench = await open(t, { options: { byteLimit: 400_000 } });
  const wide = (n: number): Partial<OutreachEvent> => ({ properties: JSON.stringify({ a: 'x'.repeat(250), n }) });
  assert.deepEqual(kindsOf(await bench.deliver(someEvents(0, 1_000, wide))), { done: 1_000 });
  assert.ok(bench.statuses.includes(413));
  bench.statuses.length = 0;
  assert.deepEqual(kindsOf(await bench.deliver(someEvents(1_000, 1_000, wide))), { done: 1_000 });
  assert.ok(!bench.statuses.includes(413), String(bench.statuses));
  assert.equal(bench.simulator.counts().visible, 2_000);
  const alone = await open(t, { options: { byteLimit: 300 } });
  const delivery = await alone.deliver([anEvent(1, { lead_email: null })]);
  assert.equal(
    delivery.kind === 'each' && delivery.settlements[0]?.kind === 'reject' && delivery.settlements[0].code,
    'MIXPANEL_TOO_LARGE',
  );
});

test('wrong credentials halt, and nothing is rejected (I5)', async (t) => {
  const bench = await open(t, { config: { ...withAccount, MIXPANEL_SERVICE_ACCOUNT_SECRET: 'wrong-secret-of-mine' } });
  const delivery = await bench.deliver(someEvents(0, 10));
  assert.deepEqual(delivery, { kind: 'halt', code: 'MIXPANEL_UNAUTHORIZED', detail: 'Invalid credentials' });
  assert.equal(bench.simulator.counts().accepted, 0);
});

test('a secret that an answer gives back is not told on (I7)', async (t) => {
  const bench = await open(t, { config: { MIXPANEL_PROJECT_TOKEN: MIXPANEL_PROJECT.token } });
  const body = `{"error":"${MIXPANEL_PROJECT.token} may not write of ada@example.com here"}`;
  bench.simulator.control.fault({ kind: 'status', status: 403, path: '/import', body });
  const delivery = await bench.deliver([anEvent(1)]);
  assert.deepEqual(delivery, {
    kind: 'halt',
    code: 'MIXPANEL_FORBIDDEN',
    detail: '[redacted] may not write of [address] here',
  });
});

test('429 slows the project down as documented, for all batches, and a word of its own wins', async (t) => {
  const bench = await open(t);
  const refuse = { kind: 'status', status: 429, path: '/import' } as const;
  bench.simulator.control.fault(refuse);
  // 2 s, and 3 s of jitter, and a quarter so that batches do not come back as one.
  assert.deepEqual(await bench.deliver(someEvents(0, 10)), { kind: 'retry', afterMs: 5_250, reason: 'throttled' });
  const requests = bench.statuses.length;
  bench.now += 1_000;
  assert.deepEqual(await bench.deliver(someEvents(10, 10)), { kind: 'retry', afterMs: 4_250, reason: 'throttled' });
  assert.equal(bench.statuses.length, requests, 'nothing is sent meanwhile');
  bench.now += 4_000;
  bench.simulator.control.fault(refuse);
  assert.deepEqual(await bench.deliver(someEvents(0, 10)), { kind: 'retry', afterMs: 7_250, reason: 'throttled' });
  bench.now += 7_000;
  assert.deepEqual(kindsOf(await bench.deliver(someEvents(0, 10))), { done: 10 });
  bench.simulator.control.fault({ ...refuse, retryAfter: 9 });
  assert.deepEqual(await bench.deliver(someEvents(0, 10)), { kind: 'retry', afterMs: 9_750, reason: 'throttled' });
});

test('no answer, a proxy’s page, a success that is none: sent again, and visible once', async (t) => {
  const bench = await open(t);
  const faults = [
    [{ kind: 'loseReply' }, 'network'],
    [{ kind: 'dropRequest' }, 'network'],
    [{ kind: 'status', status: 500 }, 'status'],
    [{ kind: 'html' }, 'unreadable'],
    [{ kind: 'emptyBody' }, 'unreadable'],
    [{ kind: 'truncate' }, 'unreadable'],
  ] as const;
  for (const [fault, reason] of faults) {
    bench.simulator.control.fault({ ...fault, path: '/import' });
    const delivery = await bench.deliver(someEvents(0, 20));
    assert.deepEqual(delivery, { kind: 'retry', afterMs: null, reason }, fault.kind);
  }
  bench.simulator.control.fault({ kind: 'status', status: 503, path: '/import' });
  const delivery = await bench.deliver(someEvents(0, 20));
  assert.ok(delivery.kind === 'retry' && delivery.reason === 'status' && delivery.afterMs === 5_250);
  bench.now += 6_000;
  assert.deepEqual(kindsOf(await bench.deliver(someEvents(0, 20))), { done: 20 });
  const { accepted, visible } = bench.simulator.counts();
  assert.deepEqual([accepted > visible, visible], [true, 20]);
});

test('profiles that cannot be told hold the events back; profiles that are refused do not', async (t) => {
  const bench = await open(t);
  bench.simulator.control.fault({ kind: 'status', status: 500, path: '/engage' });
  assert.deepEqual(await bench.deliver(someEvents(0, 10)), { kind: 'retry', afterMs: null, reason: 'status' });
  assert.equal(bench.simulator.counts().accepted, 0);
  const refused = { kind: 'status', status: 200, path: '/engage', body: '{"status":0,"error":"no"}' } as const;
  // Of 20 updates in one request one is bad: found in halves, and left out.
  bench.simulator.control.fault({ ...refused, count: 6 });
  assert.deepEqual(kindsOf(await bench.deliver(someEvents(0, 10))), { done: 10 });
  assert.equal(bench.simulator.counts().visible, 10);
  assert.equal(bench.simulator.counts().updates, 19);
  bench.simulator.control.fault({ ...refused, count: 1_000 });
  assert.deepEqual(kindsOf(await bench.deliver(someEvents(10, 40))), { done: 40 });
  assert.ok(bench.simulator.control.arrivalCount() < 60, 'a project that refuses all profiles is not asked for each');
});

test('events that have only just happened wait, those that have not yet are rejected', async (t) => {
  const bench = await open(t);
  const at = (occurredAt: number, n: number): OutreachEvent => anEvent(n, { occurred_at: occurredAt });
  const delivery = await bench.deliver([
    at(NOW - 6_000, 0),
    at(NOW - 1_000, 1),
    at(NOW + 60_000, 2),
    at(NOW + 3_600_000, 3),
    at(NOW - 5_000, 4),
  ]);
  assert.deepEqual(delivery.kind === 'each' && delivery.settlements, [
    { kind: 'done' },
    { kind: 'retry', afterMs: 4_000 },
    { kind: 'retry', afterMs: 65_000 },
    {
      kind: 'reject',
      code: 'MIXPANEL_TIME_IN_FUTURE',
      detail: 'the event has not happened yet; Mixpanel would give it another time',
      pointer: '/occurred_at',
    },
    { kind: 'done' },
  ]);
  assert.deepEqual(
    bench.simulator.query().map(({ insertId }) => insertId),
    [idOf(0), idOf(4)],
  );
  const waiting = await bench.deliver([at(NOW, 9)]);
  assert.deepEqual(waiting.kind === 'each' && waiting.settlements, [{ kind: 'retry', afterMs: 5_000 }]);
});

test('lets go at once when it is told to, with what it was told', async (t) => {
  const bench = await open(t);
  bench.simulator.control.fault({ kind: 'hang', path: '/import' });
  const controller = new AbortController();
  const delivering = bench.deliver(someEvents(0, 10), controller.signal);
  const reason = new Error('drain');
  controller.abort(reason);
  await assert.rejects(delivering, reason);
});

test('events of odd leads and odd values are taken as they are mapped', async (t) => {
  for (const idMerge of ['simplified', 'original'] as const) {
    const bench = await open(t, { options: { idMerge } });
    const odd = [
      anEvent(0, { lead_email: null, lead_id: '0' }),
      anEvent(1, { lead_email: 'null', lead_id: null }),
      anEvent(2, { lead_email: null, lead_id: 'lea_Yb6n' }),
      anEvent(3, { occurred_at: Date.UTC(1972, 3, 4, 5, 6, 7, 890) }),
      anEvent(4, {
        campaign_name: '🚀'.repeat(200),
        properties: '{"a":"\\ud83d","list":[[1]],"x":{"y":{"z":{"w":{}}}}}',
      }),
    ];
    assert.deepEqual(kindsOf(await bench.deliver(odd)), { done: 5 });
    const stored = bench.simulator.query();
    assert.deepEqual(
      stored.map(({ distinctId }) => distinctId),
      ['', '', 'lea_Yb6n', 'lead3@acme.com', 'lead4@acme.com'],
    );
    assert.equal(stored[3]?.time, Date.UTC(1972, 3, 4, 5, 6, 7, 890));
    assert.match(stored[4]?.properties ?? '', /"campaign_name":"(?:🚀){63}"/u);
  }
});
