import { sqlState } from './database.ts';
import type { Client, Database, Queryable } from './database.ts';
import { planExchange, ResetRefusedError, shapeDifferences } from './leaf-shape.ts';
import { quoteName } from './quote-name.ts';

/** The swap cannot be made at this moment: readers or writers hold the tables, or their shape was changed just now. */
export class SwapBlockedError extends Error {
  readonly needsPreparing: boolean;

  constructor(message: string, options: ErrorOptions & { readonly needsPreparing: boolean }) {
    super(message, options);
    this.needsPreparing = options.needsPreparing;
  }
}

/** What a reset has found for one namespace and platform, beside what is there. */
export interface ResetFacts {
  readonly namespace: string;
  readonly platform: string;
  /** Records that the source gave. */
  readonly records: number;
  readonly hadRows: boolean;
  readonly hasRows: boolean;
  /** Rows that loading has written to the old and to the new content. */
  readonly rowsBefore: number;
  readonly rowsAfter: number;
}

interface ShadowState {
  readonly namespace: string;
  readonly platform: string;
  readonly live_leaf: string;
  readonly shadow_leaf: string;
}

const shadowSuffix = '_reset';

/**
 * Makes an empty table beside each live one, of the same shape, and tells the loaders to fill it with the job's events.
 * To be called in the transaction that stores the job, after `insertJob`.
 *
 * @throws ResetRefusedError when something hangs on a live table that cannot be carried over.
 */
export async function createShadows(client: Client, jobId: string): Promise<void> {
  // A loader holds the states for the time of one batch; then the whole transaction is run again.
  await client.query(`set local lock_timeout = '5s'`);
  const { rows } = await client.query<{ namespace: string; platform: string; live_leaf: string }>(
    `select s.namespace, s.platform, s.live_leaf from leaf_states s join job_targets t using (namespace, platform)
     where t.job_id = $1 order by s.namespace, s.platform for update of s`,
    [jobId],
  );
  for (const { namespace, platform, live_leaf: live } of rows) {
    const shadow = `${live}${shadowSuffix}`;
    await client.query(`create table ${quoteName(shadow)} (like ${quoteName(live)} including all excluding indexes)`);
    for (const statement of await shapeDifferences(client, { live, shadow }))
      await refusing(() => client.query(statement));
    await client.query(
      'update leaf_states set shadow_leaf = $3, shadow_job_id = $4 where namespace = $1 and platform = $2',
      [namespace, platform, shadow, jobId],
    );
  }
}

/** What the job's resets have found; empty for all other jobs. To be read under the job's row lock. */
export async function readResetFacts(client: Client, jobId: string): Promise<readonly ResetFacts[]> {
  const facts: ResetFacts[] = [];
  for (const state of await readShadows(client, jobId)) {
    const { namespace, platform, live_leaf: live, shadow_leaf: shadow } = state;
    const { rows } = await client.query<Omit<ResetFacts, 'namespace' | 'platform'>>(
      `select exists (select from ${quoteName(live)}) as "hadRows", exists (select from ${quoteName(shadow)}) as "hasRows",
         (select coalesce(sum(rows), 0)::float8 from leaf_rows where leaf = $1) as "rowsBefore",
         (select coalesce(sum(rows), 0)::float8 from leaf_rows where leaf = $2) as "rowsAfter",
         (select coalesce(sum(records_committed), 0)::float8 from streams
           where job_id = $3 and namespace = $4 and platform = $5) as records`,
      [live, shadow, jobId, namespace, platform],
    );
    const found = rows[0];
    if (found !== undefined) facts.push({ namespace, platform, ...found });
  }
  return facts;
}

async function readShadows(queryable: Queryable, jobId: string): Promise<readonly ShadowState[]> {
  const { rows } = await queryable.query<ShadowState>(
    `select namespace, platform, live_leaf, shadow_leaf from leaf_states
     where shadow_job_id = $1 order by namespace, platform`,
    [jobId],
  );
  return rows;
}

/** With the shadow's oid, the lock that lets one process at a time prepare it. */
const lockClass = 7_355_610;

/**
 * Brings the job's shadows to the shape that the live tables have now and tells the planner of their rows, so that the
 * swap has nothing to build. False while another process does it. Takes as long as indexes take that were made on the
 * live table since.
 *
 * @throws ResetRefusedError when the new content does not fit a rule that was made since.
 */
export async function prepareSwap(db: Database, jobId: string): Promise<boolean> {
  for (const { live_leaf: live, shadow_leaf: shadow } of await readShadows(db.pool, jobId)) {
    const free = await refusing(() =>
      db.transaction(async (client) => {
        const { rows } = await client.query<{ locked: boolean }>(
          'select pg_try_advisory_xact_lock($1, hashtext($2)) as locked',
          [lockClass, `${db.schema}.${shadow}`],
        );
        if (rows[0]?.locked !== true) return false;
        for (const statement of await shapeDifferences(client, { live, shadow })) await client.query(statement);
        await client.query(`analyze ${quoteName(shadow)}`);
        return true;
      }),
    );
    if (!free) return false;
  }
  return true;
}

/**
 * Puts the job's shadows in the places of the live tables; the last thing in the transaction that ends the job. Whoever
 * reads waits for at most `patienceMs` and the time of the statements, and sees either the old content or the new.
 *
 * @throws SwapBlockedError when the tables are not had in time, or their shape was changed since `prepareSwap`; nothing
 * is done then, and the whole ending is to be tried later. ResetRefusedError when something depends on the old table.
 */
export async function swapShadows(client: Client, jobId: string, patienceMs: number): Promise<void> {
  const states = await lockStates(client, jobId);
  const statements: string[] = [];
  const locks: string[] = [];
  for (const { namespace, platform, live_leaf: live, shadow_leaf: shadow } of states) {
    // Keeps changes of shape out, and nobody else.
    await blocking(() => client.query(`lock table only ${quoteName(live)} in share update exclusive mode`));
    const differences = await shapeDifferences(client, { live, shadow });
    if (differences.length > 0)
      throw new SwapBlockedError(`the shape of ${live} was changed`, { needsPreparing: true });
    const branch = await branchOf(client, live);
    const exchange = await planExchange(client, { live, shadow, branch, platform });
    locks.push(...exchange.views, ...[branch, live, shadow].map((table) => `only ${quoteName(table)}`));
    statements.push(...exchange.statements);
    await client.query('delete from leaf_rows where leaf = $1', [live]);
    await client.query('update leaf_rows set leaf = $1 where leaf = $2', [live, shadow]);
    await client.query(
      'update leaf_states set shadow_leaf = null, shadow_job_id = null where namespace = $1 and platform = $2',
      [namespace, platform],
    );
  }
  if (states.length === 0) return;
  const patience = String(Math.round(patienceMs));
  // Readers queue behind this request: it gives up early rather than let them wait for the slowest of them.
  await client.query(`set local lock_timeout = ${patience}; set local statement_timeout = ${patience}`);
  await blocking(() => client.query(`lock table ${[...new Set(locks)].join(', ')} in access exclusive mode`));
  await client.query('set local statement_timeout = 0');
  // In one round trip, since everybody waits for it.
  await blocking(() => refusing(() => client.query(statements.join(';\n'))));
}

/** Drops what the job's resets have gathered; in the transaction that ends it. The old content was never touched. */
export async function dropShadows(client: Client, jobId: string): Promise<void> {
  for (const { namespace, platform, shadow_leaf: shadow } of await lockStates(client, jobId)) {
    await client.query(
      'update leaf_states set shadow_leaf = null, shadow_job_id = null where namespace = $1 and platform = $2',
      [namespace, platform],
    );
    await client.query('delete from leaf_rows where leaf = $1', [shadow]);
    await blocking(() => client.query(`drop table ${quoteName(shadow)}`));
  }
}

async function lockStates(client: Client, jobId: string): Promise<readonly ShadowState[]> {
  await client.query(`set local lock_timeout = '2s'`);
  const { rows } = await blocking(() =>
    client.query<ShadowState>(
      `select namespace, platform, live_leaf, shadow_leaf from leaf_states
       where shadow_job_id = $1 order by namespace, platform for update`,
      [jobId],
    ),
  );
  return rows;
}

async function branchOf(client: Client, leaf: string): Promise<string> {
  const { rows } = await client.query<{ branch: string }>(
    `select c.relname as branch from pg_inherits h join pg_class c on c.oid = h.inhparent where h.inhrelid = to_regclass($1)`,
    [quoteName(leaf)],
  );
  const branch = rows[0]?.branch;
  if (branch === undefined) throw new ResetRefusedError(`the table ${leaf} is no partition of event_source any more`);
  return branch;
}

/** Locks not had in time, and statements that took too long to get them. */
const waited = new Set(['55P03', '57014', '40P01']);

async function blocking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!waited.has(sqlState(error) ?? '')) throw error;
    throw new SwapBlockedError('the tables are in use', { cause: error, needsPreparing: false });
  }
}

/** A rule that the rows break, a view or function that hangs on the old table, something that belongs to somebody else. */
function isRefusal(code: string): boolean {
  return /^(?:23|42|2BP01)/.test(code);
}

async function refusing<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = sqlState(error);
    if (code === undefined || !isRefusal(code) || !(error instanceof Error)) throw error;
    throw new ResetRefusedError(error.message, { cause: error });
  }
}
