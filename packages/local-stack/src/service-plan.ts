import { StackError } from './errors.ts';
import { findPort, isFree } from './ports.ts';

/** The services of the pipeline, in the order in which they are listed to people. */
const PIPELINE = ['api', 'extractor', 'keyer', 'loader'] as const;

/** The destinations, each with the variables that hold its credentials; a namespaces file may refer to longer names. */
const DESTINATIONS: Readonly<Record<'mixpanel' | 'attio', RegExp>> = {
  mixpanel: /^MIXPANEL_(?:SERVICE_ACCOUNT_SECRET|PROJECT_TOKEN)(?:_|$)/,
  attio: /^ATTIO_API_KEY(?:_|$)/,
};

/** All services there are. */
const SERVICES: readonly string[] = [...PIPELINE, ...Object.keys(DESTINATIONS)];

/** The services that an environment asks for: the pipeline, and the destinations that it has credentials of. */
export function servicesFor(env: NodeJS.ProcessEnv): readonly string[] {
  return [...PIPELINE, ...Object.keys(DESTINATIONS).filter((name) => isDestination(name) && hasCredentials(name, env))];
}

export type DestinationName = keyof typeof DESTINATIONS;

/** Whether a service sends events on; what it sends to may be out of order without the pipeline being so. */
export function isDestination(name: string): name is DestinationName {
  return name in DESTINATIONS;
}

/** Whether the environment holds credentials of a destination. */
export function hasCredentials(name: DestinationName, env: NodeJS.ProcessEnv): boolean {
  return Object.entries(env).some(([key, value]) => DESTINATIONS[name].test(key) && (value ?? '').trim() !== '');
}

export type ServicePlan = {
  readonly name: string;
  /** From 1. */
  readonly copy: number;
  /** Where `/readyz` and `/metrics` are answered. */
  readonly baseUrl: string;
  /** The variables that make this copy listen there. */
  readonly env: Readonly<Record<string, string>>;
};

export type PlanOptions = {
  readonly services: readonly string[];
  /** How many processes of a service; 1 where nothing is said. */
  readonly copies: Readonly<Record<string, number>>;
  readonly env: NodeJS.ProcessEnv;
  readonly log: (line: string) => void;
};

const DEFAULT_API_PORT = 3000;

/**
 * Gives every copy the port it is to listen on. Throws StackError when a port set in the environment is no port
 * (exit code 2) or is taken (exit code 3); one that is not set is replaced by a free one.
 */
export async function planServices(options: PlanOptions): Promise<readonly ServicePlan[]> {
  const plans: ServicePlan[] = [];
  for (const name of options.services) {
    for (let copy = 1; copy <= (options.copies[name] ?? 1); copy += 1) {
      plans.push(name === 'api' ? await planApi(copy, options) : await planOther(name, copy, options));
    }
  }
  return plans;
}

async function planApi(copy: number, options: PlanOptions): Promise<ServicePlan> {
  const host = options.env['API_HOST'] || '127.0.0.1';
  const given = copy === 1 ? portFrom(options.env, 'API_PORT') : undefined;
  const port = copy === 1 ? await apiPort(host, given, options.log) : await findPort(undefined, host);
  return { name: 'api', copy, baseUrl: urlOf(host, port), env: { API_PORT: String(port) } };
}

async function apiPort(host: string, given: number | undefined, log: (line: string) => void): Promise<number> {
  if (given !== undefined && given !== 0) {
    if (await isFree(given, host)) return given;
    throw new StackError(
      `API_PORT is ${given}, and something listens on ${host}:${given} already; end it, or set another API_PORT`,
    );
  }
  if (given === undefined && (await isFree(DEFAULT_API_PORT, host))) return DEFAULT_API_PORT;
  const port = await findPort(undefined, host);
  if (given === undefined) log(`port ${DEFAULT_API_PORT} is taken; the api listens on ${port} (API_PORT sets another)`);
  return port;
}

async function planOther(name: string, copy: number, options: PlanOptions): Promise<ServicePlan> {
  const variable = `${name.toUpperCase()}_METRICS_PORT`;
  const host = options.env['METRICS_HOST'] || '127.0.0.1';
  const given = copy === 1 ? portFrom(options.env, variable) : undefined;
  const port = given === undefined || given === 0 ? await findPort(undefined, host) : given;
  return { name, copy, baseUrl: urlOf(host, port), env: { [variable]: String(port) } };
}

function portFrom(env: NodeJS.ProcessEnv, variable: string): number | undefined {
  const text = env[variable]?.trim() ?? '';
  if (text === '') return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new StackError(`${variable}: expected a port from 0 to 65535; got ${JSON.stringify(text)}`, { exitCode: 2 });
}

/** A listener on every address is asked on loopback. */
function urlOf(host: string, port: number): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** Reads `loader=2,keyer=2`. Throws StackError (exit code 2) when it names no service, or no count from 1 to 16. */
export function parseCopies(text: string): Readonly<Record<string, number>> {
  const entries = text.split(',').map((part) => {
    const [name = '', count = ''] = part.trim().split('=');
    if (SERVICES.includes(name) && /^(?:[1-9]|1[0-6])$/.test(count)) return [name, Number(count)] as const;
    throw new StackError(
      `--copies: expected service=count with a service of ${SERVICES.join(', ')} and a count from 1 to 16; got ${JSON.stringify(part)}`,
      { exitCode: 2 },
    );
  });
  return Object.fromEntries(entries);
}
