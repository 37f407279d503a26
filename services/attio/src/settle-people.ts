import type { Client } from '@full-sync/database';
import { addCounts, nothingSettled, settledRowsSql } from './add-counts.ts';
import type { Settled, SettledRow } from './add-counts.ts';
import { aheadMs, suspectMs } from './claim-people.ts';
import { quietMs } from './people.ts';

/** How a write ended. */
export type PersonEnd =
  /** `startedMs`: not later than it was sent, on the database's clock. */
  | { readonly kind: 'written'; readonly recordId: string; readonly startedMs: number; readonly answerCode: number }
  /** To be tried again after `waitMs`; `unknown` when it may have been done, `failed` when it counts as a failure. */
  | { readonly kind: 'again'; readonly waitMs: number; readonly unknown: boolean; readonly failed: boolean }
  /** To be tried again at once without this attribute. */
  | { readonly kind: 'dropped'; readonly slug: string }
  | { readonly kind: 'refused'; readonly code: string; readonly answerCode: number };

/** A write that has ended, under the lease it was made with. */
export interface EndedWrite {
  readonly email: string;
  readonly epoch: number;
  readonly version: number;
  readonly end: PersonEnd;
}

interface Holder {
  readonly targetId: number;
  readonly owner: string;
}

/** Locks those of the people whose lease is still held, in the order in which everybody locks people. */
export async function lockHeld(
  client: Client,
  { targetId, owner }: Holder,
  writes: readonly EndedWrite[],
): Promise<readonly EndedWrite[]> {
  const { rows } = await client.query<{ email: string; lease_epoch: string }>({
    name: 'attio-lock-held',
    text: `select email, lease_epoch from attio_people where target_id = $1 and lease_owner = $2 and email = any($3)
      order by target_id, email collate "C" for update`,
    values: [targetId, owner, writes.map(({ email }) => email)],
  });
  const held = new Map(rows.map((row) => [row.email, Number(row.lease_epoch)]));
  // Somebody whose lease went to another settles nothing: the one who took over does.
  return writes.filter(({ email, epoch }) => held.get(email) === epoch);
}

/**
 * Has people written once more whose write was done here, or may have been, after the lease had gone to somebody else (a
 * frozen process): nobody knows which of the two came last, and a late total must not stay.
 */
export async function suspectOvertaken(client: Client, targetId: number, writes: readonly EndedWrite[]): Promise<void> {
  const feared = writes.flatMap(({ email, epoch, end }) =>
    end.kind === 'written' || (end.kind === 'again' && end.unknown)
      ? [{ email, epoch, unknown: end.kind !== 'written' }]
      : [],
  );
  if (feared.length === 0) return;
  await client.query(
    `update attio_people p set due_at = coalesce(p.due_at, clock_timestamp()),
       suspect_until = case
         when e.unknown then greatest(p.suspect_until, clock_timestamp() + $5::float8 * interval '1 millisecond')
         when p.lease_until is not null
           then greatest(p.suspect_until, clock_timestamp() + $6::float8 * interval '1 millisecond')
         else p.suspect_until end
     from unnest($2::text[], $3::bigint[], $4::boolean[]) as e (email, epoch, unknown)
     where p.target_id = $1 and p.email = e.email and p.lease_epoch > e.epoch`,
    [
      targetId,
      feared.map(({ email }) => email),
      feared.map(({ epoch }) => epoch),
      feared.map(({ unknown }) => unknown),
      suspectMs,
      aheadMs,
    ],
  );
}

/** Settles writes of locked people: frees their leases, counts the events that were part of them. */
export async function settlePeople(client: Client, targetId: number, held: readonly EndedWrite[]): Promise<Settled> {
  await settleWritten(client, targetId, held);
  await settleAgain(client, targetId, held);
  await settleDropped(client, targetId, held);
  await settleRefused(client, targetId, held);
  return await countEvents(client, targetId, held);
}

/** Frees the lease and says when the person is due next, if at all. */
const releaseSql = `lease_owner = null, lease_until = null, attempt = 0, dropped = '{}',
  dirty_since = case when p.version > e.version then clock_timestamp() end`;
/** A version that came meanwhile waits for a moment of quiet. */
const nextVersionSql = `when p.version > e.version then clock_timestamp() + ${quietMs}::float8 * interval '1 millisecond'`;

async function settleWritten(client: Client, targetId: number, held: readonly EndedWrite[]): Promise<void> {
  const written = held.flatMap(({ email, version, end }) => (end.kind === 'written' ? [{ email, version, end }] : []));
  if (written.length === 0) return;
  await client.query({
    name: 'attio-settle-written',
    text: `update attio_people p set written_version = e.version, written_at = clock_timestamp(), record_id = e.record_id,
        code = null, ${releaseSql},
        suspect_until = case when p.suspect_until > to_timestamp(e.started_ms / 1000) then p.suspect_until end,
        due_at = case ${nextVersionSql}
          when p.suspect_until > to_timestamp(e.started_ms / 1000) then greatest(p.suspect_until, clock_timestamp()) end
      from unnest($2::text[], $3::bigint[], $4::text[], $5::float8[]) as e (email, version, record_id, started_ms)
      where p.target_id = $1 and p.email = e.email`,
    values: [
      targetId,
      written.map(({ email }) => email),
      written.map(({ version }) => version),
      written.map(({ end }) => end.recordId),
      written.map(({ end }) => end.startedMs),
    ],
  });
}

async function settleAgain(client: Client, targetId: number, held: readonly EndedWrite[]): Promise<void> {
  const again = held.flatMap(({ email, end }) => (end.kind === 'again' ? [{ email, end }] : []));
  if (again.length === 0) return;
  await client.query({
    name: 'attio-settle-again',
    text: `update attio_people p set lease_owner = null, lease_until = null,
        attempt = case when e.failed then p.attempt + 1 else p.attempt end,
        due_at = clock_timestamp() + e.wait_ms * interval '1 millisecond',
        suspect_until = case when e.unknown
          then greatest(p.suspect_until, clock_timestamp() + $6::float8 * interval '1 millisecond') else p.suspect_until end
      from unnest($2::text[], $3::float8[], $4::boolean[], $5::boolean[]) as e (email, wait_ms, unknown, failed)
      where p.target_id = $1 and p.email = e.email`,
    values: [
      targetId,
      again.map(({ email }) => email),
      again.map(({ end }) => end.waitMs),
      again.map(({ end }) => end.unknown),
      again.map(({ end }) => end.failed),
      suspectMs,
    ],
  });
}

async function settleDropped(client: Client, targetId: number, held: readonly EndedWrite[]): Promise<void> {
  const dropped = held.flatMap(({ email, end }) => (end.kind === 'dropped' ? [{ email, slug: end.slug }] : []));
  if (dropped.length === 0) return;
  await client.query({
    name: 'attio-settle-dropped',
    text: `update attio_people p set lease_owner = null, lease_until = null, dropped = array_append(p.dropped, e.slug),
        due_at = clock_timestamp()
      from unnest($2::text[], $3::text[]) as e (email, slug) where p.target_id = $1 and p.email = e.email`,
    values: [targetId, dropped.map(({ email }) => email), dropped.map(({ slug }) => slug)],
  });
}

async function settleRefused(client: Client, targetId: number, held: readonly EndedWrite[]): Promise<void> {
  const refused = held.flatMap(({ email, version, end }) =>
    end.kind === 'refused' ? [{ email, version, code: end.code }] : [],
  );
  if (refused.length === 0) return;
  await client.query({
    name: 'attio-settle-refused',
    // Tried again with the next event, or when it is asked for: what was wrong may be mended by then.
    text: `update attio_people p set written_version = e.version, code = e.code, ${releaseSql},
        due_at = case ${nextVersionSql} end
      from unnest($2::text[], $3::bigint[], $4::text[]) as e (email, version, code)
      where p.target_id = $1 and p.email = e.email`,
    values: [
      targetId,
      refused.map(({ email }) => email),
      refused.map(({ version }) => version),
      refused.map(({ code }) => code),
    ],
  });
}

interface EndedVersion {
  readonly email: string;
  readonly version: number;
  readonly state: 'sent' | 'failed';
  readonly code: string | null;
  readonly answerCode: number;
}

/** The events of all versions that a write has brought to an end: sent with it, or failed with it. */
async function countEvents(client: Client, targetId: number, held: readonly EndedWrite[]): Promise<Settled> {
  const ended = held.flatMap(({ email, version, end }): readonly EndedVersion[] => {
    if (end.kind === 'written') return [{ email, version, state: 'sent', code: null, answerCode: end.answerCode }];
    if (end.kind === 'refused')
      return [{ email, version, state: 'failed', code: end.code, answerCode: end.answerCode }];
    return [];
  });
  if (ended.length === 0) return nothingSettled;
  const { rows } = await client.query<SettledRow>({
    name: 'attio-settle-events',
    text: `with ended as (
        select * from unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::integer[])
          as e (email, version, state, code, answer_code)),
      folds as (
        delete from attio_folds f using ended e
        where f.target_id = $1 and f.email = e.email and f.version <= e.version
        returning f.job_id, f.event_ids, f.occurred_at, f.published_at, e.state, e.code, e.answer_code),
      events as (
        select job_id, state, code, answer_code, one.* from folds f
        cross join unnest(f.event_ids, f.occurred_at, f.published_at) as one (event_id, occurred_at, published_at)),
      -- Written as activities of their own, now that there is a person: they count when that is done.
      waiting as (
        update attio_activities a set due_at = clock_timestamp() from events e
        where e.state = 'sent' and a.target_id = $1 and a.event_id = e.event_id returning a.event_id),
      dropped as (
        delete from attio_activities a using events e
        where e.state = 'failed' and a.target_id = $1 and a.event_id = e.event_id),
      over as (
        select * from events e where not exists (select from waiting w where w.event_id = e.event_id)),
      settled as (
        update deliveries d set state = o.state, code = o.code, answer_code = o.answer_code, settled_at = clock_timestamp()
        from over o where d.target_id = $1 and d.event_id = o.event_id)
      ${settledRowsSql('over')}`,
    values: [
      targetId,
      ended.map(({ email }) => email),
      ended.map(({ version }) => version),
      ended.map(({ state }) => state),
      ended.map(({ code }) => code),
      ended.map(({ answerCode }) => answerCode),
    ],
  });
  return await addCounts(client, rows);
}
