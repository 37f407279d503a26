import { deliveryKey, insertDeliveries, readDeliveries } from '@full-sync/database';
import type { Client, Database, NewDelivery } from '@full-sync/database';
import type { DeliveryCounts, Settle, WantedEvent, Work } from '@full-sync/destinations';
import { insertActivities, withActivities } from './activities.ts';
import { activityValuesOf } from './domain/activity.ts';
import { emptyState, foldEvents } from './domain/person-state.ts';
import type { PersonEvent } from './domain/person-state.ts';
import { usableEmail } from './domain/usable-email.ts';
import { lockPeople, storePeople } from './people.ts';
import type { FoldedPerson } from './people.ts';

export interface FoldParts {
  readonly db: Database;
  /**
   * The number of the workspace that a namespace's events go to, null without a key; waits until it is known. Undefined
   * when `signal` was aborted before.
   */
  readonly targetOf: (namespace: string, signal: AbortSignal) => Promise<number | null | undefined>;
  /** Told of counts that are committed (I9). */
  readonly onCounts: (counts: readonly DeliveryCounts[]) => void;
}

interface Entry extends NewDelivery {
  readonly key: string;
  readonly wanted: WantedEvent;
  readonly email: string | null;
}

/**
 * Settles work by adding its events to the totals of their people, in the one transaction that enters them in the ledger
 * and moves the place (I1, I3): an event is in a total exactly if the ledger has it. Nothing is sent here.
 */
export function createFold(parts: FoldParts): Settle {
  return async (work) => {
    const targets = new Map<string, number | null>();
    for (const namespace of new Set(work.events.map(({ event }) => event.namespace))) {
      const target = await parts.targetOf(namespace, work.signal);
      if (target === undefined) return 'aborted';
      targets.set(namespace, target);
    }
    const { entries, skipped } = entriesOf(work, targets);
    const counts = await parts.db.transaction(async (client) => {
      if (!(await work.lock(client))) return null;
      const tally = new Tally();
      for (const jobId of skipped) tally.add(jobId, 'skipped');
      await foldEntries(client, work, entries, tally);
      await work.finish(client, tally.counts());
      return tally.counts();
    });
    if (counts === null) return 'stale';
    parts.onCounts(counts);
    return 'settled';
  };
}

/** Each event once and sorted, as everybody sorts the ledger; with who brought the others, which are only counted. */
function entriesOf(
  work: Work,
  targets: ReadonlyMap<string, number | null>,
): { readonly entries: readonly Entry[]; readonly skipped: readonly string[] } {
  const entries = new Map<string, Entry>();
  const skipped: string[] = [];
  for (const wanted of work.events) {
    const { event, eventId, offset } = wanted;
    const jobId = work.backfillId ?? event.job_id;
    const targetId = targets.get(event.namespace) ?? null;
    const key = targetId === null ? '' : deliveryKey({ targetId, eventId });
    if (targetId === null || entries.has(key)) {
      skipped.push(jobId);
      continue;
    }
    const email = usableEmail(event.lead_email);
    const { partition } = work;
    entries.set(key, { key, wanted, email, targetId, eventId, jobId, partition, offset, payload: null });
  }
  return { entries: [...entries.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1)), skipped };
}

async function foldEntries(client: Client, work: Work, entries: readonly Entry[], tally: Tally): Promise<void> {
  const fresh = await insertDeliveries(client, null, entries);
  const met = entries.filter(({ key }) => !fresh.has(key));
  const revived = await reviveFailed(client, met);
  const [addressed, nameless] = [
    entries.filter(({ key, email }) => fresh.has(key) && email !== null),
    entries.filter(({ key, email }) => fresh.has(key) && email === null),
  ];
  await skipNameless(client, nameless);
  for (const { jobId } of [...met.filter(({ key }) => !revived.has(key)), ...nameless]) tally.add(jobId, 'skipped');
  const again = met.filter(({ key }) => revived.has(key));
  for (const { jobId } of [...addressed, ...again]) tally.add(jobId, 'open');
  await foldPeople(client, work, addressed, again);
  await enterActivities(client, work, [...addressed, ...again]);
}

/** Events that are written one by one as well, where the workspace takes them. */
async function enterActivities(client: Client, { backfillId }: Work, entries: readonly Entry[]): Promise<void> {
  const taking = await withActivities(client, [...new Set(entries.map(({ targetId }) => targetId))]);
  const activities = entries.filter(({ targetId }) => taking.has(targetId));
  await insertActivities(
    client,
    activities.map(({ targetId, eventId, email, jobId, wanted: { event } }) => ({
      targetId,
      eventId,
      email: email ?? '',
      jobId: backfillId === null ? jobId : '',
      values: activityValuesOf({
        eventId,
        eventType: event.event_type,
        occurredAt: event.occurred_at,
        platform: event.platform,
        campaignName: event.campaign_name,
      }),
    })),
  );
}

/** Adds new events to their people; those that are only asked for again are in the totals already. */
async function foldPeople(
  client: Client,
  { backfillId }: Work,
  fresh: readonly Entry[],
  again: readonly Entry[],
): Promise<void> {
  const isFresh = new Set(fresh.map(({ key }) => key));
  const byPerson = Map.groupBy([...fresh, ...again], ({ targetId, email }) => `${targetId}/${email ?? ''}`);
  const keys = [...byPerson.values()].flatMap(([first]) =>
    first === undefined ? [] : [{ targetId: first.targetId, email: first.email ?? '' }],
  );
  const locked = await lockPeople(client, keys.toSorted(comparePeople));
  const people = locked.flatMap((person): readonly FoldedPerson[] => {
    const entries = byPerson.get(`${person.targetId}/${person.email}`) ?? [];
    const state = foldEvents(
      person.state ?? emptyState,
      entries.filter(({ key }) => isFresh.has(key)).map(({ wanted }) => toPersonEvent(wanted)),
    );
    const byJob = Map.groupBy(entries, ({ jobId }) => (backfillId === null ? jobId : ''));
    const events = new Map([...byJob].map(([jobId, some]) => [jobId, some.map(({ eventId }) => eventId)] as const));
    return [{ ...person, state, version: person.version + 1, events }];
  });
  await storePeople(client, people);
}

function comparePeople(
  a: { readonly targetId: number; readonly email: string },
  b: { readonly targetId: number; readonly email: string },
): number {
  return a.targetId - b.targetId || Buffer.compare(Buffer.from(a.email), Buffer.from(b.email));
}

function toPersonEvent({ event }: WantedEvent): PersonEvent {
  return {
    eventType: event.event_type,
    occurredAt: event.occurred_at,
    campaignId: event.campaign_id,
    campaignName: event.campaign_name,
  };
}

/** Opens failed deliveries that somebody asked for once more; returns their keys. */
async function reviveFailed(client: Client, met: readonly Entry[]): Promise<ReadonlySet<string>> {
  const asked = met.filter(({ wanted, email }) => wanted.redrive && email !== null);
  const known = await readDeliveries(client, asked);
  const failed = asked.filter(({ key }) => known.get(key)?.state === 'failed');
  if (failed.length === 0) return new Set();
  const { rows } = await client.query<{ target_id: number; event_id: string }>(
    `update deliveries d set state = 'folded', code = null, answer_code = null, settled_at = clock_timestamp(),
       job_id = t.job_id, partition = t.partition, record_offset = t.record_offset
     from unnest($1::integer[], $2::uuid[], $3::text[], $4::integer[], $5::bigint[])
       as t (target_id, event_id, job_id, partition, record_offset)
     where d.target_id = t.target_id and d.event_id = t.event_id and d.state = 'failed'
     returning d.target_id, replace(d.event_id::text, '-', '') as event_id`,
    [
      failed.map(({ targetId }) => targetId),
      failed.map(({ eventId }) => eventId),
      failed.map(({ jobId }) => jobId),
      failed.map(({ partition }) => partition),
      failed.map(({ offset }) => offset),
    ],
  );
  return new Set(rows.map((row) => deliveryKey({ targetId: row.target_id, eventId: row.event_id })));
}

/** Attio matches people by address alone: an event without one that can be an address is entered as skipped. */
async function skipNameless(client: Client, entries: readonly Entry[]): Promise<void> {
  if (entries.length === 0) return;
  await client.query(
    `update deliveries d set state = 'skipped', code = t.code
     from unnest($1::integer[], $2::uuid[], $3::text[]) as t (target_id, event_id, code)
     where d.target_id = t.target_id and d.event_id = t.event_id`,
    [
      entries.map(({ targetId }) => targetId),
      entries.map(({ eventId }) => eventId),
      entries.map(({ wanted }) => (wanted.event.lead_email === null ? 'ATTIO_NO_EMAIL' : 'ATTIO_UNUSABLE_EMAIL')),
    ],
  );
}

/** Counts by job. */
class Tally {
  readonly #jobs = new Map<string, { jobId: string; sent: number; skipped: number; failed: number; open: number }>();

  add(jobId: string, outcome: 'skipped' | 'open'): void {
    const job = this.#jobs.get(jobId) ?? { jobId, sent: 0, skipped: 0, failed: 0, open: 0 };
    job[outcome] += 1;
    this.#jobs.set(jobId, job);
  }

  counts(): readonly DeliveryCounts[] {
    return [...this.#jobs.values()];
  }
}
