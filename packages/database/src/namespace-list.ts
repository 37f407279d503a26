import type { Queryable } from './database.ts';

export interface ListedNamespace {
  readonly namespace: string;
  readonly createdAt: Date;
  /** Rows that loading has written and that are live, by platform; not counted in the table, so this costs nothing. */
  readonly rows: readonly { readonly platform: string; readonly rows: number }[];
  /** The last sync that has ended, whatever way. */
  readonly lastSync: {
    readonly jobId: string;
    readonly syncMode: string;
    readonly status: string;
    /** ms since 1970. */
    readonly completedAtMs: number;
  } | null;
  /** The jobs that write to it now, replays included, oldest first. */
  readonly openJobs: readonly string[];
}

/** All namespaces by name. */
export async function listNamespaces(queryable: Queryable): Promise<readonly ListedNamespace[]> {
  const { rows } = await queryable.query<ListedNamespace & Record<string, unknown>>(
    `select n.namespace, n.created_at as "createdAt",
       (select coalesce(jsonb_agg(p order by platform desc), '[]') from (
         select s.platform, coalesce(sum(r.rows), 0) as rows from leaf_states s left join leaf_rows r on r.leaf = s.live_leaf
         where s.namespace = n.namespace group by 1) p) as rows,
       (select jsonb_build_object('jobId', job_id, 'syncMode', sync_mode, 'status', status,
           'completedAtMs', round(extract(epoch from completed_at) * 1000))
         from job_targets t join jobs j using (job_id)
         where t.namespace = n.namespace and j.completed_at is not null and j.sync_mode <> 'replay'
         order by j.created_at desc limit 1) as "lastSync",
       array(select job_id from jobs j where completed_at is null and exists (
         select from job_targets t where t.job_id = j.job_id and t.namespace = n.namespace)
         order by created_at, job_id) as "openJobs"
     from namespaces n where deleted_at is null order by n.namespace collate "C"`,
  );
  return rows;
}
