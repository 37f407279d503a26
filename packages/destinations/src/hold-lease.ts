export interface HeldLease extends Disposable {
  /** Aborted when the lease may have run out: nothing more is to be done under it. */
  readonly lost: AbortSignal;
}

/** Renews a lease until it is disposed of; `renew` resolves to false when it is somebody else's by now. */
export function holdLease(
  renew: () => Promise<boolean>,
  { leaseMs, everyMs }: { readonly leaseMs: number; readonly everyMs: number },
): HeldLease {
  const controller = new AbortController();
  let renewedAt = performance.now();
  const timer = setInterval(() => {
    const askedAt = performance.now();
    if (askedAt - renewedAt >= leaseMs - everyMs) controller.abort();
    renew().then(
      (held) => {
        if (held) renewedAt = askedAt;
        else controller.abort();
      },
      // The database does not answer; whoever settles meets that, and until then the lease runs out by the clock.
      () => undefined,
    );
  }, everyMs);
  return {
    lost: controller.signal,
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}
