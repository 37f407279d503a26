import type { Client, Queryable } from '@full-sync/database';
import { aheadMs } from './claim-people.ts';
import type { PersonState } from './domain/person-state.ts';

/** How long after its last event a person is written, and how long at most after the first: events come in bursts. */
export const quietMs = 3_000;
const longestQuietMs = 15_000;

export interface PersonKey {
  readonly targetId: number;
  /** As the events carry it. */
  readonly email: string;
}

export interface LockedPerson extends PersonKey {
  readonly state: PersonState | null;
  readonly version: number;
}

/** Locks people until the end of the transaction, the new ones too; `keys` are sorted and each is there once. */
export async function lockPeople(client: Client, keys: readonly PersonKey[]): Promise<readonly LockedPerson[]> {
  const values = [keys.map(({ targetId }) => targetId), keys.map(({ email }) => email)];
  await client.query({
    name: 'attio-add-people',
    text: `insert into attio_people (target_id, email, state)
      select target_id, email, 'null' from unnest($1::integer[], $2::text[]) as added (target_id, email) on conflict do nothing`,
    values,
  });
  const { rows } = await client.query<{ target_id: number; email: string; state: PersonState | null; version: string }>(
    {
      name: 'attio-lock-people',
      text: `select p.target_id, p.email, p.state, p.version from attio_people p
      join unnest($1::integer[], $2::text[]) as wanted (target_id, email) using (target_id, email)
      order by p.target_id, p.email collate "C" for update of p`,
      values,
    },
  );
  return rows.map((row) => ({
    targetId: row.target_id,
    email: row.email,
    state: row.state,
    version: Number(row.version),
  }));
}

/** When an event happened, and when the keyer published it; null for a stored one. */
export interface EventTimes {
  readonly occurredAt: Date;
  readonly publishedAt: Date | null;
}

export interface FoldedEvent extends EventTimes {
  readonly eventId: string;
}

/** A person with events added, and what of them is open: the events of each job (empty for a backfill). */
export interface FoldedPerson extends PersonKey {
  readonly state: PersonState;
  readonly version: number;
  readonly events: ReadonlyMap<string, readonly FoldedEvent[]>;
}

/**
 * Stores folded people, which are then due: after a moment of quiet, but not later than a bound, and never later than
 * they already were.
 */
export async function storePeople(client: Client, people: readonly FoldedPerson[]): Promise<void> {
  if (people.length === 0) return;
  await client.query({
    name: 'attio-store-people',
    text: `update attio_people p set state = n.state::jsonb, version = n.version,
        dirty_since = coalesce(p.dirty_since, clock_timestamp()),
        due_at = case
          when p.dirty_since is not null and (p.attempt > 0 or p.due_at <= clock_timestamp()) then p.due_at
          else least(coalesce(p.dirty_since, clock_timestamp()) + $5::float8 * interval '1 millisecond',
            clock_timestamp() + $6::float8 * interval '1 millisecond') end
      from unnest($1::integer[], $2::text[], $3::text[], $4::bigint[]) as n (target_id, email, state, version)
      where p.target_id = n.target_id and p.email = n.email`,
    values: [
      people.map(({ targetId }) => targetId),
      people.map(({ email }) => email),
      people.map(({ state }) => JSON.stringify(state)),
      people.map(({ version }) => version),
      longestQuietMs,
      quietMs,
    ],
  });
  const folds = people.flatMap(({ targetId, email, version, events }) =>
    [...events].map(([jobId, some]) => ({
      targetId,
      email,
      version,
      jobId,
      eventIds: some.map(({ eventId }) => eventId),
      occurredAt: some.map(({ occurredAt }) => occurredAt),
      publishedAt: some.map(({ publishedAt }) => publishedAt),
    })),
  );
  // As JSON: Postgres has no arrays of arrays of different lengths.
  await client.query({
    name: 'attio-store-folds',
    text: `insert into attio_folds (target_id, email, version, job_id, event_ids, occurred_at, published_at)
      select "targetId", email, version, "jobId", "eventIds", "occurredAt", "publishedAt"
      from jsonb_to_recordset($1) as f ("targetId" integer, email text, version bigint, "jobId" text, "eventIds" uuid[],
        "occurredAt" timestamptz[], "publishedAt" timestamptz[])`,
    values: [JSON.stringify(folds)],
  });
}

/**
 * Makes everybody of a workspace due once more: an attribute was added. Those whose write is under way, which is without
 * it, are marked so that another one follows.
 */
export async function rewriteEverybody(queryable: Queryable, targetId: number): Promise<void> {
  await queryable.query(
    `update attio_people set due_at = coalesce(due_at, clock_timestamp()),
       suspect_until = case when lease_until is null then suspect_until
         else greatest(suspect_until, clock_timestamp() + $2::float8 * interval '1 millisecond') end
     where target_id = $1 and (due_at is null or lease_until is not null)`,
    [targetId, aheadMs],
  );
}

/** How many people have changed and are not written yet, in all workspaces. */
export async function countOpenPeople(queryable: Queryable): Promise<number> {
  const { rows } = await queryable.query<{ people: string }>(
    'select count(*) as people from attio_people where due_at is not null',
  );
  return Number(rows[0]?.people);
}
