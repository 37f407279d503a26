import {
  advanceBackfill,
  claimBackfill,
  countBackfill,
  endBackfill,
  lockBackfill,
  readBackfillPage,
  releaseBackfill,
  renewBackfill,
  sweepClaims,
} from '@full-sync/database';
import type { ClaimedBackfill, Database, StoredEvent } from '@full-sync/database';
import type { Codec } from '@full-sync/kafka';
import { resting } from '@full-sync/runtime';
import type { Clock, Logger } from '@full-sync/runtime';
import type { OutreachEvent } from '@full-sync/schemas';
import { probeAfterMs } from './probing.ts';
import type { DeliveryCounts, Settle, WantedEvent, Work } from './work.ts';

export interface Backfilling {
  readonly destination: string;
  readonly db: Database;
  readonly codec: Codec<'outreach.events'>;
  readonly settle: Settle;
  /** False for a namespace without credentials: its orders fail and say so. */
  readonly hasTarget: (namespace: string) => boolean;
  /** What keeps the destination from taking anything now, in words; null = nothing is known. */
  readonly pausedBy: () => string | null;
  readonly owner: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly beat: () => void;
}

const pageEvents = 2_000;
const leaseMs = 30_000;
const renewEveryMs = 5_000;
const lookEveryMs = 1_000;
const sweepEveryMs = 600_000;

/**
 * Works off orders to deliver what is stored, until `signal` is aborted: page by page through the same ledger as the
 * topic, so that only what was not delivered goes. An order's place moves in the transaction that settles its page (I1);
 * whoever dies, another copy goes on there.
 */
export async function workBackfills(parts: Backfilling, signal: AbortSignal): Promise<void> {
  const { db, destination, owner, clock } = parts;
  let sweptAt = -Infinity;
  while (!signal.aborted) {
    parts.beat();
    if (performance.now() - sweptAt > sweepEveryMs) {
      await sweepClaims(db.pool, destination);
      sweptAt = performance.now();
    }
    const claimed = await claimBackfill(db.pool, { destination, owner, leaseMs });
    if (claimed === null) {
      await clock.sleep(lookEveryMs, signal);
      continue;
    }
    if (!parts.hasTarget(claimed.namespace)) {
      const message = `There are no credentials for ${destination} in namespace ${claimed.namespace}.`;
      await endBackfill(db.pool, claimed, { status: 'failed', error: { code: 'NO_CREDENTIALS', message } });
      continue;
    }
    await workOn(parts, claimed, signal);
  }
}

async function workOn(parts: Backfilling, claimed: ClaimedBackfill, draining: AbortSignal): Promise<void> {
  const { db, logger } = parts;
  const lost = new AbortController();
  const signal = AbortSignal.any([draining, lost.signal]);
  const timer = setInterval(() => {
    parts.beat();
    renewBackfill(db.pool, claimed, { leaseMs, waitingFor: parts.pausedBy() }).then(
      (held) => {
        if (!held) lost.abort();
      },
      // The database does not answer: the next page meets that.
      () => undefined,
    );
  }, renewEveryMs);
  const { backfillId, namespace } = claimed;
  try {
    await countBackfill(db.pool, claimed);
    let refusals = 0;
    for (let at = claimed; !signal.aborted;) {
      const page = await readBackfillPage(db, at, pageEvents);
      const last = page.at(-1);
      if (last === undefined) {
        await endBackfill(db.pool, at, { status: 'done', error: null });
        logger.info({ backfillId, namespace }, 'stored events are delivered');
        return;
      }
      const end = await parts.settle(toWork(parts, at, page, signal));
      // Cancelled, or somebody else's by now.
      if (end === 'stale') return;
      if (typeof end === 'object') {
        // Without a claim meanwhile: whoever reads the topic must not wait for its events.
        await resting(parts.clock, probeAfterMs(refusals), signal);
        refusals += 1;
      }
      if (end !== 'settled') continue;
      refusals = 0;
      at = { ...at, after: { platform: last.platform, eventId: last.eventId } };
    }
  } finally {
    clearInterval(timer);
    await releaseBackfill(db.pool, claimed);
  }
}

function toWork(
  { destination, codec }: Backfilling,
  backfill: ClaimedBackfill,
  page: readonly StoredEvent[],
  signal: AbortSignal,
): Work {
  const { backfillId } = backfill;
  const last = page.at(-1);
  return {
    destination,
    backfillId,
    partition: null,
    topicId: null,
    events: page.map((stored) => toWanted(stored, codec)),
    givesUp: true,
    signal,
    lock: (client) => lockBackfill(client, backfill),
    finish: async (client, counts) => {
      if (last === undefined) return;
      const after = { platform: last.platform, eventId: last.eventId };
      await advanceBackfill(client, backfillId, { after, lookedAt: page.length, ...sumOf(counts) });
    },
  };
}

/** Folded events count as sent here: they are part of a total that is written by itself. */
function sumOf(counts: readonly DeliveryCounts[]): { sent: number; skipped: number; failed: number } {
  const sum = { sent: 0, skipped: 0, failed: 0 };
  for (const { sent, skipped, failed, open } of counts) {
    sum.sent += sent + open;
    sum.skipped += skipped;
    sum.failed += failed;
  }
  return sum;
}

/** A stored event as it was in the topic; where the topic held it is no longer known. */
function toWanted(stored: StoredEvent, codec: Codec<'outreach.events'>): WantedEvent {
  const event: OutreachEvent = {
    event_key: stored.eventKey,
    namespace: stored.namespace,
    platform: stored.platform,
    event_type: stored.eventType,
    source_type: stored.sourceType,
    campaign_id: stored.campaignId,
    campaign_name: stored.campaignName,
    source_id: stored.sourceId,
    lead_email: stored.leadEmail,
    lead_id: stored.leadId,
    occurred_at: stored.occurredAtMs,
    occurred_at_approximate: stored.occurredAtApproximate,
    properties: stored.properties,
    fingerprint: stored.fingerprint,
    job_id: stored.jobId,
    source_topic_id: '',
    source_offset: 0,
    source_index: 0,
    source_count: 1,
    fetched_at: stored.createdAtMs,
  };
  return {
    event,
    eventId: stored.eventId,
    offset: null,
    publishedAtMs: null,
    value: codec.encode(event),
    redrive: true,
  };
}
