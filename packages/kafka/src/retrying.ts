import { setTimeout } from 'node:timers/promises';

const settlingMs = 15_000;

/**
 * Repeats an admin request while the broker answers with errors that it calls retriable itself: a topic that was just
 * created, or whose leader moved, is not known to every request at once.
 */
export async function untilSettled<T>(work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + settlingMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isRetriable(error) || performance.now() > deadline) throw error;
      await setTimeout(100);
    }
  }
}

function isRetriable(error: unknown): boolean {
  return error instanceof Error && 'retriable' in error && error.retriable === true;
}
