import CircuitBreaker from 'opossum';

export type CircuitState = 'closed' | 'open' | 'half-open';

export interface CircuitOptions {
  /** Share of failed requests that opens it, in percent. */
  readonly failurePercent?: number;
  /** Fewest requests in the window before it may open. */
  readonly minRequests?: number;
  /** The window, in milliseconds. */
  readonly windowMs?: number;
  /** Time from opening to the one request that probes, in milliseconds. */
  readonly openMs?: number;
  readonly onChange?: (state: CircuitState) => void;
}

/** Thrown inside of the circuit to make an outcome count as a failure of the host. */
class CountedFailure<Outcome> extends Error {
  readonly outcome: Outcome;

  constructor(outcome: Outcome) {
    super('counted');
    this.outcome = outcome;
  }
}

export interface Circuit<Outcome> {
  readonly state: CircuitState;
  /**
   * Runs `request` unless the circuit is open, and gives its outcome, or how many milliseconds to stay away. What
   * `request` throws is thrown on and says nothing of the host.
   */
  run(request: () => Promise<Outcome>): Promise<{ readonly outcome: Outcome } | { readonly retryAfterMs: number }>;
  close(): void;
}

/** While the probe is under way nobody knows better than to ask again soon. */
const probeWaitMs = 1000;

/**
 * A circuit for one host: it opens when enough of the last requests failed (as `failed` says of their outcome), and
 * lets one through after a while to see.
 */
export function createCircuit<Outcome>(
  host: string,
  failed: (outcome: Outcome) => boolean,
  { failurePercent = 50, minRequests = 5, windowMs = 30_000, openMs = 10_000, onChange }: CircuitOptions = {},
): Circuit<Outcome> {
  let openedAtMs = 0;
  const breaker: CircuitBreaker<[() => Promise<Outcome>], Outcome> = new CircuitBreaker(
    async (request: () => Promise<Outcome>): Promise<Outcome> => {
      const outcome = await request();
      if (failed(outcome)) throw new CountedFailure(outcome);
      return outcome;
    },
    {
      name: host,
      // The client has timeouts of its own, which know what they interrupt.
      timeout: false,
      errorThresholdPercentage: failurePercent,
      volumeThreshold: minRequests,
      rollingCountTimeout: windowMs,
      resetTimeout: openMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      // An aborted request is no failure; but as a probe it must not close the circuit either, as no failure would.
      errorFilter: (error: unknown) => !(error instanceof CountedFailure) && breaker.closed,
    },
  );
  breaker.on('open', () => {
    openedAtMs = performance.now();
    onChange?.('open');
  });
  breaker.on('halfOpen', () => onChange?.('half-open'));
  breaker.on('close', () => onChange?.('closed'));

  return {
    get state() {
      return breaker.closed ? 'closed' : breaker.halfOpen ? 'half-open' : 'open';
    },
    async run(request) {
      try {
        return { outcome: await breaker.fire(request) };
      } catch (error) {
        if (error instanceof CountedFailure) return { outcome: error.outcome as Outcome };
        if (!(error instanceof Error) || !('code' in error) || error.code !== 'EOPENBREAKER') throw error;
        const leftMs = breaker.halfOpen ? probeWaitMs : openedAtMs + openMs - performance.now();
        return { retryAfterMs: Math.max(1, Math.ceil(leftMs)) };
      }
    },
    close() {
      breaker.shutdown();
    },
  };
}
