import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServices, startStack } from '@full-sync/local-stack';
import type { Services, Stack } from '@full-sync/local-stack';
import type { SimulatorSize } from '@full-sync/simulators';
import { spawnProgram } from '@full-sync/testing';
import pg from 'pg';
import { createApiClient } from '../api-client.ts';
import type { ApiClient } from '../api-client.ts';
import { setUpAttio } from '../destinations.ts';

export interface SystemOptions {
  readonly seed: number;
  readonly size: SimulatorSize;
  /** Of each simulated account and of the extractors: `N/Ts`, or `off`. */
  readonly limits: { readonly smartlead: string; readonly lemlist: string };
  /** How long every answer of the simulators takes, ms. */
  readonly latencyMs: number;
  /** Records per platform that cannot become events, and Lemlist activities with the id of another one. */
  readonly brokenRecords?: number;
  readonly collisions?: number;
  readonly copies?: Readonly<Record<string, number>>;
  /** Whether the simulated destinations are delivered to; not unless told. */
  readonly destinations?: boolean;
  /** Further variables of all services. */
  readonly env?: Readonly<Record<string, string>>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A whole system of a drill's own: stack, simulators as a process, services under the product's supervisor. */
export interface System extends AsyncDisposable {
  readonly stack: Stack;
  readonly services: Services;
  readonly client: ApiClient;
  readonly pool: pg.Pool;
  /** Of the simulators. */
  readonly controlUrl: string;
  /** Starts the simulators anew at the same address, with other options; what they had been sent is forgotten. */
  readonly replaceSimulators: (changes: Partial<SystemOptions>) => Promise<void>;
  /** To be told before a process is ended on purpose, by its name and copy. */
  readonly expectEnd: (name: string, copy: number) => void;
  /** How processes ended that nobody had ended, a line each. */
  readonly unexpectedEnds: () => readonly string[];
  /** Keeps logs and data when the system is disposed of, and says where they are. */
  readonly keep: () => void;
}

/** Addresses, accounts and settings of whoever runs the drill are none of its business. */
const foreign =
  /^(?:KAFKA|SCHEMA_REGISTRY|DATABASE|SMARTLEAD|LEMLIST|MIXPANEL|ATTIO|API|METRICS|NAMESPACES|WEBHOOK|DELTA|STORE|LOG)_/;

/** Starts it all and waits until every service is ready. Throws StackError when something does not start. */
export async function startSystem(options: SystemOptions): Promise<System> {
  const { say, signal } = options;
  const path = mkdtempSync(join(tmpdir(), 'full-sync-drill-'));
  let kept = false;
  await using started = new AsyncDisposableStack();
  started.defer(() => {
    if (kept) say(`logs and data are kept in ${path}`);
    else rmSync(path, { recursive: true, force: true });
  });
  const ends = watchEnds();
  const log = (line: string): void => {
    appendFileSync(join(path, 'drill.log'), `${new Date().toISOString()} ${line}\n`);
    ends.read(line);
  };
  // Set and empty, so that a .env file does not fill them in.
  const names = Object.keys(process.env).filter((name) => foreign.test(name));
  const blank = Object.fromEntries([...names, 'KAFKA_TOPIC_PREFIX', 'NAMESPACES_FILE'].map((name) => [name, '']));
  const env = { ...process.env, ...blank };
  const stack = started.use(await startStack({ home: path, env, log, signal }));
  let simulators = await startSimulators(options);
  started.defer(() => simulators[Symbol.asyncDispose]());
  const services = await startServices({
    stack,
    env,
    signal,
    copies: options.copies ?? {},
    extraEnv: { ...simulators.env, API_PORT: '0', STORE_MESSAGE_BODIES: 'false', ...options.env },
  });
  // Before the simulators, which they would otherwise miss while they drain.
  started.defer(() => services.stop());
  const pool = new pg.Pool({ connectionString: stack.env.DATABASE_URL, max: 4, application_name: 'full-sync-drill' });
  // Idle connections die with a database that is killed; the next query opens others.
  pool.on('error', (error) => log(`idle connection: ${error.message}`));
  started.defer(() => pool.end());
  const cleanUp = started.move();
  return {
    stack,
    services,
    client: createApiClient(services.apiUrl),
    pool,
    controlUrl: simulators.controlUrl,
    replaceSimulators: async (changes) => {
      await simulators[Symbol.asyncDispose]();
      simulators = await startSimulators({ ...options, ...changes }, new URL(simulators.controlUrl).port);
    },
    expectEnd: ends.expect,
    unexpectedEnds: ends.unexpected,
    keep: () => {
      kept = true;
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

async function startSimulators(
  options: SystemOptions,
  port = '0',
): Promise<AsyncDisposable & { readonly controlUrl: string; readonly env: Readonly<Record<string, string>> }> {
  const { limits } = options;
  const entry = join(import.meta.dirname, '..', '..', 'packages', 'simulators', 'src', 'main.ts');
  const values: Readonly<Record<string, string | number>> = {
    port,
    seed: options.seed,
    size: JSON.stringify(options.size),
    'smartlead-rate': limits.smartlead,
    'lemlist-rate': limits.lemlist,
    'latency-ms': options.latencyMs,
    // Bodies are dropped on the way; what they cost is measured elsewhere.
    'smartlead-body-bytes': 200,
    'broken-records': options.brokenRecords ?? 0,
    collisions: options.collisions ?? 0,
  };
  const args = Object.entries(values).flatMap(([name, value]) => [`--${name}`, String(value)]);
  await using started = new AsyncDisposableStack();
  const child = started.use(spawnProgram({ name: 'simulators', args: [entry, ...args] }));
  const [line] = await child.outputMatching(/^\{"event":"listening".*\}$/m, 30_000);
  const told = JSON.parse(line) as Readonly<Record<string, string>>;
  const said = (name: string): string => told[name] ?? '';
  const destinations = {
    MIXPANEL_BASE_URL: said('mixpanel'),
    MIXPANEL_PROJECT_ID: said('mixpanelProject'),
    MIXPANEL_PROJECT_TOKEN: said('mixpanelToken'),
    MIXPANEL_SERVICE_ACCOUNT_USERNAME: said('mixpanelUser'),
    MIXPANEL_SERVICE_ACCOUNT_SECRET: said('mixpanelSecret'),
    ATTIO_BASE_URL: said('attio'),
    ATTIO_API_KEY: said('attioToken'),
  };
  if (options.destinations === true) await setUpAttio(destinations);
  const cleanUp = started.move();
  return {
    controlUrl: said('control'),
    env: {
      SMARTLEAD_API_KEY: said('smartleadKey'),
      SMARTLEAD_BASE_URL: said('smartlead'),
      SMARTLEAD_RATE_LIMIT: limits.smartlead,
      LEMLIST_API_KEY: said('lemlistKey'),
      LEMLIST_BASE_URL: said('lemlist'),
      LEMLIST_RATE_LIMIT: limits.lemlist,
      ...(options.destinations === true ? destinations : {}),
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

/** Reads the supervisor's lines on processes that ended, and sorts out those that the drill ended itself. */
function watchEnds(): {
  readonly read: (line: string) => void;
  readonly expect: (name: string, copy: number) => void;
  readonly unexpected: () => readonly string[];
} {
  const expected: string[] = [];
  const unexpected: string[] = [];
  return {
    read: (line) => {
      const label = /^(.+) ended \(.+\); starting it again/.exec(line)?.[1];
      if (label === undefined) return;
      const at = expected.indexOf(label);
      if (at < 0) unexpected.push(line);
      else expected.splice(at, 1);
    },
    expect: (name, copy) => {
      expected.push(copy === 1 ? name : `${name} ${copy}`);
    },
    unexpected: () => unexpected,
  };
}
