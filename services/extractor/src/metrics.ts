import { createInstruments, extractorMetrics, statusLabel, upstreamOutcome } from '@full-sync/metrics';
import type { Instruments, MetricRegistry } from '@full-sync/metrics';
import type { Answered, CircuitState } from '@full-sync/http-client';
import type { Platform } from '@full-sync/schemas';

export type WaitReason = 'rate_limit' | 'job_pace' | 'downstream' | 'memory' | 'no_work';

/** What the extractor shows of itself. */
export interface ExtractorMetrics extends Omit<
  Instruments<typeof extractorMetrics>,
  'requests' | 'outcomes' | 'requestSeconds' | 'breaker' | 'heldBytes' | 'waiting'
> {
  readonly noteAnswer: (platform: Platform, answered: Answered) => void;
  /** `account` tells apart the circuits of one platform, of which the worst is shown. */
  readonly noteCircuit: (platform: Platform, account: string, state: CircuitState) => void;
  readonly noteWait: (platform: Platform, reason: WaitReason, ms: number) => void;
  /** Shows what `held` gives at every scrape. */
  readonly trackBytes: (held: () => number) => void;
}

const breakerStates = { closed: 0, 'half-open': 1, open: 2 } as const;

export function createExtractorMetrics(registry: MetricRegistry): ExtractorMetrics {
  const { requests, outcomes, requestSeconds, breaker, heldBytes, waiting, ...rest } = createInstruments(
    registry,
    extractorMetrics,
  );
  const circuits = new Map<string, { readonly platform: Platform; readonly state: number }>();
  return {
    ...rest,
    noteAnswer: (platform, { kind, reason, status, durationMs }) => {
      const outcome = upstreamOutcome.find((known) => known === (reason ?? kind)) ?? 'other';
      outcomes.inc({ platform, outcome });
      // Not sent.
      if (kind === 'circuit-open') return;
      requests.inc({ platform, status: statusLabel(status) });
      requestSeconds.observe({ platform }, durationMs / 1_000);
    },
    noteCircuit: (platform, account, state) => {
      circuits.set(account, { platform, state: breakerStates[state] });
      const ofPlatform = [...circuits.values()].filter((circuit) => circuit.platform === platform);
      breaker.set({ platform }, Math.max(...ofPlatform.map((circuit) => circuit.state)));
    },
    noteWait: (platform, reason, ms) => {
      waiting.inc({ platform, reason }, ms / 1_000);
    },
    trackBytes: (held) => {
      registry.onScrape(() => {
        heldBytes.set({}, held());
      });
    },
  };
}
