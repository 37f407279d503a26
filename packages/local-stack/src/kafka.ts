import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { StackError } from './errors.ts';
import { writeAtomically, type Home } from './home.ts';
import { brokerAnswers } from './kafka-probe.ts';
import { lastLines } from './logs.ts';
import type { ProcessSpec } from './supervised.ts';
import { messageOf } from './thrown.ts';

const run = promisify(execFile);

/** Small enough to stand beside everything else on two cores; the 8 MB records of the dead-letter topic fit many times. */
const HEAP = ['-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-Xshare:auto', '-Djava.awt.headless=true'];

export type KafkaPart = {
  readonly java: string;
  readonly libs: string;
  readonly home: Home;
  readonly port: number;
  readonly controllerPort: number;
  readonly log: (line: string) => void;
};

/** One broker (KRaft, combined) whose data, cluster id and topics stay in the home; its ports may change from start to start. */
export function kafkaSpec(part: KafkaPart): ProcessSpec {
  const logFile = join(part.home.logs, 'broker-1.log');
  const config = join(part.home.root, 'kafka.properties');
  return {
    name: 'broker',
    copy: 1,
    stage: 3,
    stopSignal: 'SIGTERM',
    stopGraceMs: 15_000,
    logFile,
    readyMs: 60_000,
    tries: 2,
    isReady: () => brokerAnswers('127.0.0.1', part.port),
    explain: () => lastLines(logFile, 3).join(' | ') || 'it wrote no log',
    async command() {
      const log4j = join(part.home.root, 'kafka-log4j2.properties');
      writeAtomically(log4j, LOG4J);
      writeAtomically(config, properties(part, part.home.kafka));
      await formatIfNeeded(part);
      const flags = [...HEAP, `-Dlog4j2.configurationFile=${log4j}`, `-Dkafka.logs.dir=${part.home.logs}`];
      const args = [...flags, '-cp', join(part.libs, '*'), 'kafka.Kafka', config];
      return { file: part.java, args, env: process.env, cwd: part.home.root };
    },
  };
}

/** Formats the data directory beside its place and moves it there whole, so that none is ever half formatted by us. */
async function formatIfNeeded(part: KafkaPart): Promise<void> {
  const { kafka } = part.home;
  if (isFormatted(kafka)) return;
  if (existsSync(kafka)) setAside(part);
  const fresh = `${kafka}.new`;
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  const config = join(part.home.root, 'kafka-format.properties');
  writeAtomically(config, properties(part, fresh));
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, 'A');
  const flags = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
  const args = [
    ...flags,
    '-cp',
    join(part.libs, '*'),
    'kafka.tools.StorageTool',
    'format',
    '-t',
    clusterId,
    '-c',
    config,
  ];
  try {
    await run(part.java, args);
  } catch (error) {
    throw new StackError(`the broker's data directory could not be formatted: ${messageOf(error).slice(0, 600)}`, {
      cause: error,
    });
  } finally {
    rmSync(config, { force: true });
  }
  renameSync(fresh, kafka);
}

function isFormatted(directory: string): boolean {
  const meta = join(directory, 'meta.properties');
  return existsSync(meta) && /^cluster\.id=\S+$/m.test(readFileSync(meta, 'utf8'));
}

/** A directory without its identity cannot be used again; if it holds topics it is kept under another name. */
function setAside(part: KafkaPart): void {
  const holdsTopics = readdirSync(part.home.kafka).some((name) => /-\d+$/.test(name));
  if (!holdsTopics) {
    rmSync(part.home.kafka, { recursive: true });
    part.log('broker: its data directory was only half formatted; formatting it anew');
    return;
  }
  const aside = `${part.home.kafka}.broken-${new Date().toISOString().replace(/\W/g, '')}`;
  renameSync(part.home.kafka, aside);
  part.log(`broker: its data directory had lost its identity; it is kept as ${aside}, and the broker starts empty`);
}

function properties(part: KafkaPart, directory: string): string {
  const broker = `127.0.0.1:${part.port}`;
  const controller = `127.0.0.1:${part.controllerPort}`;
  const entries: Readonly<Record<string, string | number>> = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@${controller}`,
    listeners: `PLAINTEXT://${broker},CONTROLLER://${controller}`,
    'advertised.listeners': `PLAINTEXT://${broker}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': directory,
    'auto.create.topics.enable': 'false',
    'num.network.threads': 2,
    'num.io.threads': 4,
    'background.threads': 2,
    'num.recovery.threads.per.data.dir': 2,
    'offsets.topic.num.partitions': 1,
    'offsets.topic.replication.factor': 1,
    // A stack that stood still for a week must not have forgotten how far its groups were.
    'offsets.retention.minutes': 60 * 24 * 90,
    'transaction.state.log.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'min.insync.replicas': 1,
    'group.initial.rebalance.delay.ms': 0,
    // A killed broker is let in again only when the session of its former life is over: 9 s by default.
    'broker.session.timeout.ms': 3_000,
    'broker.heartbeat.interval.ms': 500,
    // The default cleaner buffer is 128 MB of the heap.
    'log.cleaner.dedupe.buffer.size': 4_194_304,
    'log.segment.bytes': 67_108_864,
    'replica.fetch.max.bytes': 8_388_608,
  };
  return `${Object.entries(entries)
    .map(([key, value]) => `${key}=${value}`)
    .join('\n')}\n`;
}

const LOG4J = `status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
`;
