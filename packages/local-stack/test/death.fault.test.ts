import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { until } from '../src/until.ts';
import { isThere, listedIn, privateStack, temporaryHome } from './private-stack.ts';

const supervisor = join(import.meta.dirname, 'fixtures', 'supervisor.ts');
const root = join(import.meta.dirname, '..', '..', '..');

async function said(child: ChildProcess, word: string): Promise<void> {
  assert.ok(child.stdout);
  for await (const line of createInterface({ input: child.stdout })) if (line.startsWith(word)) return;
  assert.fail(`it ended before it said "${word}"`);
}

function reaperOf(pid: number): number {
  const reaper = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((name) => {
      try {
        const parent = / \S (\d+) /.exec(readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\)/, ' '))?.[1];
        return parent === String(pid) && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('reaper.ts');
      } catch {
        return false; // it ended meanwhile
      }
    });
  return Number(reaper);
}

test('a supervisor killed with SIGKILL takes every process with it, and the next start finds its data', async () => {
  using home = temporaryHome();
  const child = spawn(process.execPath, [supervisor, home.path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await said(child, 'ready');
  const pids = listedIn(home.path).map((entry) => entry.pid);
  assert.equal(pids.length, 6); // broker, registry, database, api, two loaders
  child.kill('SIGKILL');
  await until(() => !pids.some(isThere), 40_000);
  assert.deepEqual(pids.filter(isThere), []);
  assert.ok(await until(() => !existsSync(join(home.path, 'processes.json')), 5_000));
  await using again = await privateStack(home.path, { only: ['postgres'] });
  assert.equal(again.processes().length, 1);
});

test('what is left when the supervisor and its reaper are both killed is ended by the next start', async () => {
  using home = temporaryHome();
  const child = spawn(process.execPath, [supervisor, home.path], { stdio: ['ignore', 'pipe', 'inherit'] });
  await said(child, 'ready');
  const left = listedIn(home.path);
  assert.ok(child.pid !== undefined);
  process.kill(reaperOf(child.pid), 'SIGSTOP');
  const reaper = reaperOf(child.pid);
  child.kill('SIGKILL');
  await once(child, 'exit');
  process.kill(reaper, 'SIGKILL');
  const stack = left
    .filter((entry) => ['broker', 'registry', 'database'].includes(entry.name))
    .map((entry) => entry.pid);
  assert.deepEqual(
    stack.filter((pid) => !isThere(pid)),
    [],
  );

  const lines: string[] = [];
  await using again = await privateStack(home.path, { log: (line) => lines.push(line) });
  assert.deepEqual(
    left.filter((entry) => isThere(entry.pid)),
    [],
  );
  assert.ok(
    lines.some((line) => line.includes('left running') && line.includes('broker') && line.includes('database')),
  );
  assert.equal(again.processes().length, 3);
});

test('half-made directories and a lock file with the pid of another process do not keep the stack from starting', async () => {
  using home = temporaryHome();
  await (await privateStack(home.path, { only: ['kafka', 'postgres'] })).stop();
  writeFileSync(join(home.path, 'lock'), JSON.stringify({ pid: process.pid, identity: 'another life of this pid' }));
  writeFileSync(join(home.path, 'postgres', 'postmaster.pid'), `${process.pid}\n`);
  rmSync(join(home.path, 'kafka'), { recursive: true });
  mkdirSync(join(home.path, 'kafka'));
  writeFileSync(join(home.path, 'kafka', 'bootstrap.checkpoint'), '');
  mkdirSync(join(home.path, 'postgres.new'));
  writeFileSync(
    join(home.path, 'children.json'),
    '[{"pid":1,"identity":"no such start","name":"x","stopSignal":"SIGTERM","stage":1}',
  );

  await using again = await privateStack(home.path, { only: ['kafka', 'postgres'] });
  assert.deepEqual(
    again
      .processes()
      .map((entry) => entry.name)
      .sort(),
    ['broker', 'database'],
  );
});

test('SIGTERM to the command drains all of it and exits with 0; SIGKILL leaves nothing either', async () => {
  using home = temporaryHome();
  const env = { ...process.env, FULL_SYNC_HOME: home.path, DATABASE_URL: '' };
  const up = (): ChildProcess =>
    spawn(process.execPath, [join(root, 'scripts', 'run.mjs'), 'up', '--only', 'postgres'], {
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });

  const drained = up();
  await said(drained, 'ready');
  const [database] = listedIn(home.path);
  drained.kill('SIGTERM');
  assert.deepEqual(await once(drained, 'exit'), [0, null]);
  assert.ok(database !== undefined && !isThere(database.pid));

  const killed = up();
  await said(killed, 'ready');
  const [orphan] = listedIn(home.path);
  killed.kill('SIGKILL');
  assert.ok(orphan !== undefined && (await until(() => !isThere(orphan.pid), 30_000)));
  assert.ok(await until(() => !existsSync(join(home.path, 'lock')), 30_000));
});
