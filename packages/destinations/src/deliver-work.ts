import { closeClaim, ensureDeliveryTarget, readDeliveries, renewClaim, settleDeliveries } from '@full-sync/database';
import type { Client, Database } from '@full-sync/database';
import type { Codec, Producer } from '@full-sync/kafka';
import { resting } from '@full-sync/runtime';
import { claimDeliveries } from './claim-deliveries.ts';
import type { Claimed } from './claim-deliveries.ts';
import { judgeKnown } from './domain/judge-known.ts';
import { tally } from './domain/tally.ts';
import type { Outcome } from './domain/tally.ts';
import { holdLease } from './hold-lease.ts';
import { mapEvents, toOutgoing } from './map-events.ts';
import type { Entry } from './map-events.ts';
import type { DeliveryAge } from './metrics.ts';
import { buryRefused } from './refused-letters.ts';
import { sendAll } from './send-batch.ts';
import type { Sending, Sent } from './send-batch.ts';
import type { DeliveryCounts, Settle, Work, WorkEnd } from './work.ts';

export interface Deliverer<Payload> extends Sending<Payload> {
  readonly db: Database;
  readonly producer: Producer;
  readonly letterCodec: Codec<'outreach.dead-letters'>;
  /** Names this process in the claims. */
  readonly owner: string;
}

/** How an entry ended, and what the ledger keeps of it. */
interface Ended<Payload> {
  readonly entry: Entry<Payload>;
  readonly outcome: Outcome;
  readonly code: string | null;
  readonly answerCode: number | null;
  /** When that was known, epoch ms. */
  readonly atMs: number;
}

/** How long a claim holds without being renewed: then others may send what it claimed. */
const claimLease = { leaseMs: 60_000, everyMs: 15_000 };
/** How often an event that somebody else is sending is looked at. */
const lookAgainMs = 250;

/**
 * Settles work by sending each event once: claims it with its payload, commits, sends, and then settles it, counts it
 * and moves the place in one transaction (I1, I3). In rounds, where others are sending some of the events.
 */
export function createDeliver<Payload>(parts: Deliverer<Payload>): Settle {
  const targetIds = new Map<string, number>();
  return async (work) => {
    for (const namespace of new Set(work.events.map(({ event }) => event.namespace))) {
      const hash = parts.destination.target(namespace)?.id;
      if (hash === undefined || targetIds.has(hash)) continue;
      targetIds.set(hash, await ensureDeliveryTarget(parts.db.pool, { destination: work.destination, hash }));
    }
    return await deliverWork(parts, work, targetIds);
  };
}

async function deliverWork<Payload>(
  parts: Deliverer<Payload>,
  work: Work,
  targetIds: ReadonlyMap<string, number>,
): Promise<WorkEnd> {
  const { entries, skipped } = mapEvents(parts.destination, work, targetIds);
  const counted = skipped.map((jobId): { jobId: string; outcome: Outcome } => ({ jobId, outcome: 'skipped' }));
  let pending = entries;
  for (;;) {
    if (work.signal.aborted) return 'aborted';
    const claiming = { owner: parts.owner, leaseMs: claimLease.leaseMs };
    const claimed = await timed(parts, () => claimDeliveries(parts.db, work, pending, claiming));
    if (claimed === null) return 'stale';
    const { ended, halted } = await sendClaimed(parts, work, claimed);
    const settled = await timed(parts, () => settleClaimed(parts, work, { claimed, ended, counted }));
    if (settled === 'stale') return 'stale';
    parts.metrics.noteAges(settled.ended.flatMap(ageOf));
    if (settled.counts !== null) {
      parts.metrics.noteCounts(settled.counts);
      return 'settled';
    }
    if (halted.size > 0) return { halted: namespacesOf(parts, work, halted) };
    counted.push(...settled.counted);
    pending = settled.left;
    await look(parts, work);
  }
}

/** The namespaces of a piece of work that go to one of these targets. */
function namespacesOf<Payload>(
  { destination }: Deliverer<Payload>,
  work: Work,
  targets: ReadonlySet<string>,
): readonly string[] {
  const namespaces = new Set(work.events.map(({ event }) => event.namespace));
  return [...namespaces].filter((namespace) => targets.has(destination.target(namespace)?.id ?? ''));
}

/** What is missing in `ended` was not settled; `halted` = the targets that it was given up for. */
interface SentClaimed<Payload> {
  readonly ended: readonly Ended<Payload>[];
  readonly halted: ReadonlySet<string>;
}

/** Sends what was claimed, target by target at once, and buries what is refused. */
async function sendClaimed<Payload>(
  parts: Deliverer<Payload>,
  work: Work,
  { claimId, mine }: Claimed<Payload>,
): Promise<SentClaimed<Payload>> {
  if (claimId === null) return { ended: [], halted: new Set() };
  using claim = holdLease(() => renewClaim(parts.db.pool, claimId, claimLease.leaseMs), claimLease);
  const signal = AbortSignal.any([work.signal, claim.lost]);
  const groups = Map.groupBy(mine, ({ entry }) => entry.targetId);
  const until = { signal, givesUp: work.givesUp };
  const sent = await Promise.all([...groups.values()].map((group) => sendGroup(parts, group, until)));
  const all = sent.flatMap(({ ended }) => ended);
  await buryRefused(
    { producer: parts.producer, codec: parts.letterCodec, now: () => parts.clock.now() },
    work,
    all.flatMap(({ entry, refusal }) => (refusal === null ? [] : [{ wanted: entry.wanted, ...refusal }])),
  );
  return { ended: all, halted: new Set(sent.flatMap(({ halted }) => (halted === null ? [] : [halted]))) };
}

type Refusal = { readonly code: string; readonly detail: string; readonly pointer: string | null };

async function sendGroup<Payload>(
  parts: Deliverer<Payload>,
  group: Claimed<Payload>['mine'],
  until: { readonly signal: AbortSignal; readonly givesUp: boolean },
): Promise<{ readonly ended: readonly EndedEntry<Payload>[]; readonly halted: string | null }> {
  const [first] = group;
  if (first === undefined) return { ended: [], halted: null };
  const outgoing = group.flatMap(({ entry, stored }) => toOutgoing(entry, stored) ?? []);
  const { target } = first.entry;
  const sent = await sendAll(parts, target, outgoing, until);
  const atMs = parts.clock.now();
  const ended = group.flatMap(({ entry, stored }) => {
    const end = endOf(entry, stored, sent.ended.get(entry.eventId));
    return end === null ? [] : [{ entry, atMs, ...end }];
  });
  return { ended, halted: sent.halted ? target.id : null };
}

type EndedEntry<Payload> = Ended<Payload> & { readonly refusal: Refusal | null };

/** The age of what was sent; none for stored events. */
function ageOf<Payload>({ entry, outcome, atMs }: Ended<Payload>): readonly DeliveryAge[] {
  const { event, publishedAtMs } = entry.wanted;
  if (outcome !== 'sent' || publishedAtMs === null) return [];
  return [{ sinceSourceMs: atMs - event.occurred_at, sincePublishedMs: atMs - publishedAtMs }];
}

/** How an entry ended: as the destination settled it, or as it is mapped; null when it was not settled. */
function endOf<Payload>(
  entry: Entry<Payload>,
  stored: string | null,
  sent: Sent | undefined,
): Omit<EndedEntry<Payload>, 'entry' | 'atMs'> | null {
  const { mapped } = entry;
  if (sent?.kind === 'sent') return { outcome: 'sent', code: null, answerCode: sent.answerCode, refusal: null };
  if (sent?.kind === 'failed')
    return { outcome: 'failed', code: sent.code, answerCode: sent.answerCode, refusal: sent };
  if (mapped.kind === 'send' || stored !== null) return null;
  const { code } = mapped;
  if (mapped.kind === 'skip') return { outcome: 'skipped', code, answerCode: null, refusal: null };
  const refusal = { code, detail: mapped.detail, pointer: mapped.pointer ?? null };
  return { outcome: 'failed', code, answerCode: null, refusal };
}

type Settled<Payload> =
  | 'stale'
  | { readonly ended: readonly Ended<Payload>[]; readonly counts: readonly DeliveryCounts[] }
  | {
      readonly ended: readonly Ended<Payload>[];
      readonly counts: null;
      readonly counted: readonly { readonly jobId: string; readonly outcome: Outcome }[];
      readonly left: readonly Entry<Payload>[];
    };

/** Settles what has ended; when that is all of the work, counts it and moves the place in the same transaction. */
async function settleClaimed<Payload>(
  { db }: Deliverer<Payload>,
  work: Work,
  round: {
    readonly claimed: Claimed<Payload>;
    readonly ended: readonly Ended<Payload>[];
    readonly counted: readonly { readonly jobId: string; readonly outcome: Outcome }[];
  },
): Promise<Settled<Payload>> {
  const { claimed, ended } = round;
  return await db.transaction(async (client): Promise<Settled<Payload>> => {
    const isHere = await work.lock(client);
    const lost = await settleRows(client, claimed.claimId, ended);
    // What is left of a claim is free for the next round, or for others.
    if (claimed.claimId !== null) await closeClaim(client, claimed.claimId);
    // What was sent was sent, though it is not for this work to count: an order was ended meanwhile.
    if (!isHere) return 'stale';
    const fresh = [...claimed.known, ...ended.filter(({ entry }) => !lost.has(entry.key))].map(
      ({ entry, outcome }) => ({ jobId: entry.jobId, outcome }),
    );
    const done = new Set(ended.map(({ entry }) => entry.key));
    const left = [
      ...claimed.waiting,
      ...claimed.mine.map(({ entry }) => entry).filter(({ key }) => !done.has(key) || lost.has(key)),
    ].toSorted((a, b) => (a.key < b.key ? -1 : 1));
    if (left.length > 0) return { ended, counts: null, counted: fresh, left };
    const counts = tally([...round.counted, ...fresh]);
    await work.finish(client, counts);
    return { ended, counts };
  });
}

/** Writes how deliveries ended; returns the keys of those that somebody else had taken over, and settles by now or not. */
async function settleRows<Payload>(
  client: Client,
  claimId: number | null,
  ended: readonly Ended<Payload>[],
): Promise<ReadonlySet<string>> {
  const lost = new Set<string>();
  if (claimId === null) return lost;
  const groups = Map.groupBy(ended, ({ entry, outcome, code, answerCode }) =>
    JSON.stringify([entry.targetId, outcome, code, answerCode]),
  );
  for (const group of groups.values()) {
    const [first] = group;
    if (first === undefined) continue;
    const { entry, outcome: state, code, answerCode } = first;
    const eventIds = group.map((one) => one.entry.eventId);
    const settled = await settleDeliveries(client, claimId, {
      targetId: entry.targetId,
      state,
      code,
      answerCode,
      eventIds,
    });
    if (settled === group.length) continue;
    const ledger = await readDeliveries(
      client,
      group.map((one) => one.entry),
    );
    for (const one of group) {
      const row = ledger.get(one.entry.key);
      if (row === undefined || judgeKnown(row, one.entry).kind !== 'own') lost.add(one.entry.key);
    }
  }
  return lost;
}

async function timed<Payload, T>({ metrics }: Deliverer<Payload>, transaction: () => Promise<T>): Promise<T> {
  const beganAt = performance.now();
  const result = await transaction();
  metrics.noteSettled(performance.now() - beganAt);
  return result;
}

async function look<Payload>({ clock, beat, metrics }: Deliverer<Payload>, { signal }: Work): Promise<void> {
  beat();
  metrics.noteWait('claimed_elsewhere', lookAgainMs);
  await resting(clock, lookAgainMs, signal);
}
