import assert from 'node:assert/strict';
import { assertSameKeys, expectFacts, judgeRecord, readLedgers } from '@full-sync/testing';
import type { ExpectedCounts, ExpectedFacts, OracleRecord } from '@full-sync/testing';
import type { Counts, JobStatus } from './api-client.ts';
import type { Pipeline } from './harness.ts';

const PLATFORMS = ['smartlead', 'lemlist'] as const;

/** What a full sync must leave behind, computed from what the simulators hold now. */
export type Expectation = {
  readonly facts: ExpectedFacts;
  /** Distinct leads of each platform, and of both together under ''. */
  readonly users: ReadonlyMap<string, number>;
  /** Where each rejected record is at fault, sorted. */
  readonly faults: readonly string[];
};

/** Reads both ledgers, or those of their records that `keep` accepts. */
export async function expectSync(
  pipeline: Pick<Pipeline, 'controlUrl'>,
  namespace = 'default',
  keep: (record: OracleRecord) => boolean = () => true,
): Promise<Expectation> {
  const records: OracleRecord[] = [];
  for await (const record of readLedgers(pipeline.controlUrl)) {
    if (keep(record)) records.push(record);
  }
  const users = new Map<string, Set<string>>(['', ...PLATFORMS].map((name) => [name, new Set()]));
  const faults: string[] = [];
  for (const record of records) {
    const verdict = judgeRecord(record, namespace);
    if (verdict.kind === 'rejected') faults.push(`${record.platform} ${verdict.pointer}`);
    for (const event of verdict.kind === 'events' ? verdict.events : []) {
      const lead = event.leadEmail ?? event.leadId;
      if (lead === null) continue;
      users.get('')?.add(lead);
      users.get(record.platform)?.add(lead);
    }
  }
  return {
    facts: await expectFacts(records, namespace),
    users: new Map([...users].map(([name, leads]) => [name, leads.size])),
    faults: faults.toSorted(),
  };
}

type StoredRow = { readonly key: string; readonly type: string; readonly fingerprint: string; readonly at: string };

/** Asserts that the table holds the expected rows of a namespace and no others, each with a fingerprint, type and time of its fact. */
export async function assertRows(
  { pool }: Pick<Pipeline, 'pool'>,
  { facts }: Pick<Expectation, 'facts'>,
  namespace = 'default',
): Promise<void> {
  const { rows } = await pool.query<StoredRow>(
    `select event_key as key, event_type as type, encode(fingerprint, 'hex') as fingerprint,
       (extract(epoch from occurred_at) * 1000)::bigint::text as at
     from event_source where namespace = $1`,
    [namespace],
  );
  assertSameKeys(
    facts.keys(),
    rows.map(({ key }) => key),
  );
  const wrong = rows.filter(
    ({ key, type, fingerprint, at }) => !facts.accepts(key, { eventType: type, fingerprint, occurredAt: Number(at) }),
  );
  assert.deepEqual(wrong, []);
}

/** Asserts that the summary of a first sync counts what the oracle counts, in all and per platform, and that the tables beside agree. */
export async function assertFirstSync(pipeline: Pipeline, job: JobStatus, expected: Expectation): Promise<void> {
  assert.equal(job.status, 'completed', JSON.stringify(job));
  const { facts, users, faults } = expected;
  assert.deepEqual(countsOf(job.summary), toCounts(facts.counts(), users.get('')));
  for (const platform of PLATFORMS) {
    const shown = job.summary.by_platform[platform];
    assert.ok(shown !== undefined, `the summary has no ${platform}`);
    assert.deepEqual(countsOf(shown), toCounts(facts.counts(platform), users.get(platform)));
  }
  const { rows: letters } = await pipeline.pool.query<{ fault: string }>(
    `select platform || ' ' || pointer as fault from dead_letters where job_id = $1`,
    [job.jobId],
  );
  assert.deepEqual(letters.map(({ fault }) => fault).toSorted(), faults);
  const { rows: collisions } = await pipeline.pool.query<{ seen: string }>(
    'select coalesce(sum(times_seen), 0)::text as seen from event_collisions where job_id = $1',
    [job.jobId],
  );
  assert.equal(Number(collisions[0]?.seen), facts.counts().collisions);
}

/** Asserts that a summary balances, whatever was repeated on the way. */
export function assertBalanced(counts: Counts): void {
  assert.equal(counts.records_fetched, counts.records_accepted + counts.rejected, 'records balance');
  const { events_derived: derived, events_created, duplicates, collisions, dead_lettered } = counts;
  assert.equal(derived, events_created + duplicates + collisions + dead_lettered, 'events balance');
  assert.equal(counts.total_processed, derived);
}

function countsOf({ total_processed: total, ...summary }: Counts): Omit<Counts, 'total_processed'> {
  assert.equal(total, summary.events_derived);
  const { records_fetched, records_accepted, rejected, events_derived, events_created } = summary;
  const { duplicates, collisions, dead_lettered, users_processed, errors } = summary;
  return {
    records_fetched,
    records_accepted,
    rejected,
    events_derived,
    events_created,
    duplicates,
    collisions,
    dead_lettered,
    users_processed,
    errors,
  };
}

function toCounts(counts: ExpectedCounts, users = 0): Omit<Counts, 'total_processed'> {
  return {
    records_fetched: counts.records,
    records_accepted: counts.accepted,
    rejected: counts.rejected,
    events_derived: counts.events,
    events_created: counts.created,
    duplicates: counts.duplicates,
    collisions: counts.collisions,
    dead_lettered: 0,
    users_processed: users,
    errors: counts.rejected,
  };
}
