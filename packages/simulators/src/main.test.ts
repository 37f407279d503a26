import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';

const MAIN = join(import.meta.dirname, 'main.ts');

function run(t: TestContext, ...args: readonly string[]): ChildProcess {
  return runWith(t, {}, args);
}

function runWith(t: TestContext, env: NodeJS.ProcessEnv, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  return child;
}

async function firstLine(child: ChildProcess): Promise<Record<string, string>> {
  assert.ok(child.stdout);
  let text = '';
  for await (const chunk of child.stdout) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  const lines = text.trimEnd().split('\n');
  assert.equal(lines.length, 1);
  return JSON.parse(lines[0] ?? '') as Record<string, string>;
}

test('says in one line where it listens, and every platform answers there', async (t) => {
  const child = run(t, '--size', 'small', '--smartlead-rate', 'off', '--lemlist-rate', '20/2s');
  const line = await firstLine(child);
  assert.equal(line['event'], 'listening');
  assert.match(String(line['smartlead']), /^http:\/\/127\.0\.0\.1:\d+\/smartlead\/api\/v1$/);
  assert.match(String(line['lemlist']), /^http:\/\/127\.0\.0\.1:\d+\/lemlist\/api$/);
  const smartlead = await fetch(`${line['smartlead']}/campaigns/?api_key=${line['smartleadKey']}`);
  assert.equal(((await smartlead.json()) as readonly unknown[]).length, 8);
  const authorization = `Basic ${Buffer.from(`:${line['lemlistKey']}`).toString('base64')}`;
  const lemlist = await fetch(`${line['lemlist']}/activities?version=v2`, { headers: { authorization } });
  assert.equal(((await lemlist.json()) as readonly unknown[]).length, 100);
  assert.equal(lemlist.headers.get('x-ratelimit-limit'), '20');
  assert.equal((await fetch(`${line['control']}/arrivals?platform=lemlist`)).status, 200);
  const user = Buffer.from(`${line['mixpanelUser']}:${line['mixpanelSecret']}`).toString('base64');
  const importUrl = `${line['mixpanel']}/import?strict=1&project_id=${line['mixpanelProject']}`;
  const mixpanel = await fetch(importUrl, { method: 'POST', headers: { authorization: `Basic ${user}` }, body: '[]' });
  assert.deepEqual([mixpanel.status, ((await mixpanel.json()) as { status: string }).status], [200, 'OK']);
  const attio = await fetch(`${line['attio']}/self`, { headers: { authorization: `Bearer ${line['attioToken']}` } });
  assert.equal(((await attio.json()) as { active: boolean }).active, true);
});

test('ends cleanly on SIGTERM', async (t) => {
  const child = run(t, '--size', 'small');
  await firstLine(child);
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
});

test('ends when its parent goes away', async (t) => {
  const child = run(t, '--size', 'small');
  await firstLine(child);
  const exit = once(child, 'exit');
  child.disconnect();
  assert.deepEqual(await exit, [0, null]);
});

test('ends when the process it was told to watch is gone, whoever started it', async (t) => {
  const watched = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  t.after(() => watched.kill('SIGKILL'));
  const child = runWith(t, { FULL_SYNC_PARENT_PID: String(watched.pid) }, ['--size', 'small']);
  await firstLine(child);
  const exit = once(child, 'exit');
  watched.kill('SIGKILL');
  assert.deepEqual(await exit, [0, null]);
});

test('refuses what it cannot use, and says what', async (t) => {
  for (const [args, said] of [
    [['--smartlead-rate', 'fast'], /not a rate limit: fast/],
    [['--size', '{"lemlist":{"activities":-1}}'], /lemlist\.activities is not usable: -1/],
    [['--size', 'huge'], /size/],
    [['--seed', '1.5'], /whole number/],
    [['--nonsense'], /unknown option/],
  ] as const) {
    const child = run(t, ...args);
    let errors = '';
    child.stderr?.on('data', (chunk) => (errors += String(chunk)));
    const [code] = (await once(child, 'close')) as [number];
    assert.equal(code, 1);
    assert.match(errors, said);
  }
});
