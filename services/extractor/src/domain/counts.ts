import { isRecord, readCount } from '@full-sync/schemas';

/** What a campaign adds up to, by the names of `/campaigns/{id}/analytics`. */
export type Counts = Readonly<Record<string, number>>;

/** One for each thing that changes the row of a send. */
const required = [
  'sent_count',
  'open_count',
  'click_count',
  'reply_count',
  'bounce_count',
  'unsubscribed_count',
] as const;
/** These move when an open or a click is known by its time alone. */
const optional = ['unique_sent_count', 'unique_open_count', 'unique_click_count'] as const;

/**
 * The counts of a campaign in an answer of `/campaigns/{id}/analytics` (Smartlead fact sheet, section 9), or stored ones;
 * null when one is missing: what it would show could not be found, so there is nothing to compare with.
 */
export function readCounts(value: unknown): Counts | null {
  if (!isRecord(value)) return null;
  const counts: Record<string, number> = {};
  for (const name of [...required, ...optional]) {
    const count = readCount(value[name]);
    if (count !== null) counts[name] = count;
  }
  return required.every((name) => counts[name] !== undefined) ? counts : null;
}

/** Whether two readings tell the same of every count. */
export function sameCounts(a: Counts, b: Counts): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

/** The sends that the source counts. */
export function sentOf(counts: Counts | null): number | null {
  return counts?.['sent_count'] ?? null;
}
