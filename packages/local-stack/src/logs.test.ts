import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { followLog, lastWords, summarise } from './logs.ts';

const directory = mkdtempSync(join(tmpdir(), 'full-sync-logs-test-'));
after(() => {
  rmSync(directory, { recursive: true });
});

test('only warnings and worse are worth a line, with the reason where it says more', () => {
  const examples = [
    ['{"level":"info","msg":"ready"}', undefined],
    ['{"level":30,"msg":"ready"}', undefined],
    ['{"level":"warn","msg":"slow"}', 'warning: slow'],
    ['{"level":50,"msg":"failed","err":{"message":"no\\nroute"}}', 'error: failed (no route)'],
    ['{"level":"fatal","msg":"gone","err":{"message":"gone"}}', 'fatal: gone'],
    ['{"level":"error"', undefined],
    ['plain text', undefined],
  ] as const;
  for (const [line, expected] of examples) assert.equal(summarise(line), expected, line);
});

test('a log is followed line by line, across writes that end inside a line, and a flood is counted instead of shown', () => {
  const path = join(directory, 'followed.log');
  const lines: string[] = [];
  writeFileSync(path, '{"level":"error","msg":"fir');
  const stop = followLog(path, 'loader', (line) => lines.push(line));
  appendFileSync(path, 'st"}\n');
  for (let index = 0; index < 20; index += 1) appendFileSync(path, `{"level":"error","msg":"line ${index}"}\n`);
  stop();
  assert.deepEqual(
    lines,
    ['first', 'line 0', 'line 1', 'line 2', 'line 3']
      .map((text) => `loader: error: ${text}`)
      .concat([`loader: 16 more such lines in ${path}`]),
  );
});

test('the last words of a process are its last error, or what it printed before it had a logger', () => {
  const path = join(directory, 'words.log');
  writeFileSync(path, 'keyer cannot start with this configuration:\n  KAFKA_BROKERS: expected a comma list\n');
  assert.match(lastWords(path), /KAFKA_BROKERS: expected/);
  appendFileSync(
    path,
    '{"level":"fatal","msg":"service failed","err":{"message":"no broker"}}\n{"level":"info","msg":"bye"}\n',
  );
  assert.equal(lastWords(path), 'fatal: service failed (no broker)');
  assert.equal(lastWords(join(directory, 'none.log')), 'it wrote nothing');
});
