import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { codeOf } from './thrown.ts';

/** Where the state of one stack lies; every path is absolute. */
export type Home = {
  readonly root: string;
  readonly logs: string;
  readonly kafka: string;
  readonly postgres: string;
  readonly registry: string;
  readonly stateFile: string;
  readonly stackEnv: string;
  readonly processes: string;
  readonly children: string;
  readonly lock: string;
};

/** What has to stay the same from one start to the next. */
export type StackState = {
  readonly databasePassword: string;
  /** The ports of the last start, taken again where they are free. */
  readonly ports: Readonly<Record<string, number>>;
};

/** The paths of a stack's state under `root`; makes the directories. */
export function openHome(root: string): Home {
  const at = (name: string): string => join(resolve(root), name);
  const home: Home = {
    root: resolve(root),
    logs: at('logs'),
    kafka: at('kafka'),
    postgres: at('postgres'),
    registry: at('registry'),
    stateFile: at('state.json'),
    stackEnv: at('stack.env'),
    processes: at('processes.json'),
    children: at('children.json'),
    lock: at('lock'),
  };
  mkdirSync(home.logs, { recursive: true });
  // PostgreSQL refuses to run as root and then has a user of its own, who must be able to reach its files in here.
  if (process.getuid?.() === 0) chmodSync(home.root, statSync(home.root).mode | 0o111);
  return home;
}

/** Removes what stacks leave in a home, and nothing else: FULL_SYNC_HOME may point anywhere. */
export function emptyHome(home: Home): void {
  const names = ['logs', 'kafka', 'postgres', 'registry', 'stateFile', 'stackEnv', 'processes', 'children'] as const;
  for (const name of names) rmSync(home[name], { recursive: true, force: true });
  for (const entry of readdirSync(home.root)) {
    if (/^(kafka|postgres)\.(new$|broken-)/.test(entry))
      rmSync(join(home.root, entry), { recursive: true, force: true });
  }
  mkdirSync(home.logs, { recursive: true });
}

/** Writes a file in one step (beside it, then renamed), so that a reader or a crash never sees half of it. */
export function writeAtomically(path: string, content: string, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  const beside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(beside, content, { mode, flush: true });
  renameSync(beside, path);
}

/** The parsed JSON of a file; undefined when it is missing or not JSON (a stack that died early, an older layout). */
export function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The remembered state, or a new one with a generated password; stored with mode 0600. */
export function loadState(home: Home): StackState {
  const stored = readJson(home.stateFile);
  if (isState(stored)) return stored;
  const fresh: StackState = {
    databasePassword: randomBytes(18).toString('base64url'),
    ports: {},
  };
  saveState(home, fresh);
  return fresh;
}

/** Stores the state for the next start. */
export function saveState(home: Home, state: StackState): void {
  writeAtomically(home.stateFile, `${JSON.stringify(state, null, 2)}\n`, 0o600);
}

function isState(value: unknown): value is StackState {
  return (
    typeof value === 'object' &&
    value !== null &&
    'databasePassword' in value &&
    typeof value.databasePassword === 'string' &&
    'ports' in value &&
    typeof value.ports === 'object' &&
    value.ports !== null
  );
}
