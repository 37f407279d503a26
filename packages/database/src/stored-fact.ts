import type { Queryable } from './database.ts';

/** What tells a stored event from another fact under its key. */
export interface StoredFactRow {
  readonly leadEmail: string | null;
  /** ms since 1970. */
  readonly occurredAtMs: number;
  /** `sent_time` of the record at the source, where it has one. */
  readonly sentTime: string | null;
}

/** The event that has the key, or null. Only the leaf of its namespace and platform is looked into, by its primary key. */
export async function readStoredFact(
  queryable: Queryable,
  of: { readonly namespace: string; readonly platform: string; readonly eventKey: string },
): Promise<StoredFactRow | null> {
  const { rows } = await queryable.query<StoredFactRow>(
    `select lead_email as "leadEmail", extract(epoch from occurred_at)::float8 * 1000 as "occurredAtMs",
       properties ->> 'sent_time' as "sentTime"
     from event_source
     where namespace = $1 and platform = $2 and event_id = right($3, 32)::uuid and event_key = $3`,
    [of.namespace, of.platform, of.eventKey],
  );
  return rows[0] ?? null;
}
