import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { databaseConfig, kafkaConfig, loadConfig, parseBrokers, registryConfig } from '@full-sync/runtime';
import Type from 'typebox';
import { exitCodes } from '../errors.ts';
import { list } from '../format.ts';
import { fields } from '../job.ts';
import { printJson, printResult } from '../output.ts';
import { shortPath } from '../settings.ts';
import type { Settings } from '../settings.ts';

interface Finding {
  readonly part: string;
  readonly ok: boolean;
  readonly needed: boolean;
  readonly found: string;
}

const timeoutMs = 3_000;

/** Looks at everything a sync needs and says what is missing; exit code 1 when something is. */
export async function runDoctor(options: { readonly json: boolean }, settings: Settings): Promise<number> {
  const findings = await Promise.all([
    Promise.resolve(nodeVersion()),
    program('java', ['-version'], /version "(\d+)[^"]*"/, 'needed only to run the local stack without Docker'),
    program('mvn', ['-v'], /Apache Maven ([\d.]+)/, 'needed only for the first start of the local stack'),
    Promise.resolve(stackFile(settings)),
    broker(),
    http('schema registry', registryUrl(), '/subjects'),
    database(),
    http('api', settings.apiUrl, '/readyz'),
  ]);
  if (options.json) printJson(findings);
  else
    printResult(
      list(findings.map(({ part, ok, needed, found }) => [ok ? 'ok' : needed ? 'MISSING' : '-', part, found])),
    );
  return findings.every(({ ok, needed }) => ok || !needed) ? exitCodes.completed : exitCodes.failed;
}

function nodeVersion(): Finding {
  const major = Number(process.versions.node.split('.')[0]);
  const ok = major >= 24;
  return {
    part: 'node',
    ok,
    needed: true,
    found: ok ? process.version : `${process.version}; the services need 24, which the install brings`,
  };
}

async function program(name: string, args: readonly string[], pattern: RegExp, why: string): Promise<Finding> {
  const child = spawn(name, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: 10_000 });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
    });
  try {
    await once(child, 'close');
  } catch {
    return { part: name, ok: false, needed: false, found: `not found; ${why}` };
  }
  const version = pattern.exec(output)?.[1];
  return { part: name, ok: version !== undefined, needed: false, found: version ?? `of unknown version; ${why}` };
}

function stackFile({ stackEnv, hasStackEnv }: Settings): Finding {
  const part = 'stack.env';
  if (!hasStackEnv)
    return { part, ok: false, needed: false, found: `${shortPath(stackEnv)} is not there: no local stack runs` };
  const open = (statSync(stackEnv).mode & 0o077) !== 0;
  return {
    part,
    ok: !open,
    needed: open,
    found: open ? `${stackEnv} is readable by others; chmod 600 it` : shortPath(stackEnv),
  };
}

async function broker(): Promise<Finding> {
  const part = 'kafka';
  const { KAFKA_BROKERS } = optional({ KAFKA_BROKERS: kafkaConfig.KAFKA_BROKERS });
  if (KAFKA_BROKERS === undefined) return missing(part, 'KAFKA_BROKERS');
  for (const address of parseBrokers(KAFKA_BROKERS)) {
    const at = address.lastIndexOf(':');
    if (await accepts(address.slice(0, at), Number(address.slice(at + 1))))
      return { part, ok: true, needed: true, found: address };
  }
  return { part, ok: false, needed: true, found: `nothing answers at ${KAFKA_BROKERS}` };
}

async function database(): Promise<Finding> {
  const part = 'postgres';
  const { DATABASE_URL } = optional({ DATABASE_URL: databaseConfig.DATABASE_URL });
  if (DATABASE_URL === undefined) return missing(part, 'DATABASE_URL');
  const url = new URL(DATABASE_URL);
  const ok = await accepts(url.hostname, Number(url.port || 5432));
  return { part, ok, needed: true, found: ok ? `${url.host}${url.pathname}` : `nothing answers at ${url.host}` };
}

function registryUrl(): string | undefined {
  return optional({ SCHEMA_REGISTRY_URL: registryConfig.SCHEMA_REGISTRY_URL }).SCHEMA_REGISTRY_URL;
}

async function http(part: string, url: string | undefined, path: string): Promise<Finding> {
  if (url === undefined) return missing(part, 'SCHEMA_REGISTRY_URL');
  try {
    const answer = await fetch(url + path, { signal: AbortSignal.timeout(timeoutMs) });
    await answer.body?.cancel();
    return { part, ok: answer.ok, needed: true, found: answer.ok ? url : `${url} answers ${answer.status}` };
  } catch {
    return { part, ok: false, needed: true, found: `nothing answers at ${url}` };
  }
}

function missing(part: string, variable: string): Finding {
  return { part, ok: false, needed: true, found: `${variable} is not set; \`npm run up\` starts a local one` };
}

/** The variables given, checked, each of them undefined where it is not set. */
function optional<Name extends string>(
  properties: Readonly<Record<Name, ReturnType<typeof Type.String>>>,
): Readonly<Partial<Record<Name, string>>> {
  const config = loadConfig(Type.Partial(Type.Object(properties)));
  const read: Partial<Record<Name, string>> = {};
  for (const [name, value] of Object.entries(fields(config))) {
    if (typeof value === 'string') Object.assign(read, { [name]: value });
  }
  return read;
}

async function accepts(host: string, port: number): Promise<boolean> {
  const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port, timeout: timeoutMs });
  const outcome = Promise.withResolvers<boolean>();
  socket.once('connect', () => {
    outcome.resolve(true);
  });
  for (const event of ['error', 'timeout'] as const)
    socket.once(event, () => {
      outcome.resolve(false);
    });
  const accepted = await outcome.promise;
  socket.destroy();
  return accepted;
}
