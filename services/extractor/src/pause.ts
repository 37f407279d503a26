import { setTimeout as delay } from 'node:timers/promises';

/** Waits `ms`, or less when `signal` is aborted; never rejects for that. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
