import type { Client, Database } from '@full-sync/database';
import { addCounts, nothingSettled, settledRowsSql } from './add-counts.ts';
import type { Settled, SettledRow } from './add-counts.ts';
import { allot } from './budget-store.ts';
import { aheadMs, leaseMs } from './claim-people.ts';
import type { ClaimedPeople } from './claim-people.ts';
import type { Bounds, Slot, SlotUse } from './domain/budget.ts';
import type { EventTimes } from './people.ts';

export interface NewActivity {
  readonly targetId: number;
  readonly eventId: string;
  readonly email: string;
  /** Empty for a backfill. */
  readonly jobId: string;
  readonly values: Readonly<Record<string, string>>;
  readonly times: EventTimes;
}

/** Which of these workspaces take events one by one. */
export async function withActivities(client: Client, targetIds: readonly number[]): Promise<ReadonlySet<number>> {
  const { rows } = await client.query<{ target_id: number }>(
    'select target_id from attio_workspaces where target_id = any($1) and activities',
    [targetIds],
  );
  return new Set(rows.map((row) => row.target_id));
}

/** Enters activities, which are due once their person is written. */
export async function insertActivities(client: Client, activities: readonly NewActivity[]): Promise<void> {
  if (activities.length === 0) return;
  await client.query({
    name: 'attio-insert-activities',
    text: `insert into attio_activities (target_id, event_id, email, job_id, values, occurred_at, published_at)
      select target_id, event_id, email, job_id, vals::jsonb, occurred_at, published_at
      from unnest($1::integer[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
        as a (target_id, event_id, email, job_id, vals, occurred_at, published_at)
      on conflict (target_id, event_id) do update set job_id = excluded.job_id, due_at = null, attempt = 0`,
    values: [
      activities.map(({ targetId }) => targetId),
      activities.map(({ eventId }) => eventId),
      activities.map(({ email }) => email),
      activities.map(({ jobId }) => jobId),
      activities.map(({ values }) => JSON.stringify(values)),
      activities.map(({ times }) => times.occurredAt),
      activities.map(({ times }) => times.publishedAt),
    ],
  });
}

export interface ClaimedActivity {
  readonly eventId: string;
  readonly email: string;
  readonly recordId: string;
  readonly values: Readonly<Record<string, string>>;
  readonly attempt: number;
  readonly slot: Slot;
}

/** Takes due activities with places in the write budget, the longest due first. */
export async function claimActivities(
  db: Database,
  asked: {
    readonly targetId: number;
    readonly owner: string;
    readonly bounds: Bounds;
    readonly wanted: number;
    readonly uses: readonly SlotUse[];
  },
): Promise<Omit<ClaimedPeople, 'people' | 'usable'> & { readonly activities: readonly ClaimedActivity[] }> {
  const { targetId, owner, bounds, wanted, uses } = asked;
  return await db.transaction(async (client) => {
    const { rows: due } = await client.query<{ event_id: string }>({
      name: 'attio-lock-activities',
      text: `select event_id from attio_activities where target_id = $1 and due_at <= clock_timestamp()
          and (lease_until is null or lease_until < clock_timestamp())
        order by due_at limit $2 for update skip locked`,
      values: [targetId, wanted],
    });
    const { slots, clock, pausedMs } = await allot(client, { targetId, bounds, uses, wanted: due.length, aheadMs });
    const { rows } = await client.query<{
      event_id: string;
      email: string;
      values: Record<string, string>;
      attempt: number;
      record_id: string | null;
    }>({
      name: 'attio-lease-activities',
      text: `update attio_activities a set lease_owner = $3,
          lease_until = clock_timestamp() + $4::float8 * interval '1 millisecond'
        from attio_people p
        where a.target_id = $1 and a.event_id = any($2::uuid[]) and p.target_id = a.target_id and p.email = a.email
        returning replace(a.event_id::text, '-', '') as event_id, a.email, a.values, a.attempt, p.record_id`,
      values: [targetId, due.slice(0, slots.length).map((row) => row.event_id), owner, leaseMs],
    });
    const activities = rows.flatMap((row, i): readonly ClaimedActivity[] => {
      const slot = slots[i];
      if (slot === undefined || row.record_id === null) return [];
      const { event_id: eventId, email, values, attempt, record_id: recordId } = row;
      return [{ eventId, email, recordId, values, attempt, slot }];
    });
    return { activities, clock, pausedMs };
  });
}

/** How the write of an activity ended. */
export interface EndedActivity {
  readonly eventId: string;
  readonly email: string;
  readonly end:
    | { readonly kind: 'written'; readonly answerCode: number }
    /** `person`: its record is not known any more; the person is written first. */
    | { readonly kind: 'again'; readonly waitMs: number; readonly failed: boolean; readonly person: boolean }
    | { readonly kind: 'refused'; readonly code: string; readonly answerCode: number };
}

/** Settles activities that are still leased by this process, and counts their events. */
export async function settleActivities(
  client: Client,
  { targetId, owner }: { readonly targetId: number; readonly owner: string },
  ended: readonly EndedActivity[],
): Promise<Settled> {
  await settleAgain(client, { targetId, owner }, ended);
  const final = ended.flatMap(({ eventId, end }) => {
    if (end.kind === 'again') return [];
    const code = end.kind === 'refused' ? end.code : null;
    return [{ eventId, state: end.kind === 'written' ? 'sent' : 'failed', code, answerCode: end.answerCode }];
  });
  if (final.length === 0) return nothingSettled;
  const { rows } = await client.query<SettledRow>({
    name: 'attio-settle-activities',
    text: `with ended as (
        select * from unnest($3::uuid[], $4::text[], $5::text[], $6::integer[]) as e (event_id, state, code, answer_code)),
      gone as (
        delete from attio_activities a using ended e
        where a.target_id = $1 and a.event_id = e.event_id and a.lease_owner = $2
        returning a.event_id, a.job_id, a.occurred_at, a.published_at, e.state, e.code, e.answer_code),
      settled as (
        update deliveries d set state = g.state, code = g.code, answer_code = g.answer_code, settled_at = clock_timestamp()
        from gone g where d.target_id = $1 and d.event_id = g.event_id)
      ${settledRowsSql('gone')}`,
    values: [
      targetId,
      owner,
      final.map(({ eventId }) => eventId),
      final.map(({ state }) => state),
      final.map(({ code }) => code),
      final.map(({ answerCode }) => answerCode),
    ],
  });
  return await addCounts(client, rows);
}

/** Waits for no activity any more: events whose person is written count as sent, the others will with it. */
export async function releaseActivities(client: Client, targetId: number): Promise<void> {
  const { rows } = await client.query<SettledRow>(
    `with gone as (delete from attio_activities where target_id = $1 returning event_id, job_id, due_at),
     settled as (
       update deliveries d set state = 'sent', settled_at = clock_timestamp()
       from gone g where g.due_at is not null and d.target_id = $1 and d.event_id = g.event_id)
     select job_id, 'sent' as state, count(*) as events, null as source_ages, null as published_ages
     from gone where due_at is not null group by 1`,
    [targetId],
  );
  await addCounts(client, rows);
}

async function settleAgain(
  client: Client,
  { targetId, owner }: { readonly targetId: number; readonly owner: string },
  ended: readonly EndedActivity[],
): Promise<void> {
  const again = ended.flatMap(({ eventId, email, end }) => (end.kind === 'again' ? [{ eventId, email, end }] : []));
  if (again.length === 0) return;
  await client.query({
    name: 'attio-activities-again',
    text: `update attio_activities a set lease_owner = null, lease_until = null,
        attempt = case when e.failed then a.attempt + 1 else a.attempt end,
        due_at = clock_timestamp() + e.wait_ms * interval '1 millisecond'
      from unnest($3::uuid[], $4::float8[], $5::boolean[]) as e (event_id, wait_ms, failed)
      where a.target_id = $1 and a.event_id = e.event_id and a.lease_owner = $2`,
    values: [
      targetId,
      owner,
      again.map(({ eventId }) => eventId),
      again.map(({ end }) => end.waitMs),
      again.map(({ end }) => end.failed),
    ],
  });
  const people = again.filter(({ end }) => end.person).map(({ email }) => email);
  if (people.length === 0) return;
  await client.query(
    `update attio_people set due_at = clock_timestamp() where target_id = $1 and email = any($2) and due_at is null`,
    [targetId, people.toSorted()],
  );
}
