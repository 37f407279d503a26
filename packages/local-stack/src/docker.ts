import { createHash } from 'node:crypto';
import { GenericContainer, getContainerRuntimeClient, Network, Wait, type StartedTestContainer } from 'testcontainers';
import type { PartName } from './addresses.ts';
import { StackError } from './errors.ts';
import { identityOf } from './identity.ts';
import type { StartPartsOptions } from './parts.ts';
import { findPort } from './ports.ts';
import { createDatabases, DATABASE, databaseUrl, REGISTRY_DATABASE } from './postgres.ts';
import { registryUrl } from './registry.ts';
import { messageOf } from './thrown.ts';

/** The same versions as docker-compose.yml has. */
const IMAGES = {
  kafka: 'apache/kafka:4.4.0',
  registry: 'apicurio/apicurio-registry:3.0.9',
  postgres: 'postgres:18.4-bookworm',
} as const;

/** Whether a Docker engine answers. */
export async function dockerAnswers(): Promise<boolean> {
  try {
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false; // testcontainers tried every way it knows to reach one
  }
}

/**
 * Starts the missing parts as containers, with their data in named volumes that belong to the home's state (so that
 * `--fresh` starts on new ones); their addresses by part. Throws StackError when no Docker engine answers.
 */
export async function startContainers(options: StartPartsOptions): Promise<ReadonlyMap<PartName, string>> {
  const { missing, state } = options;
  if (missing.length === 0) return new Map();
  const runtime = await getContainerRuntimeClient().catch((error: unknown) => {
    throw new StackError(`no Docker engine answers: ${messageOf(error)}. Start it, or leave --stack docker out.`, {
      cause: error,
    });
  });
  const network = await new Network().start();
  options.onContainer(async () => {
    await network.stop();
  });
  const stamp = createHash('sha256')
    .update(options.home.root)
    .update(state.databasePassword)
    .digest('hex')
    .slice(0, 12);

  const start = async (name: string, container: GenericContainer, data: string | undefined): Promise<void> => {
    options.deps.log(`${name}: starting its container`);
    if (data !== undefined) {
      container.withBindMounts([{ source: `full-sync-${stamp}-${name}`, target: data, mode: 'rw' }]);
    }
    const started: StartedTestContainer = await container.withNetwork(network).withNetworkAliases(name).start();
    const details = await runtime.container.inspect(runtime.container.getById(started.getId()));
    const pid = details.State.Pid;
    const ref = {
      name,
      pid,
      identity: identityOf(pid) ?? 'inside the engine',
      stopSignal: 'SIGTERM',
      stage: 3,
    } as const;
    options.deps.table.add({ name, copy: 1, pid, startedAt: details.State.StartedAt, restarts: 0 }, ref);
    options.onContainer(async () => {
      await started.stop({ timeout: 15_000 });
      options.deps.table.remove(pid);
    });
  };

  const addresses = new Map<PartName, string>();
  const postgres = async (): Promise<void> => {
    if (!missing.includes('postgres')) return;
    const port = await findPort(state.ports['postgres']);
    const container = new GenericContainer(IMAGES.postgres)
      .withEnvironment({ POSTGRES_USER: DATABASE, POSTGRES_DB: DATABASE, POSTGRES_PASSWORD: state.databasePassword })
      .withCommand(['postgres', '-c', 'wal_compression=on', '-c', 'max_wal_size=4GB', '-c', 'shared_buffers=256MB'])
      .withExposedPorts({ container: 5432, host: port })
      .withWaitStrategy(Wait.forLogMessage('database system is ready to accept connections', 2));
    await start('database', container, '/var/lib/postgresql');
    await createDatabases(port, state.databasePassword);
    addresses.set('postgres', databaseUrl(port, state.databasePassword));
  };
  const kafka = async (): Promise<void> => {
    if (!missing.includes('kafka')) return;
    const port = await findPort(state.ports['kafka']);
    const container = new GenericContainer(IMAGES.kafka)
      .withEnvironment(kafkaEnvironment(port))
      .withExposedPorts({ container: 9092, host: port })
      .withWaitStrategy(Wait.forLogMessage(/Kafka Server started/));
    await start('broker', container, '/var/lib/kafka/data');
    addresses.set('kafka', `127.0.0.1:${port}`);
  };
  const registry = async (): Promise<void> => {
    if (!missing.includes('registry')) return;
    const port = await findPort(state.ports['registry']);
    const container = new GenericContainer(IMAGES.registry)
      .withEnvironment(missing.includes('postgres') ? registryEnvironment(state.databasePassword) : {})
      .withExposedPorts({ container: 8080, host: port })
      .withWaitStrategy(Wait.forHttp('/apis/ccompat/v7/subjects', 8080));
    await start('registry', container, undefined);
    addresses.set('registry', registryUrl(port));
  };
  await Promise.all([kafka(), postgres().then(registry)]);
  return addresses;
}

function kafkaEnvironment(port: number): Record<string, string> {
  return {
    KAFKA_NODE_ID: '1',
    KAFKA_PROCESS_ROLES: 'broker,controller',
    KAFKA_CONTROLLER_QUORUM_VOTERS: '1@localhost:9093',
    KAFKA_LISTENERS: 'PLAINTEXT://:9092,CONTROLLER://:9093',
    KAFKA_ADVERTISED_LISTENERS: `PLAINTEXT://127.0.0.1:${port}`,
    KAFKA_LISTENER_SECURITY_PROTOCOL_MAP: 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    KAFKA_CONTROLLER_LISTENER_NAMES: 'CONTROLLER',
    KAFKA_INTER_BROKER_LISTENER_NAME: 'PLAINTEXT',
    KAFKA_LOG_DIRS: '/var/lib/kafka/data',
    KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
    KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '1',
    KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR: '1',
    KAFKA_TRANSACTION_STATE_LOG_MIN_ISR: '1',
    KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0',
    // Longer than records are kept: a group without its offset would take what retention removed for lost.
    KAFKA_OFFSETS_RETENTION_MINUTES: '129600',
  };
}

function registryEnvironment(password: string): Record<string, string> {
  return {
    APICURIO_STORAGE_KIND: 'sql',
    APICURIO_STORAGE_SQL_KIND: 'postgresql',
    APICURIO_DATASOURCE_URL: `jdbc:postgresql://database:5432/${REGISTRY_DATABASE}`,
    APICURIO_DATASOURCE_USERNAME: DATABASE,
    APICURIO_DATASOURCE_PASSWORD: password,
  };
}
