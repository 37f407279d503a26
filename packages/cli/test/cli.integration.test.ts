import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, spawnProgram } from '@full-sync/testing';
import type { ChildProgram } from '@full-sync/testing';

const entry = join(import.meta.dirname, '..', 'src', 'main.ts');

/** What the pretend API answers next: to `execute`, and to one status request after another (the last one stays). */
interface Script {
  readonly execute?: { readonly status: number; readonly body: object };
  readonly status?: readonly object[];
  readonly history?: object;
}

let script: Script = {};
let asked: { readonly url: string; readonly body: string }[] = [];
let statusIndex = 0;
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const url = request.url ?? '';
    // An api without events: jobs are asked for again and again.
    if (url.endsWith('/events')) {
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"code":"API_003"}');
      return;
    }
    asked.push({ url, body });
    const statuses = script.status ?? [];
    const answer = url.startsWith('/api/full-sync/execute')
      ? (script.execute ?? {
          status: 202,
          body: { jobId: 'job_1', estimatedDuration: 'about 1 minute', warnings: ['w1'] },
        })
      : url.startsWith('/api/full-sync/history')
        ? { status: 200, body: script.history ?? {} }
        : { status: 200, body: statuses[Math.min(statusIndex++, statuses.length - 1)] ?? {} };
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  });
});
let apiUrl = '';
let home = '';

before(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address: AddressInfo | string | null = server.address();
  assert.ok(address !== null && typeof address === 'object');
  apiUrl = `http://127.0.0.1:${address.port}`;
  home = await mkdtemp(join(tmpdir(), 'full-sync-cli-'));
});
after(async () => {
  server.close();
  await rm(home, { recursive: true });
});

function cli(args: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProgram {
  return spawnProgram({
    name: 'cli',
    args: [entry, ...args],
    cwd: home,
    env: { API_URL: apiUrl, FULL_SYNC_HOME: home, ...env },
  });
}

async function runCli(
  args: readonly string[],
  answers: Script = {},
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  script = answers;
  asked = [];
  statusIndex = 0;
  await using program = cli(args, env);
  const { code } = await program.exited;
  return { code, output: program.output() };
}

const counts = {
  records_fetched: 10,
  records_accepted: 9,
  rejected: 1,
  events_derived: 12,
  events_created: 8,
  duplicates: 2,
  collisions: 1,
  dead_lettered: 1,
  users_processed: 5,
  errors: 2,
};

function job(status: string, percentage: number, stage = status): object {
  return {
    jobId: 'job_1',
    status,
    progress: {
      percentage,
      processed_items: 9,
      total_items: 1_234,
      current_stage: stage,
      eta_minutes: percentage === 100 ? 0 : 1.5,
      stages: { loading: { done: 9, total: 10 } },
      waiting_for: null,
    },
    summary: { ...counts, by_platform: { smartlead: counts } },
    error: status === 'failed' ? { code: 'RECORDS_LOST', message: 'one is missing', details: [] } : null,
    config: { syncMode: 'full_historical', platforms: ['smartlead'], namespaces: ['default'] },
    warnings: [],
    created_at: '2025-01-01T00:00:00.000Z',
    duration_ms: 41_250,
  };
}

test('sync starts the job that was asked for, follows it and reconciles', async () => {
  const { code, output } = await runCli(
    ['sync', '--platforms', 'smartlead', '--namespaces', 'a,b', '--batch-size', '50', '--workers', '3', '--watch'],
    { status: [job('in_progress', 10, 'keying'), job('completed', 100)] },
  );
  assert.equal(code, 0, output);
  assert.deepEqual(JSON.parse(asked[0]?.body ?? ''), {
    platforms: 'smartlead',
    syncMode: 'full_historical',
    namespaces: 'a,b',
    batchSize: 50,
    parallelWorkers: 3,
  });
  assert.match(output, /Job job_1 started; duration about 1 minute\./);
  assert.match(output, /warning: w1/);
  assert.match(output, /^ 10 % {2}keying {2}9 of 1,234 records, 1\.5 min left$/m);
  assert.match(output, /^100 % {2}completed/m);
  assert.match(output, /Job job_1 completed after 41\.3 s\./);
  assert.match(output, /records fetched 10 = 9 accepted \+ 1 rejected: holds/);
  assert.match(output, /events derived 12 = 8 created \+ 2 duplicates \+ 1 collisions \+ 1 dead-lettered: holds/);
  assert.match(output, /\/docs/);
});

test('without a terminal a line is printed only when something moved', async () => {
  const same = job('in_progress', 10, 'keying');
  const { output } = await runCli(['watch', 'job_1'], {
    status: [same, same, same, same, same, job('completed', 100)],
  });
  assert.equal(output.split('\n').filter((line) => line.includes(' % ')).length, 2);
});

test('a job that fails or is cancelled exits with 1 and says why', async () => {
  const failed = await runCli(['sync'], { status: [job('failed', 40)] });
  assert.equal(failed.code, 1);
  assert.match(failed.output, /Job job_1 failed .*\n\n {2}one is missing/);
  assert.equal((await runCli(['watch', 'job_1'], { status: [job('cancelled', 40)] })).code, 1);
});

test('numbers that do not balance are shouted', async () => {
  const odd = { ...job('completed', 100), summary: { ...counts, events_derived: 13 } };
  const { output } = await runCli(['watch', 'job_1'], { status: [odd] });
  assert.match(output, /events derived 13 = .*: DOES NOT HOLD \(12\)/);
});

test('detached, the command returns as soon as the job is stored', async () => {
  const { code, output } = await runCli(['sync', '--detach']);
  assert.equal(code, 0);
  assert.match(output, /Job job_1 started/);
  assert.equal(asked.length, 1);
});

test('every option of a sync is a field of its request', async () => {
  const asks = async (...args: readonly string[]): Promise<unknown> => {
    const { code } = await runCli(['sync', '--detach', ...args]);
    assert.equal(code, 0);
    return JSON.parse(asked[0]?.body ?? '');
  };
  const platforms = 'smartlead,lemlist';
  assert.deepEqual(await asks(), { platforms, syncMode: 'full_historical' });
  assert.deepEqual(await asks('--from', '2024-01-01', '--to', '2024-01-31T12:00:00Z', '--platforms', 'lemlist'), {
    platforms: 'lemlist',
    syncMode: 'date_range',
    startDate: '2024-01-01',
    endDate: '2024-01-31T12:00:00Z',
  });
  const pace = ['--rate', '0.5', '--burst', '3', '--retries', '2'];
  const windows = ['--window-days', '7', '--window-delay', '1000'];
  const more = ['--mode', 'delta_since_last', '--namespaces', 'a,b', '--batch-size', '50', '--workers', '2'];
  assert.deepEqual(await asks(...pace, ...windows, ...more), {
    platforms,
    syncMode: 'delta_since_last',
    namespaces: 'a,b',
    batchSize: 50,
    parallelWorkers: 2,
    rateLimitOverride: { requestsPerSecond: 0.5, burstSize: 3, retryAttempts: 2 },
    dateRange: { chunkSize: 7, delay: 1_000 },
  });
  for (const wrong of [
    ['--burst', '3'],
    ['--rate', 'quick'],
    ['--rate', '0'],
    ['--window-days', 'x'],
  ]) {
    assert.equal((await runCli(['sync', '--detach', ...wrong])).code, 2, wrong.join(' '));
  }
});

test('with --json stdout is JSON and nothing else', async () => {
  for (const args of [
    ['sync', '--json'],
    ['watch', 'job_1', '--json'],
    ['status', 'job_1', '--json'],
    ['history', '--json'],
  ]) {
    const { output } = await runCli(args, {
      status: [job('completed', 100)],
      history: { jobs: [], next_cursor: null },
    });
    assert.equal(typeof JSON.parse(output), 'object', `${args.join(' ')}: ${output}`);
  }
});

test('a sync that meets a running job follows that one', async () => {
  const body = { code: 'SYNC_003', error: 'job_0 is running', conflictingJobId: 'job_0' };
  const conflict = { status: 409, body };
  const { code, output } = await runCli(['sync'], { execute: conflict, status: [job('completed', 100)] });
  assert.equal(code, 0);
  assert.match(output, /Following job job_0\./);
  assert.ok(asked.some(({ url }) => url.endsWith('/status/job_0')));
  assert.equal((await runCli(['sync', '--detach'], { execute: conflict })).code, 1);
});

test('wrong usage exits with 2, before anything is asked or after the API refused it', async () => {
  for (const args of [['sync', '--bogus'], ['nothing'], ['status'], ['sync', '--batch-size', 'x'], ['accept-gap']]) {
    const { code } = await runCli(args);
    assert.equal(code, 2, args.join(' '));
    assert.equal(asked.length, 0);
  }
  const refused = { status: 400, body: { code: 'SYNC_001', error: '/syncMode: no such mode' } };
  const { code, output } = await runCli(['sync', '--mode', 'x'], { execute: refused });
  assert.equal(code, 2);
  assert.match(output, /SYNC_001: \/syncMode: no such mode/);
  assert.equal((await runCli(['history'], {}, { API_URL: 'nonsense' })).code, 2);
});

test('an API that does not answer exits with 3 and says how to start it', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { code, output } = await runCli(['history'], {}, { API_URL: url });
  assert.equal(code, 3);
  assert.match(output, /The API does not answer at .*\n.*npm run up/);
});

test('history lists the jobs and how to see more', async () => {
  const history = { jobs: [job('completed', 100)], next_cursor: 'abc' };
  const { output } = await runCli(['history', '--limit', '1', '--mode', 'full_historical'], { history });
  assert.match(asked[0]?.url ?? '', /\?limit=1&syncMode=full_historical$/);
  assert.match(output, /job_1 +2025-01-01 00:00:00 +completed +full_historical +smartlead +default +41\.3 s +12 +8/);
  assert.match(output, /history --cursor abc/);
});

test('stack.env is found in the home of the stack, and its password is not shown', async () => {
  const stackEnv = `API_URL=${apiUrl}\nDATABASE_URL=postgres://user:hunter2hunter2@127.0.0.1:1/db\n`;
  await writeFile(join(home, 'stack.env'), stackEnv, { mode: 0o600 });
  try {
    const { code, output } = await runCli(['watch', 'job_1'], { status: [job('completed', 100)] }, { API_URL: '' });
    assert.equal(code, 0, output);
    assert.match(output, /not counted: Postgres does not answer at 127\.0\.0\.1:1\/db/);
    const stack = await runCli(['stack']);
    assert.match(stack.output, /DATABASE_URL +postgres:\/\/user:\[redacted\]@127/);
    const doctor = await runCli(['doctor']);
    assert.equal(doctor.code, 1);
    assert.match(doctor.output, /MISSING +kafka +KAFKA_BROKERS is not set/);
    assert.match(doctor.output, /MISSING +postgres +nothing answers at 127\.0\.0\.1:1/);
    for (const { output: text } of [stack, doctor]) assert.doesNotMatch(text, /hunter2/);
  } finally {
    await rm(join(home, 'stack.env'));
  }
});
