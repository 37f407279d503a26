import { setTimeout as sleep } from 'node:timers/promises';

/** What to wait for and how long. */
export type WaitOptions = {
  /** How long the condition may take to come true, in milliseconds; 30,000 unless told: only a failure takes so long. */
  readonly deadlineMs?: number;
  /** Ends the sentence "waited N ms for ...". */
  readonly what: string;
  /** Pause between two looks, in milliseconds. */
  readonly intervalMs?: number;
};

type Truthy<T> = Exclude<T, false | null | undefined | 0 | ''>;

/**
 * Looks at `condition` until it gives something truthy and returns that. Throws when the deadline has passed, with what was awaited and
 * the last thing seen. An error thrown by the condition counts as "not yet", and is the cause of the final error when it was the last word.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { deadlineMs = 30_000, what, intervalMs = 25 }: WaitOptions,
): Promise<Truthy<T>> {
  const endsAt = performance.now() + deadlineMs;
  for (;;) {
    const look = await attempt(condition);
    if ('seen' in look && isTruthy(look.seen)) return look.seen;
    if (performance.now() >= endsAt) {
      if ('error' in look) throw new Error(`waited ${deadlineMs} ms for ${what}`, { cause: look.error });
      throw new Error(`waited ${deadlineMs} ms for ${what}; last seen: ${String(look.seen)}`);
    }
    await sleep(intervalMs);
  }
}

async function attempt<T>(
  condition: () => T | Promise<T>,
): Promise<{ readonly seen: T } | { readonly error: unknown }> {
  try {
    return { seen: await condition() };
  } catch (error) {
    return { error };
  }
}

function isTruthy<T>(value: T): value is Truthy<T> {
  return Boolean(value);
}
