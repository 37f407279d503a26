import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from './errors.ts';
import { identityOf, isRunning, signalProcess, type ProcessRef } from './identity.ts';
import type { ProcessTable } from './process-table.ts';
import { until } from './until.ts';
import { messageOf } from './thrown.ts';

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MOST_MS = 5_000;
/** A process that lived this long has earned the first backoff again. */
const LIFE_MS = 10_000;

/** What to execute; asked for anew before every start, so that it may mend what the last run left. */
export type Command = {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
};

export type ProcessSpec = {
  readonly name: string;
  /** From 1. */
  readonly copy: number;
  /** Lower stages are ended first. */
  readonly stage: number;
  readonly stopSignal: NodeJS.Signals;
  /** How long it may take to end before it is killed, in ms. */
  readonly stopGraceMs: number;
  readonly logFile: string;
  readonly metricsUrl?: string;
  readonly ipc?: boolean;
  /** How long until `isReady` must hold at the first start, in ms. */
  readonly readyMs: number;
  /** How often the first start is tried when the process ends before it is ready. Exit code 2 is never tried again. */
  readonly tries: number;
  readonly command: () => Command | Promise<Command>;
  readonly isReady: () => Promise<boolean>;
  /** What to tell a person whose process did not start: the end of its log, read as that program writes it. */
  readonly explain: () => string;
};

/** A process that is started again whenever it ends, until it is stopped. */
export type Supervised = {
  readonly spec: ProcessSpec;
  pid(): number | undefined;
  /** Ends it for good; resolves when it is gone. */
  stop(): Promise<void>;
  /** Ends it at once with SIGKILL. */
  kill(): void;
};

export type SuperviseDeps = {
  readonly table: ProcessTable;
  readonly log: (line: string) => void;
  /** Gives the first start up. */
  readonly signal: AbortSignal;
};

type Running = {
  readonly child: ChildProcess;
  readonly ref: ProcessRef;
  readonly exited: Promise<string>;
  readonly startedAt: number;
};

/**
 * Starts a process and keeps it running. Resolves when it is ready for the first time.
 * Throws StackError (with the process's own exit code where that is 2 or 3) when it does not become ready.
 */
export async function supervise(spec: ProcessSpec, deps: SuperviseDeps): Promise<Supervised> {
  const label = spec.copy === 1 ? spec.name : `${spec.name} ${spec.copy}`;
  const stopping = new AbortController();
  let running: Running | undefined;
  let restarts = 0;

  async function launch(): Promise<Running> {
    const command = await spec.command();
    const log = openSync(spec.logFile, 'a');
    const child = spawn(command.file, command.args, {
      // In a session of its own: a Ctrl-C in the terminal reaches the supervisor alone, which then drains in order.
      detached: true,
      stdio: spec.ipc === true ? ['ignore', log, log, 'ipc'] : ['ignore', log, log],
      env: command.env,
      ...(command.cwd === undefined ? {} : { cwd: command.cwd }),
      ...(command.uid === undefined ? {} : { uid: command.uid }),
      ...(command.gid === undefined ? {} : { gid: command.gid }),
    });
    closeSync(log);
    const { pid } = child;
    if (pid === undefined) {
      const reason = await new Promise<Error>((resolve) => child.once('error', resolve));
      throw new StackError(`${label} could not be started: ${reason.message}`);
    }
    const identity = identityOf(pid) ?? 'gone';
    const exited = new Promise<string>((resolve) => {
      child.once('exit', (code, signal) => {
        deps.table.remove(pid);
        resolve(signal ?? `exit code ${code}`);
      });
    });
    child.on('error', () => undefined); // a failed send on a closing channel; its end is seen by 'exit'
    const { name, copy, stopSignal, stage, metricsUrl } = spec;
    const startedAt = new Date();
    deps.table.add(
      {
        name,
        copy,
        pid,
        startedAt: startedAt.toISOString(),
        restarts,
        ...(metricsUrl === undefined ? {} : { metricsUrl }),
      },
      { name: label, pid, identity, stopSignal, stage },
    );
    return { child, ref: { pid, identity }, exited, startedAt: performance.now() };
  }

  async function firstStart(): Promise<Running> {
    for (let attempt = 1; ; attempt += 1) {
      const now = await launch();
      running = now;
      let ended: string | undefined;
      void now.exited.then((how) => {
        ended = how;
      });
      const done = async (): Promise<boolean> => ended !== undefined || deps.signal.aborted || (await spec.isReady());
      const ready = await until(done, spec.readyMs);
      if (deps.signal.aborted) {
        await end(now);
        throw new StackError(`${label} was stopped while it started`, { exitCode: 1 });
      }
      if (ready && ended === undefined) return now;
      const code = now.child.exitCode;
      if (ended === undefined || code === 2 || attempt >= spec.tries) {
        await end(now);
        const what = ended === undefined ? `was not ready after ${spec.readyMs / 1_000} s` : `did not start (${ended})`;
        throw new StackError(`${label} ${what}: ${spec.explain()}\n  its log: ${spec.logFile}`, {
          exitCode: code === 2 || code === 3 ? code : 1,
        });
      }
      await sleep(Math.min(BACKOFF_MOST_MS, BACKOFF_FIRST_MS * 2 ** (attempt - 1)));
    }
  }

  async function keepAlive(first: Running): Promise<void> {
    let now = first;
    let backoffMs = BACKOFF_FIRST_MS;
    let how = await now.exited;
    while (!stopping.signal.aborted) {
      if (performance.now() - now.startedAt > LIFE_MS) backoffMs = BACKOFF_FIRST_MS;
      running = undefined;
      restarts += 1;
      deps.log(`${label} ended (${how}); starting it again in ${backoffMs / 1_000} s (restart ${restarts})`);
      await sleep(backoffMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      backoffMs = Math.min(BACKOFF_MOST_MS, backoffMs * 2);
      try {
        now = await launch();
        running = now;
        if (stopping.signal.aborted) await end(now);
        how = await now.exited;
      } catch (error) {
        how = messageOf(error);
      }
    }
  }

  async function end(target: Running): Promise<void> {
    signalProcess(target.ref, spec.stopSignal);
    if (!(await until(() => !isRunning(target.ref), spec.stopGraceMs, 20))) {
      deps.log(`${label} did not end within ${spec.stopGraceMs / 1_000} s; killing it`);
      signalProcess(target.ref, 'SIGKILL');
    }
    await target.exited; // only then has it left the table too
  }

  const life = keepAlive(await firstStart());

  return {
    spec,
    pid: () => running?.ref.pid,
    kill: () => {
      stopping.abort();
      if (running !== undefined) signalProcess(running.ref, 'SIGKILL');
    },
    async stop() {
      stopping.abort();
      if (running !== undefined) await end(running);
      await life;
    },
  };
}
