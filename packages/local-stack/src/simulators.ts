import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StackError } from './errors.ts';
import { lastLines, lastWords } from './logs.ts';
import { accepts, findPort } from './ports.ts';
import { hasCredentials } from './service-plan.ts';
import type { Stack } from './stack.ts';
import { supervise } from './supervised.ts';

/** The pace of the simulated accounts: what a demo needs to be seen running and to end within minutes. */
const SMARTLEAD_RATE = '10/2s';
const LEMLIST_RATE = '20/2s';
/** The same data at every start, so that a kept database goes on from it. */
const SEED = '1';

/** Whether the environment names a key of a real account, also one that only a namespaces file refers to. */
export function hasUpstreamKey(env: NodeJS.ProcessEnv): boolean {
  return Object.entries(env).some(
    ([name, value]) => /^(?:SMARTLEAD|LEMLIST)_API_KEY(?:_|$)/.test(name) && (value ?? '').trim() !== '',
  );
}

const keyNames = { smartlead: 'SMARTLEAD_API_KEY', lemlist: 'LEMLIST_API_KEY' } as const;

/** The platforms whose own key is set; both where none is, so that the api says what is missing. */
export function readablePlatforms(env: NodeJS.ProcessEnv): readonly string[] {
  const all = Object.keys(keyNames) as (keyof typeof keyNames)[];
  const readable = all.filter((platform) => (env[keyNames[platform]] ?? '').trim() !== '');
  return readable.length === 0 ? all : readable;
}

export type UpstreamEnv = Readonly<Record<string, string>>;

/**
 * Starts the simulated APIs; the variables that make the services use them. Destinations that the environment has
 * credentials of stay as they are. The simulators stop after the services.
 */
export async function startSimulators(stack: Stack, env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<UpstreamEnv> {
  const port = await findPort();
  const root = join(import.meta.dirname, '..', '..', '..');
  const entry = join(root, 'packages', 'simulators', 'src', 'main.ts');
  const logFile = join(stack.home.logs, 'simulators-1.log');
  const rates = ['--smartlead-rate', SMARTLEAD_RATE, '--lemlist-rate', LEMLIST_RATE];
  const args = [entry, '--port', String(port), '--seed', SEED, '--size', 'demo', ...rates];
  const supervised = await supervise(
    {
      name: 'simulators',
      copy: 1,
      stage: 1,
      stopSignal: 'SIGTERM',
      stopGraceMs: 5_000,
      logFile,
      ipc: true,
      readyMs: 60_000,
      tries: 3,
      command: () => ({
        file: process.execPath,
        args,
        env: { ...env, FULL_SYNC_PARENT_PID: String(process.pid) },
        cwd: root,
      }),
      isReady: async () => listeningIn(logFile) !== undefined && (await accepts('127.0.0.1', port)),
      explain: () => lastWords(logFile),
    },
    { table: stack.table, log: stack.log, signal },
  );
  stack.beforeStop(() => supervised.stop());
  const said = (name: string): string => listeningIn(logFile)?.[name] ?? '';
  const attio = { ATTIO_BASE_URL: said('attio'), ATTIO_API_KEY: said('attioToken') };
  const takesAttio = !hasCredentials('attio', env);
  if (takesAttio) await setUpAttio({ ...env, ...attio, NAMESPACES_FILE: '' }, signal);
  return {
    SMARTLEAD_API_KEY: said('smartleadKey'),
    SMARTLEAD_BASE_URL: said('smartlead'),
    SMARTLEAD_RATE_LIMIT: env['SMARTLEAD_RATE_LIMIT'] || SMARTLEAD_RATE,
    LEMLIST_API_KEY: said('lemlistKey'),
    LEMLIST_BASE_URL: said('lemlist'),
    LEMLIST_RATE_LIMIT: env['LEMLIST_RATE_LIMIT'] || LEMLIST_RATE,
    ...(hasCredentials('mixpanel', env)
      ? {}
      : {
          MIXPANEL_BASE_URL: said('mixpanel'),
          MIXPANEL_PROJECT_ID: said('mixpanelProject'),
          MIXPANEL_PROJECT_TOKEN: said('mixpanelToken'),
          MIXPANEL_SERVICE_ACCOUNT_USERNAME: said('mixpanelUser'),
          MIXPANEL_SERVICE_ACCOUNT_SECRET: said('mixpanelSecret'),
        }),
    ...(takesAttio ? attio : {}),
  };
}

/** Makes the attributes that a new workspace lacks, as `cli attio setup` does for a real one. */
async function setUpAttio(env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<void> {
  const program = join(import.meta.dirname, '..', '..', '..', 'services', 'attio', 'src', 'setup.ts');
  try {
    await promisify(execFile)(process.execPath, [program], { env, signal });
  } catch (error) {
    if (signal.aborted) throw error;
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : String(error);
    throw new StackError(`the simulated Attio workspace could not be set up: ${said}`);
  }
}

/** The fields of the one line that the simulators print when they listen. */
function listeningIn(logFile: string): Readonly<Record<string, string>> | undefined {
  for (const line of lastLines(logFile, 200)) {
    if (!line.startsWith('{"event":"listening"')) continue;
    const fields: unknown = JSON.parse(line);
    if (typeof fields !== 'object' || fields === null) continue;
    return Object.fromEntries(
      Object.entries(fields).filter((field): field is [string, string] => typeof field[1] === 'string'),
    );
  }
  return undefined;
}
