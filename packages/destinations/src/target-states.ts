import { createCircuit } from '@full-sync/http-client';
import type { Circuit, CircuitState } from '@full-sync/http-client';
import type { Health, Logger } from '@full-sync/runtime';
import type { Delivery } from './destination.ts';
import type { DestinationMetrics } from './metrics.ts';

/** What is known of each target: whether its host is left alone for a while, whether it refuses everything. */
export interface TargetStates extends Disposable {
  /** The circuit of a target's host. */
  readonly circuit: (targetId: string) => Circuit<Delivery>;
  /** Notes that a target accepts nothing until somebody mends something: said once, and the process is not ready. */
  readonly halted: (targetId: string, why: { readonly code: string; readonly detail: string }) => void;
  readonly works: (targetId: string) => void;
  /** Why a target is paused, in words; null when none is. */
  readonly pausedBy: () => string | null;
}

/** Throttling says that the host is well. */
const hostFailed = (delivery: Delivery): boolean => delivery.kind === 'retry' && delivery.reason !== 'throttled';

const worstFirst = ['open', 'half-open'] as const;

export function createTargetStates(options: {
  readonly destination: string;
  readonly health: Health;
  readonly logger: Logger;
  readonly metrics: DestinationMetrics;
  readonly draining: AbortSignal;
}): TargetStates {
  const { destination, health, logger, metrics, draining } = options;
  const circuits = new Map<string, Circuit<Delivery>>();
  const breakers = new Map<string, CircuitState>();
  const halted = new Map<string, string>();
  const show = (): void => {
    metrics.halted(halted.size);
    if (draining.aborted) return;
    const [why] = halted.values();
    if (why === undefined) health.setReady(true);
    else health.setReady(false, `${destination} is paused: ${why}`);
  };
  return {
    circuit: (targetId) => {
      const known = circuits.get(targetId);
      if (known !== undefined) return known;
      const circuit = createCircuit<Delivery>(targetId, hostFailed, {
        openMs: 5_000,
        onChange: (state) => {
          breakers.set(targetId, state);
          const states = [...breakers.values()];
          metrics.breaker(worstFirst.find((worst) => states.includes(worst)) ?? 'closed');
        },
      });
      circuits.set(targetId, circuit);
      return circuit;
    },
    halted: (targetId, { code, detail }) => {
      const said = halted.has(targetId);
      halted.set(targetId, `${code}: ${detail}`);
      show();
      if (!said) logger.error({ destination, target: targetId, code, detail }, 'paused until this is mended');
    },
    works: (targetId) => {
      if (!halted.delete(targetId)) return;
      show();
      logger.info({ destination, target: targetId }, 'delivers again');
    },
    pausedBy: () => [...halted.values()][0] ?? null,
    [Symbol.dispose]: () => {
      for (const circuit of circuits.values()) circuit.close();
    },
  };
}
