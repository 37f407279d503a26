import { deliveryKey, insertDeliveries, readDeliveries } from '@full-sync/database';
import type { Client, NewDelivery } from '@full-sync/database';
import type { WantedEvent } from '@full-sync/destinations';

/** An event on its way into the totals of its person. */
export interface Entry extends NewDelivery {
  readonly key: string;
  readonly wanted: WantedEvent;
  /** Null for none, and for what cannot be one. */
  readonly email: string | null;
}

export interface Entered {
  /** New in the ledger: to be added to the totals. */
  readonly added: readonly Entry[];
  /** Failed before, and asked for once more: they are in the totals already, which are to be written again. */
  readonly revived: readonly Entry[];
}

/**
 * Enters events in the ledger, in the caller's transaction: an event is in a total exactly if it is there. What it
 * returns nothing of is skipped: it was entered before, or has no address.
 */
export async function enterEvents(client: Client, entries: readonly Entry[]): Promise<Entered> {
  const fresh = await insertDeliveries(client, null, entries);
  const met = entries.filter(({ key }) => !fresh.has(key));
  const revived = await reviveFailed(client, met);
  await skipNameless(
    client,
    entries.filter(({ key, email }) => fresh.has(key) && email === null),
  );
  return {
    added: entries.filter(({ key, email }) => fresh.has(key) && email !== null),
    revived: met.filter(({ key }) => revived.has(key)),
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
