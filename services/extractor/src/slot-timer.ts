import type { Permit } from '@full-sync/database';
import { pause } from './pause.ts';

/**
 * Waits for a permit's slot and says whether it may be used now: false when its time has passed, when `paused` says that
 * the upstream has refused a request since it was given out, or when `stopping` came first. The caller sends its request
 * in the same turn of the event loop.
 */
export async function waitForSlot(
  permit: Pick<Permit, 'earliestMs' | 'latestMs'>,
  paused: () => boolean,
  stopping: AbortSignal,
): Promise<boolean> {
  for (;;) {
    if (stopping.aborted || paused()) return false;
    const leftMs = permit.earliestMs - performance.now();
    if (leftMs <= 0) return performance.now() <= permit.latestMs;
    // A timer may fire a little early; the loop makes that good.
    await pause(Math.ceil(leftMs), stopping);
  }
}
