import { setTimeout as delay } from 'node:timers/promises';
import { expectFacts, readLedgers } from '@full-sync/testing';
import type { ExpectedFacts } from '@full-sync/testing';
import type { JobStatus } from '../api-client.ts';
import type { SimulatorControl } from './simulator-control.ts';
import type { System } from './system.ts';

export interface DestinationsOptions {
  readonly seed: number;
  /** Events of a sync, about half of them from each platform. */
  readonly events: number;
  /** Of each of the two services. */
  readonly kills: number;
  /** Processes of each of them. */
  readonly copies: number;
  /** How long the secret of Mixpanel is wrong, s. */
  readonly secretS: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

export type Name = 'mixpanel' | 'attio';

export interface Stage {
  readonly options: DestinationsOptions;
  readonly startedAt: number;
  readonly system: System;
  readonly control: SimulatorControl;
  readonly problems: string[];
  readonly note: (line: string) => void;
}

export const names: readonly Name[] = ['mixpanel', 'attio'];
const wishes = { mixpanel: 'enableMixpanelTracking', attio: 'enableAttioSync' } as const;
const stuckMs = 300_000;

export interface Sync {
  readonly jobId: string;
  readonly namespace: string;
  readonly facts: ExpectedFacts;
  readonly asked: readonly Name[];
}

export async function begin(stage: Stage, namespace: string, asked: readonly Name[], more: object = {}): Promise<Sync> {
  const facts = await expectFacts(readLedgers(stage.system.controlUrl), namespace);
  const flags = Object.fromEntries(asked.map((name) => [wishes[name], true]));
  const jobId = await stage.system.client.execute({ namespaces: [namespace], ...flags, ...more });
  stage.note(`${jobId} (${namespace}) to ${asked.join(' and ')}: ${facts.size} rows expected`);
  return { jobId, namespace, facts, asked };
}

/** Waits for the end of a sync as far as Postgres goes. */
export async function loaded({ system, options: { signal } }: Stage, { jobId }: Sync): Promise<JobStatus> {
  return await follow(`the end of ${jobId}`, signal, async () => {
    const status = await system.client.status(jobId);
    return { done: status.completed_at !== null, value: status, moves: status.summary.events_derived };
  });
}

/** Waits until nothing of a sync waits any more at these destinations. */
export async function delivered(
  { system, options: { signal } }: Stage,
  { jobId }: Sync,
  at: readonly Name[] = names,
): Promise<JobStatus> {
  return await follow(`the deliveries of ${jobId}`, signal, async () => {
    const status = await system.client.status(jobId);
    const waiting = at.reduce((sum, name) => sum + (status.destinations[name]?.waiting ?? 0), 0);
    return { done: status.completed_at !== null && waiting === 0, value: status, moves: waiting };
  });
}

/** Looks until it is done; throws when nothing has moved for five minutes. */
async function follow<T>(
  what: string,
  signal: AbortSignal,
  look: () => Promise<{ readonly done: boolean; readonly value: T; readonly moves: number }>,
): Promise<T> {
  let moved = { at: performance.now(), to: Number.NaN };
  for (;;) {
    const { done, value, moves } = await look();
    if (done) return value;
    if (moves !== moved.to) moved = { at: performance.now(), to: moves };
    if (performance.now() - moved.at > stuckMs) throw new Error(`${what}: nothing moves: ${JSON.stringify(value)}`);
    await delay(250, undefined, { signal });
  }
}

/** Waits until nobody is to be written any more, those included whose last write had an unknown end. */
export async function quiet({ system, options: { signal } }: Stage): Promise<void> {
  await follow('the people of Attio', signal, async () => {
    const { rows } = await system.pool.query<{ due: number }>(
      'select count(*)::float8 as due from attio_people where due_at is not null',
    );
    const due = rows[0]?.due ?? 0;
    return { done: due === 0, value: due, moves: due };
  });
}
