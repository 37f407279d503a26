import { execFile } from 'node:child_process';
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import type { Download } from './cache.ts';
import { StackError } from './errors.ts';
import { messageOf } from './thrown.ts';

const run = promisify(execFile);
const FETCH_MS = 10 * 60_000;

const KAFKA_VERSION = '4.4.0';
const REGISTRY_VERSION = '3.0.9';
const LOG4J_VERSION = '2.25.2';
/** Pinned: later ones also want the registry's parent POM, which was never published. */
const DEPENDENCY_PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:2.8';

/** The broker's jars (45 files, 43 MB) with everything they need at run time. */
export const kafkaDownload: Download = {
  name: `kafka-${KAFKA_VERSION}-log4j-${LOG4J_VERSION}`,
  title: `Apache Kafka ${KAFKA_VERSION}`,
  comesBy: join(homedir(), '.m2', 'repository', 'org', 'apache', 'kafka'),
  async fetch(directory, signal) {
    const pom = join(directory, 'pom.xml');
    writeFileSync(pom, kafkaPom());
    const options = ['-DincludeScope=runtime', `-DoutputDirectory=${join(directory, 'libs')}`];
    await maven(['-f', pom, `${DEPENDENCY_PLUGIN}:copy-dependencies`, ...options], directory, signal);
    rmSync(pom);
  },
};

/** Apicurio Registry, unpacked (109 MB packed). Version 3.0.9 is the last that runs on Java 17. */
export const registryDownload: Download = {
  name: `apicurio-registry-${REGISTRY_VERSION}`,
  title: `Apicurio Registry ${REGISTRY_VERSION}`,
  comesBy: join(homedir(), '.m2', 'repository', 'io', 'apicurio'),
  async fetch(directory, signal) {
    const artifact = `io.apicurio:apicurio-registry-app:${REGISTRY_VERSION}:tar.gz:all`;
    await maven(
      [`${DEPENDENCY_PLUGIN}:copy`, `-Dartifact=${artifact}`, `-DoutputDirectory=${directory}`],
      directory,
      signal,
    );
    const archive = readdirSync(directory).find((name) => name.endsWith('.tar.gz'));
    if (archive === undefined) throw new StackError(`Maven fetched no archive for ${artifact}`);
    await run('tar', ['-xzf', join(directory, archive), '-C', directory]);
    rmSync(join(directory, archive));
  },
};

function kafkaPom(): string {
  const dependency = (group: string, artifact: string, version: string): string =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  return [
    '<project xmlns="http://maven.apache.org/POM/4.0.0">',
    '<modelVersion>4.0.0</modelVersion><groupId>full-sync</groupId><artifactId>broker</artifactId><version>1</version>',
    '<dependencies>',
    dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION),
    dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION),
    dependency('org.apache.logging.log4j', 'log4j-core', LOG4J_VERSION),
    '</dependencies>',
    '</project>',
  ].join('\n');
}

async function maven(args: readonly string[], cwd: string, signal: AbortSignal): Promise<void> {
  try {
    await run('mvn', ['-q', '-B', ...args], { cwd, signal, timeout: FETCH_MS, maxBuffer: 16 * 1_048_576 });
  } catch (error) {
    throw new StackError(`Maven could not fetch what the stack needs: ${firstErrors(error)}`, { cause: error });
  }
}

function firstErrors(error: unknown): string {
  const printed = error instanceof Error && 'stdout' in error ? String(error.stdout) : '';
  const first = stripVTControlCharacters(printed)
    .split('\n')
    .find((line) => line.startsWith('[ERROR]'));
  return (first ?? messageOf(error)).slice(0, 600);
}
