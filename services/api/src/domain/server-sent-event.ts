/** One event as it goes over the wire (HTML standard, server-sent events); `data` becomes one line of JSON. */
export function formatEvent(event: { readonly id: number; readonly data: object }): string {
  return `id: ${event.id}\ndata: ${JSON.stringify(event.data)}\n\n`;
}

/** A line that clients ignore and proxies take for life. */
export const heartbeat = ': alive\n\n';

/** Tells a browser how long to wait before it connects again, ms. */
export function formatRetry(ms: number): string {
  return `retry: ${ms}\n\n`;
}

/** The id of the last event that a client has seen; null when it says none that was ever given. */
export function readLastEventId(header: string | readonly string[] | undefined): number | null {
  const text = typeof header === 'string' ? header.trim() : '';
  return /^[1-9]\d{0,14}$/.test(text) ? Number(text) : null;
}
