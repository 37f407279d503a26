import { join } from 'node:path';
import { lastWords, followLog } from './logs.ts';
import { isDestination, planServices, servicesFor, type ServicePlan } from './service-plan.ts';
import type { Stack } from './stack.ts';
import { supervise, type ProcessSpec, type Supervised } from './supervised.ts';

/** One second more than what a service may take to drain. */
const DRAIN_GRACE_MS = 26_000;

/**
 * How a service's memory is bounded. Left alone, V8 and the allocator let garbage pile up to a share of the machine's
 * memory; a service has some 30 MB alive, and each stays under 200 MB resident with these. The image sets the same.
 */
const heapFlags = ['--max-semi-space-size=4', '--max-old-space-size=512'];
const allocator = { MALLOC_ARENA_MAX: '2', MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_MMAP_THRESHOLD_: '131072' };

export type ServicesOptions = {
  readonly stack: Stack;
  /** Which services; by default the pipeline and the destinations that the environment has credentials of. */
  readonly services?: readonly string[];
  /** How many processes of a service; 1 where nothing is said. */
  readonly copies?: Readonly<Record<string, number>>;
  /** The environment the services inherit; this process's by default. The stack's addresses are added. */
  readonly env?: NodeJS.ProcessEnv;
  /** Added last. */
  readonly extraEnv?: Readonly<Record<string, string>>;
  /** The directory that holds `<service>/src/main.ts`; the repository's services by default. */
  readonly directory?: string;
  readonly signal?: AbortSignal;
};

export type Services = {
  /** The address of the first copy of the api; empty when none was asked for. */
  readonly apiUrl: string;
  /** Where each copy answers `/readyz` and `/metrics`. */
  readonly plans: readonly ServicePlan[];
  readonly processes: readonly Supervised[];
  /** SIGTERM to all, side by side; resolves when they are gone, after 26 s at most. */
  stop(): Promise<void>;
  /** Ends all at once with SIGKILL. */
  kill(): void;
};

/**
 * Starts services as child processes on a stack and keeps them running; they stop with the stack. Resolves when every
 * copy answers `/readyz` (of a destination: `/livez`). Throws StackError with the exit code of the service that did not start.
 */
export async function startServices(options: ServicesOptions): Promise<Services> {
  const { stack } = options;
  const base = { ...process.env, ...options.env };
  const merged = { ...base, ...options.extraEnv };
  const services = options.services ?? servicesFor(merged);
  const plans = await planServices({ services, copies: options.copies ?? {}, env: merged, log: stack.log });
  const failing = new AbortController();
  const signal = AbortSignal.any([failing.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const processes: Supervised[] = [];
  const follow: (() => void)[] = [];
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> =>
    (stopped ??= Promise.all(processes.map((one) => one.stop())).then(() => {
      for (const end of follow) end();
    }));
  stack.beforeStop(stop);

  const start = async (plan: ServicePlan): Promise<void> => {
    const spec = serviceSpec(plan, options, merged);
    const label = plan.copy === 1 ? plan.name : `${plan.name} ${plan.copy}`;
    follow.push(followLog(spec.logFile, label, stack.log));
    processes.push(await supervise(spec, { table: stack.table, log: stack.log, signal }));
  };
  const failures: Error[] = [];
  const started = plans.map((plan) =>
    start(plan).catch((error: unknown) => {
      // The first failure is the cause; the others are then given up and only say so.
      failures.push(error instanceof Error ? error : new Error(String(error)));
      failing.abort();
    }),
  );
  await Promise.all(started);
  if (failures[0] !== undefined) {
    await stop();
    throw failures[0];
  }
  const apiUrl = plans.find((plan) => plan.name === 'api')?.baseUrl ?? '';
  return {
    apiUrl,
    plans,
    processes,
    stop,
    kill: () => {
      for (const one of processes) one.kill();
    },
  };
}

function serviceSpec(plan: ServicePlan, options: ServicesOptions, base: NodeJS.ProcessEnv): ProcessSpec {
  const { stack } = options;
  const root = join(import.meta.dirname, '..', '..', '..');
  const entry = join(options.directory ?? join(root, 'services'), plan.name, 'src', 'main.ts');
  const logFile = join(stack.home.logs, `${plan.name}-${plan.copy}.log`);
  const env = {
    ...allocator,
    // What was compiled and stripped of types once is not again: quicker starts, and 20 MB less in each process.
    NODE_COMPILE_CACHE: join(root, 'node_modules', '.cache', 'full-sync', 'compiled'),
    ...base,
    ...Object.fromEntries(Object.entries(stack.env).filter(([, address]) => address !== '')),
    ...options.extraEnv,
    ...plan.env,
    FULL_SYNC_HOME: stack.home.root,
    FULL_SYNC_PARENT_PID: String(process.pid),
    LOG_PRETTY: 'false',
  };
  return {
    name: plan.name,
    copy: plan.copy,
    stage: 0,
    stopSignal: 'SIGTERM',
    stopGraceMs: DRAIN_GRACE_MS,
    logFile,
    metricsUrl: `${plan.baseUrl}/metrics`,
    ipc: true,
    readyMs: 120_000,
    tries: 4,
    command: () => ({ file: process.execPath, args: [...heapFlags, entry], env, cwd: root }),
    // A destination that waits for somebody to mend its credentials is not ready, but it is up: it says why, and the
    // pipeline does not depend on it (I5).
    isReady: () => answers(`${plan.baseUrl}/${isDestination(plan.name) ? 'livez' : 'readyz'}`),
    explain: () => lastWords(logFile),
  };
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false; // not listening yet
  }
}
