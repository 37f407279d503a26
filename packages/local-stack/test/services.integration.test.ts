import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { findPort, startServices, StackError, type Services, type ServicesOptions, type Stack } from '../src/index.ts';
import { until } from '../src/until.ts';
import { isThere, listedIn, privateStack, temporaryHome } from './private-stack.ts';

const directory = join(import.meta.dirname, 'fixtures', 'services');
const home = temporaryHome();
const said: string[] = [];
let stack: Stack;

before(async () => {
  stack = await privateStack(home.path, { only: [], log: (line) => said.push(line) });
});
after(async () => {
  await stack.stop();
  home[Symbol.dispose]();
});

function start(options: Partial<ServicesOptions>): Promise<Services> {
  return startServices({ stack, services: ['api', 'loader'], directory, env: { API_PORT: '0' }, ...options });
}

test('every copy answers on a port of its own, and is listed with its metrics until it is stopped', async () => {
  const services = await start({ copies: { loader: 2 } });
  const listed = stack.processes().map(({ name, copy, metricsUrl }) => ({ name, copy, metricsUrl }));
  assert.deepEqual(
    listed
      .toSorted((a, b) => `${a.name}${a.copy}`.localeCompare(`${b.name}${b.copy}`))
      .map(({ name, copy }) => `${name} ${copy}`),
    ['api 1', 'loader 1', 'loader 2'],
  );
  assert.equal(new Set(listed.map(({ metricsUrl }) => metricsUrl)).size, 3);
  assert.equal((await fetch(`${services.apiUrl}/readyz`)).status, 200);
  const pids = stack.processes().map(({ pid }) => pid);
  await services.stop();
  assert.deepEqual(pids.filter(isThere), []);
  assert.deepEqual(listedIn(home.path), []);
});

test('a service that dies is started again, at longer and longer intervals, and each time is said in one line', async () => {
  const services = await start({ services: ['loader'] });
  const from = said.length;
  for (const restarts of [1, 2]) {
    const pid = stack.processes()[0]?.pid;
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGKILL');
    assert.ok(await until(() => listedIn(home.path)[0]?.restarts === restarts, 5_000));
  }
  assert.deepEqual(said.slice(from), [
    'loader ended (SIGKILL); starting it again in 0.25 s (restart 1)',
    'loader ended (SIGKILL); starting it again in 0.5 s (restart 2)',
  ]);
  await services.stop();
  assert.deepEqual(listedIn(home.path), []);
});

test('a wrong configuration ends the start with exit code 2 and the words of the service, and stops the others', async () => {
  const extraEnv = { DUMMY_EXIT_CODE: '2' };
  await assert.rejects(start({ extraEnv }), (error: unknown) => {
    assert.ok(error instanceof StackError);
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /DUMMY_EXIT_CODE: expected nothing/);
    return true;
  });
  assert.deepEqual(listedIn(home.path), []);
});

test('a missing environment is tried again a few times and ends the start with exit code 3', async () => {
  await assert.rejects(start({ services: ['loader'], extraEnv: { DUMMY_EXIT_CODE: '3' } }), { exitCode: 3 });
});

test('an API_PORT that was asked for and is taken is an error; one that was not is replaced', async (t) => {
  const taken = createServer();
  const port = await findPort();
  await new Promise<void>((resolve) => {
    taken.listen(port, '127.0.0.1', resolve);
  });
  t.after(() => taken.close());
  await assert.rejects(start({ env: { API_PORT: String(port) } }), {
    exitCode: 3,
    message: /API_PORT is \d+, and something listens/,
  });
  await assert.rejects(start({ env: { API_PORT: 'http' } }), { exitCode: 2, message: /API_PORT: expected a port/ });
});
