import assert from 'node:assert/strict';
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';

const fixture = fileURLToPath(new URL('fixtures/service.ts', import.meta.url));
const key = 'fixture-key-3f9a';

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves once the output holds `text`; the test's own timeout bounds it. */
  readonly says: (text: string) => Promise<void>;
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

function start(t: TestContext, mode: string, env: NodeJS.ProcessEnv = {}, ipc = false): Started {
  const stdio: StdioOptions = ipc ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [fixture], {
    stdio,
    env: { PATH: process.env['PATH'], MODE: mode, FIXTURE_API_KEY: key, ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  let onOutput: () => void = () => undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      onOutput();
    });
  }
  const says = (text: string) =>
    new Promise<void>((resolve) => {
      onOutput = () => output.includes(text) && resolve();
      onOutput();
    });
  // Not 'close': Node does not emit it once the IPC channel was closed by hand.
  const closed = [child.stdout, child.stderr].map((stream) => stream && once(stream, 'close'));
  const exit = Promise.all([once(child, 'exit'), ...closed]).then(([[code, signal]]) => ({ code, signal }));
  return { child, output: () => output, says, exit };
}

const order = (output: string): string[] =>
  [...output.matchAll(/"msg":"(draining|loop ended|released \w+|drained)"/g)].map((match) => match[1] ?? '');

const options = { timeout: 15_000 };

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
  test(`${signal} drains in reverse order and exits 0`, options, async (t) => {
    const service = start(t, 'run');
    await service.says('"ready"');
    service.child.kill(signal);
    assert.deepEqual(await service.exit, { code: 0, signal: null });
    assert.deepEqual(order(service.output()), [
      'draining',
      'loop ended',
      'released second',
      'released first',
      'drained',
    ]);
  });
}

test('the same signal twice at once is one signal', options, async (t) => {
  const service = start(t, 'slow');
  await service.says('"ready"');
  service.child.kill('SIGINT');
  await service.says('"draining"');
  service.child.kill('SIGINT');
  assert.deepEqual(await service.exit, { code: 0, signal: null });
  assert.match(service.output(), /released first/);
});

test('a second signal later on ends a drain that hangs, and says on what', options, async (t) => {
  const service = start(t, 'stuck');
  await service.says('"ready"');
  service.child.kill('SIGTERM');
  await service.says('"draining"');
  // Sent until it is heeded: within the first second it counts as the same signal.
  const again = setInterval(() => service.child.kill('SIGTERM'), 200);
  t.after(() => clearInterval(again));
  assert.deepEqual(await service.exit, { code: 1, signal: null });
  assert.match(service.output(), /"waitingFor":"second"/);
});

test('metrics are served until everything else is released', options, async (t) => {
  const service = start(t, 'stuck');
  await service.says('"ready"');
  const base = /"metrics":"(.*)\/metrics"/.exec(service.output())?.[1];
  assert.equal((await fetch(`${base}/readyz`)).status, 200);
  service.child.kill('SIGTERM');
  await service.says('"draining"');
  const readiness = await fetch(`${base}/readyz`);
  assert.equal(readiness.status, 503);
  assert.deepEqual(await readiness.json(), { live: true, ready: false, reason: 'draining' });
});

test('a wrong configuration exits 2 and lists every problem on stderr', options, async (t) => {
  const service = start(t, 'sideways', { FIXTURE_METRICS_PORT: 'abc' });
  assert.equal((await service.exit).code, 2);
  assert.match(service.output(), /MODE: expected one of run, .*; got "sideways"/);
  assert.match(service.output(), /FIXTURE_METRICS_PORT: expected a whole number from 0 to 65535; got "abc"/);
});

const failures = [
  ['no-broker', 3, /"hint":"start one"/],
  ['fail-later', 1, /"code":"GAP"/],
  ['loop-ends', 1, /the main loop ended by itself/],
  ['reject', 1, /lost promise/],
  ['throw', 1, /"message":"bug"/],
] as const;
for (const [mode, code, said] of failures) {
  test(`a process that dies of ${mode} exits ${code}, says why and shows no key`, options, async (t) => {
    const service = start(t, mode);
    assert.equal((await service.exit).code, code);
    assert.match(service.output(), said);
    assert.doesNotMatch(service.output(), new RegExp(key));
  });
}

test('a release that fails is told, the rest is released, and the exit code is 1', options, async (t) => {
  const service = start(t, 'release-fails');
  await service.says('"ready"');
  service.child.kill('SIGTERM');
  assert.equal((await service.exit).code, 1);
  assert.match(service.output(), /cannot flush/);
  assert.match(service.output(), /released first/);
});

test('a closed channel to the parent drains', options, async (t) => {
  const service = start(t, 'run', {}, true);
  await service.says('"ready"');
  service.child.disconnect();
  assert.equal((await service.exit).code, 0);
  assert.match(service.output(), /channel to the parent closed/);
});

test('the death of the parent named in the environment drains', options, async (t) => {
  const parent = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)']);
  t.after(() => parent.kill('SIGKILL'));
  await once(parent, 'spawn');
  const service = start(t, 'run', { FULL_SYNC_PARENT_PID: String(parent.pid) });
  await service.says('"ready"');
  parent.kill('SIGKILL');
  assert.equal((await service.exit).code, 0);
  assert.match(service.output(), /parent process is gone/);
});
