import { sqlState } from '@full-sync/database';
import type { Client } from '@full-sync/database';
import { copyRows, quoteName } from './copy.ts';
import type { LeafRows, PlannedRow } from './domain/plan-batch.ts';
import { copyColumns } from './domain/transcode.ts';

/** How the rows of one leaf ended, per job. */
export interface Settled {
  readonly created: Map<string, number>;
  readonly duplicates: Map<string, number>;
  readonly collisions: Map<string, number>;
  readonly refused: readonly RefusedRow[];
  readonly path: 'direct' | 'staged';
  /** How long each COPY took that was kept, ms. */
  readonly copiesMs: readonly number[];
}

/** A row that Postgres does not take: a constraint or trigger of the user's, a value out of range. */
export interface RefusedRow {
  readonly row: PlannedRow;
  readonly code: string;
  readonly detail: string;
}

class SwallowedRowsError extends Error {}

const columnList = copyColumns.join(', ');
const stage = 'loader_stage';

/**
 * Writes rows to a leaf within the transaction: a key that is free is inserted, one that is taken is compared, and each
 * row is counted as created, duplicate, collision or refused. `direct` says that no duplicate is expected: then COPY
 * goes straight into the table, and a unique violation falls back to staging.
 */
export async function settleRows(
  client: Client,
  table: string,
  leaf: LeafRows,
  options: {
    readonly direct: boolean;
    /** False for a second writing of rows that are settled elsewhere: their collisions are not set aside again. */
    readonly keepCollisions: boolean;
  },
): Promise<Settled> {
  if (options.direct && !leaf.hasRepeats) {
    const bytes = encodedRows(leaf, leaf.rows);
    const outcome = await trySavepoint(client, async () => {
      const startedAt = performance.now();
      // A trigger of the user's may swallow rows without an error; staging finds out which.
      if ((await copyRows(client, table, bytes)) !== leaf.rows.length) throw new SwallowedRowsError();
      return performance.now() - startedAt;
    });
    if (outcome.kind === 'done') {
      return {
        created: countByJob(leaf.rows),
        duplicates: new Map(),
        collisions: new Map(),
        refused: [],
        path: 'direct',
        copiesMs: [outcome.result],
      };
    }
  }
  return await settleStaged(client, table, leaf, options.keepCollisions);
}

/** The bytes of rows in their order; without a copy where they lie side by side. */
function encodedRows({ encoded }: LeafRows, rows: readonly PlannedRow[]): Buffer {
  const [from, to] = [rows[0]?.start ?? 0, rows.at(-1)?.end ?? 0];
  const bytes = rows.reduce((sum, row) => sum + row.end - row.start, 0);
  if (bytes === to - from) return encoded.slice(from, to);
  return Buffer.concat(rows.map((row) => encoded.slice(row.start, row.end)));
}

async function settleStaged(client: Client, table: string, leaf: LeafRows, keepCollisions: boolean): Promise<Settled> {
  await client.query(
    `create temp table if not exists ${stage} (
       ord bigint generated always as identity,
       like event_source including defaults) on commit delete rows`,
  );
  // The stage is small and the table large: comparing must go through the table's index, whatever the statistics say.
  await client.query('set local enable_hashjoin = off; set local enable_mergejoin = off');
  const settled: Settled & { readonly refused: RefusedRow[]; readonly copiesMs: number[] } = {
    created: new Map(),
    duplicates: new Map(),
    collisions: new Map(),
    refused: [],
    path: 'staged',
    copiesMs: [],
  };
  // Halves of a refused range go back on the pile in the log's order, so the first of each key stays the first.
  const pile: (readonly PlannedRow[])[] = [leaf.rows];
  for (let range = pile.pop(); range !== undefined; range = pile.pop()) {
    const rows = range;
    const outcome = await trySavepoint(client, () => settleRange(client, { table, leaf, rows, keepCollisions }));
    if (outcome.kind === 'done') {
      // Counted only now: a deferred constraint may still have undone the range.
      merge(settled, rows, outcome.result);
      settled.copiesMs.push(outcome.result.copyMs);
      continue;
    }
    const [only] = rows;
    if (rows.length === 1 && only !== undefined) {
      settled.refused.push({ row: only, code: outcome.code, detail: outcome.detail });
      continue;
    }
    const middle = rows.length >> 1;
    pile.push(rows.slice(middle), rows.slice(0, middle));
  }
  return settled;
}

interface SettledRange {
  readonly copyMs: number;
  readonly created: ReadonlyMap<string, number>;
  readonly collisions: ReadonlyMap<string, number>;
  readonly refused: readonly RefusedRow[];
}

async function settleRange(
  client: Client,
  range: {
    readonly table: string;
    readonly leaf: LeafRows;
    readonly rows: readonly PlannedRow[];
    readonly keepCollisions: boolean;
  },
): Promise<SettledRange> {
  const { table, leaf, rows } = range;
  await client.query(`delete from ${stage}`);
  const startedAt = performance.now();
  await copyRows(client, stage, encodedRows(leaf, rows));
  const copyMs = performance.now() - startedAt;
  const created = await insertFirsts(client, table, [...new Set(rows.map((row) => row.facts.jobId))]);
  const createdInAll = [...created.values()].reduce((sum, count) => sum + count, 0);
  if (createdInAll === rows.length) return { copyMs, created, collisions: new Map(), refused: [] };
  const refused = await findSwallowed(client, table, rows);
  if (refused.length > 0 && rows.length > 1) throw new SwallowedRowsError();
  const collisions = range.keepCollisions ? await setCollisionsAside(client, table) : new Map<string, number>();
  return { copyMs, created, collisions, refused };
}

function merge(
  settled: Settled & { readonly refused: RefusedRow[] },
  rows: readonly PlannedRow[],
  range: SettledRange,
): void {
  settled.refused.push(...range.refused);
  if (range.refused.length > 0) return;
  for (const [jobId, staged] of countByJob(rows)) {
    const created = range.created.get(jobId) ?? 0;
    const collisions = range.collisions.get(jobId) ?? 0;
    add(settled.created, jobId, created);
    add(settled.collisions, jobId, collisions);
    add(settled.duplicates, jobId, staged - created - collisions);
  }
}

/** Inserts the first row of each key, sorted by key so that loaders that meet the same keys cannot deadlock. */
async function insertFirsts(client: Client, table: string, jobIds: readonly string[]): Promise<Map<string, number>> {
  const insert = `insert into ${quoteName(table)} (${columnList})
    select ${columnList} from (select distinct on (event_id) * from ${stage} order by event_id, ord) as firsts`;
  const created = new Map<string, number>();
  const [onlyJob] = jobIds;
  if (jobIds.length === 1 && onlyJob !== undefined) {
    const { rowCount } = await client.query(`${insert} order by event_id on conflict (event_id) do nothing`);
    created.set(onlyJob, rowCount ?? 0);
    return created;
  }
  const { rows } = await client.query<{ job_id: string; events: string }>(
    `with inserted as (${insert} order by event_id on conflict (event_id) do nothing returning job_id)
     select job_id, count(*) as events from inserted group by job_id`,
  );
  for (const row of rows) created.set(row.job_id, Number(row.events));
  return created;
}

/** Rows that raised no error and are not in the table either: a trigger of the user's dropped them. */
async function findSwallowed(client: Client, table: string, rows: readonly PlannedRow[]): Promise<RefusedRow[]> {
  const { rows: missing } = await client.query<{ index: number }>(
    `select index from (select event_id, (row_number() over (order by ord) - 1)::int as index from ${stage}) s
     where not exists (select from ${quoteName(table)} e where e.event_id = s.event_id)`,
  );
  return missing.flatMap(({ index }) => {
    const row = rows[index];
    return row === undefined ? [] : [{ row, code: 'ROW_DROPPED', detail: 'a trigger of the table dropped the row' }];
  });
}

/**
 * Keeps the rows whose key belongs to another fact, once per key and fingerprint, and counts them. A statement of its
 * own: under READ COMMITTED it sees the rows that other transactions committed while the insert waited for them.
 */
async function setCollisionsAside(client: Client, table: string): Promise<Map<string, number>> {
  const colliding = `from ${stage} s join ${quoteName(table)} e on e.event_id = s.event_id and e.fingerprint <> s.fingerprint`;
  const { rows } = await client.query<{ job_id: string; events: string }>(
    `select s.job_id, count(*) as events ${colliding} group by s.job_id`,
  );
  if (rows.length > 0) {
    await client.query(
      `insert into event_collisions (namespace, platform, event_id, event_key, fingerprint, kept_fingerprint, event_type,
         source_type, campaign_id, campaign_name, source_id, lead_email, lead_id, occurred_at, occurred_at_approximate,
         properties, job_id, times_seen)
       select distinct on (s.event_id, s.fingerprint) s.namespace, s.platform, s.event_id, s.event_key, s.fingerprint,
         e.fingerprint, s.event_type, s.source_type, s.campaign_id, s.campaign_name, s.source_id, s.lead_email, s.lead_id,
         s.occurred_at, s.occurred_at_approximate, s.properties, s.job_id,
         count(*) over (partition by s.event_id, s.fingerprint)
       ${colliding} order by s.event_id, s.fingerprint, s.ord
       on conflict (namespace, platform, event_id, fingerprint) do update
         set times_seen = event_collisions.times_seen + excluded.times_seen, last_seen_at = now()`,
    );
  }
  return new Map(rows.map((row) => [row.job_id, Number(row.events)]));
}

type Attempt<T> =
  | { readonly kind: 'done'; readonly result: T }
  | { readonly kind: 'refused'; readonly code: string; readonly detail: string };

/** Runs `work` in a savepoint, with deferred constraints checked inside it; undone when Postgres refuses a row. */
async function trySavepoint<T>(client: Client, work: () => Promise<T>): Promise<Attempt<T>> {
  await client.query('savepoint settling');
  try {
    const result = await work();
    await client.query('set constraints all immediate');
    await client.query('release savepoint settling');
    return { kind: 'done', result };
  } catch (error) {
    const code = error instanceof SwallowedRowsError ? 'ROW_DROPPED' : sqlState(error);
    if (code === undefined || !isRowsFault(code)) throw error;
    await client.query('rollback to savepoint settling');
    await client.query('release savepoint settling');
    return { kind: 'refused', code, detail: error instanceof Error ? error.message : String(error) };
  }
}

/** Data exceptions, integrity violations, a view's check option and what triggers raise; nothing else is a row's fault. */
function isRowsFault(code: string): boolean {
  return /^(?:22|23|44|P0)/.test(code) || code === '54000' || code === 'ROW_DROPPED';
}

function countByJob(rows: readonly PlannedRow[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const row of rows) add(counts, row.facts.jobId, 1);
  return counts;
}

function add(counts: Map<string, number>, jobId: string, count: number): void {
  counts.set(jobId, (counts.get(jobId) ?? 0) + count);
}
