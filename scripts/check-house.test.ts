import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { checkLengths } from './check-lengths.ts';
import { findMarks } from './check-marks.ts';

// Put together from parts: these are the very things the checker must not find in this file.
const glue = (...parts: readonly string[]): string => parts.join('');

const marked: readonly (readonly [what: string, path: string, line: string])[] = [
  ['a note of unfinished work', 'packages/a/src/a.ts', glue('// TO', 'DO: later')],
  ['the same in a document', 'docs/a.md', glue('FIX', 'ME')],
  ['a silenced compiler', 'scripts/a.ts', glue('// @ts-ig', 'nore')],
  ['an expected compiler error', 'scripts/a.ts', glue('// @ts-expect-', 'error because')],
  ['a skipped test', 'scripts/a.test.ts', glue(`test.sk`, `ip('x', () => undefined);`)],
  ['a skipped suite', 'scripts/a.test.ts', glue(`describe('x', { sk`, `ip: true }, () => undefined);`)],
  ['a reason to skip', 'scripts/a.test.ts', glue(`test('x', { sk`, `ip: 'no broker' }, () => undefined);`)],
  ['a lonely test', 'scripts/a.test.ts', glue(`it.on`, `ly('x', () => undefined);`)],
  ['a test to be written', 'scripts/a.test.ts', glue(`test.to`, `do('x');`)],
  ['a host in the lockfile', 'pnpm-lock.yaml', glue('resolution: {integrity: x, tarb', 'all: https:', '//a.b/c.tgz}')],
  ['a registry host', 'Dockerfile', glue('RUN npm --reg=https:/', '/registry.somewhere.org')],
  ['a home directory', 'scripts/a.ts', glue(`const x = '/ho`, `me/ada/src';`)],
  ['the folder of a build machine', 'docs/a.md', glue('see /wo', 'rk/main')],
  ['a merge left open', 'README.md', glue('<<<<', '<<< HEAD')],
];

for (const [what, path, line] of marked) {
  test(`finds ${what}`, () => {
    const found = findMarks(path, `first\n${line}\n`);
    assert.equal(found.length >= 1, true, `nothing was found in ${line}`);
    assert.match(found[0] ?? '', new RegExp(`^${path}:2: `));
  });
}

const innocent: readonly (readonly [path: string, line: string])[] = [
  ['packages/a/src/a.ts', 'const only = records.only; const options = { skip: 10, only: names };'],
  ['packages/a/src/a.ts', `fetch('https://api.lemlist.com/api/work/x');`],
  ['docker-compose.yml', 'SCHEMA_REGISTRY_URL: http://registry:8080/apis/ccompat/v7'],
  ['docs/a.md', 'SCHEMA_REGISTRY_URL=https://registry.example.com'],
  ['Dockerfile', 'COPY --chown=node . /home/node/app'],
  ['pnpm-lock.yaml', 'deprecated: see https://example.com/why'],
];

for (const [path, line] of innocent) {
  test(`does not accuse ${line}`, () => assert.deepEqual(findMarks(path, line), []));
}

test('finds the file that is one line too long, and lets tests be as long as they must', (context) => {
  const root = mkdtempSync(join(tmpdir(), 'full-sync-lengths-'));
  context.after(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'test'));
  const lines = (count: number): string => 'x;\n'.repeat(count);
  for (const [path, count] of Object.entries({ 'a.ts': 401, 'b.ts': 400, 'c.test.ts': 401, 'test/d.ts': 401 })) {
    writeFileSync(join(root, path), lines(count));
  }
  const { checked, problems } = checkLengths(root);
  assert.equal(checked, 2);
  assert.match(problems.join(), /^a\.ts: 401 lines/);
});
