import { join } from 'node:path';
import type { PartName } from './addresses.ts';
import { runMainJob } from './job.ts';
import { isDestination, planServices, servicesFor } from './service-plan.ts';
import { startServices, type Services } from './services.ts';
import { hasUpstreamKey, readablePlatforms, startSimulators } from './simulators.ts';
import { startStack, writeStackEnv, type Stack } from './stack.ts';

export type UpOptions = {
  readonly home: string;
  readonly fresh: boolean;
  readonly docker: boolean;
  /** Start the simulated upstream APIs when no key of a real account is set. */
  readonly demoUpstreams: boolean;
  readonly copies: Readonly<Record<string, number>>;
  /** Only these parts of the stack, and no services. */
  readonly only?: readonly PartName[];
  /** Run a full sync once everything answers; with `once` stop after it. */
  readonly job?: { readonly once: boolean };
};

/** How the terminal and the signals reach a run. */
export type Run = {
  readonly env: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
  /** Aborted by the first SIGTERM, SIGINT or SIGHUP. */
  readonly signal: AbortSignal;
  /** Told what to end at once when a second signal comes. */
  readonly onServices: (services: Services) => void;
};

/** The stack and all services in the foreground until the signal; resolves with the exit code when all has stopped. */
export async function up(options: UpOptions, run: Run): Promise<number> {
  const { env, log, signal } = run;
  // A port that is taken is said before anything is started.
  if (options.only === undefined) {
    await planServices({ services: servicesFor(env), copies: options.copies, env, log: () => undefined });
  }
  await using stack = await startStack({
    home: options.home,
    fresh: options.fresh,
    docker: options.docker,
    env,
    log,
    signal,
    ...(options.only === undefined ? {} : { only: options.only }),
  });
  if (options.only !== undefined) {
    printAddresses(stack, {}, log);
    log('ready');
    await aborted(signal);
    return 0;
  }
  const upstreams =
    options.demoUpstreams && !hasUpstreamKey(env)
      ? await startSimulators(stack, { ...env, LOG_PRETTY: 'false' }, signal)
      : {};
  const services = await startServices({ stack, copies: options.copies, env, extraEnv: upstreams, signal });
  run.onServices(services);
  const simulated = Object.entries(upstreams).filter(([name]) => name.endsWith('_BASE_URL'));
  const more = { API_URL: services.apiUrl, ...Object.fromEntries(simulated) };
  writeStackEnv(stack.home, stack.env, more);
  printAddresses(stack, more, log);
  log(`ready ${services.apiUrl}`);
  if (options.job !== undefined) {
    const jobEnv = { ...env, ...stack.env, FULL_SYNC_HOME: stack.home.root };
    const merged = { ...env, ...upstreams };
    const asked = { platforms: readablePlatforms(merged), destinations: servicesFor(merged).filter(isDestination) };
    const code = await runMainJob(services.apiUrl, asked, jobEnv, signal);
    if (options.job.once) return code;
    if (!signal.aborted) log('the services stay up until Ctrl-C');
  }
  await aborted(signal);
  log('stopping: the services drain, then the stack stops');
  return 0;
}

function printAddresses(stack: Stack, more: Readonly<Record<string, string>>, log: (line: string) => void): void {
  for (const [name, value] of Object.entries({ ...stack.env, ...more })) {
    if (value !== '') log(`  ${name}=${withoutPassword(value)}`);
  }
  log(`  (with the database's password in ${join(stack.home.root, 'stack.env')}; logs in ${stack.home.logs})`);
}

function withoutPassword(address: string): string {
  return address.replace(/^(\w+:\/\/[^:@/]+):[^@/]*@/, '$1@');
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
