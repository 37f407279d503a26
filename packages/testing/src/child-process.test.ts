import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeExit, spawnProgram } from './child-process.ts';
import { sumOfMetric } from './spawn-service.ts';

const nodeProgram = (code: string, env: Readonly<Record<string, string>> = {}) =>
  spawnProgram({ name: 'program', args: ['--input-type=module', '--eval', code], env });

test('keeps the output and the exit code of a program', async () => {
  await using program = nodeProgram(
    `console.log('{"level":30,"msg":"up"}'); console.error('not json'); process.exit(3)`,
  );
  assert.deepEqual(await program.exited, { code: 3, signal: null });
  assert.match(program.output(), /not json/);
  assert.deepEqual(program.records(), [{ level: 30, msg: 'up' }]);
});

test('finds a line in the output, and says what was printed when the program ends without it', async () => {
  await using program = nodeProgram(`console.log('port 81'); setTimeout(() => undefined, 60_000)`);
  const [, port] = await program.outputMatching(/port (\d+)/);
  assert.equal(port, '81');
  await program.kill();
  await assert.rejects(program.outputMatching(/ready/), /ended \(SIGKILL\) and did not print \/ready\/:\nport 81/);
});

test('lets nothing of the test run leak into the environment of the program', async () => {
  process.env['FULL_SYNC_LEAK'] = 'yes';
  await using program = nodeProgram('console.log(JSON.stringify(process.env))', { GIVEN: '1' });
  await program.exited;
  const [env] = program.records();
  assert.equal(env?.['GIVEN'], '1');
  assert.equal(env?.['FULL_SYNC_LEAK'], undefined);
  assert.equal(env?.['FULL_SYNC_PARENT_PID'], String(process.pid));
});

test('kills the program when the test lets go of it', async () => {
  const exited = await (async () => {
    await using program = nodeProgram(`process.on('SIGTERM', () => undefined); setInterval(() => undefined, 1000)`);
    assert.equal(program.hasExited(), false);
    return { exit: program.exited };
  })();
  assert.equal(describeExit(await exited.exit), 'SIGKILL');
});

test('tells a program that cannot be started from one that failed', async () => {
  await using program = spawnProgram({ name: 'ghost', command: './no-such-program', args: [] });
  assert.equal(describeExit(await program.exited), 'never started');
});

test('adds up the label sets of a metric and of no other', () => {
  const text = '# HELP rows_total x\nrows_total{p="0"} 2\nrows_total{p="1 x"} 3\nrows_total_created 9\nrows 7\n';
  assert.equal(sumOfMetric(text, 'rows_total'), 5);
  assert.equal(sumOfMetric(text, 'rows'), 7);
  assert.equal(sumOfMetric(text, 'ro'), 0);
});
