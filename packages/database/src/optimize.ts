import { sqlState } from './database.ts';
import type { Client, Database } from './database.ts';
import { buildSyncIndexes, listPartitions, unlessGone } from './leaf-indexes.ts';
import { quoteName } from './quote-name.ts';

export const optimizations = ['sync_indexes', 'bulk_operations', 'connection_pool', 'query_optimization'] as const;
export type Optimization = (typeof optimizations)[number];

type Figures = Readonly<Record<string, number>>;

/** What one optimization found, did and left. */
export interface Applied {
  readonly name: Optimization;
  readonly indexesCreated: readonly string[];
  readonly indexesRecreated: readonly string[];
  readonly indexesDropped: readonly string[];
  /** What was done, in words. */
  readonly actions: readonly string[];
  readonly before: Figures;
  readonly after: Figures;
  readonly durationMs: number;
}

export interface OptimizeOptions {
  /** Builds indexes anew that are there already. */
  readonly recreateIndexes: boolean;
  /** From which age on an idle connection of ours counts as an orphan, ms; 5 minutes unless told. */
  readonly orphanAfterMs?: number;
}

export type Optimized =
  | { readonly kind: 'applied'; readonly applied: readonly Applied[] }
  | { readonly kind: 'busy' }
  /** A table stayed locked for a minute; what is listed was done. */
  | { readonly kind: 'blocked'; readonly applied: readonly Applied[] };

/** With a number of the schema, the advisory lock that lets one caller optimize at a time. */
const lockClass = 7_355_609;
/** How long a statement waits for others' locks. Users' own long transactions must not hold it for ever. */
const lockTimeout = '60s';
const lockNotAvailable = '55P03';

/**
 * Does the work of the optimizations asked for, in their given order; each may be repeated without harm. Readers and
 * writers go on all the while. A process that dies in the middle leaves nothing that the next call does not mend.
 */
export async function optimizeDatabase(
  db: Database,
  wanted: readonly Optimization[],
  options: OptimizeOptions,
): Promise<Optimized> {
  const client = await db.pool.connect();
  let broken = false;
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      'select pg_try_advisory_lock($1, hashtext(current_schema())) as locked',
      [lockClass],
    );
    if (rows[0]?.locked !== true) return { kind: 'busy' };
    const applied: Applied[] = [];
    try {
      await client.query(`set lock_timeout = '${lockTimeout}'`);
      for (const name of wanted) applied.push(await apply(client, name, options));
      return { kind: 'applied', applied };
    } catch (error) {
      if (sqlState(error) === lockNotAvailable) return { kind: 'blocked', applied };
      throw error;
    }
  } catch (error) {
    broken = true;
    throw error;
  } finally {
    // The lock and the timeout are the session's: neither may stay with a connection of the pool.
    if (!broken) broken = !(await resetSession(client));
    client.release(broken);
  }
}

async function resetSession(client: Client): Promise<boolean> {
  try {
    await client.query('reset lock_timeout; select pg_advisory_unlock_all()');
    return true;
  } catch {
    return false;
  }
}

type Work = Pick<Applied, 'actions'> & Partial<Pick<Applied, 'indexesCreated' | 'indexesRecreated' | 'indexesDropped'>>;

interface Recipe {
  readonly look: (client: Client, options: OptimizeOptions) => Promise<Figures>;
  readonly work: (client: Client, options: OptimizeOptions) => Promise<Work>;
}

async function apply(client: Client, name: Optimization, options: OptimizeOptions): Promise<Applied> {
  const startedAt = performance.now();
  const { look, work } = recipes[name];
  const before = await look(client, options);
  const done = await work(client, options);
  const after = await look(client, options);
  return {
    name,
    indexesCreated: done.indexesCreated ?? [],
    indexesRecreated: done.indexesRecreated ?? [],
    indexesDropped: done.indexesDropped ?? [],
    actions: done.actions,
    before,
    after,
    durationMs: performance.now() - startedAt,
  };
}

/** Rows of a leaf never change: they can be frozen at once, and statistics age with what is added. */
const leafSettings = {
  autovacuum_vacuum_insert_scale_factor: '0.05',
  autovacuum_analyze_scale_factor: '0.02',
  autovacuum_freeze_min_age: '0',
  fillfactor: '100',
} as const;

/** Connections of ours idle for longer belong to a process that is gone: pools close theirs after 30 s. */
const orphanAfterMs = 300_000;
const ours = `datname = current_database() and application_name like 'full-sync-%' and pid <> pg_backend_pid()`;

/** Columns that go together: a campaign has one name, and few types of events. */
const correlated = 'campaign_id, campaign_name, event_type';

const recipes: Readonly<Record<Optimization, Recipe>> = {
  sync_indexes: {
    look: async (client) =>
      await figuresOf(
        client,
        `select count(i.indexrelid) as indexes, count(i.indexrelid) filter (where not i.indisvalid) as invalid_indexes,
           coalesce(sum(pg_relation_size(i.indexrelid)), 0) as index_bytes, count(distinct l.relid) as tables
         from pg_partition_tree('event_source') l left join pg_index i on i.indrelid = l.relid where l.isleaf`,
      ),
    work: async (client, { recreateIndexes }) => {
      const { created, attached, recreated, dropped } = await buildSyncIndexes(client, recreateIndexes);
      const actions = [
        ...created.map((name) => `built ${name} concurrently`),
        ...attached.map((name) => `took over ${name}, which was built before`),
        ...recreated.map((name) => `rebuilt ${name} concurrently`),
        ...dropped.map((name) => `dropped ${name}, left by a build that failed`),
      ];
      return { indexesCreated: created, indexesRecreated: recreated, indexesDropped: dropped, actions };
    },
  },
  bulk_operations: {
    look: async (client) =>
      await figuresOf(
        client,
        `select count(*) as tables, count(*) filter (where c.reloptions @> $1) as tuned_tables,
           coalesce(sum(c.relpages), 0) as pages, coalesce(sum(c.relallvisible), 0) as all_visible_pages
         from pg_partition_tree('event_source') l join pg_class c on c.oid = l.relid where l.isleaf`,
        [Object.entries(leafSettings).map(([name, value]) => `${name}=${value}`)],
      ),
    work: async (client) => {
      const settings = Object.entries(leafSettings).map(([name, value]) => `${name} = ${value}`);
      const actions: string[] = [];
      for (const { leaf } of await listPartitions(client)) {
        await client.query(`alter table if exists ${quoteName(leaf)} set (${settings.join(', ')})`);
        // Also tells index-only scans what they may rely on, and sums up new ranges of the BRIN index.
        await unlessGone(async () => {
          await client.query(`vacuum ${quoteName(leaf)}`);
          actions.push(`set ${leaf} up for rows that are only added, and vacuumed it`);
        });
      }
      return { actions };
    },
  },
  connection_pool: {
    look: async (client, options) =>
      await figuresOf(
        client,
        `select count(*) as connections, count(*) filter (where state = 'active') as active,
           count(*) filter (where state = 'idle') as idle,
           count(*) filter (where state like 'idle in transaction%') as idle_in_transaction,
           count(*) filter (where state = 'idle' and state_change < now() - $1::float8 * interval '1 millisecond') as orphaned,
           (select count(*) from pg_stat_activity where backend_type = 'client backend') as server_connections,
           current_setting('max_connections')::integer as server_max
         from pg_stat_activity where ${ours}`,
        [options.orphanAfterMs ?? orphanAfterMs],
      ),
    work: async (client, options) => {
      // Chosen first, ended then: in one condition the server would be free to end each backend before it looks at it.
      const { rowCount } = await client.query(
        `with orphans as materialized (
           select pid from pg_stat_activity
           where ${ours} and usename = current_user and state = 'idle' and state_change < now() - $1::float8 * interval '1 millisecond')
         select pg_terminate_backend(pid, 2000) from orphans`,
        [options.orphanAfterMs ?? orphanAfterMs],
      );
      return { actions: rowCount === 0 ? [] : [`closed ${rowCount ?? 0} connections of processes that are gone`] };
    },
  },
  query_optimization: {
    look: async (client) =>
      await figuresOf(
        client,
        `select count(*) as tables,
           count(*) filter (where s.last_analyze is not null or s.last_autoanalyze is not null) as analyzed_tables,
           coalesce(sum(s.n_mod_since_analyze), 0) as rows_since_analyze,
           (select count(*) from pg_statistic_ext e join pg_partition_tree('event_source') t on e.stxrelid = t.relid)
             as extended_statistics
         from pg_partition_tree('event_source') l join pg_stat_all_tables s on s.relid = l.relid`,
      ),
    work: async (client) => {
      const actions: string[] = [];
      const partitions = await listPartitions(client);
      const tables = [
        'event_source',
        ...new Set(partitions.map(({ branch }) => branch)),
        ...partitions.map(({ leaf }) => leaf),
      ];
      for (const table of tables) {
        if (await correlate(client, table))
          actions.push(`told the planner that campaign columns of ${table} go together`);
      }
      // Once: it takes the leaves with it, which autovacuum does for them but never for a partitioned table.
      await client.query('analyze event_source');
      actions.push(`analyzed ${tables.length} tables`);
      return { actions };
    },
  },
};

/** Extended statistics on a table that has none on these columns, under whatever name; true when they were made. */
async function correlate(client: Client, table: string): Promise<boolean> {
  const { rows } = await client.query<{ known: boolean; gone: boolean }>(
    `select to_regclass($1) is null as gone, exists (
       select from pg_statistic_ext e where e.stxrelid = to_regclass($1) and (
         select string_agg(a.attname, ', ' order by a.attname) from pg_attribute a
         where a.attrelid = e.stxrelid and a.attnum = any(e.stxkeys::smallint[])) = $2) as known`,
    [quoteName(table), correlated],
  );
  if (rows[0]?.known !== false || rows[0].gone) return false;
  let made = false;
  await unlessGone(async () => {
    await client.query(
      `create statistics if not exists ${quoteName(`${table}_campaigns`)} (ndistinct, dependencies, mcv) on ${correlated} from ${quoteName(table)}`,
    );
    made = true;
  });
  return made;
}

async function figuresOf(client: Client, sql: string, values: readonly unknown[] = []): Promise<Figures> {
  const { rows } = await client.query<Record<string, string | number>>(sql, [...values]);
  return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([name, value]) => [name, Number(value)]));
}
