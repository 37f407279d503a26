import type { Clock } from '@full-sync/runtime';

/** A look that several ask for and that is done once. */
export interface LookOnce {
  /** Looks now, or waits for the look that is under way. Throws what the look throws. */
  readonly look: () => Promise<void>;
  /**
   * For whoever shows what was seen: looks, unless the last look began less than `freshMs` ago; returns within
   * `patienceMs`, looked or not, and never throws: what is shown says how old it is.
   */
  readonly refresh: () => Promise<void>;
}

/** One look at a time: two at once would put what the older one saw in the place of what the younger one did. */
export function lookOnce(
  look: () => Promise<void>,
  options: { readonly clock: Clock; readonly freshMs: number; readonly patienceMs: number },
): LookOnce {
  const { clock, freshMs, patienceMs } = options;
  let beganAtMs = -Infinity;
  let looking: Promise<void> | null = null;
  const once = async (): Promise<void> => {
    if (looking === null) {
      beganAtMs = clock.now();
      looking = look().finally(() => {
        looking = null;
      });
    }
    await looking;
  };
  const anew = async (): Promise<void> => {
    await looking;
    // The one that was under way may have begun too early.
    if (clock.now() - beganAtMs >= freshMs) await once();
  };
  return {
    look: once,
    refresh: async () => {
      const enough = new AbortController();
      const late = clock.sleep(patienceMs, enough.signal);
      await Promise.race([anew(), late].map((one) => one.catch(() => undefined)));
      enough.abort();
    },
  };
}
