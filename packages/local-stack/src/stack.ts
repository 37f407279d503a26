import { expectReachable, givenAddresses, PARTS, type PartName, type StackEnv } from './addresses.ts';
import { StackError } from './errors.ts';
import { emptyHome, loadState, openHome, writeAtomically, type Home } from './home.ts';
import { lockHolder, tryLock } from './lock.ts';
import { rotateLogs } from './logs.ts';
import { endLeftovers, openProcessTable, type ProcessEntry, type ProcessTable } from './process-table.ts';
import { startParts, type StartPartsOptions } from './parts.ts';
import { expectLocalPrograms } from './preflight.ts';
import type { Supervised } from './supervised.ts';
import { messageOf } from './thrown.ts';

export type StackOptions = {
  /** The directory of the stack's state (`FULL_SYNC_HOME`). */
  readonly home: string;
  /** Empties the home first. */
  readonly fresh?: boolean;
  /** The parts wanted; all by default. */
  readonly only?: readonly PartName[];
  /** Where addresses, JAVA_HOME and XDG_CACHE_HOME are looked up; the process's environment by default. */
  readonly env?: NodeJS.ProcessEnv;
  /** Containers instead of local programs. */
  readonly docker?: boolean;
  readonly log?: (line: string) => void;
  /** Gives the start up; what was started is stopped again. */
  readonly signal?: AbortSignal;
};

export type Stack = {
  readonly home: Home;
  /** The addresses of the parts asked for; those not asked for are empty. */
  readonly env: StackEnv;
  readonly table: ProcessTable;
  readonly log: (line: string) => void;
  /** What runs now. */
  processes(): readonly ProcessEntry[];
  /** Registers something to be stopped before the stack's own parts and before what was registered earlier. */
  beforeStop(stop: () => Promise<void>): void;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

/**
 * Finds or starts broker, registry and database: an address in the environment wins, each on its own; then the real
 * programs (or containers). Throws StackError saying what is missing, after stopping whatever it had started.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const env = options.env ?? process.env;
  const log = options.log ?? ((): void => undefined);
  const signal = options.signal ?? new AbortController().signal;
  const wanted = options.only ?? PARTS;
  const home = openHome(options.home);
  const lock = tryLock(home.lock);
  if (lock === undefined) {
    const pid = lockHolder(home.lock)?.pid;
    throw new StackError(
      `a stack runs in ${home.root} already${pid === undefined ? '' : ` (process ${pid})`}; stop it first, or set FULL_SYNC_HOME to another directory`,
    );
  }
  const table = await openTable(home, options.fresh === true, log).catch((error: unknown) => {
    lock.release();
    throw error;
  });
  const first: (() => Promise<void>)[] = [];
  const parts: Supervised[] = [];
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopAll(first, parts, table, log).finally(() => lock.release()));
  try {
    const given = new Map([...givenAddresses(env)].filter(([part]) => wanted.includes(part)));
    await Promise.all([...given].map(([part, address]) => expectReachable(part, address)));
    const missing = wanted.filter((part) => !given.has(part));
    const start = await chooseStart(missing, options.docker === true, env, log);
    const started = await start({
      home,
      missing,
      state: loadState(home),
      env,
      deps: { table, log, signal },
      onStarted: (part) => parts.push(part),
      onContainer: (remove) => first.unshift(remove),
    });
    const addresses = new Map([...given, ...started]);
    const stackEnv: StackEnv = {
      KAFKA_BROKERS: addresses.get('kafka') ?? '',
      SCHEMA_REGISTRY_URL: addresses.get('registry') ?? '',
      DATABASE_URL: addresses.get('postgres') ?? '',
    };
    writeStackEnv(home, stackEnv);
    return {
      home,
      env: stackEnv,
      table,
      log,
      processes: () => table.list(),
      beforeStop: (action) => first.unshift(action),
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Start = (options: StartPartsOptions) => Promise<ReadonlyMap<PartName, string>>;

/** Local programs where this machine has them, else containers where an engine answers; or containers when asked for. */
async function chooseStart(
  missing: readonly PartName[],
  docker: boolean,
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<Start> {
  if (!docker) {
    try {
      await expectLocalPrograms(missing, env);
      return startParts;
    } catch (error) {
      // Loaded only now: it is large, and most starts never need it.
      const { dockerAnswers, startContainers } = await import('./docker.ts');
      if (!(await dockerAnswers())) {
        throw new StackError(`${messageOf(error)} (No Docker engine answers either.)`, { cause: error });
      }
      log(`${messageOf(error)} Docker answers: taking containers instead.`);
      return startContainers;
    }
  }
  return (await import('./docker.ts')).startContainers;
}

/** Writes stack.env (mode 0600, it holds the database's password): the addresses and whatever else `more` gives. */
export function writeStackEnv(home: Home, env: StackEnv, more: Readonly<Record<string, string>> = {}): void {
  const lines = Object.entries({ ...env, ...more }).filter(([, value]) => value !== '');
  writeAtomically(home.stackEnv, lines.map(([name, value]) => `${name}=${value}\n`).join(''), 0o600);
}

async function openTable(home: Home, fresh: boolean, log: (line: string) => void): Promise<ProcessTable> {
  const ended = await endLeftovers(home);
  if (ended.length > 0) log(`ended what an earlier start had left running: ${ended.join(', ')}`);
  if (fresh) emptyHome(home);
  else rotateLogs(home.logs);
  return openProcessTable(home);
}

async function stopAll(
  first: readonly (() => Promise<void>)[],
  parts: readonly Supervised[],
  table: ProcessTable,
  log: (line: string) => void,
): Promise<void> {
  for (const stop of first) {
    await stop().catch((error: unknown) => {
      log(`while stopping: ${messageOf(error)}`);
    });
  }
  for (const part of [...parts].sort((a, b) => a.spec.stage - b.spec.stage)) await part.stop();
  table.close();
}
