import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { SIZES, startSimulators } from '@full-sync/simulators';
import { expectFacts } from './expected-facts.ts';
import type { OracleRecord } from './oracle.ts';
import { judgeRecord } from './oracle.ts';
import { readLedgers } from './read-ledger.ts';

const act = (changes: Record<string, unknown>): OracleRecord => ({
  platform: 'lemlist',
  campaignId: null,
  record: { _id: 'act_1', type: 'emailsSent', createdAt: '2026-03-10T08:41:12.507Z', ...changes },
});

async function running(
  t: TestContext,
  options: Parameters<typeof startSimulators>[0],
): ReturnType<typeof startSimulators> {
  const simulators = await startSimulators({ size: SIZES.small, ...options });
  t.after(() => simulators.close());
  return simulators;
}

test('duplicates, collisions and rejects are told apart, and the counts balance', async () => {
  const facts = await expectFacts([
    act({}),
    act({}),
    act({ createdAt: '2026-03-10T08:41:12.508Z' }),
    act({ leadId: 'lea_1' }),
    act({ _id: 'act_2' }),
    act({ createdAt: 'x' }),
  ]);
  const counts = facts.counts();
  assert.deepEqual(counts, {
    records: 6,
    accepted: 5,
    rejected: 1,
    events: 5,
    created: 2,
    duplicates: 1,
    collisions: 2,
  });
  assert.equal(facts.size, 2);
  assert.deepEqual(facts.counts('smartlead').records, 0);
});

test('a row is accepted under its key as any of the sightings told it, and not otherwise', async () => {
  const facts = await expectFacts([act({}), act({ createdAt: '2026-03-10T08:41:12.508Z' })]);
  const [key] = facts.keys();
  assert.ok(key);
  const rowOf = (changes: Record<string, unknown>): Parameters<typeof facts.accepts>[1] => {
    const verdict = judgeRecord(act(changes), 'default');
    assert.ok(verdict.kind === 'events' && verdict.events[0]);
    return verdict.events[0];
  };
  assert.equal(facts.accepts(key, rowOf({})), true);
  assert.equal(facts.accepts(key, rowOf({ createdAt: '2026-03-10T08:41:12.508Z' })), true);
  assert.equal(facts.accepts(key, rowOf({ createdAt: '2026-03-10T08:41:12.509Z' })), false);
  assert.equal(facts.accepts(key, { ...rowOf({}), eventType: 'email_opened' }), false);
  assert.equal(facts.accepts('other', rowOf({})), false);
});

test('the namespace is part of every key', async () => {
  const one = await expectFacts([act({})], 'one');
  const two = await expectFacts([act({})], 'two');
  assert.notDeepEqual([...one.keys()], [...two.keys()]);
});

test('the ledger over HTTP is the ledger in the process, and its facts are the expected events', async (t) => {
  for (const seed of [1, 2, 3]) {
    const { controlUrl, smartlead, lemlist } = await running(t, { seed, lemlist: { collisions: 3 } });
    const far = await expectFacts(readLedgers(controlUrl));
    const near = await expectFacts([
      ...smartlead.ledger.records(),
      ...lemlist.ledger.records(),
    ] as readonly OracleRecord[]);
    assert.deepEqual([...far.keys()], [...near.keys()]);
    // The generator's own facts, counted before anything was written as JSON, agree with what is read back.
    assert.equal(far.counts('smartlead').events, [...smartlead.ledger.facts()].length);
    assert.equal(far.counts('lemlist').events, [...lemlist.ledger.facts()].length);
    assert.equal(far.counts('lemlist').collisions, 3);
    assert.equal(far.counts().rejected, 0);
  }
});

test('every broken record is rejected, and nothing else', async (t) => {
  const { controlUrl } = await running(t, { smartlead: { brokenRecords: 14 }, lemlist: { brokenRecords: 10 } });
  const facts = await expectFacts(readLedgers(controlUrl));
  assert.equal(facts.counts('smartlead').rejected, 14);
  assert.equal(facts.counts('lemlist').rejected, 10);
  const { records, accepted, rejected, events, created, duplicates, collisions } = facts.counts();
  assert.equal(records, accepted + rejected);
  assert.equal(events, created + duplicates + collisions);
});
