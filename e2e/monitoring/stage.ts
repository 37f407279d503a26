import { waitFor } from '@full-sync/testing';
import type { WaitOptions } from '@full-sync/testing';
import type { JobStatus } from '../api-client.ts';
import type { System } from '../drill/system.ts';
import type { Prometheus } from './prometheus.ts';

/** What acts have to work with. */
export interface Stage {
  readonly system: System;
  readonly prometheus: Prometheus;
  readonly say: (line: string) => void;
  /** `waitFor` that gives up as soon as the proof is interrupted. */
  readonly patiently: <T>(condition: () => Promise<T | null>, options: WaitOptions) => Promise<T>;
  /** The process of the first copy of a service that runs now. */
  readonly pidOf: (service: string) => number;
  /** Arms a fault of the simulators. */
  readonly fault: (spec: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly clearFaults: () => Promise<void>;
  /** Changes settings of a simulated platform. */
  readonly configure: (platform: string, settings: Readonly<Record<string, unknown>>) => Promise<void>;
  readonly waitForEnd: (jobId: string, deadlineMs?: number) => Promise<JobStatus>;
  /** Waits until a query gives a value that is as wanted, in its first series; that value. */
  readonly until: (
    what: string,
    expr: string,
    wanted: (value: number) => boolean,
    deadlineMs?: number,
  ) => Promise<number>;
}

/** Something that goes wrong, the alerts that it has to raise, and its end. */
export interface Act {
  readonly title: string;
  /** Every one of these has to fire while it goes on. */
  readonly fires: readonly string[];
  /** Those of them that look back over a span longer than the proof, and fire on after the end. */
  readonly lasting?: readonly string[];
  /** Services that it may end (and whose supervisor starts them again); the end of any other one is a failure. */
  readonly ends?: readonly string[];
  /** Brings it about. */
  readonly begin: (stage: Stage) => Promise<void>;
  /** Ends it; after that the alerts must be quiet again. */
  readonly end: (stage: Stage) => Promise<void>;
}

const LOOK_MS = 250;

export function createStage(options: {
  readonly system: System;
  readonly prometheus: Prometheus;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}): Stage {
  const { system, prometheus, say, signal } = options;
  const patiently: Stage['patiently'] = async (condition, waiting) => {
    const look = async () => {
      if (signal.aborted) return { value: null };
      const value = await condition();
      return value === null ? null : { value };
    };
    const { value } = await waitFor(look, waiting);
    if (value === null) throw new Error('interrupted');
    return value;
  };
  const control = async (method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<void> => {
    const response = await fetch(`${system.controlUrl}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    if (!response.ok) throw new Error(`the simulators refused ${path}: ${await response.text()}`);
  };
  return {
    system,
    prometheus,
    say,
    patiently,
    pidOf: (service) => {
      const entry = system.stack.processes().find(({ name, copy }) => name === service && copy === 1);
      if (entry === undefined) throw new Error(`no ${service} runs`);
      return entry.pid;
    },
    fault: (spec) => control('POST', '/faults', spec),
    clearFaults: () => control('DELETE', '/faults'),
    configure: (platform, settings) => control('POST', '/settings', { platform, ...settings }),
    waitForEnd: (jobId, deadlineMs = 300_000) =>
      patiently(
        async () => {
          const status = await system.client.status(jobId);
          return status.completed_at === null ? null : status;
        },
        { deadlineMs, what: `the end of ${jobId}`, intervalMs: LOOK_MS },
      ),
    until: (what, expr, wanted, deadlineMs = 120_000) =>
      patiently(
        async () => {
          const value = (await prometheus.query(expr))[0]?.points[0]?.[1];
          return value !== undefined && wanted(value) ? value : null;
        },
        { deadlineMs, what: `${what}: ${expr}`, intervalMs: LOOK_MS },
      ),
  };
}
