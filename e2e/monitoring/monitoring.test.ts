import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { missingPrograms } from './programs.ts';
import { fillIn, readBoards } from './questions.ts';
import { callProblems, readCommands } from './runbook-commands.ts';
import { formatTable, showValue } from './table.ts';

const root = join(import.meta.dirname, '..', '..');
const question = { board: 'loader', panel: 'Why?', query: 'A', unit: 's', expr: 'rate(a{b=~"$b"}[$__rate_interval])' };

test('says which programs are missing and how to get them', (context) => {
  const path = process.env['PATH'];
  context.after(() => {
    process.env['PATH'] = path;
  });
  process.env['PATH'] = '';
  const told = missingPrograms() ?? '';
  assert.match(told, /prometheus was not found[^]*promtool was not found[^]*apt-get install -y prometheus/);
});

test('puts the values of a board’s own variables and the durations into a query', () => {
  const chosen = new Map([['loader/b', 'x|y']]);
  assert.equal(fillIn(question, chosen, { $__rate_interval: '15s' }), 'rate(a{b=~"x|y"}[15s])');
});

test('refuses to ask with a variable that nothing is known of', () => {
  const ofAnotherBoard = new Map([['overview/b', 'x']]);
  assert.throws(() => fillIn(question, ofAnotherBoard, { $__rate_interval: '15s' }), /nothing is known for \$b/);
});

test('a folder without a query is no success', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'full-sync-boards-test-'));
  context.after(() => rmSync(folder, { recursive: true }));
  assert.throws(() => readBoards(folder), /holds no query/);
});

test('reads every board that is deployed, with all its queries', () => {
  const { questions } = readBoards(join(root, 'deploy', 'grafana', 'dashboards'));
  const boards = new Set(questions.map(({ board }) => board));
  assert.deepEqual([...boards].toSorted(), [
    'dead-letters',
    'destinations',
    'job',
    'loader',
    'overview',
    'pipeline',
    'upstreams',
  ]);
  assert.ok(questions.length > 80, `${questions.length} queries`);
});

test('finds the statements and calls of a runbook, over several lines too', () => {
  const markdown = [
    'psql "$DATABASE_URL" -c "select 1',
    '  from jobs"',
    'npm run cli -- status JOB_ID   # how it is',
    'or `npm run cli -- pause JOB_ID`.',
  ].join('\n');
  assert.deepEqual(readCommands(markdown), {
    statements: ['select 1\n  from jobs'],
    calls: ['status JOB_ID', 'pause JOB_ID'],
  });
});

test('tells commands and options of the tool from those that it does not have', async () => {
  const calls = ['history --limit 5', 'history --failed', 'histories --limit 5'];
  const problems = await callProblems(root, calls);
  assert.deepEqual(problems, [
    'docs/runbook.md: cli history --failed: history has no --failed',
    'docs/runbook.md: cli histories --limit 5: there is no command histories',
  ]);
});

test('shows values in their units', () => {
  const shown = [
    showValue(0.0123, 's'),
    showValue(90, 's'),
    showValue(0.5, 'percentunit'),
    showValue(2_097_152, 'bytes'),
  ];
  assert.deepEqual(shown, ['12.3 ms', '90 s', '50 %', '2 MiB']);
});

test('a table is as wide as its widest cells, and cuts those that are too wide', () => {
  const table = formatTable(
    ['a', 'b'],
    [
      ['long one', 'x'],
      ['s', '0123456789'],
    ],
    8,
  );
  assert.deepEqual(table.split('\n'), ['a         b', '--------  --------', 'long one  x', 's         0123456…']);
});
