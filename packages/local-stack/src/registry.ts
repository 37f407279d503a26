import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from './errors.ts';
import type { Home } from './home.ts';
import { lastLines } from './logs.ts';
import type { ProcessSpec } from './supervised.ts';

export type RegistryPart = {
  readonly java: string;
  readonly directory: string;
  readonly home: Home;
  readonly port: number;
  readonly managementPort: number;
  /** A database of the stack's own PostgreSQL; without it the registry keeps a file of its own. */
  readonly database?: {
    readonly host: string;
    readonly port: number;
    readonly name: string;
    readonly user: string;
    readonly password: string;
  };
};

/** The base URL for Confluent clients. */
export function registryUrl(port: number): string {
  return `http://127.0.0.1:${port}/apis/ccompat/v7`;
}

/** Apicurio Registry with durable ids: without a store they start at 1 again after a restart, and topics become unreadable. */
export function registrySpec(part: RegistryPart): ProcessSpec {
  const logFile = join(part.home.logs, 'registry-1.log');
  const jar = readdirSync(part.directory).find((name) => name.endsWith('-runner.jar'));
  if (jar === undefined)
    throw new StackError(`no runner jar in ${part.directory}; remove that directory to have it fetched again`);
  return {
    name: 'registry',
    copy: 1,
    stage: 2,
    stopSignal: 'SIGTERM',
    stopGraceMs: 10_000,
    logFile,
    readyMs: 60_000,
    tries: 2,
    isReady: () => answers(`${registryUrl(part.port)}/subjects`),
    explain: () => lastLines(logFile, 3).join(' | ') || 'it wrote no log',
    command() {
      const heap = ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];
      const args = [...heap, ...settings(part), '-jar', join(part.directory, jar)];
      return { file: part.java, args, env: { ...process.env, ...store(part) }, cwd: part.home.root };
    },
  };
}

function settings(part: RegistryPart): readonly string[] {
  return [
    '-Dquarkus.http.host=127.0.0.1',
    `-Dquarkus.http.port=${part.port}`,
    '-Dquarkus.management.host=127.0.0.1',
    `-Dquarkus.management.port=${part.managementPort}`,
    '-Dquarkus.log.level=WARN',
    '-Dquarkus.banner.enabled=false',
    '-Dquarkus.http.access-log.enabled=false',
    '-Dapicurio.datasource.jdbc.initial-size=1',
    '-Dapicurio.datasource.jdbc.min-size=1',
    '-Dapicurio.datasource.jdbc.max-size=10',
  ];
}

/** By environment and not by flag, because a flag shows the password to everybody who can list processes. */
function store(part: RegistryPart): NodeJS.ProcessEnv {
  if (part.database === undefined) {
    mkdirSync(part.home.registry, { recursive: true });
    const file = join(part.home.registry, 'registry');
    return {
      APICURIO_STORAGE_KIND: 'sql',
      APICURIO_STORAGE_SQL_KIND: 'h2',
      // Written at once: by default a kill loses the last half second, and with it ids that are in topics already.
      APICURIO_DATASOURCE_URL: `jdbc:h2:file:${file};WRITE_DELAY=0;DB_CLOSE_ON_EXIT=FALSE`,
    };
  }
  const { host, port, name, user, password } = part.database;
  return {
    APICURIO_STORAGE_KIND: 'sql',
    APICURIO_STORAGE_SQL_KIND: 'postgresql',
    APICURIO_DATASOURCE_URL: `jdbc:postgresql://${host}:${port}/${name}`,
    APICURIO_DATASOURCE_USERNAME: user,
    APICURIO_DATASOURCE_PASSWORD: password,
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
