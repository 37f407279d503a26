import type { Client, Database } from '@full-sync/database';
import { allot } from './budget-store.ts';
import type { ClockReading } from './budget-store.ts';
import { requestTimeoutMs } from './attio.ts';
import type { Bounds, Slot, SlotUse } from './domain/budget.ts';
import { toleranceMs } from './domain/budget.ts';
import type { PersonState } from './domain/person-state.ts';

/** How far ahead a slot is taken; the write waits for it. */
export const aheadMs = 300;
/** Between the last instant at which a write may still be under way here and the end of its lease. */
const marginMs = 3_000;
/** How long nobody else writes a person: until the write of this process has surely ended, or never will. */
export const leaseMs = aheadMs + toleranceMs + requestTimeoutMs + marginMs;
/** A member of the group is missed after this long (packages/kafka). */
const sessionTimeoutMs = 10_000;
/**
 * How long a write without a known end is feared: sent by a process that is gone or was frozen, or done by Attio after
 * its caller gave up. Attio has no conditional write, so a late total must not stay.
 */
export const suspectMs = requestTimeoutMs + sessionTimeoutMs;

export interface ClaimedPerson {
  readonly email: string;
  readonly state: PersonState;
  readonly version: number;
  /** Of this lease; whoever comes later has a higher one. */
  readonly epoch: number;
  readonly attempt: number;
  readonly dropped: readonly string[];
  readonly slot: Slot;
}

export interface ClaimedPeople {
  readonly people: readonly ClaimedPerson[];
  readonly clock: ClockReading;
  readonly pausedMs: number;
  /**
   * The attributes to write: read where the people are claimed, for whoever sees a new attribute has everybody written
   * once more, and no copy may settle that without it.
   */
  readonly usable: ReadonlySet<string>;
}

/** Whether anybody is due now: a cheap look before the budget is locked. */
export async function anybodyDue(db: Database, targetId: number): Promise<boolean> {
  const { rows } = await db.pool.query<{ due: boolean }>({
    name: 'attio-anybody-due',
    text: `select exists (select from attio_people where target_id = $1 and due_at <= clock_timestamp()
        and (lease_until is null or lease_until < clock_timestamp())) as due`,
    values: [targetId],
  });
  return rows[0]?.due === true;
}

/**
 * Takes due people together with places in the write budget, the longest due first, and notes how earlier places were
 * used. At most one write per person is under way: a lease keeps others away until it has surely ended.
 */
export async function claimPeople(
  db: Database,
  asked: {
    readonly targetId: number;
    readonly owner: string;
    readonly bounds: Bounds;
    readonly wanted: number;
    readonly uses: readonly SlotUse[];
  },
): Promise<ClaimedPeople> {
  const { targetId, bounds, wanted, uses } = asked;
  return await db.transaction(async (client) => {
    const due = await lockDue(client, targetId, wanted);
    const allotted = await allot(client, { targetId, bounds, uses, wanted: due.length, aheadMs });
    const { slots, clock, pausedMs, usable } = allotted;
    const people = await lease(client, asked, due.slice(0, slots.length));
    const claimed = people.map((person, i): ClaimedPerson => {
      const slot = slots[i];
      if (slot === undefined) throw new Error('a person without a slot');
      return { ...person, slot };
    });
    return { people: claimed, clock, pausedMs, usable };
  });
}

async function lockDue(client: Client, targetId: number, wanted: number): Promise<readonly string[]> {
  if (wanted <= 0) return [];
  const { rows } = await client.query<{ email: string }>({
    name: 'attio-lock-due',
    // Those that are being folded are left for the next turn: nobody waits here.
    text: `select email from attio_people where target_id = $1 and due_at <= clock_timestamp()
        and (lease_until is null or lease_until < clock_timestamp())
      order by due_at limit $2 for update skip locked`,
    values: [targetId, wanted],
  });
  return rows.map(({ email }) => email);
}

async function lease(
  client: Client,
  { targetId, owner }: { readonly targetId: number; readonly owner: string },
  emails: readonly string[],
): Promise<readonly Omit<ClaimedPerson, 'slot'>[]> {
  if (emails.length === 0) return [];
  const { rows } = await client.query<{
    email: string;
    state: PersonState;
    version: string;
    lease_epoch: string;
    attempt: number;
    dropped: string[];
  }>({
    name: 'attio-lease',
    // A lease that ran out is the mark of a write whose end nobody knows.
    text: `update attio_people set
        suspect_until = case when lease_until is null then suspect_until
          else greatest(suspect_until, clock_timestamp() + $5::float8 * interval '1 millisecond') end,
        lease_owner = $3, lease_epoch = lease_epoch + 1,
        lease_until = clock_timestamp() + $4::float8 * interval '1 millisecond'
      where target_id = $1 and email = any($2)
      returning email, state, version, lease_epoch, attempt, dropped`,
    values: [targetId, emails, owner, leaseMs, suspectMs],
  });
  return rows.map((row) => ({
    email: row.email,
    state: row.state,
    version: Number(row.version),
    epoch: Number(row.lease_epoch),
    attempt: row.attempt,
    dropped: row.dropped,
  }));
}
