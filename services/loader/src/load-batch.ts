import type { Client, Database } from '@full-sync/database';
import { samePosition } from '@full-sync/delivery';
import type { Position } from '@full-sync/delivery';
import { OffsetGapError, gapInside } from '@full-sync/kafka';
import type { ConsumedBatch, KafkaClient } from '@full-sync/kafka';
import type { Logger } from '@full-sync/runtime';
import type { DeadLetters } from './dead-letters.ts';
import { leafKey, planBatch } from './domain/plan-batch.ts';
import type { BatchPlan } from './domain/plan-batch.ts';
import type { CopyRows } from './domain/copy-rows.ts';
import { splitByTable } from './domain/split-by-table.ts';
import type { LeafTables } from './domain/split-by-table.ts';
import { JobCounts } from './job-counts.ts';
import type { LeadLedger } from './job-counts.ts';
import { countLeafRows } from './leaf-rows.ts';
import { lockJobs, lockLeaves } from './locks.ts';
import type { LoaderMetrics } from './metrics.ts';
import type { PathChooser } from './path-chooser.ts';
import { lockPosition, readPosition, storePosition } from './positions.ts';
import type { BatchEffort } from './positions.ts';
import { settleRows } from './settle-rows.ts';
import type { RefusedRow, Settled } from './settle-rows.ts';

export interface LoaderParts {
  readonly db: Database;
  readonly client: KafkaClient;
  readonly group: string;
  readonly normalise: (values: readonly (Buffer | null)[]) => Promise<(value: Buffer | null) => Buffer>;
  readonly deadLetters: DeadLetters;
  readonly leads: LeadLedger;
  readonly paths: PathChooser;
  readonly borrowRows: () => { readonly take: () => CopyRows; readonly giveBack: () => void };
  readonly metrics: LoaderMetrics;
  /** ms since 1970. */
  readonly now: () => number;
  readonly logger: Logger;
}

type Outcome =
  | {
      readonly kind: 'loaded';
      readonly counts: JobCounts;
      readonly freshLeads: readonly string[];
      readonly paths: PathNotes;
    }
  | { readonly kind: 'stale'; readonly position: Position }
  | { readonly kind: 'ended'; readonly jobs: ReadonlySet<string> };

type PathNotes = readonly { readonly leaf: string; readonly settled: Settled }[];

/**
 * Loads one batch of one partition of `outreach.events` and returns the next offset to read. Rows, counts and position
 * are one Postgres transaction (I1, I3): whatever dies, either all of the batch is in or nothing of it, and a second
 * loader of the same partition finds nothing to do.
 *
 * @throws OffsetGapError when records are missing: loss until proven otherwise.
 */
export async function loadBatch(parts: LoaderParts, batch: ConsumedBatch): Promise<number> {
  const startedAt = performance.now();
  const normalise = await parts.normalise(batch.records.map((record) => record.value));
  let base = await readPosition(parts.db, batch);
  let ended: ReadonlySet<string> = new Set();
  let failures = 0;
  const commit = async (client: Client, plan: BatchPlan): Promise<Outcome> => {
    try {
      return await commitPlan(parts, client, batch, plan, { startedAt, failures });
    } catch (error) {
      failures += 1;
      throw error;
    }
  };
  for (;;) {
    if (base.nextOffset > batch.lastOffset) {
      parts.metrics.noteRedelivered(batch.records.length);
      return base.nextOffset;
    }
    if (batch.firstOffset > base.nextOffset) return await seekBackOrHalt(parts, batch, base.nextOffset);
    haltOnGapInside(parts, batch);
    const rows = parts.borrowRows();
    try {
      const plan = planBatch({ records: batch.records, base, ended, normalise, takeRows: rows.take });
      const outcome = await parts.db.transaction((client) => commit(client, plan));
      if (outcome.kind === 'stale') base = outcome.position;
      else if (outcome.kind === 'ended') ended = new Set([...ended, ...outcome.jobs]);
      else {
        note(parts, plan, outcome, { elapsedMs: performance.now() - startedAt, retries: failures });
        return plan.next.nextOffset;
      }
    } finally {
      rows.giveBack();
    }
  }
}

/** One transaction: locks in their order, then rows, counts and the position. Writes nothing when the plan is outdated. */
async function commitPlan(
  parts: LoaderParts,
  client: Client,
  batch: ConsumedBatch,
  plan: BatchPlan,
  /** When the batch arrived, and how many transactions failed for it. */
  sofar: { readonly startedAt: number; readonly failures: number },
): Promise<Outcome> {
  await client.query(`set local statement_timeout = '120s'`);
  const position = await lockPosition({ db: parts.db, client, at: batch, logger: parts.logger });
  if (!samePosition(position, plan.base)) return { kind: 'stale', position };
  // From here on nobody waits long: a lock that is not had in time gives the whole transaction back for another try.
  await client.query(`set local lock_timeout = '10s'`);
  const jobIds = [...new Set(plan.leaves.flatMap((leaf) => leaf.rows.map((row) => row.facts.jobId)))];
  const ended = jobIds.length === 0 ? new Set<string>() : await lockJobs(client, jobIds);
  if (ended.size > 0) return { kind: 'ended', jobs: ended };
  const states = plan.leaves.length === 0 ? new Map<string, LeafTables>() : await lockLeaves(client, plan.leaves);

  const counts = new JobCounts();
  const settledLeaves: { leaf: string; settled: Settled }[] = [];
  // Once per row, although two tables may refuse it.
  const refused = new Map<number, RefusedRow>();
  const written = new Map<string, number>();
  const writingSince = performance.now();
  for (const leaf of plan.leaves) {
    const tables = states.get(leafKey(leaf));
    if (tables === undefined) throw new Error(`no table is declared for ${leafKey(leaf)}`);
    for (const { table, rows, path, counted } of splitByTable(leaf, tables)) {
      const direct = parts.paths.direct(path);
      const settled = await settleRows(client, table, rows, { direct, keepCollisions: counted });
      if (counted) counts.add(rows, settled);
      settledLeaves.push({ leaf: path, settled });
      for (const one of settled.refused) refused.set(one.row.offset, one);
      const created = [...settled.created.values()].reduce((sum, count) => sum + count, 0);
      written.set(table, (written.get(table) ?? 0) + created);
    }
  }
  const writeMs = performance.now() - writingSince;
  // Acknowledged before the position moves past them; should the commit fail, the same letters come again (I1).
  await parts.deadLetters.publish(batch, plan, [...refused.values()]);
  const freshLeads = parts.leads.fresh(plan.leaves);
  await parts.leads.store(client, freshLeads);
  await counts.store(client, batch.partition);
  await countLeafRows(client, batch.partition, written);
  await storePosition(client, batch, plan.next, effortOf(plan, written, { ...sofar, writeMs }));
  return { kind: 'loaded', counts, freshLeads, paths: settledLeaves };
}

function effortOf(
  plan: BatchPlan,
  written: ReadonlyMap<string, number>,
  took: { readonly startedAt: number; readonly failures: number; readonly writeMs: number },
): BatchEffort {
  const events = plan.leaves.reduce((sum, leaf) => sum + leaf.rows.length, 0);
  const rowsWritten = [...written.values()].reduce((sum, rows) => sum + rows, 0);
  const { failures, writeMs } = took;
  if (events === 0) return { batches: 0, attempts: failures, events, rowsWritten, busyMs: 0, writeMs: 0 };
  return {
    batches: 1,
    attempts: 1 + failures,
    events,
    rowsWritten,
    busyMs: performance.now() - took.startedAt,
    writeMs,
  };
}

function note(
  parts: LoaderParts,
  plan: BatchPlan,
  outcome: Outcome & { kind: 'loaded' },
  took: { readonly elapsedMs: number; readonly retries: number },
): void {
  parts.leads.committed(outcome.freshLeads);
  for (const { leaf, settled } of outcome.paths) parts.paths.learn(leaf, settled);
  const { counts, paths } = outcome;
  parts.metrics.noteBatch({ plan, counts, paths, ...took, committedAtMs: parts.now() });
}

/** Postgres is behind the group's offset: read again from its position if the log still has it. */
async function seekBackOrHalt(parts: LoaderParts, batch: ConsumedBatch, nextOffset: number): Promise<number> {
  const logStart = (await parts.client.offsets.start(batch.topic)).get(batch.partition) ?? 0;
  if (logStart > nextOffset) throw gapError(parts, batch, nextOffset, logStart - 1);
  parts.logger.info(
    { partition: batch.partition, from: batch.firstOffset, to: nextOffset },
    'the database is behind the group: reading again',
  );
  return nextOffset;
}

function haltOnGapInside(parts: LoaderParts, batch: ConsumedBatch): void {
  const gap = gapInside(batch.records);
  if (gap) throw gapError(parts, batch, gap.from, gap.to);
}

function gapError(parts: LoaderParts, batch: ConsumedBatch, from: number, to: number): OffsetGapError {
  return new OffsetGapError({ group: parts.group, topic: batch.topic, partition: batch.partition, from, to });
}
