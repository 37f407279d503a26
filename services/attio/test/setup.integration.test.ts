import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { attributes } from '../src/domain/attributes.ts';
import { openSimulator } from './harness.ts';
import { openStub } from './stub-attio.ts';

const cli = join(import.meta.dirname, '..', '..', '..', 'packages', 'cli', 'src', 'main.ts');

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

async function setup(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const child = spawn(process.execPath, [cli, 'attio', 'setup', ...args], {
    cwd: import.meta.dirname,
    env: { PATH: process.env['PATH'], ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr.on('data', (chunk) => (stderr += String(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

test('attio setup makes what is missing, leaves what is there, and can be repeated', async () => {
  await using attio = await openStub();
  attio.attributes = [
    { slug: 'outreach_status', type: 'text' },
    { slug: 'name', type: 'personal-name' },
  ];
  const env = { ATTIO_BASE_URL: attio.url, ATTIO_API_KEY: 'a-secret-key-of-attio' };
  const checked = await setup(['--check'], env);
  assert.equal(checked.code, 1);
  assert.match(checked.stdout, /outreach_status +text +there\n.*outreach_last_activity +text +missing/);
  assert.equal(attio.attributes.length, 2, 'nothing was made');

  const made = await setup([], env);
  assert.deepEqual([made.code, made.stderr], [0, '']);
  assert.match(made.stdout, /outreach_campaigns +text +created\nAll attributes are there\.\n$/);
  const types = new Map(attio.attributes.map(({ slug, type }) => [slug, type]));
  for (const { slug, type } of attributes) assert.equal(types.get(slug), type);

  const again = await setup(['--json'], env);
  assert.equal(again.code, 0);
  const { workspaces } = JSON.parse(again.stdout) as { readonly workspaces: readonly Record<string, unknown>[] };
  assert.deepEqual(
    workspaces.map(({ state, people, workspaceId }) => [state, (people as { created?: unknown }).created, workspaceId]),
    [['complete', [], 'workspace-1']],
  );
  for (const { stdout, stderr } of [checked, made, again])
    assert.equal(`${stdout}${stderr}`.includes('a-secret-key'), false);
});

test('attio setup says what it cannot do: another type, a dead key, missing scopes, no key, nobody there', async () => {
  await using attio = await openStub();
  const env = { ATTIO_BASE_URL: attio.url, ATTIO_API_KEY: 'a-secret-key-of-attio' };
  attio.attributes = attributes.map(({ slug, type }) => ({
    slug,
    type: slug === 'outreach_emails_sent' ? 'text' : type,
  }));
  const other = await setup([], env);
  assert.equal(other.code, 1);
  assert.match(other.stdout, /outreach_emails_sent +number +of type text instead of number/);
  attio.scope = 'record_permission:read object_configuration:read-write';
  const scopes = await setup([], env);
  assert.deepEqual([scopes.code, scopes.stdout], [1, 'Attio refuses: the key lacks record_permission:read-write\n']);
  attio.isActive = false;
  assert.match((await setup([], env)).stdout, /^Attio refuses: the key is not active/);
  const none = await setup([], { ATTIO_BASE_URL: attio.url });
  assert.equal(none.code, 2);
  assert.match(none.stderr, /ATTIO_API_KEY/);
  const nobody = await setup([], { ...env, ATTIO_BASE_URL: 'http://127.0.0.1:1/v2' });
  assert.equal(nobody.code, 3);
  assert.equal((await setup(['--nonsense'], env)).code, 2);
});

test('attio setup makes the activities as well where they are asked for, and says where there are none', async () => {
  await using on = await openSimulator({ activities: true });
  on.clear();
  const made = await setup(['--activities'], on.env);
  assert.deepEqual([made.code, made.stderr], [0, '']);
  assert.match(
    made.stdout,
    /Attributes of activities:\n {2}event_id +text +created\n[^]*person +record-reference +created/,
  );
  assert.equal((await setup(['--activities', '--check'], on.env)).code, 0);
  await using off = await openSimulator();
  const without = await setup(['--activities'], off.env);
  assert.deepEqual(
    [without.code, without.stdout.startsWith('Attio refuses: activities: 404')],
    [1, true],
    without.stdout,
  );
});
