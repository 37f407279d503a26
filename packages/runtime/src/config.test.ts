import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import Type from 'typebox';
import { loadConfig, loadDotEnv } from './config.ts';
import { ConfigurationError } from './errors.ts';
import {
  databaseConfig,
  kafkaConfig,
  logConfig,
  metricsConfig,
  parseBrokers,
  rateLimitText,
  registryConfig,
  secretText,
} from './fields.ts';
import { redactText } from './redact.ts';

const schema = Type.Object({
  ...kafkaConfig,
  ...registryConfig,
  ...databaseConfig,
  ...logConfig,
  ...metricsConfig('loader', 9103),
  SMARTLEAD_RATE_LIMIT: rateLimitText({ default: '60/60s' }),
  SMARTLEAD_API_KEY: Type.Optional(secretText()),
});

const good = {
  KAFKA_BROKERS: '127.0.0.1:9092, [::1]:9093',
  SCHEMA_REGISTRY_URL: 'http://127.0.0.1:8081/apis/ccompat/v7',
  DATABASE_URL: 'postgres://sync:pw-of-the-database@127.0.0.1:5432/sync_test',
};

function problemsOf(env: NodeJS.ProcessEnv): Map<string, string> {
  try {
    loadConfig(schema, env);
  } catch (error) {
    assert.ok(error instanceof ConfigurationError);
    assert.equal(error.exitCode, 2);
    return new Map(error.problems.map(({ name, message }) => [name, message]));
  }
  return new Map();
}

test('reads every type, fills in the defaults and freezes the result', () => {
  const config = loadConfig(schema, { ...good, KAFKA_SSL: 'TRUE', LOG_LEVEL: 'WARN', LOADER_METRICS_PORT: ' 0 ' });
  assert.ok(Object.isFrozen(config));
  assert.deepEqual(config, {
    ...good,
    KAFKA_SSL: true,
    KAFKA_TOPIC_PREFIX: '',
    DATABASE_SCHEMA: 'public',
    DATABASE_POOL_MAX: 10,
    LOG_LEVEL: 'warn',
    LOG_PRETTY: false,
    METRICS_HOST: '127.0.0.1',
    LOADER_METRICS_PORT: 0,
    SMARTLEAD_RATE_LIMIT: '60/60s',
  });
});

test('counts an empty value as not set', () => {
  const config = loadConfig(schema, { ...good, DATABASE_SCHEMA: '', SMARTLEAD_API_KEY: ' ' });
  assert.equal(config.DATABASE_SCHEMA, 'public');
  assert.equal('SMARTLEAD_API_KEY' in config, false);
});

test('says all that is missing at once, and how to get it', () => {
  const problems = problemsOf({});
  assert.deepEqual([...problems.keys()].sort(), ['DATABASE_URL', 'KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL']);
  for (const message of problems.values()) assert.match(message, /not set; .*npm run up.*\.full-sync\/stack\.env/);
});

test('names the variable, what was expected and what came, for all wrong values at once', () => {
  const wrong = {
    KAFKA_BROKERS: 'kafka',
    KAFKA_SSL: 'yes',
    KAFKA_TOPIC_PREFIX: 'a b',
    SCHEMA_REGISTRY_URL: 'ftp://registry',
    DATABASE_URL: 'mysql://root:hunter22@db/x',
    DATABASE_SCHEMA: 'pg_catalog',
    DATABASE_POOL_MAX: '0',
    LOG_LEVEL: 'loud',
    LOADER_METRICS_PORT: '65536',
    SMARTLEAD_RATE_LIMIT: 'abc',
  };
  const problems = problemsOf(wrong);
  assert.deepEqual([...problems.keys()].sort(), Object.keys(wrong).sort());
  assert.equal(
    problems.get('SMARTLEAD_RATE_LIMIT'),
    'expected N/Ts, e.g. 60/60s, several joined by commas, or "off"; got "abc"',
  );
  assert.equal(problems.get('DATABASE_POOL_MAX'), 'expected a whole number from 1 to 500; got "0"');
  assert.equal(problems.get('KAFKA_SSL'), 'expected true or false; got "yes"');
});

test('refuses number texts that only JavaScript would read as numbers', () => {
  for (const text of ['1e2', '0x10', 'Infinity', '1.5', '10 ms', '--1']) {
    assert.ok(problemsOf({ ...good, DATABASE_POOL_MAX: text }).has('DATABASE_POOL_MAX'), text);
  }
});

test('never echoes a secret, nor a password in a URL that is none', () => {
  const problems = problemsOf({
    ...good,
    DATABASE_URL: 'mysql://root:hunter22@db/x',
    SCHEMA_REGISTRY_URL: 'https://user:hunter22@registry',
  });
  const shown = [...problems.values()].join('\n');
  assert.equal(problems.size, 2);
  assert.doesNotMatch(shown, /hunter22/);
});

test('hides a secret it has read wherever it turns up later', () => {
  loadConfig(schema, { ...good, SMARTLEAD_API_KEY: 'k-1f2e3d/4c+5b' });
  for (const text of ['at k-1f2e3d/4c+5b!', `at ${encodeURIComponent('k-1f2e3d/4c+5b')}!`]) {
    assert.equal(redactText(text), 'at [redacted]!');
  }
});

test('asks for the variables that belong to one that is set', () => {
  assert.deepEqual(
    [...problemsOf({ ...good, KAFKA_SASL_MECHANISM: 'PLAIN' }).keys()],
    ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'],
  );
  assert.deepEqual([...problemsOf({ ...good, SCHEMA_REGISTRY_USERNAME: 'me' }).keys()], ['SCHEMA_REGISTRY_PASSWORD']);
});

test('reads a broker list, or nothing of it when one part is wrong', () => {
  assert.deepEqual(parseBrokers('a:1, b.example:65535'), ['a:1', 'b.example:65535']);
  for (const text of ['', 'a', 'a:0', 'a:65536', 'a:1,', 'http://a:1', 'a:1 b:2'])
    assert.deepEqual(parseBrokers(text), []);
});

test('a file fills what is not set or empty, and nothing else', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'dot-env-'));
  try {
    const path = join(directory, '.env');
    await writeFile(path, 'SET=file\nEMPTY=file\nNEW="a b"\n');
    const env: NodeJS.ProcessEnv = { SET: 'environment', EMPTY: ' ' };
    loadDotEnv(path, env);
    assert.deepEqual(env, { SET: 'environment', EMPTY: 'file', NEW: 'a b' });
    loadDotEnv(join(directory, 'missing'), env);
  } finally {
    await rm(directory, { recursive: true });
  }
});
