import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { checkBoundaries } from './check-boundaries.ts';
import { listFiles } from './source-files.ts';

const npm = ['kafkajs', 'pino', 'pg', 'pg-copy-streams', 'opossum', 'typebox'];
const ours = ['schemas', 'delivery', 'runtime', 'kafka', 'http-client', 'simulators', 'testing', 'local-stack'];
const scoped = (names: readonly string[]): readonly string[] => names.map((name) => `@full-sync/${name}`);

const manifests: readonly (readonly [folder: string, name: string, dependencies: readonly string[]])[] = [
  ['packages/schemas', 'schemas', []],
  ['packages/delivery', 'delivery', []],
  ['packages/simulators', 'simulators', []],
  ['packages/runtime', 'runtime', ['pino', 'typebox']],
  ['packages/kafka', 'kafka', ['kafkajs', ...scoped(['schemas', 'delivery', 'runtime'])]],
  ['packages/http-client', 'http-client', ['opossum', ...scoped(['delivery'])]],
  ['packages/local-stack', 'local-stack', scoped(['runtime'])],
  ['packages/testing', 'testing', ['pg', ...scoped(['local-stack'])]],
  [
    'services/loader',
    'loader',
    [...npm, ...scoped(['schemas', 'delivery', 'runtime', 'kafka', 'testing', 'api', 'ghost'])],
  ],
  ['services/api', 'api', ['pg', ...scoped(['schemas', 'runtime', 'kafka'])]],
];

/** Lays out a small workspace of our shape with `files` in it and checks it. */
function check(
  context: TestContext,
  files: Readonly<Record<string, string>>,
  seen?: (all: readonly string[]) => readonly string[],
) {
  const root = mkdtempSync(join(tmpdir(), 'full-sync-boundaries-'));
  context.after(() => rmSync(root, { recursive: true }));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const versions = (names: readonly string[]): object => Object.fromEntries(names.map((name) => [name, '1']));
  const devDependencies = versions([...scoped(ours), 'pg', 'fast-check']);
  write('package.json', JSON.stringify({ name: 'full-sync', devDependencies }));
  for (const [folder, name, dependencies] of manifests) {
    write(
      `${folder}/package.json`,
      JSON.stringify({ name: `@full-sync/${name}`, dependencies: versions(dependencies) }),
    );
  }
  for (const [path, text] of Object.entries(files)) write(path, text);
  return checkBoundaries(root, seen?.(listFiles(root)) ?? listFiles(root));
}

const violations: readonly (readonly [what: string, rule: string, path: string, code: string])[] = [
  ['a service imports a service by name', 'service', 'services/loader/src/a.ts', `import { x } from '@full-sync/api';`],
  [
    'a service test imports a service',
    'service',
    'services/loader/test/a.test.ts',
    `import { x } from '@full-sync/api';`,
  ],
  [
    'a service reaches into a service',
    'by-name',
    'services/loader/src/a.ts',
    `import { x } from '../../api/src/x.ts';`,
  ],
  ['a package imports a service', 'service', 'packages/kafka/src/a.ts', `export * from '@full-sync/api';`],
  [
    'a package reaches into a service',
    'by-name',
    'packages/kafka/src/a.ts',
    `export * from '../../../services/api/src/x.ts';`,
  ],
  [
    'a package reaches into a package',
    'by-name',
    'packages/kafka/src/a.ts',
    `import type { X } from '../../schemas/src/x.ts';`,
  ],
  ['a script reaches into a package', 'by-name', 'scripts/a.ts', `await import('../packages/kafka/src/x.ts');`],
  ['a deep path into a package', 'by-name', 'services/api/src/a.ts', `import { x } from '@full-sync/kafka/src/x.ts';`],
  [
    'source imports the test harness',
    'test-code',
    'services/loader/src/a.ts',
    `import { x } from '@full-sync/testing';`,
  ],
  ['source imports a test', 'test-code', 'services/loader/src/a.ts', `import { x } from './b.test.ts';`],
  ['source imports from test/', 'test-code', 'services/loader/src/a.ts', `import { x } from '../test/b.ts';`],
  [
    'domain imports a shell of its service',
    'domain',
    'services/loader/src/domain/a.ts',
    `import { x } from '../copy.ts';`,
  ],
  [
    'domain imports another package',
    'domain',
    'services/loader/src/domain/a.ts',
    `import { x } from '@full-sync/kafka';`,
  ],
  ['domain imports a library', 'domain', 'services/loader/src/domain/a.ts', `import { Type } from 'typebox';`],
  [
    'domain imports the file system',
    'pure',
    'services/loader/src/domain/a.ts',
    `import { readFile } from 'node:fs/promises';`,
  ],
  [
    'domain imports timers',
    'pure',
    'services/loader/src/domain/a.ts',
    `import { setTimeout } from 'node:timers/promises';`,
  ],
  ['domain imports crypto', 'pure', 'services/loader/src/domain/a.ts', `import { createHash } from 'node:crypto';`],
  ['domain reads the clock', 'pure', 'services/loader/src/domain/a.ts', `export const now = () => Date.now();`],
  ['domain makes a date of now', 'pure', 'services/loader/src/domain/a.ts', `export const now = () => new Date();`],
  [
    'domain throws dice',
    'pure',
    'services/loader/src/domain/a.ts',
    `export const pick = (random = Math.random) => random();`,
  ],
  ['delivery sets a timer', 'pure', 'packages/delivery/src/a.ts', `setTimeout(() => undefined, 1);`],
  ['schemas fetches', 'pure', 'packages/schemas/src/a.ts', `export const x = await fetch('x');`],
  ['schemas reads a file', 'pure', 'packages/schemas/src/a.ts', `import { readFileSync } from 'node:fs';`],
  ['schemas imports ours', 'island', 'packages/schemas/src/a.ts', `import { x } from '@full-sync/runtime';`],
  ['delivery imports ours', 'island', 'packages/delivery/src/a.ts', `type X = import('@full-sync/schemas').X;`],
  [
    'the simulators import ours',
    'island',
    'packages/simulators/src/a.ts',
    `const x = await import('@full-sync/schemas');`,
  ],
  ['kafkajs outside its package', 'owned', 'services/loader/src/a.ts', `import { Kafka } from 'kafkajs';`],
  ['kafkajs types in a test', 'owned', 'services/loader/test/a.test.ts', `import type { Kafka } from 'kafkajs';`],
  [
    'the registry client outside',
    'owned',
    'packages/testing/src/a.ts',
    `import x from '@kafkajs/confluent-schema-registry';`,
  ],
  ['pino outside its package', 'owned', 'services/api/src/a.ts', `import { pino } from 'pino';`],
  ['pg-copy-streams outside', 'owned', 'services/api/src/a.ts', `import { from } from 'pg-copy-streams';`],
  ['opossum outside its package', 'owned', 'services/loader/src/a.ts', `import x from 'opossum';`],
  ['process.env in a service', 'environment', 'services/api/src/a.ts', `export const x = process.env['X'];`],
  ['process["env"] in a package', 'environment', 'packages/kafka/src/a.ts', `export const x = process['env'].X;`],
  ['globalThis.process.env', 'environment', 'packages/kafka/src/a.ts', `export const x = globalThis.process.env.X;`],
  ['destructured env', 'environment', 'services/api/src/a.ts', `const { env } = process;`],
  ['imported env', 'environment', 'services/api/src/a.ts', `import { env } from 'node:process';`],
  [
    'default import of process',
    'environment',
    'services/api/src/a.ts',
    `import p from 'node:process'; p.env; process.env;`,
  ],
  ['an undeclared package of ours', 'declared', 'services/api/src/a.ts', `import { x } from '@full-sync/http-client';`],
  ['a library only the root declares', 'declared', 'packages/runtime/src/a.ts', `import pg from 'pg';`],
  ['an undeclared library in a test', 'declared', 'services/api/test/a.test.ts', `import x from 'left-pad';`],
  [
    'a package that does not exist',
    'unknown-package',
    'services/loader/src/a.ts',
    `import { x } from '@full-sync/ghost';`,
  ],
  ['a package imports itself by name', 'by-name', 'services/api/src/a.ts', `import { x } from '@full-sync/api';`],
  ['a computed import', 'computed-import', 'services/api/src/a.ts', 'await import(`./${process.argv[2]}.ts`);'],
  ['require', 'owned', 'services/api/src/a.mjs', `const { pino } = require('pino');`],
  ['import equals', 'owned', 'services/api/src/a.ts', `import pino = require('pino');`],
];

for (const [what, rule, path, code] of violations) {
  test(`finds it when ${what}`, (context) => {
    const { problems } = check(context, { [path]: `// one\n${code}\n` });
    assert.ok(
      problems.some((problem) => problem.startsWith(`${path}:2: `) && problem.endsWith(`[${rule}]`)),
      `expected [${rule}] at ${path}:2, got: ${problems.join(' | ')}`,
    );
  });
}

test('lets a tree in order pass', (context) => {
  const { checked, problems } = check(context, {
    'services/loader/src/main.ts': `import { run } from '@full-sync/runtime';\nimport { from } from 'pg-copy-streams';\nimport './load.ts';`,
    'services/loader/src/load.ts': `import type { Pool } from 'pg';\nimport { decide } from './domain/decide.ts';\nnew Date();`,
    'services/loader/src/domain/decide.ts': `import { topics } from '@full-sync/schemas';\nimport { shouldClose } from '@full-sync/delivery';\nimport { x } from './sibling.ts';\nnew Date(0);`,
    'services/loader/src/domain/decide.test.ts': `import { test } from 'node:test';\nimport fc from 'fast-check';\nDate.now();`,
    'services/loader/test/load.integration.test.ts': `import { freshDatabase } from '@full-sync/testing';\nprocess.env.DATABASE_URL;`,
    'packages/schemas/src/key.ts': `import { createHash } from 'node:crypto';`,
    'packages/schemas/src/avro.ts': `import { readFileSync } from 'node:fs';`,
    'packages/simulators/test/a.test.ts': `import { x } from '@full-sync/schemas';`,
    'packages/kafka/src/client.ts': `import { Kafka } from 'kafkajs';`,
    'packages/runtime/src/config.ts': `export const env = process.env;`,
    'scripts/a.ts': `import { startStack } from '@full-sync/local-stack';\nprocess.env;`,
    'e2e/a.test.ts': `import { startStack } from '@full-sync/local-stack';\nimport { x } from '../scripts/a.ts';`,
  });
  assert.deepEqual(problems, []);
  assert.equal(checked, 12);
});

test('fails when it saw fewer files than exist', (context) => {
  const files = { 'scripts/a.ts': '', 'scripts/b.mjs': '', 'packages/kafka/src/c.tsx': '' };
  const { problems } = check(context, files, (all) =>
    all.filter((path) => !path.endsWith('b.mjs') && !path.endsWith('c.tsx')),
  );
  assert.deepEqual(problems, [
    'packages/kafka/src/c.tsx: exists on disk but was not checked',
    'scripts/b.mjs: exists on disk but was not checked',
  ]);
});

test('fails on a tree without sources', (context) => {
  assert.deepEqual(check(context, {}).problems, ['no source file was found']);
});

test('fails on a circle among packages', (context) => {
  const manifest = JSON.stringify({ name: '@full-sync/delivery', dependencies: { '@full-sync/kafka': '1' } });
  const { problems } = check(context, { 'packages/delivery/package.json': manifest, 'scripts/a.ts': '' });
  assert.deepEqual(problems, [
    'the dependencies of the packages go in a circle: @full-sync/delivery → @full-sync/kafka → @full-sync/delivery',
  ]);
});

test('refuses a file it cannot read, instead of passing it', (context) => {
  assert.throws(() => check(context, { 'scripts/a.ts': 'const = 3' }), /scripts\/a\.ts: cannot be parsed/);
});
