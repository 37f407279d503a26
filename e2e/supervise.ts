import { setTimeout as delay } from 'node:timers/promises';
import { describeExit, spawnService } from '@full-sync/testing';
import type { Exit, ServiceProcess } from '@full-sync/testing';

/** The services of the pipeline, in the order of the data. */
export const SERVICES = ['api', 'extractor', 'keyer', 'loader'] as const;

/** The services that send events on. */
export const DESTINATIONS = ['mixpanel', 'attio'] as const;

export type ServiceName = (typeof SERVICES)[number] | (typeof DESTINATIONS)[number];

/** One copy of a service and all its lives; disposing of it kills it. */
export type Supervised = AsyncDisposable & {
  /** `loader`, and `loader-2` for the second copy. */
  readonly name: string;
  readonly service: ServiceName;
  /** The process of its present life, or of its last one. */
  readonly current: () => ServiceProcess;
  /** How its earlier lives ended. */
  readonly exits: () => readonly Exit[];
  /** What all its lives have written. */
  readonly output: () => string;
  /** Waits until the present life answers `/readyz` with 200; a life that ends meanwhile is waited for anew where it is restarted. */
  readonly ready: (deadlineMs?: number) => Promise<void>;
  /** Ends the present life and waits for it. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<void>;
  /** Drains it for good. Throws with its output unless it ended with code 0. */
  readonly stop: () => Promise<void>;
};

export type SuperviseOptions = {
  readonly name: string;
  readonly service: ServiceName;
  readonly env: Readonly<Record<string, string>>;
  /** Whether a life that ended is followed by another, as a supervisor in production would see to. */
  readonly restart: boolean;
};

const backoffMs = 250;
/** A service drains within 25 s; a busy machine needs longer to notice. */
const drainDeadlineMs = 60_000;

/** Starts a copy of a service and, where asked for, starts it again whenever it ends. */
export async function supervise({ name, service, env, restart }: SuperviseOptions): Promise<Supervised> {
  const exits: Exit[] = [];
  let before = '';
  let stopping = false;
  let current = await spawnService({ name: service, env });
  const watch = async (life: ServiceProcess): Promise<void> => {
    const exit = await life.exited;
    if (stopping) return;
    exits.push(exit);
    if (!restart) return;
    await delay(backoffMs);
    // Looked at again: it may have been told to stop during the wait.
    if (isStopping()) return;
    before += `${life.output()}--- ended: ${describeExit(exit)}\n`;
    current = await spawnService({ name: service, env });
    void watch(current);
  };
  const isStopping = (): boolean => stopping;
  void watch(current);

  const output = (): string => before + current.output();
  const ready: Supervised['ready'] = async (deadlineMs = 180_000) => {
    const endsAt = performance.now() + deadlineMs;
    for (;;) {
      const life = current;
      try {
        await life.ready(Math.max(1_000, endsAt - performance.now()));
        return;
      } catch (error) {
        if (!restart || !life.hasExited() || performance.now() > endsAt) throw error;
        await delay(backoffMs);
      }
    }
  };
  return {
    name,
    service,
    current: () => current,
    exits: () => exits,
    output,
    ready,
    kill: async (signal) => {
      await current.kill(signal);
    },
    async stop() {
      stopping = true;
      if (current.hasExited()) {
        if (!restart) throw new Error(`${name} had ended before it was stopped:\n${digest(output())}`);
        return;
      }
      current.signal('SIGTERM');
      const exit = await Promise.race([current.exited, delay(drainDeadlineMs, null, { ref: false })]);
      if (exit?.code === 0) return;
      if (exit === null) await current.kill();
      const how = exit === null ? `did not end within ${drainDeadlineMs} ms` : `ended with ${describeExit(exit)}`;
      throw new Error(`${name} was told to drain and ${how}:\n${digest(output())}`);
    },
    async [Symbol.asyncDispose]() {
      stopping = true;
      if (!current.hasExited()) await current.kill();
    },
  };
}

/** What an output says went wrong: its last lines, those of ordinary life left out and long ones cut. */
export function digest(output: string, lines = 12): string {
  const telling = output
    .trimEnd()
    .split('\n')
    .filter((line) => !/^\{"level":"(?:info|debug|trace)"/.test(line));
  return telling
    .slice(-lines)
    .map((line) => (line.length > 700 ? `${line.slice(0, 700)}...` : line))
    .join('\n');
}
