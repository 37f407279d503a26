import type { Clock } from '@full-sync/runtime';

/** Waits `ms` milliseconds, or until `signal` is aborted, which is no error here. */
export async function resting(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted || ms <= 0) return;
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
