import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findStrays, selectTests } from './select.ts';

const files = [
  'packages/a/src/x.test.ts',
  'packages/a/src/x.ts',
  'packages/a/test/x.integration.test.ts',
  'services/b/test/y.fault.test.ts',
  'e2e/z.test.ts',
  'scripts/s.test.ts',
];
const pick = (...words: readonly string[]) => Object.fromEntries(selectTests(files, words, '/repo'));

test('runs every test file once when nothing is named', () => {
  assert.deepEqual(pick(), {
    unit: ['packages/a/src/x.test.ts', 'scripts/s.test.ts'],
    integration: ['packages/a/test/x.integration.test.ts'],
    fault: ['services/b/test/y.fault.test.ts'],
    e2e: ['e2e/z.test.ts'],
  });
});

test('narrows by kind, by folder, by file and by both', () => {
  assert.deepEqual(pick('fault').unit, []);
  assert.deepEqual(pick('fault').fault, ['services/b/test/y.fault.test.ts']);
  assert.deepEqual(pick('packages/a').integration, ['packages/a/test/x.integration.test.ts']);
  assert.deepEqual(pick('/repo/e2e/z.test.ts'), { unit: [], integration: [], fault: [], e2e: ['e2e/z.test.ts'] });
  assert.deepEqual(pick('unit', 'packages/a', 'scripts').unit, ['packages/a/src/x.test.ts', 'scripts/s.test.ts']);
});

test('refuses words that select nothing', () => {
  assert.throws(() => pick('packages/c'), /no test file is or lies below "packages\/c"/);
  assert.throws(() => pick('packages/a/src/x.ts'), /no test file/);
  assert.throws(() => pick('unit', 'e2e/z.test.ts'), /is both: unit and e2e/);
  assert.throws(() => selectTests(['scripts/s.test.ts'], ['fault'], '/repo'), /there is no fault test/);
  assert.throws(() => selectTests(['scripts/s.ts'], [], '/repo'), /no test file at all/);
});

test('finds files that look like tests and would never run', () => {
  assert.deepEqual(findStrays([...files, 'packages/a/src/x.spec.ts', 'packages/a/x.test.ts', 'e2e/z.test.mjs']), [
    'packages/a/src/x.spec.ts: looks like a test, but only *.test.ts is run',
    'packages/a/x.test.ts: a test outside the folders that have tests',
    'e2e/z.test.mjs: looks like a test, but only *.test.ts is run',
  ]);
});
