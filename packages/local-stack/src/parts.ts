import { join } from 'node:path';
import type { PartName } from './addresses.ts';
import { cached, megabytes } from './cache.ts';
import { StackError } from './errors.ts';
import { saveState, type Home, type StackState } from './home.ts';
import { findJava } from './java.ts';
import { kafkaSpec } from './kafka.ts';
import { kafkaDownload, registryDownload } from './maven.ts';
import { findPort } from './ports.ts';
import { createDatabases, DATABASE, databaseUrl, postgresSpec, REGISTRY_DATABASE } from './postgres.ts';
import { registrySpec, registryUrl, type RegistryPart } from './registry.ts';
import { supervise, type SuperviseDeps, type Supervised } from './supervised.ts';

export type StartPartsOptions = {
  readonly home: Home;
  readonly missing: readonly PartName[];
  readonly state: StackState;
  readonly env: NodeJS.ProcessEnv;
  readonly deps: SuperviseDeps;
  readonly onStarted: (part: Supervised) => void;
  /** Told how to remove a container; unused by local programs. */
  readonly onContainer: (remove: () => Promise<void>) => void;
};

const PORT_NAMES = ['kafka', 'controller', 'registry', 'management', 'postgres'] as const;
type Ports = Readonly<Record<(typeof PORT_NAMES)[number], number>>;

/** Starts the missing parts as local programs, side by side; their addresses by part. */
export async function startParts(options: StartPartsOptions): Promise<ReadonlyMap<PartName, string>> {
  const { missing, deps } = options;
  if (missing.length === 0) return new Map();
  const ports = await choosePorts(options);
  const java = missing.some((part) => part !== 'postgres') ? findJava(options.env) : Promise.resolve('');
  const programs = fetchPrograms(options, java);
  // Awaited below, each by its part: a failure of one must not surface as unhandled while another is still starting.
  for (const promise of [java, ...Object.values(programs)]) promise.catch(() => undefined);
  const postgres = missing.includes('postgres') ? startPostgres(options, ports) : Promise.resolve();
  postgres.catch(() => undefined);

  const starts: Readonly<Record<PartName, () => Promise<string>>> = {
    kafka: async () => {
      const libs = join(await programs.kafka, 'libs');
      const { home } = options;
      const spec = kafkaSpec({
        java: await java,
        libs,
        home,
        port: ports.kafka,
        controllerPort: ports.controller,
        log: deps.log,
      });
      options.onStarted(await supervise(spec, deps));
      return `127.0.0.1:${ports.kafka}`;
    },
    registry: async () => {
      const directory = await programs.registry;
      await postgres;
      const part = {
        java: await java,
        directory,
        home: options.home,
        port: ports.registry,
        managementPort: ports.management,
      };
      options.onStarted(await supervise(registrySpec({ ...part, ...registryStore(options, ports) }), deps));
      return registryUrl(ports.registry);
    },
    postgres: async () => {
      await postgres;
      return databaseUrl(ports.postgres, options.state.databasePassword);
    },
  };
  const settled = await Promise.allSettled(missing.map(async (part) => [part, await starts[part]()] as const));
  const failures = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  if (failures.length > 0) throw strongest(failures);
  return new Map(settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
}

/** Of several failures the one that was written for people. */
function strongest(failures: readonly unknown[]): unknown {
  return failures.find((failure) => failure instanceof StackError) ?? failures[0];
}

async function startPostgres(options: StartPartsOptions, ports: Ports): Promise<void> {
  const { home, state, deps } = options;
  const part = { home, port: ports.postgres, password: state.databasePassword, log: deps.log };
  options.onStarted(await supervise(postgresSpec(part), deps));
  await createDatabases(ports.postgres, state.databasePassword);
}

/** The ports of the last start where they are free, so that a person's psql finds the database again; else others. */
async function choosePorts(options: StartPartsOptions): Promise<Ports> {
  const chosen: Record<string, number> = {};
  for (const name of PORT_NAMES) {
    const taken = new Set(Object.values(chosen));
    let port = await findPort(options.state.ports[name]);
    while (taken.has(port)) port = await findPort();
    chosen[name] = port;
  }
  saveState(options.home, { ...options.state, ports: chosen });
  return chosen as Ports;
}

function fetchPrograms(
  options: StartPartsOptions,
  java: Promise<string>,
): { readonly kafka: Promise<string>; readonly registry: Promise<string> } {
  let fetched = Number(options.env['FULL_SYNC_INSTALLED_BYTES'] ?? 0);
  const onFetched = (bytes: number): void => {
    fetched += bytes;
  };
  const settings = { env: options.env, log: options.deps.log, signal: options.deps.signal, onFetched };
  const fetch = async (part: PartName): Promise<string> => {
    if (!options.missing.includes(part)) return '';
    await java; // fetched for nothing where there is no Java
    return await cached(part === 'kafka' ? kafkaDownload : registryDownload, settings);
  };
  const kafka = fetch('kafka');
  // One after the other: two Mavens that start side by side on an empty repository write to the same files.
  const registry = kafka.then(() => fetch('registry'));
  void registry.then(
    () => {
      if (fetched > 0) options.deps.log(`fetched ${megabytes(fetched)} in all; the next start finds them`);
    },
    () => undefined,
  );
  return { kafka, registry };
}

/** The registry's store: a database of the stack's own server, or a file when the database is somebody else's. */
function registryStore(options: StartPartsOptions, ports: Ports): Pick<RegistryPart, 'database'> {
  if (!options.missing.includes('postgres')) return {};
  const { databasePassword: password } = options.state;
  return { database: { host: '127.0.0.1', port: ports.postgres, name: REGISTRY_DATABASE, user: DATABASE, password } };
}
