import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { spawnProgram } from '@full-sync/testing';

// Put together from parts: the check for forbidden marks reads this file too.
const SKIP = ['sk', 'ip'].join('');
const TO_BE_WRITTEN = ['to', 'do'].join('');

const passing = `import { test } from 'node:test';\ntest('passes', () => undefined);\n`;
const withAssert = `import assert from 'node:assert/strict';\nimport { test } from 'node:test';\n`;

/** Lays out `files`, runs the script over them and gives back the exit code and what it printed. */
async function runOver(context: TestContext, files: Readonly<Record<string, string>>, ...words: readonly string[]) {
  const root = mkdtempSync(join(tmpdir(), 'full-sync-test-run-'));
  context.after(() => rmSync(root, { recursive: true }));
  writeFileSync(join(root, 'package.json'), '{ "type": "module" }');
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const script = join(import.meta.dirname, 'test.ts');
  await using program = spawnProgram({ name: 'npm test', args: [script, '--root', root, ...words], cwd: root });
  const { code } = await program.exited;
  const output = program.output();
  return { code, output, lastLine: output.trimEnd().split('\n').at(-1) };
}

test('passes a tree whose tests pass, and closes with the counts alone on a line', async (context) => {
  const { code, output, lastLine } = await runOver(context, {
    'packages/a/src/a.test.ts': passing,
    'services/b/src/b.test.ts': `import { describe, it } from 'node:test';\ndescribe('b', () => {\n  it('one', () => undefined);\n  it('two', () => undefined);\n});`,
  });
  assert.equal(lastLine, '3 passed, 0 failed');
  assert.equal(code, 0);
  assert.match(output, /ok {3}services\/b\/src\/b\.test\.ts \(2 tests/);
});

test('counts the tests of a suite that several files share to the files that run it', async (context) => {
  const { code, output, lastLine } = await runOver(context, {
    'scripts/contract.ts': `import { test } from 'node:test';\nexport const contract = () => test('keeps it', () => undefined);\n`,
    'scripts/a.test.ts': `import { contract } from './contract.ts';\ncontract();\n`,
    'scripts/b.test.ts': `import { contract } from './contract.ts';\ncontract();\n`,
  });
  assert.equal(lastLine, '2 passed, 0 failed', output);
  assert.equal(code, 0);
});

const failing: readonly (readonly [
  what: string,
  files: Readonly<Record<string, string>>,
  closing: string,
  says: RegExp,
])[] = [
  [
    'a test fails',
    { 'scripts/a.test.ts': `${withAssert}console.log('a clue');\ntest('one is two', () => assert.equal(1, 2));\n` },
    '0 passed, 1 failed',
    /FAIL scripts\/a\.test\.ts[\s\S]*✖ one is two[\s\S]*1 !== 2[\s\S]*a clue/,
  ],
  [
    'a subtest fails',
    {
      'scripts/a.test.ts': `${withAssert}test('outer', async (t) => {\n  await t.test('inner', () => assert.equal(1, 2));\n});\n`,
    },
    '0 passed, 2 failed',
    /✖ inner/,
  ],
  [
    'a hook fails',
    {
      'scripts/a.test.ts': `import { before, test } from 'node:test';\nbefore(() => {\n  throw new Error('no hook');\n});\ntest('x', () => undefined);\n`,
    },
    '0 passed, 1 failed',
    /no hook/,
  ],
  [
    'a file cannot be loaded',
    { 'scripts/a.test.ts': `import './gone.ts';\n`, 'scripts/b.test.ts': passing },
    '1 passed, 1 failed',
    /Cannot find module[\s\S]*gone\.ts/,
  ],
  [
    'a file ends its process half-way',
    {
      'scripts/a.test.ts': `${passing}test('leaves', async () => {\n  await new Promise((resolve) => setTimeout(resolve, 200));\n  process.exit(0);\n});\n`,
    },
    // Whether the first result got out before the process left is the system's business.
    '[01] passed, 1 failed',
    /scripts\/a\.test\.ts: .*left before/,
  ],
  [
    'an error comes after the tests',
    { 'scripts/a.test.ts': `${passing}process.on('exit', () => (process.exitCode = 7));\n` },
    '1 passed, 1 failed',
    /a\.test\.ts/,
  ],
  [
    'a test is passed over',
    { 'scripts/a.test.ts': `${passing}test.${SKIP}('later', () => undefined);\n` },
    '1 passed, 1 failed, 1 skipped',
    /FAIL scripts\/a\.test\.ts: "later" was skipped/,
  ],
  [
    'a test is still to be written',
    { 'scripts/a.test.ts': `${passing}test.${TO_BE_WRITTEN}('some day');\n` },
    '1 passed, 1 failed, 1 skipped',
    /"some day" is still to be written/,
  ],
  [
    'a file holds no test',
    { 'scripts/a.test.ts': `const x = 1;\n`, 'scripts/b.test.ts': passing },
    '1 passed, 1 failed',
    /scripts\/a\.test\.ts: holds no test/,
  ],
  [
    'a test has a wrong name',
    { 'scripts/a.spec.ts': passing, 'scripts/b.test.ts': passing },
    '1 passed, 1 failed',
    /a\.spec\.ts: looks like a test/,
  ],
  ['there is no test', { 'scripts/a.ts': '' }, '0 passed, 1 failed', /no test file at all/],
];

for (const [what, files, closing, says] of failing) {
  test(`fails when ${what}`, async (context) => {
    const { code, output, lastLine } = await runOver(context, files);
    assert.match(lastLine ?? '', new RegExp(`^${closing}$`), output);
    assert.equal(code, 1);
    assert.match(output, says);
  });
}

test('fails when a word selects nothing', async (context) => {
  const { code, output } = await runOver(context, { 'scripts/a.test.ts': passing }, 'scripts/b.test.ts');
  assert.equal(code, 1);
  assert.match(output, /no test file is or lies below "scripts\/b\.test\.ts"/);
});
