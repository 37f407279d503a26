import { deliveryKey } from '@full-sync/database';
import type { Client, Database } from '@full-sync/database';
import { tally } from '@full-sync/destinations';
import type { DeliveryCounts, Settle, WantedEvent, Work } from '@full-sync/destinations';
import { insertActivities, withActivities } from './activities.ts';
import { activityValuesOf } from './domain/activity.ts';
import { emptyState, foldEvents } from './domain/person-state.ts';
import type { PersonEvent } from './domain/person-state.ts';
import { usableEmail } from './domain/usable-email.ts';
import { enterEvents } from './enter-events.ts';
import type { Entry } from './enter-events.ts';
import { lockPeople, storePeople } from './people.ts';
import type { EventTimes, FoldedPerson } from './people.ts';
import type { Workspaces } from './workspaces.ts';

export interface FoldParts {
  readonly db: Database;
  /**
   * The number of the workspace that a namespace's events go to, null without a key; waits until it is known. Undefined
   * when `signal` was aborted before, `refused` when that was given up.
   */
  readonly targetOf: Workspaces['targetOf'];
  /** Told of counts that are committed (I9). */
  readonly onCounts: (counts: readonly DeliveryCounts[]) => void;
}

/**
 * Settles work by adding its events to the totals of their people, in the one transaction that enters them in the ledger
 * and moves the place (I1, I3): an event is in a total exactly if the ledger has it. Nothing is sent here.
 */
export function createFold(parts: FoldParts): Settle {
  return async (work) => {
    const targets = new Map<string, number | null>();
    const halted: string[] = [];
    for (const namespace of new Set(work.events.map(({ event }) => event.namespace))) {
      const target = await parts.targetOf(namespace, work);
      if (target === undefined) return 'aborted';
      if (target === 'refused') halted.push(namespace);
      else targets.set(namespace, target);
    }
    if (halted.length > 0) return { halted };
    const { entries, skipped } = entriesOf(work, targets);
    const counts = await parts.db.transaction(async (client) => {
      if (!(await work.lock(client))) return null;
      const outcomes = await foldEntries(client, work, entries);
      const totals = tally([...skipped.map((jobId) => ({ jobId, outcome: 'skipped' as const })), ...outcomes]);
      await work.finish(client, totals);
      return totals;
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

/** What became of each entry: the totals take it over, or it is skipped. */
async function foldEntries(
  client: Client,
  work: Work,
  entries: readonly Entry[],
): Promise<readonly { readonly jobId: string; readonly outcome: 'open' | 'skipped' }[]> {
  const { added, revived } = await enterEvents(client, entries);
  await foldPeople(client, work, added, revived);
  const open = [...added, ...revived];
  await enterActivities(client, work, open);
  const isOpen = new Set(open.map(({ key }) => key));
  return entries.map(({ key, jobId }) => ({ jobId, outcome: isOpen.has(key) ? 'open' : 'skipped' }));
}

/** Events that are written one by one as well, where the workspace takes them. */
async function enterActivities(client: Client, { backfillId }: Work, entries: readonly Entry[]): Promise<void> {
  const taking = await withActivities(client, [...new Set(entries.map(({ targetId }) => targetId))]);
  const activities = entries.filter(({ targetId }) => taking.has(targetId));
  await insertActivities(
    client,
    activities.map(({ targetId, eventId, email, jobId, wanted }) => ({
      targetId,
      eventId,
      email: email ?? '',
      jobId: backfillId === null ? jobId : '',
      times: timesOf(wanted),
      values: activityValuesOf({
        eventId,
        eventType: wanted.event.event_type,
        occurredAt: wanted.event.occurred_at,
        platform: wanted.event.platform,
        campaignName: wanted.event.campaign_name,
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
    const events = new Map(
      [...byJob].map(
        ([jobId, some]) => [jobId, some.map(({ eventId, wanted }) => ({ eventId, ...timesOf(wanted) }))] as const,
      ),
    );
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

function timesOf({ event, publishedAtMs }: WantedEvent): EventTimes {
  return {
    occurredAt: new Date(event.occurred_at),
    publishedAt: publishedAtMs === null ? null : new Date(publishedAtMs),
  };
}

function toPersonEvent({ event }: WantedEvent): PersonEvent {
  return {
    eventType: event.event_type,
    occurredAt: event.occurred_at,
    campaignId: event.campaign_id,
    campaignName: event.campaign_name,
  };
}
