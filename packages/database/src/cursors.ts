import type { Client, Queryable } from './database.ts';

/** Which campaigns of an account belong to a namespace; ids as text. */
export interface CampaignFilter {
  /** Only these; null = all. */
  readonly campaigns: readonly string[] | null;
  readonly exclude: readonly string[];
}

/** How far a campaign of an account has been read into a namespace. */
export interface Cursor {
  /** ms since 1970. */
  readonly readUpToMs: number;
  /** What the source counted before that reading. */
  readonly counts: unknown;
  readonly backdatedAtMs: number | null;
  /** The campaigns that the reading was confined to. */
  readonly filter: CampaignFilter | null;
}

/** The cursors of a namespace on an account, by campaign; '' = the account as a whole. */
export async function readCursors(
  queryable: Queryable,
  of: { readonly namespace: string; readonly platform: string; readonly accountId: number },
): Promise<ReadonlyMap<string, Cursor>> {
  const { rows } = await queryable.query<{
    campaign_id: string;
    read_up_to_ms: number;
    counts: unknown;
    backdated_at_ms: number | null;
    campaign_filter: CampaignFilter | null;
  }>(
    `select campaign_id, (extract(epoch from read_up_to) * 1000)::float8 as read_up_to_ms, counts,
       (extract(epoch from backdated_at) * 1000)::float8 as backdated_at_ms, campaign_filter
     from cursors where namespace = $1 and platform = $2 and account_id = $3`,
    [of.namespace, of.platform, of.accountId],
  );
  return new Map(
    rows.map((row) => [
      row.campaign_id,
      {
        readUpToMs: Math.trunc(row.read_up_to_ms),
        counts: row.counts,
        backdatedAtMs: row.backdated_at_ms === null ? null : Math.trunc(row.backdated_at_ms),
        filter: row.campaign_filter,
      },
    ]),
  );
}

/**
 * Moves the cursors of a job whose rows are committed; to be called in the transaction that ends it, after its status is
 * set. A campaign's cursor moves when all of its walks ended cleanly, the one of an account as a whole when all of the
 * account did (a campaign that is gone is none of its faults) and the job was not told to end. Cursors only rise. Those of
 * a reset replace the others of its namespace, whose rows are gone, and none moves unless it completed.
 */
export async function moveCursors(client: Client, jobId: string): Promise<void> {
  await client.query(
    `delete from cursors c using jobs j, job_targets t
     where j.job_id = $1 and j.sync_mode = 'namespace_reset' and j.status = 'completed'
       and t.job_id = j.job_id and t.namespace = c.namespace and t.platform = c.platform`,
    [jobId],
  );
  await client.query(
    `insert into cursors as known
       (namespace, platform, account_id, campaign_id, read_up_to, counts, backdated_at, campaign_filter, job_id)
     select w.namespace, w.platform, w.account_id, w.campaign_id, w.read_up_to, w.counts, w.backdated_at,
       t.campaign_filter, $1
     from (
       select namespace, platform, account_id, coalesce(campaign_id, '') as campaign_id, min(reads_up_to) as read_up_to,
         case
           when bool_or(kind = 'activities' and window_start is null)
             then jsonb_build_object('records', sum(records_committed))
           when count(*) = 1 then (array_agg(counts))[1]
         end as counts,
         case when bool_or(backdated) then min(reads_up_to) end as backdated_at,
         bool_and(reads_up_to is not null) as moves, bool_and(status = 'done') as clean,
         bool_or(kind = 'activities') or platform <> 'lemlist' as speaks
       from streams where job_id = $1 group by 1, 2, 3, 4) w
     join job_targets t on t.job_id = $1 and t.namespace = w.namespace and t.platform = w.platform
     join jobs j on j.job_id = $1
     where w.moves and w.clean and w.speaks and (j.sync_mode <> 'namespace_reset' or j.status = 'completed') and (w.campaign_id <> '' or (j.ending is null and not exists (
       select from streams s where s.job_id = $1 and s.namespace = w.namespace and s.account_id = w.account_id
         and s.status not in ('done', 'skipped'))))
     on conflict (namespace, platform, account_id, campaign_id) do update set
       read_up_to = excluded.read_up_to,
       counts = case when excluded.platform = 'lemlist' then coalesce(excluded.counts, known.counts) else excluded.counts end,
       backdated_at = greatest(known.backdated_at, excluded.backdated_at),
       campaign_filter = excluded.campaign_filter, job_id = excluded.job_id, updated_at = now()
     where excluded.read_up_to >= known.read_up_to`,
    [jobId],
  );
}

/** What is known of the campaigns that a namespace reads on an account. */
export interface KnownTotals {
  /** Campaigns with a cursor, in whichever namespace. */
  readonly campaigns: number;
  /** The sends that the source counts in them. */
  readonly sends: number;
  /** Pages of `rowsPerPage` rows that they fill, one at least each. */
  readonly pages: number;
  /** Activities of the last whole reading; null where there was none. */
  readonly records: number | null;
  /** True when the namespace itself has cursors there: a delta starts from them. */
  readonly started: boolean;
}

/** What the readings of an account, by any namespace, tell of the campaigns that `filter` lets through. */
export async function readKnownTotals(
  queryable: Queryable,
  of: {
    readonly namespace: string;
    readonly accountId: number;
    readonly filter: CampaignFilter | null;
    readonly rowsPerPage: number;
  },
): Promise<KnownTotals> {
  const { rows } = await queryable.query<KnownTotals & { sends: string; pages: string; records: string | null }>(
    `with latest as (
       select distinct on (campaign_id) campaign_id, (counts ->> 'sent_count')::bigint as sends,
         (counts ->> 'records')::bigint as records
       from cursors where account_id = $2 order by campaign_id, counts is null, updated_at desc),
     wanted as (
       select * from latest where campaign_id <> '' and ($3::text[] is null or campaign_id = any($3)) and campaign_id <> all($4))
     select count(*)::integer as campaigns, coalesce(sum(sends), 0) as sends,
       coalesce(sum(greatest(1, ceil(coalesce(sends, 0) / $5::float8))), 0) as pages,
       case when $3::text[] is null then (select records from latest where campaign_id = '') else sum(records) end as records,
       exists (select from cursors where account_id = $2 and namespace = $1) as started
     from wanted`,
    [of.namespace, of.accountId, of.filter?.campaigns ?? null, of.filter?.exclude ?? [], of.rowsPerPage],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('an aggregate without a row');
  return {
    campaigns: row.campaigns,
    sends: Number(row.sends),
    pages: Number(row.pages),
    records: row.records === null ? null : Number(row.records),
    started: row.started,
  };
}
