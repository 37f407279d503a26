import assert from 'node:assert/strict';
import { test } from 'node:test';
import { insertBackfill, readBackfill } from '@full-sync/database';
import { createSender } from '@full-sync/http-client';
import { systemClock } from '@full-sync/runtime';
import { ATTIO_SCOPES, ATTIO_WORKSPACE } from '@full-sync/simulators';
import { waitFor, writeNamespacesFile } from '@full-sync/testing';
import type { ServiceProcess } from '@full-sync/testing';
import { event, events, expected, heldBySimulator, openBench, openSimulator, outreachOf, sorted } from './harness.ts';
import { createAttio } from '../src/attio.ts';
import { setUpWorkspace } from '../src/set-up-workspace.ts';
import { openStub } from './stub-attio.ts';

test('1,000 events of 50 people cost about 50 writes, each with absolute totals, and count as sent', async () => {
  await using bench = await openBench();
  await using attio = await openSimulator();
  const before = attio.writes().length;
  const all = events(0, 1000);
  for (const partition of [0, 1, 2, 3]) {
    await bench.publish(
      partition,
      all.filter((_, i) => (i % 50) % 4 === partition),
    );
  }
  await using service = await bench.start(attio.env);
  await bench.quiet();
  assert.ok(!service.hasExited());
  assert.deepEqual(sorted(outreachOf(attio.people())), sorted(heldBySimulator(all)));
  const writes = attio.writes().length - before;
  assert.ok(writes >= 50 && writes <= 60, `${writes} writes`);
  assert.equal(attio.counts().mostInFlightPerPerson, 1);
  assert.equal(attio.counts().throttled, 0);
  assert.deepEqual(await bench.counts('job_a'), { sent: 1000, skipped: 0, failed: 0, waiting: 0 });
  await hasShownAges(service, 1000);
});

const secondToken = 'second-token-0123456789';
const second = {
  id: '5f0c6b1e-7f0a-4a52-9d1c-2a6f35f3a002',
  name: 'Second',
  tokens: [{ token: secondToken, scopes: ATTIO_SCOPES }],
};

/** The simulator with two workspaces that are both set up. */
async function openTwoWorkspaces(): ReturnType<typeof openSimulator> {
  const attio = await openSimulator({ workspaces: [ATTIO_WORKSPACE, second] });
  await using sender = createSender({ baseUrl: attio.url, timeoutMs: 5000, maxConnections: 1 });
  const api = createAttio(sender, secondToken);
  await setUpWorkspace(api, { clock: systemClock, create: true, activities: false });
  return attio;
}

test('people of two namespaces are one person in one workspace, and two where each has its own', async () => {
  await using bench = await openBench();
  await using attio = await openTwoWorkspaces();
  await using file = await writeNamespacesFile({
    acme: { attio: { apiKeyEnv: 'KEY_OF_ACME' } },
    quiet: { attio: null },
  });
  const of = (namespace: string) => (n: number) => ({ namespace, lead_email: `lead${n % 5}@example.com` });
  const [test1, other, acme, quiet] = [
    events(0, 10, of('test')),
    events(10, 10, of('other')),
    events(20, 10, of('acme')),
    events(30, 10, of('quiet')),
  ];
  await using service = await bench.start({
    ...attio.env,
    NAMESPACES_FILE: file.path,
    KEY_OF_ACME: secondToken,
    ATTIO_RATE_LIMIT: 'off',
  });
  attio.configure({ writesPerSecond: 0 });
  await bench.publish(0, [...test1, ...other, ...acme, ...quiet]);
  await bench.quiet();
  assert.deepEqual(sorted(outreachOf(attio.people())), sorted(heldBySimulator([...test1, ...other])));
  assert.deepEqual(sorted(outreachOf(attio.people(second.id))), sorted(heldBySimulator(acme)));
  assert.deepEqual(await bench.counts('job_a'), { sent: 30, skipped: 10, failed: 0, waiting: 0 });
  assert.ok(!service.hasExited());
});

test('a key that opens no workspace yet holds up no other one; its events are in once it does', async () => {
  await using bench = await openBench();
  await using attio = await openTwoWorkspaces();
  await using file = await writeNamespacesFile({ acme: { attio: { apiKeyEnv: 'KEY_OF_ACME' } } });
  const env = { ...attio.env, NAMESPACES_FILE: file.path, ATTIO_RATE_LIMIT: 'off' };
  attio.configure({ writesPerSecond: 0 });
  const of = (namespace: string) => (n: number) => ({ namespace, lead_email: `lead${n % 5}@example.com` });
  const [ours, acme] = [events(0, 10, of('test')), events(10, 10, of('acme'))];
  {
    await using service = await bench.start({ ...env, KEY_OF_ACME: 'a-token-of-nobody-0123456789' }, 'halted');
    await bench.publish(0, [...ours, ...acme]);
    await bench.quiet();
    assert.deepEqual(sorted(outreachOf(attio.people())), sorted(heldBySimulator(ours)));
    assert.deepEqual(await bench.counts('job_a'), { sent: 10, skipped: 0, failed: 0, waiting: 10 });
    assert.match(await (await fetch(`${service.url}/readyz`)).text(), /ATTIO_UNAUTHORIZED/);
    await service.kill('SIGTERM');
  }
  await using service = await bench.start({ ...env, KEY_OF_ACME: secondToken });
  const sent = async (): Promise<boolean> => (await bench.counts('job_a')).waiting === 0;
  await waitFor(sent, { deadlineMs: 60_000, what: 'what was set aside to be written' });
  assert.deepEqual(sorted(outreachOf(attio.people(second.id))), sorted(heldBySimulator(acme)));
  assert.deepEqual(await bench.counts('job_a'), { sent: 20, skipped: 0, failed: 0, waiting: 0 });
  assert.ok(!service.hasExited());
});

test('what was delivered is not delivered again; events without address are skipped with a code', async () => {
  await using bench = await openBench();
  await using attio = await openStub();
  await using service = await bench.start({ ATTIO_BASE_URL: attio.url, ATTIO_RATE_LIMIT: 'off' });
  const first = [
    ...events(0, 20),
    event(20, { lead_email: null, lead_id: 'l' }),
    event(21, { lead_email: 'no address' }),
    // One key twice in one batch.
    event(5, { source_offset: 22 }),
  ];
  await bench.publish(0, first);
  await bench.quiet();
  assert.deepEqual(await bench.counts('job_a'), { sent: 20, skipped: 3, failed: 0, waiting: 0 });
  const before = attio.writes.length;
  // A re-sync: the same facts from another job, one of them under another partition, and one fact more.
  await bench.publish(
    0,
    events(0, 10, (n) => ({ job_id: 'job_b', source_offset: 100 + n })),
  );
  await bench.publish(
    1,
    events(10, 11, (n) => ({ job_id: 'job_b', source_offset: 100 + n })).filter((_, i) => i < 10),
  );
  await bench.publish(2, [event(300, { job_id: 'job_b' })], { destinations: ['mixpanel'] });
  await bench.publish(3, [event(301, { job_id: 'job_b' })]);
  await bench.quiet();
  assert.deepEqual(await bench.counts('job_b'), { sent: 1, skipped: 20, failed: 0, waiting: 0 });
  assert.equal(attio.writes.length, before + 1);
  assert.deepEqual(sorted(attio.people), sorted(expected([...events(0, 20), event(301)])));
  const { rows } = await bench.db.pool.query(
    'select code, count(*)::int from deliveries where state = $1 group by 1 order by 1',
    ['skipped'],
  );
  assert.deepEqual(rows, [
    { code: 'ATTIO_NO_EMAIL', count: 1 },
    { code: 'ATTIO_UNUSABLE_EMAIL', count: 1 },
  ]);
  assert.ok(!service.hasExited());
});

test('a wrong key halts and says so; nothing is given up, and it goes on by itself once the key is right', async () => {
  await using bench = await openBench();
  await using attio = await openStub();
  await using letters = await bench.letters();
  await using service = await bench.start({ ATTIO_BASE_URL: attio.url });
  attio.answer = () => ({ status: 401, body: { status_code: 401, code: 'unauthorized', message: 'The API Key …' } });
  const all = events(0, 30);
  await bench.publish(0, all);
  const readiness = async (): Promise<string> => await (await fetch(`${service.url}/readyz`)).text();
  await waitFor(async () => (await readiness()).includes('ATTIO_UNAUTHORIZED'), {
    what: 'the halt',
    deadlineMs: 60_000,
  });
  assert.equal(await service.metric('full_sync_delivery_halted'), 1);
  assert.deepEqual(await bench.counts('job_a'), { sent: 0, skipped: 0, failed: 0, waiting: 30 });
  attio.answer = () => null;
  await bench.quiet();
  await waitFor(async () => (await fetch(`${service.url}/readyz`)).ok, { what: 'readiness' });
  assert.deepEqual(await bench.counts('job_a'), { sent: 30, skipped: 0, failed: 0, waiting: 0 });
  assert.deepEqual(sorted(attio.people), sorted(expected(all)));
  assert.deepEqual(letters.all, []);
});

test('a refused person costs its own events a letter each; a refused attribute is left out; the rest is written', async () => {
  await using bench = await openBench();
  await using attio = await openStub();
  await using letters = await bench.letters();
  const all = events(0, 20);
  await bench.store(all);
  let throttles = 3;
  let failures = 3;
  attio.answer = ({ email, values }) => {
    if (throttles-- > 0)
      return { status: 429, body: {}, headers: { 'retry-after': new Date(Date.now() + 1000).toUTCString() } };
    if (failures-- > 0) return { status: 502, body: 'bad gateway' };
    if (email === 'lead3@example.com') {
      return { status: 400, body: { code: 'uniqueness_conflict', message: 'A value of lead3@example.com conflicts' } };
    }
    if (email === 'lead4@example.com' && 'outreach_campaigns' in values) {
      const path = ['data', 'values', 'outreach_campaigns'];
      return {
        status: 400,
        body: { code: 'validation_type', message: 'Bad.', validation_errors: [{ path, message: 'no' }] },
      };
    }
    return null;
  };
  await using service = await bench.start({ ATTIO_BASE_URL: attio.url });
  await bench.publish(0, all);
  await bench.quiet(90_000);
  assert.ok(!service.hasExited());
  assert.deepEqual(await bench.counts('job_a'), { sent: 19, skipped: 0, failed: 1, waiting: 0 });
  const wanted = new Map(sorted(expected(all)));
  wanted.delete('lead3@example.com');
  const { outreach_campaigns: dropped, ...others } = wanted.get('lead4@example.com') ?? {};
  assert.ok(dropped !== undefined);
  wanted.set('lead4@example.com', others);
  assert.deepEqual(sorted(attio.people), wanted);

  const [letter] = await waitFor(() => (letters.all.length > 0 ? letters.all : null), { what: 'the letter' });
  assert.ok(letter !== undefined && letters.all.length === 1);
  assert.deepEqual(
    [letter.stage, letter.code, letter.job_id, letter.namespace],
    ['attio', 'ATTIO_UNIQUENESS_CONFLICT', 'job_a', 'test'],
  );
  assert.match(letter.detail, /^400 uniqueness_conflict: /);
  assert.equal(letter.detail.includes('lead3'), false);
  const buried = await bench.decodeEvent(letter.record);
  assert.deepEqual(
    [buried.event_key, buried.occurred_at, buried.properties],
    [all[3]?.event_key, all[3]?.occurred_at, '{"stats_id": "s3"}'],
  );

  // Asked for once more, and taken this time: in the totals once.
  attio.answer = () => null;
  await bench.publish(0, [event(3, { source_offset: 1000, job_id: 'job_b' })], { redrive: true });
  await bench.quiet();
  assert.deepEqual(await bench.counts('job_b'), { sent: 1, skipped: 0, failed: 0, waiting: 0 });
  assert.deepEqual(attio.people.get('lead3@example.com'), expected(all).get('lead3@example.com'));
});

test('without attributes it waits and says how to make them; with a new one everybody is written once more', async () => {
  await using bench = await openBench();
  await using attio = await openStub();
  const { attributes } = attio;
  attio.attributes = [{ slug: 'name', type: 'personal-name' }];
  await using service = await bench.start({ ATTIO_BASE_URL: attio.url }, 'halted');
  await bench.publish(0, events(0, 5));
  const readiness = async (): Promise<string> => await (await fetch(`${service.url}/readyz`)).text();
  await waitFor(async () => (await readiness()).includes('attio setup'), { what: 'the halt', deadlineMs: 60_000 });
  attio.attributes = attributes.filter(({ slug }) => slug !== 'outreach_status').map((one) => ({ ...one }));
  await bench.quiet();
  assert.equal(attio.writes.length, 5);
  assert.ok(attio.writes.every(({ values }) => !('outreach_status' in values)));
  await service.kill('SIGTERM');
  attio.attributes = attributes;
  await using again = await bench.start({ ATTIO_BASE_URL: attio.url });
  await waitFor(() => attio.writes.length === 10, { what: 'everybody to be written once more', deadlineMs: 60_000 });
  await bench.quiet();
  assert.ok(!again.hasExited());
  assert.deepEqual(sorted(attio.people), sorted(expected(events(0, 5))));
});

test('with activities each event is written once more by itself, after its person, and counts when both are done', async () => {
  await using bench = await openBench();
  await using attio = await openSimulator({ activities: true, writesPerSecond: 0 });
  const env = { ...attio.env, ATTIO_RATE_LIMIT: 'off', ATTIO_ACTIVITIES: 'true' };
  const all = events(0, 120, (n) => ({ lead_email: `lead${n % 10}@example.com` }));
  {
    await using service = await bench.start(env);
    attio.control.fault({ kind: 'loseReply', path: '/activities/', probability: 0.1, seed: 3 });
    await bench.publish(0, all);
    await bench.quiet(90_000);
    await hasShownAges(service, 120);
    assert.ok(!service.hasExited());
  }
  assert.deepEqual(sorted(outreachOf(attio.people())), sorted(heldBySimulator(all)));
  const activities = [...attio.ledger.lines({ view: 'activities' })].map(
    (line) => (JSON.parse(line) as { readonly values: Readonly<Record<string, unknown>> }).values,
  );
  assert.deepEqual(
    activities.map(({ event_id: id }) => String(id)).toSorted((a, b) => (a < b ? -1 : 1)),
    all.map(({ event_key: key }) => key.slice(-32)).toSorted((a, b) => (a < b ? -1 : 1)),
  );
  const people = new Set(activities.map(({ person }) => person));
  assert.equal(people.size, 10);
  const { person: _person, ...values } =
    activities.find(({ event_id: id }) => id === all[7]?.event_key.slice(-32)) ?? {};
  assert.deepEqual(values, {
    event_id: all[7]?.event_key.slice(-32),
    event_type: 'Email clicked',
    happened_at: new Date(all[7]?.occurred_at ?? 0).toISOString().replace('Z', '000000Z'),
    platform: 'smartlead',
    campaign: 'Wave 1',
  });
  assert.deepEqual(await bench.counts('job_a'), { sent: 120, skipped: 0, failed: 0, waiting: 0 });

  // The workspace has them no longer: people are kept up to date, and nothing waits.
  attio.configure({ activities: false });
  await using again = await bench.start(env);
  await bench.publish(0, [event(500, { job_id: 'job_b' })]);
  await bench.quiet();
  assert.deepEqual(await bench.counts('job_b'), { sent: 1, skipped: 0, failed: 0, waiting: 0 });
  assert.ok(!again.hasExited());
});

test('stored events are delivered by hand: those that were not delivered, into the same totals', async () => {
  await using bench = await openBench();
  await using attio = await openSimulator({ writesPerSecond: 0 });
  await using service = await bench.start({ ...attio.env, ATTIO_RATE_LIMIT: 'off' });
  const all = events(0, 30, (n) => ({ lead_email: `lead${n % 5}@example.com` }));
  await bench.publish(0, all.slice(0, 10));
  await bench.quiet();
  await bench.store(all);
  await bench.db.pool.query(
    `insert into leaf_states (namespace, platform, live_leaf) values ('test', 'smartlead', 'event_source_1_smartlead')`,
  );
  const order = { backfillId: 'backfill_1', destination: 'attio', namespace: 'test', since: null };
  assert.ok(await insertBackfill(bench.db.pool, order));
  const ended = await waitFor(
    async () => {
      const backfill = await readBackfill(bench.db.pool, 'backfill_1');
      return backfill?.endedAt === null ? null : backfill;
    },
    { what: 'the order to end', deadlineMs: 60_000 },
  );
  await bench.quiet();
  assert.deepEqual([ended.status, ended.lookedAt, ended.sent, ended.skipped, ended.failed], ['done', 30, 20, 10, 0]);
  assert.deepEqual(sorted(outreachOf(attio.people())), sorted(heldBySimulator(all)));
  assert.deepEqual(await bench.counts('job_a'), { sent: 10, skipped: 0, failed: 0, waiting: 0 });
  const { rows } = await bench.db.pool.query('select state, count(*)::int from deliveries group by 1');
  assert.deepEqual(rows, [{ state: 'sent', count: 30 }]);
  // Stored events have no age.
  await hasShownAges(service, 10);
  assert.ok(!service.hasExited());
});

/** Waits until the ages of so many events are shown, each once, and none below what they were. */
async function hasShownAges(service: ServiceProcess, count: number): Promise<void> {
  const metric = (part: 'count' | 'sum', since: string): Promise<number> =>
    service.metric(`full_sync_delivery_age_seconds_${part}`, { since });
  const isShown = async (): Promise<boolean> => (await metric('count', 'published')) === count;
  await waitFor(isShown, { what: `${count} ages`, deadlineMs: 60_000 });
  assert.equal(await metric('count', 'source'), count);
  // The source says that they happened long before they were published, which was a moment ago.
  const [source, published] = [await metric('sum', 'source'), await metric('sum', 'published')];
  assert.ok(published > 0 && published < count * 600 && source > published, `${source} and ${published} s`);
}
