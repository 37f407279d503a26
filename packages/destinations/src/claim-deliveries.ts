import {
  closeClaim,
  insertDeliveries,
  openClaim,
  readDeliveries,
  retryDeliveries,
  takeOverDeliveries,
} from '@full-sync/database';
import type { Client, Database, NewDelivery } from '@full-sync/database';
import { judgeKnown } from './domain/judge-known.ts';
import type { Outcome } from './domain/tally.ts';
import type { Entry } from './map-events.ts';
import type { Work } from './work.ts';

export interface Claimed<Payload> {
  /** Null when nothing of it is this process's to send. */
  readonly claimId: number | null;
  /** To be sent, in the order of the work. `stored` = what an earlier reader has stored; null = what is new. */
  readonly mine: readonly { readonly entry: Entry<Payload>; readonly stored: string | null }[];
  /** Settled before; by this record's earlier reader, or by somebody else (then skipped). */
  readonly known: readonly { readonly entry: Entry<Payload>; readonly outcome: Outcome }[];
  /** Somebody else is sending these. */
  readonly waiting: readonly Entry<Payload>[];
}

/**
 * Claims what of these is nobody's: the row with the exact payload is committed before anything is sent, so that two
 * consumers that meet one key on two partitions send one thing, and a crash after sending sends the same again (I3).
 * Null when the work's place has moved on.
 */
export async function claimDeliveries<Payload>(
  db: Database,
  work: Work,
  entries: readonly Entry<Payload>[],
  options: { readonly owner: string; readonly leaseMs: number },
): Promise<Claimed<Payload> | null> {
  return await db.transaction(async (client) => {
    if (!(await work.lock(client))) return null;
    const claimId = await openClaim(client, { destination: work.destination, ...options });
    const fresh = await insertDeliveries(client, claimId, entries);
    const met = entries.filter(({ key }) => !fresh.has(key));
    const { taken, retried, known, waiting } = await settleWithLedger(client, claimId, met);
    const mine = entries
      .filter(({ key }) => fresh.has(key) || taken.has(key) || retried.has(key))
      .map((entry) => ({ entry, stored: taken.get(entry.key) ?? null }))
      // Sorted by key for the locks; sent as the log has them (I4).
      .toSorted((a, b) => (a.entry.offset ?? 0) - (b.entry.offset ?? 0));
    if (mine.length === 0) await closeClaim(client, claimId);
    return { claimId: mine.length === 0 ? null : claimId, mine, known, waiting };
  });
}

async function settleWithLedger<Payload>(client: Client, claimId: number, met: readonly Entry<Payload>[]) {
  const ledger = await readDeliveries(client, met);
  const takeOver: (NewDelivery & { readonly key: string; readonly seenClaimId: number | null })[] = [];
  const retry: Entry<Payload>[] = [];
  const known: { readonly entry: Entry<Payload>; readonly outcome: Outcome }[] = [];
  const waiting: Entry<Payload>[] = [];
  for (const entry of met) {
    const row = ledger.get(entry.key);
    const judged = row === undefined ? ({ kind: 'wait' } as const) : judgeKnown(row, entry);
    if (judged.kind === 'take-over') takeOver.push({ ...entry, seenClaimId: row?.claimId ?? null });
    else if (judged.kind === 'retry') retry.push(entry);
    else if (judged.kind === 'wait') waiting.push(entry);
    else if (judged.kind === 'settled') known.push({ entry, outcome: 'skipped' });
    else known.push({ entry, outcome: judged.state === 'folded' ? 'sent' : judged.state });
  }
  const taken = await takeOverDeliveries(client, claimId, takeOver);
  const retried = await retryDeliveries(client, claimId, retry);
  // Somebody was quicker: looked at again in the next round.
  const missed = new Set([...takeOver, ...retry].map(({ key }) => key));
  waiting.push(...met.filter(({ key }) => missed.has(key) && !taken.has(key) && !retried.has(key)));
  return { taken, retried, known, waiting };
}
