import { StackError } from './errors.ts';
import { accepts } from './ports.ts';
import { until } from './until.ts';

export type PartName = 'kafka' | 'registry' | 'postgres';
export const PARTS: readonly PartName[] = ['kafka', 'registry', 'postgres'];

/** The environment variable that holds each part's address. */
export const ADDRESS = { kafka: 'KAFKA_BROKERS', registry: 'SCHEMA_REGISTRY_URL', postgres: 'DATABASE_URL' } as const;
export type StackEnv = { readonly [Name in (typeof ADDRESS)[PartName]]: string };

const DEFAULT_PORTS = { kafka: 9092, registry: 80, postgres: 5432 } as const;

/** The parts whose addresses the environment gives; an empty value counts as none. */
export function givenAddresses(env: NodeJS.ProcessEnv): ReadonlyMap<PartName, string> {
  return new Map(
    PARTS.flatMap((part) => {
      const value = env[ADDRESS[part]]?.trim();
      return value === undefined || value === '' ? [] : [[part, value] as const];
    }),
  );
}

/** Host and port of each place an address names. Throws StackError (exit code 2) when it cannot be read as an address. */
export function placesOf(part: PartName, address: string): readonly { readonly host: string; readonly port: number }[] {
  const texts = part === 'kafka' ? address.split(',').map((broker) => `kafka://${broker.trim()}`) : [address];
  return texts.map((text) => {
    const url = URL.parse(text);
    if (url === null || url.hostname === '') {
      // The text may hold a password: it is not repeated.
      throw new StackError(`${ADDRESS[part]} is not ${part === 'kafka' ? 'a comma list of host:port' : 'a URL'}`, {
        exitCode: 2,
      });
    }
    const fallback = url.protocol === 'https:' ? 443 : DEFAULT_PORTS[part];
    return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? fallback : Number(url.port) };
  });
}

/** Waits until something listens at one of the places of an address. Throws StackError when nothing does in `deadlineMs`. */
export async function expectReachable(part: PartName, address: string, deadlineMs = 10_000): Promise<void> {
  const places = placesOf(part, address);
  const reached = await until(
    async () => (await Promise.all(places.map(({ host, port }) => accepts(host, port)))).includes(true),
    deadlineMs,
    500,
  );
  if (reached) return;
  const where = places.map(({ host, port }) => `${host}:${port}`).join(', ');
  throw new StackError(
    `${ADDRESS[part]} is set, but nothing answers at ${where}. Start it there, or unset ${ADDRESS[part]} to have the local stack start one.`,
  );
}
