import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { spawnProgram } from '@full-sync/testing';

const entry = join(import.meta.dirname, '..', 'src', 'main.ts');

interface Asked {
  readonly line: string;
  readonly body: unknown;
  readonly lastEventId: string | undefined;
}

type Answer = { readonly status: number; readonly body: unknown } | ((response: ServerResponse) => void);

/** What the pretend API answers to `METHOD /path?query`, one after another; the last one stays. */
let script: Readonly<Record<string, readonly Answer[]>> = {};
let asked: Asked[] = [];
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => {
    body += chunk;
  });
  request.on('end', () => {
    const line = `${request.method ?? ''} ${request.url ?? ''}`;
    const earlier = asked.filter((one) => one.line === line).length;
    const lastEventId = request.headers['last-event-id'];
    asked.push({ line, body: body === '' ? null : JSON.parse(body), lastEventId: lastEventId?.toString() });
    const answers = script[line] ?? [{ status: 404, body: { code: 'API_003', error: `no ${line}` } }];
    const answer = answers[Math.min(earlier, answers.length - 1)];
    if (typeof answer === 'function') answer(response);
    else if (answer !== undefined) {
      const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body);
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    }
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

async function runCli(
  args: readonly string[],
  answers: Readonly<Record<string, readonly Answer[]>> = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  script = answers;
  asked = [];
  const env = { API_URL: apiUrl, FULL_SYNC_HOME: home };
  await using program = spawnProgram({ name: 'cli', args: [entry, ...args], cwd: home, env });
  const { code } = await program.exited;
  return { code, output: program.output() };
}

const ok = (body: unknown): readonly Answer[] => [{ status: 200, body }];

function job(status: string, percentage = 50, stage = status): object {
  const counts = { records_fetched: 1, records_accepted: 1, events_derived: 2, events_created: 2 };
  return {
    jobId: 'job_1',
    status,
    progress: { percentage, processed_items: 1, total_items: 2, current_stage: stage, eta_minutes: 0, stages: {} },
    summary: { ...counts, by_platform: {} },
    error: null,
    config: { syncMode: 'replay', platforms: ['smartlead'], namespaces: ['default'] },
    warnings: [],
    created_at: '2025-01-01T00:00:00.000Z',
    duration_ms: 1_000,
  };
}

const stream =
  (events: readonly (readonly [number, object])[]): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('retry: 10\n\n: alive\n\n');
    for (const [id, data] of events) response.write(`id: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
    // As a drain does, whether or not the job has ended.
    response.end();
  };

test('cancel, pause and resume say what becomes of the job', async () => {
  const cancel = await runCli(['cancel', 'job_1'], {
    'DELETE /api/full-sync/cancel/job_1': ok({ success: true, ...job('in_progress') }),
  });
  assert.equal(cancel.code, 0, cancel.output);
  assert.match(cancel.output, /ends as soon as what it published is loaded/);
  const pause = await runCli(['pause', 'job_1'], {
    'POST /api/full-sync/job_1/pause': ok({ success: true, ...job('paused') }),
  });
  assert.match(pause.output, /Job job_1 is paused; .*resume job_1/);
  const resume = await runCli(['resume', 'job_1', '--json'], {
    'POST /api/full-sync/job_1/resume': ok({ success: true, ...job('in_progress') }),
  });
  assert.equal(JSON.parse(resume.output).status, 'in_progress');
  const refused = await runCli(['pause', 'job_1'], {
    'POST /api/full-sync/job_1/pause': [{ status: 409, body: { code: 'SYNC_005', error: 'it is completed' } }],
  });
  assert.deepEqual([refused.code, /SYNC_005: it is completed/.test(refused.output)], [1, true]);
});

test('watch follows the events of a job, connects again where it was, and ends with the job', async () => {
  const { code, output } = await runCli(['watch', 'job_1'], {
    'GET /api/full-sync/job_1/events': [
      stream([[3, job('in_progress', 10, 'keying')]]),
      stream([
        [5, job('in_progress', 60, 'loading')],
        [6, job('completed', 100)],
      ]),
    ],
    'GET /api/full-sync/status/job_1': [
      { status: 200, body: job('in_progress', 10, 'keying') },
      { status: 200, body: job('completed', 100) },
    ],
  });
  assert.equal(code, 0, output);
  assert.match(output, /10 % {2}keying/);
  assert.match(output, /100 % {2}completed/);
  const streams = asked.filter(({ line }) => line.endsWith('/events'));
  assert.deepEqual(
    streams.map(({ lastEventId }) => lastEventId),
    [undefined, '3'],
  );
  assert.ok(
    asked.filter(({ line }) => line.includes('/status/')).length <= 2,
    'the status is not asked for over and over',
  );
  const unknown = await runCli(['watch', 'job_x'], {
    'GET /api/full-sync/job_x/events': [{ status: 404, body: { code: 'SYNC_002', error: 'There is no job job_x.' } }],
  });
  assert.equal(unknown.code, 1);
  assert.match(unknown.output, /SYNC_002/);
});

test('dead letters are listed, and shown without losing a digit', async () => {
  const letter = {
    id: 7,
    status: 'open',
    stage: 'keyer',
    code: 'TIME_MISSING',
    detail: `sent_time is\nmissing ${'x'.repeat(80)}`,
    platform: 'smartlead',
    namespace: 'default',
    jobId: 'job_1',
    failed_at: '2025-01-01T00:00:00.000Z',
  };
  const listed = await runCli(['dead-letters', 'list', '--job', 'job_1', '--status', 'open', '--limit', '1'], {
    'GET /api/dead-letters?jobId=job_1&status=open&limit=1': ok({ dead_letters: [letter], next_cursor: '7' }),
  });
  assert.equal(listed.code, 0, listed.output);
  assert.match(
    listed.output,
    /7 +2025-01-01 00:00:00 +open +keyer +TIME_MISSING +smartlead +default +job_1 +sent_time is missing x+\.\.\.$/m,
  );
  assert.match(listed.output, /list --cursor 7/);
  const answers = {
    'GET /api/dead-letters/7': ok(
      '{"id":7,"pointer":null,"record_encoding":"json","record":{"stats_id":12345678901234567890}}',
    ),
  };
  for (const args of [
    ['dead-letters', 'show', '7'],
    ['dead-letters', 'show', '7', '--json'],
  ]) {
    const { output } = await runCli(args, answers);
    assert.match(output, /"stats_id": 12345678901234567890/);
  }
});

test('a replay names what is refused and follows its job', async () => {
  const accepted = {
    success: true,
    jobId: 'job_1',
    replaying: 2,
    refused: [{ id: 9, code: 'LETTER_TRUNCATED', message: 'only its beginning was kept' }],
    more: false,
  };
  const done = { 'GET /api/full-sync/status/job_1': ok(job('completed', 100)) };
  const byId = await runCli(['dead-letters', 'replay', '7', '8', '9', '--force'], {
    ...done,
    'POST /api/dead-letters/replay': ok(accepted),
  });
  assert.equal(byId.code, 0, byId.output);
  assert.deepEqual(asked[0]?.body, { ids: [7, 8, 9], force: true });
  assert.match(byId.output, /letter 9: LETTER_TRUNCATED: only its beginning was kept/);
  assert.match(byId.output, /Job job_1 replays 2 letters\./);
  assert.match(byId.output, /Job job_1 completed/);

  const nothing = { ...accepted, jobId: null, replaying: 0, refused: [] };
  const byFilter = await runCli(['dead-letters', 'replay', '--code', 'TIME_MISSING', '--json'], {
    'POST /api/dead-letters/replay': ok(nothing),
  });
  assert.deepEqual(asked[0]?.body, { filter: { code: 'TIME_MISSING' } });
  assert.equal(byFilter.code, 0);
  assert.equal(JSON.parse(byFilter.output).replaying, 0);
  for (const args of [['replay'], ['replay', '7', '--code', 'x'], ['replay', 'seven']]) {
    assert.equal((await runCli(['dead-letters', ...args])).code, 2, args.join(' '));
    assert.equal(asked.length, 0);
  }
});

test('namespaces are listed, and deleted only when the name is typed twice', async () => {
  const namespace = {
    name: 'acme',
    platforms: ['smartlead', 'lemlist'],
    rows: 1_234,
    last_sync: { jobId: 'job_1', status: 'completed', completed_at: '2025-01-01T00:00:00.000Z' },
    open_jobs: [],
  };
  const listed = await runCli(['namespaces', 'list'], { 'GET /api/namespaces': ok({ namespaces: [namespace] }) });
  assert.match(listed.output, /acme +1,234 +smartlead,lemlist +2025-01-01 00:00:00 completed +job_1 +-/);
  for (const args of [[], ['--confirm', 'other']]) {
    const { code, output } = await runCli(['namespaces', 'delete', 'acme', ...args]);
    assert.equal(code, 2);
    assert.match(output, /--confirm acme/);
    assert.equal(asked.length, 0);
  }
  const deleted = await runCli(['namespaces', 'delete', 'acme', '--confirm', 'acme'], {
    'DELETE /api/namespaces/acme?confirm=acme': ok({
      success: true,
      deleted: { rows: 1_234, collisions: 2, dead_letters: 3 },
    }),
  });
  assert.equal(deleted.code, 0, deleted.output);
  assert.match(deleted.output, /1,234 rows, 2 collisions, 3 dead letters/);
});
