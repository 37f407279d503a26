import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfigurationError, loadConfig, logConfig } from '@full-sync/runtime';
import { freePort, freshDatabase, randomPrefix, randomSuffix, spawnService, stackAddresses } from '@full-sync/testing';
import type { Exit } from '@full-sync/testing';
import { DESTINATIONS, SERVICES } from './supervise.ts';
import type { ServiceName } from './supervise.ts';

type Environment = Readonly<Record<string, string>>;
type Schema = Parameters<typeof loadConfig>[0];
type Field = { readonly secret?: boolean };

const root = join(import.meta.dirname, '..');
const ALL = [...SERVICES, ...DESTINATIONS];
/** A busy machine; what is waited for by the services themselves is a few seconds. */
const deadlineMs = 180_000;

/** Texts and secrets that only a peer can find wrong: a broker, a registry, an upstream, the resolver. */
const ACCEPTS_ANYTHING: ReadonlySet<string> = new Set([
  'KAFKA_SASL_USERNAME',
  'KAFKA_SASL_PASSWORD',
  'SCHEMA_REGISTRY_USERNAME',
  'SCHEMA_REGISTRY_PASSWORD',
  'SMARTLEAD_API_KEY',
  'LEMLIST_API_KEY',
  'MIXPANEL_SERVICE_ACCOUNT_USERNAME',
  'MIXPANEL_SERVICE_ACCOUNT_SECRET',
  'MIXPANEL_PROJECT_TOKEN',
  'ATTIO_API_KEY',
]);

/** The schema that a service loads, with the variables that every service has. */
async function schemaOf(service: ServiceName): Promise<Schema> {
  const module = (await import(join(root, 'services', service, 'src', 'config.ts'))) as {
    readonly configSchema?: Schema;
  };
  const { configSchema: schema } = module;
  assert.ok(schema !== undefined, `services/${service}/src/config.ts exports no configSchema`);
  return { ...schema, properties: { ...logConfig, ...schema.properties } };
}

/** Whether `text` makes a variable wrong, whatever is said of the others. */
function isRefused(schema: Schema, name: string, text: string): boolean {
  try {
    loadConfig(schema, { [name]: text });
    return false;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    return error.problems.some((problem) => problem.name === name);
  }
}

type Ended = { readonly exit: Exit; readonly output: string };

/** Runs a service that must end by itself, against the stack of this test run unless `env` says otherwise. */
async function runToEnd(name: ServiceName, env: Environment): Promise<Ended> {
  await using service = await spawnService({ name, env: { KAFKA_TOPIC_PREFIX: randomPrefix(), ...env } });
  const timer = setTimeout(() => service.signal('SIGKILL'), deadlineMs);
  const exit = await service.exited;
  clearTimeout(timer);
  return { exit, output: service.output() };
}

/** Asserts a clear end: the exit code of the environment, all of `says` and a hint in the output, no password. */
function assertEnvironmentError({ exit, output }: Ended, ...says: readonly string[]): void {
  assert.deepEqual(exit, { code: 3, signal: null }, output);
  for (const part of says) assert.ok(output.includes(part), `nothing says "${part}":\n${output}`);
  assert.match(output, /"hint":"[^"]{20,}"/);
  const password = decodeURIComponent(new URL(stackAddresses().databaseUrl).password);
  assert.ok(password.length >= 8, 'the database of this run has no password to look for');
  assert.ok(!output.includes(password), `the password is printed:\n${output.replaceAll(password, '********')}`);
}

for (const service of ALL) {
  test(`${service}: every wrong variable is refused by name, all at once, secrets not shown, exit 2`, async () => {
    const schema = await schemaOf(service);
    const fields = new Map<string, Field>(Object.entries(schema.properties));
    const marker = `wrong ${randomSuffix()}`;
    const names = new Set([...fields.keys()].filter((name) => isRefused(schema, name, marker)));
    const accepted = [...fields.keys()].filter((name) => !names.has(name));
    assert.deepEqual(
      accepted.filter((name) => !ACCEPTS_ANYTHING.has(name)),
      [],
      'these accept anything: check them in their schema, or list them here',
    );
    assert.ok(names.has('KAFKA_BROKERS') && names.size >= 8, `only ${[...names].join(', ')} can be wrong`);

    const env = Object.fromEntries([...fields.keys()].map((name) => [name, `${marker} ${name}`]));
    const { exit, output } = await runToEnd(service, env);
    assert.deepEqual(exit, { code: 2, signal: null }, output);
    for (const [name, { secret }] of fields) {
      const lines = output.split('\n').filter((line) => line.trim().startsWith(`${name}:`));
      assert.equal(lines.length, names.has(name) ? 1 : 0, `${name} in:\n${output}`);
      for (const line of lines) assert.match(line, /: expected .+; got /);
      assert.equal(
        output.includes(`${marker} ${name}`),
        names.has(name) && secret !== true,
        `what came for ${name} in:\n${output}`,
      );
    }
  });

  test(`${service}: nothing set is as clear as something wrong`, async () => {
    const required = ['KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL', ...(service === 'keyer' ? [] : ['DATABASE_URL'])];
    const { exit, output } = await runToEnd(service, Object.fromEntries(required.map((name) => [name, ' '])));
    assert.deepEqual(exit, { code: 2, signal: null }, output);
    for (const name of required) assert.match(output, new RegExp(`${name}: expected .*it is not set; .*npm run up`));
  });
}

test('half of a login is refused, naming the half that is missing', async () => {
  const secret = `secret-${randomSuffix()}`;
  const { exit, output } = await runToEnd('keyer', { KAFKA_SASL_PASSWORD: secret, SCHEMA_REGISTRY_PASSWORD: secret });
  assert.deepEqual(exit, { code: 2, signal: null }, output);
  assert.match(output, /KAFKA_SASL_MECHANISM: expected a value, because KAFKA_SASL_PASSWORD is set/);
  assert.match(output, /SCHEMA_REGISTRY_USERNAME: expected a value, because SCHEMA_REGISTRY_PASSWORD is set/);
  assert.ok(!output.includes(secret), output);
});

test('half of the credentials of a destination are refused, naming the half that is missing', async () => {
  const secret = `secret-${randomSuffix()}`;
  const halves: readonly (readonly [Environment, RegExp])[] = [
    [
      { MIXPANEL_SERVICE_ACCOUNT_SECRET: secret },
      /MIXPANEL_SERVICE_ACCOUNT_USERNAME: expected a value, because MIXPANEL_SERVICE_ACCOUNT_SECRET is set/,
    ],
    [
      { MIXPANEL_SERVICE_ACCOUNT_USERNAME: secret, MIXPANEL_SERVICE_ACCOUNT_SECRET: secret },
      /MIXPANEL_PROJECT_ID: expected a value, because MIXPANEL_SERVICE_ACCOUNT_USERNAME is set/,
    ],
    [
      { MIXPANEL_PROJECT_ID: '3000001' },
      /MIXPANEL_SERVICE_ACCOUNT_USERNAME: expected a service account, or MIXPANEL_PROJECT_TOKEN, because MIXPANEL_PROJECT_ID is set/,
    ],
  ];
  for (const [env, says] of halves) {
    const { exit, output } = await runToEnd('mixpanel', env);
    assert.deepEqual(exit, { code: 2, signal: null }, output);
    assert.match(output, says);
    assert.ok(!output.includes(secret), output);
  }
});

test('a fault in what NAMESPACES_FILE says of a destination ends its service with exit 2, naming the place', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'full-sync-start-'));
  t.after(() => rm(directory, { recursive: true }));
  const file = join(directory, 'namespaces.json');
  const secret = `secret-${randomSuffix()}`;
  await writeFile(
    file,
    JSON.stringify({
      acme: { mixpanel: { projectId: '7', serviceAccountSecretEnv: secret }, attio: { apiKeyEnv: 'NO_SUCH_KEY' } },
      other: { mixpanel: { token: 'x' }, attio: { apiKey: secret } },
    }),
  );
  const places = {
    mixpanel: ['/acme/mixpanel/serviceAccountSecretEnv', '/other/mixpanel/token'],
    attio: ['/acme/attio/apiKeyEnv', 'NO_SUCH_KEY', '/other/attio/apiKey'],
  };
  for (const service of DESTINATIONS) {
    const { exit, output } = await runToEnd(service, { NAMESPACES_FILE: file });
    assert.deepEqual(exit, { code: 2, signal: null }, output);
    for (const place of places[service]) assert.ok(output.includes(place), `nothing says ${place}:\n${output}`);
    assert.ok(!output.includes(secret), output);
  }
});

test('without any credentials a destination runs all the same, and skips: jobs are told so', async () => {
  await using database = await freshDatabase();
  for (const service of DESTINATIONS) {
    const env = { DATABASE_URL: database.url, KAFKA_TOPIC_PREFIX: randomPrefix() };
    await using running = await spawnService({ name: service, env });
    await running.ready(60_000);
    assert.equal(await running.metric('full_sync_delivery_halted'), 0);
  }
});

test('a port in use ends each service with exit 3, naming the port', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const address = holder.address();
  assert.ok(address !== null && typeof address === 'object');
  const port = String(address.port);
  await using database = await freshDatabase();
  try {
    await Promise.all(
      ALL.map(async (service) => {
        const name = service === 'api' ? 'API_PORT' : `${service.toUpperCase()}_METRICS_PORT`;
        const ended = await runToEnd(service, { DATABASE_URL: database.url, [name]: port });
        assertEnvironmentError(ended, `127.0.0.1:${port}`, 'EADDRINUSE');
      }),
    );
  } finally {
    holder.close();
  }
});

test('an address that does not exist for metrics ends a service with exit 3', async () => {
  const ended = await runToEnd('keyer', { METRICS_HOST: 'no-such-host.invalid' });
  assertEnvironmentError(ended, 'no-such-host.invalid', 'METRICS_HOST');
});

test('no broker: each service ends with exit 3 and says where it looked', async () => {
  await using database = await freshDatabase();
  const brokers = `127.0.0.1:${await freePort()}`;
  await Promise.all(
    ALL.map(async (service) => {
      const ended = await runToEnd(service, { DATABASE_URL: database.url, KAFKA_BROKERS: brokers });
      assertEnvironmentError(ended, brokers, 'KAFKA_BROKERS', 'npm run up');
    }),
  );
});

test('no registry: each service ends with exit 3 and says where it looked', async () => {
  await using database = await freshDatabase();
  const url = `http://127.0.0.1:${await freePort()}/apis/ccompat/v7`;
  await Promise.all(
    ALL.map(async (service) => {
      const ended = await runToEnd(service, { DATABASE_URL: database.url, SCHEMA_REGISTRY_URL: url });
      assertEnvironmentError(ended, url, 'SCHEMA_REGISTRY_URL');
    }),
  );
});

const onPostgres = ALL.filter((service) => service !== 'keyer');

test('no Postgres: each service that needs it ends with exit 3 and says where it looked', async () => {
  const url = new URL(stackAddresses().databaseUrl);
  url.port = String(await freePort());
  await Promise.all(
    onPostgres.map(async (service) => {
      const ended = await runToEnd(service, { DATABASE_URL: url.href });
      assertEnvironmentError(ended, url.host, 'DATABASE_URL', 'npm run up');
    }),
  );
});

test('a Postgres without the database, and one that refuses the login, end a service with exit 3', async () => {
  const missing = new URL(stackAddresses().databaseUrl);
  missing.pathname = `/missing_test_${randomSuffix()}`;
  const stranger = new URL(stackAddresses().databaseUrl);
  stranger.password = `password-${randomSuffix()}`;
  const [noDatabase, noLogin] = await Promise.all([
    runToEnd('loader', { DATABASE_URL: missing.href }),
    runToEnd('extractor', { DATABASE_URL: stranger.href }),
  ]);
  assertEnvironmentError(noDatabase, missing.host, missing.pathname.slice(1), 'DATABASE_URL');
  assertEnvironmentError(noLogin, stranger.host, 'DATABASE_URL');
  assert.ok(!noLogin.output.includes(stranger.password), noLogin.output);
});
