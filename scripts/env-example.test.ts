import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildConfig, kafkaConfig, logConfig } from '@full-sync/runtime';
import { isTestFile, listFiles } from './source-files.ts';

/** A variable's default as it would be written; null where it has none. */
type Default = string | null;

const root = join(import.meta.dirname, '..');

/** Set by the machine or by our own processes for each other: nobody writes these into a file. */
const NOT_FOR_PEOPLE: ReadonlySet<string> = new Set(
  'PATH HOME TMPDIR JAVA_HOME XDG_CACHE_HOME CI NO_COLOR TERM FULL_SYNC_PARENT_PID FULL_SYNC_INSTALLED_BYTES'.split(
    ' ',
  ),
);

/** The lines of .env.example: every variable, commented out or not, with the value it shows. */
function exampleLines(): readonly (readonly [name: string, value: string])[] {
  const text = readFileSync(join(root, '.env.example'), 'utf8');
  return text.split('\n').flatMap((line) => {
    const [, name, value] = /^#? ?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value.trim()] as const];
  });
}

function listServices(): readonly string[] {
  const entries = readdirSync(join(root, 'services'), { withFileTypes: true });
  const services = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  assert.ok(services.length > 0, 'there is no service');
  return services;
}

/** The variables in the schema that a program loads. */
async function schemaIn(path: string): Promise<Readonly<Record<string, unknown>>> {
  assert.ok(existsSync(join(root, path)), `${path} is missing`);
  const module: unknown = await import(join(root, path));
  assert.ok(isRecord(module) && isRecord(module['configSchema']), `${path} exports no configSchema`);
  const { properties } = module['configSchema'];
  assert.ok(isRecord(properties), `the configSchema of ${path} is not an object's`);
  return properties;
}

const schemaOfService = (service: string): Promise<Readonly<Record<string, unknown>>> =>
  schemaIn(join('services', service, 'src', 'config.ts'));

/** The variables that the services and the command line tool declare, from the schemas they load. */
async function declaredDefaults(): Promise<ReadonlyMap<string, Default>> {
  const defaults = defaultsOf({ ...logConfig, ...buildConfig });
  const cli = schemaIn(join('packages', 'cli', 'src', 'settings.ts'));
  for (const properties of await Promise.all([...listServices().map(schemaOfService), cli]))
    for (const [name, value] of defaultsOf(properties)) defaults.set(name, value);
  return defaults;
}

function defaultsOf(properties: Readonly<Record<string, unknown>>): Map<string, Default> {
  return new Map(
    Object.entries(properties).map(([name, field]) => {
      const value = isRecord(field) ? field['default'] : undefined;
      if (value === undefined) return [name, null];
      return [name, typeof value === 'string' ? value : JSON.stringify(value)];
    }),
  );
}

/** The variables that programs without a schema read by name: the local stack, the command line tool, the simulators. */
function namedInSource(): ReadonlySet<string> {
  const sources = listFiles(root).filter((path) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path) && !isTestFile(path));
  const names = sources.flatMap((path) => {
    const text = readFileSync(join(root, path), 'utf8');
    return [...text.matchAll(/\benv(?:\[['"]|\.)([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name ?? '');
  });
  return new Set(names.filter((name) => !NOT_FOR_PEOPLE.has(name)));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function byText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

test('.env.example lists every variable that is read, once, and none that is not', async () => {
  const listed = exampleLines().map(([name]) => name);
  const read = new Set([...(await declaredDefaults()).keys(), ...namedInSource()]);
  assert.deepEqual(listed.toSorted(byText), [...read].toSorted(byText));
});

test('the defaults that .env.example shows are the ones in force', async () => {
  const defaults = await declaredDefaults();
  const wrong = exampleLines().flatMap(([name, value]) => {
    const inForce = defaults.get(name) ?? null;
    return inForce === null || inForce === value ? [] : [`${name}: shows "${value}", is "${inForce}"`];
  });
  assert.deepEqual(wrong, []);
});

test('docs/configuration.md names every variable', () => {
  const text = readFileSync(join(root, 'docs', 'configuration.md'), 'utf8');
  const missing = exampleLines().filter(([name]) => !text.includes(`\`${name}\``));
  assert.deepEqual(missing, []);
});

test('docs/configuration.md says which services read each variable', async () => {
  const services = listServices();
  const schemas = new Map(
    await Promise.all(services.map(async (service) => [service, await schemaOfService(service)] as const)),
  );
  const text = readFileSync(join(root, 'docs', 'configuration.md'), 'utf8');
  const rows = [...text.matchAll(/^\| (`[A-Z][^|]*) \|[^|]*\| ([^|]+) \|$/gm)];
  assert.ok(rows.length >= 40, `only ${rows.length} rows`);
  const wrong: string[] = [];
  for (const [, names = '', cell = ''] of rows) {
    const words = cell.split(',').map((word) => word.trim());
    const said = services.filter((service) => words.includes('all') || words.includes(service));
    for (const [, name = ''] of names.matchAll(/`([A-Z][A-Z0-9_]*)`/g)) {
      if (name in logConfig || name in buildConfig) continue;
      const reading = services.filter((service) => name in (schemas.get(service) ?? {}));
      if (reading.join() !== said.join()) wrong.push(`${name}: read by ${reading.join(', ')}, not ${cell.trim()}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('the schemas and the sources are really read', async () => {
  const defaults = await declaredDefaults();
  for (const name of Object.keys(kafkaConfig)) assert.ok(defaults.has(name), `no service reads ${name}`);
  assert.ok(namedInSource().has('FULL_SYNC_HOME'), 'the sources were not searched');
});
