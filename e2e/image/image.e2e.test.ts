import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  describeExit,
  freePort,
  freshDatabase,
  randomPrefix,
  spawnProgram,
  stackAddresses,
  waitFor,
} from '@full-sync/testing';
import type { ChildProgram, FreshDatabase } from '@full-sync/testing';
import { deleteTopics } from '../harness.ts';
import { readContainers } from './compose.ts';
import type { Container } from './compose.ts';
import { buildImage } from './image.ts';
import type { Image } from './image.ts';

/*
 * Without an engine the image cannot be built, but what it would hold can be laid out, and what every container would run can
 * be run there as it is: the image's environment, the container's command and variables, its health check, its end.
 */

const root = join(import.meta.dirname, '..', '..');
const containers = readContainers(root);
let image: Image;
let database: FreshDatabase;
const prefix = randomPrefix();

before(async () => {
  image = buildImage(root);
  database = await freshDatabase();
});
after(async () => {
  await deleteTopics(prefix);
  image[Symbol.dispose]();
  await database[Symbol.asyncDispose]();
});

/** The container's own variables, with this machine's addresses and a port that is free. */
async function environmentOf(container: Container, port: number): Promise<Readonly<Record<string, string>>> {
  const addresses = stackAddresses();
  const moved: Readonly<Record<string, string>> = {
    KAFKA_BROKERS: addresses.kafkaBrokers,
    KAFKA_TOPIC_PREFIX: prefix,
    SCHEMA_REGISTRY_URL: addresses.schemaRegistryUrl,
    DATABASE_URL: database.url,
    METRICS_HOST: '127.0.0.1',
  };
  const own = Object.entries(container.env).map(([name, value]) => {
    if (/^[A-Z]+_METRICS_PORT$|^API_PORT$/.test(name)) return [name, String(port)] as const;
    return [name, moved[name] ?? value] as const;
  });
  return { ...image.env, ...Object.fromEntries(own) };
}

/** A word of a command with the port that the container has replaced by the one it was given here. */
function atPort(word: string, container: Container, port: number): string {
  const declared =
    Object.entries(container.env).find(([name]) => /_METRICS_PORT$|^API_PORT$/.test(name))?.[1] ?? '4010';
  return word.replaceAll(declared, String(port)).replace('0.0.0.0', '127.0.0.1');
}

async function start(container: Container, port: number): Promise<ChildProgram> {
  const [program = '', ...args] = [...(container.entrypoint ?? image.entrypoint), ...container.command];
  assert.equal(program, 'node');
  return spawnProgram({
    name: container.name,
    args: args.map((word) => atPort(word, container, port)),
    cwd: image.directory,
    env: await environmentOf(container, port),
  });
}

for (const container of containers) {
  const ends = container.healthcheck === null;
  test(`${container.name}: ${ends ? 'does its work and ends' : 'starts, is found healthy, and drains in time'}`, async () => {
    const port = await freePort();
    await using child = await start(container, port);
    if (container.healthcheck === null) {
      assert.equal(describeExit(await child.exited), 'code 0', child.output());
      return;
    }
    const [program, ...words] = container.healthcheck;
    assert.equal(program, 'node');
    const isHealthy = async (): Promise<boolean> => {
      if (child.hasExited()) return true;
      const check = spawnProgram({
        name: 'health check',
        args: words.map((word) => atPort(word, container, port)),
        cwd: image.directory,
      });
      return (await check.exited).code === 0;
    };
    await waitFor(isHealthy, { deadlineMs: 60_000, what: `${container.name} to be healthy`, intervalMs: 200 }).catch(
      (error: unknown) => {
        throw new Error(`${container.name} does not get healthy:\n${child.output()}`, { cause: error });
      },
    );
    assert.equal(child.hasExited(), false, `it ended (${child.output()})`);
    const from = performance.now();
    child.signal('SIGTERM');
    assert.equal(describeExit(await child.exited), 'code 0', child.output());
    assert.ok(performance.now() - from < container.stopGraceMs, `${container.name} took longer than its grace period`);
  });
}

test('every service of the product is among them, and what is tested is not in the image', () => {
  const names = containers.map(({ name }) => name);
  for (const service of [...readdirSync(join(root, 'services')), 'migrations', 'cli', 'simulators']) {
    assert.ok(names.includes(service), service);
  }
  assert.throws(() => readFileSync(join(image.directory, 'packages', 'runtime', 'src', 'config.test.ts')), /ENOENT/);
});
