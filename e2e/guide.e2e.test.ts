import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { describeExit, spawnProgram, waitFor } from '@full-sync/testing';
import { recordCalls } from './guide/record-calls.ts';
import type { Call } from './guide/record-calls.ts';
import { readSnippets } from './guide/snippets.ts';
import type { Snippet } from './guide/snippets.ts';
import { programAt, readResults, writeStandIns } from './guide/stand-ins.ts';
import { pathsIn, toRunnableJavaScript, toRunnableShell } from './guide/transform.ts';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';

const root = join(import.meta.dirname, '..');
const guide = await readFile(join(root, 'docs', 'usage-guide.md'), 'utf8');
const snippets = readSnippets(guide);
const jobDeadlineMs = 120_000;
/** Of one snippet: each sync of its loops is waited for. */
const snippetDeadlineMs = 300_000;
/** What the guide's snippets take from the shell of their user. */
const syncConfig = JSON.stringify({
  platforms: 'smartlead',
  syncMode: 'delta_since_last',
  namespaces: 'from-environment',
});

test('no block of the guide is left out', () => {
  const fences = guide.split('\n').filter((text) => text.startsWith('```'));
  assert.equal(snippets.length, fences.length / 2);
  const byLanguage = Object.groupBy(snippets, ({ language }) => language);
  const counts = Object.entries(byLanguage).map(([language, some]) => [language, some?.length]);
  assert.deepEqual(Object.fromEntries(counts), { bash: 31, json: 1, javascript: 9, sql: 1 });
});

for (const keyed of [false, true]) {
  test(`every snippet of the guide runs, ${keyed ? 'with an API key' : 'open on loopback'}`, async (t) => {
    programAt('jq');
    const size = { smartlead: { campaigns: 3, rows: 120 }, lemlist: { campaigns: 3, activities: 120 } };
    const only = { api: { API_RATE_LIMIT: 'off' } };
    await using pipeline = await startPipeline({ simulators: { seed: 71, size }, only });
    const apiKey = keyed ? await createKey(pipeline) : null;
    await using run = await startRun(pipeline, apiKey);
    let ran = 0;
    for (const snippet of snippets) {
      await t.test(snippet.name, async (one) => {
        await pipeline.explain(() => run.snippet(snippet, one));
      });
      ran += 1;
    }
    assert.equal(ran, snippets.length);
    if (!keyed) return;
    assert.equal((await pipeline.call('GET', '/api/full-sync/history')).status, 401, 'the key was needed');
  });
}

/** Makes a key as the reader of the guide would, and waits until the api asks for one. */
async function createKey(pipeline: Pipeline): Promise<string> {
  const scopes = 'sync:read,sync:execute,sync:reset,keys:read,keys:write,db:read,db:optimize';
  const entry = join(root, 'packages', 'cli', 'src', 'main.ts');
  const cli = spawnProgram({
    name: 'keys create',
    args: [entry, 'keys', 'create', '--name', 'guide', '--scopes', scopes, '--json'],
    env: { DATABASE_URL: pipeline.databaseUrl },
    cwd: import.meta.dirname,
  });
  const exit = await cli.exited;
  assert.equal(exit.code, 0, cli.output());
  const { key } = JSON.parse(/^\{[\s\S]*^\}$|^\{.*\}$/m.exec(cli.output())?.[0] ?? '') as { readonly key: string };
  const refused = async (): Promise<boolean> => (await pipeline.call('GET', '/api/full-sync/history')).status === 401;
  await waitFor(refused, { what: 'the api to ask for a key', deadlineMs: 60_000 });
  return key;
}

interface Run extends AsyncDisposable {
  readonly snippet: (snippet: Snippet, t: TestContext) => Promise<void>;
}

async function startRun(pipeline: Pipeline, apiKey: string | null): Promise<Run> {
  const { pool } = pipeline;
  const whenIdle = async (): Promise<void> => {
    const look = async (): Promise<string | null> => {
      const dead = pipeline.services.find((one) => one.current().hasExited());
      if (dead !== undefined) return `${dead.name} has ended`;
      const running = await pool.query('select from jobs where completed_at is null');
      return running.rowCount === 0 ? 'idle' : null;
    };
    assert.equal(await waitFor(look, { what: 'all jobs to end', deadlineMs: jobDeadlineMs }), 'idle');
  };
  await using started = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'full-sync-guide-'));
  started.defer(() => rm(folder, { recursive: true, force: true }));
  const recorder = started.use(await recordCalls(pipeline.api, whenIdle));
  const host = recorder.url;
  let firstJob = '';
  let lastCall: Call | null = null;
  const cleanUp = started.move();

  const begin = async (): Promise<string> => {
    const answer = await fetch(`${pipeline.api}/api/full-sync/execute`, {
      method: 'POST',
      headers: apiKey === null ? {} : { authorization: `Bearer ${apiKey}` },
      body: JSON.stringify({ platforms: 'smartlead,lemlist', syncMode: 'full_historical', namespaces: 'watched' }),
    });
    assert.equal(answer.status, 202);
    return ((await answer.json()) as { readonly jobId: string }).jobId;
  };
  const execute = async (snippet: Snippet): Promise<string> => {
    const place = await mkdtemp(join(folder, 'snippet-'));
    // What watches a job until its end is given one that has just begun.
    const jobId = /while true/.test(snippet.text) ? await begin() : firstJob;
    const values = { host, apiKey, jobId };
    const env = {
      HOME: place,
      API_KEY: apiKey ?? 'YOUR_API_KEY',
      SYNC_CONFIG: syncConfig,
      PATH: [join(place, 'bin'), dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    };
    const isShell = snippet.language === 'bash';
    const { text, shown } = isShell
      ? toRunnableShell(snippet.text, values)
      : { text: toRunnableJavaScript(snippet.text, values), shown: null };
    await writeStandIns(place, { host, idleUrl: recorder.idleUrl, apiKey });
    const work = join(place, 'work');
    await mkdir(work);
    const file = join(place, isShell ? 'snippet.sh' : 'snippet.mjs');
    await writeFile(file, text);
    const program = spawnProgram({
      name: snippet.name,
      ...(isShell ? { command: programAt('bash'), args: ['-eo', 'pipefail', file, jobId] } : { args: [file] }),
      cwd: work,
      env,
    });
    const late = setTimeout(() => program.signal('SIGKILL'), snippetDeadlineMs);
    const exit = await program.exited;
    clearTimeout(late);
    const calls = recorder.take();
    const story = `\n${text}\n--- printed\n${program.output()}\n--- calls\n${calls.map(line).join('\n')}`;
    assert.equal(exit.code, 0, `ended with ${describeExit(exit)}${story}`);
    assert.doesNotMatch(program.output(), /command not found|syntax error|integer expression expected|Skipping/, story);
    for (const call of calls) {
      assert.ok(call.status >= 200 && call.status < 300, `${line(call)}${story}`);
      if (apiKey !== null) assert.equal(call.authorization, `Bearer ${apiKey}`, line(call));
      lastCall = call;
    }
    for (const path of pathsIn(snippet.text))
      assert.ok(
        calls.some((call) => call.path.startsWith(path)),
        `${path} was not called${story}`,
      );
    assert.ok(calls.length > 0, `nothing was called${story}`);
    const { count, faults } = await readResults(place);
    assert.deepEqual(faults, []);
    if (/\| jq /.test(snippet.text)) assert.ok(count > 0, `jq was not called${story}`);
    if (shown !== null) assertLike(JSON.parse(shown), JSON.parse(lastCall?.body ?? ''));
    for (const name of await readdir(work)) JSON.parse(await readFile(join(work, name), 'utf8'));
    await assertJobs(calls);
    return `${calls.length} calls, ${count} results of jq`;
  };

  const assertJobs = async (calls: readonly Call[]): Promise<void> => {
    await whenIdle();
    const ids = calls
      .filter(({ path }) => path === '/api/full-sync/execute')
      .map(({ body }) => (JSON.parse(body) as { readonly jobId: string }).jobId);
    firstJob ||= ids[0] ?? '';
    const { rows } = await pool.query<{ readonly status: string }>('select status from jobs where job_id = any($1)', [
      ids,
    ]);
    assert.deepEqual(
      rows,
      Array.from(ids, () => ({ status: 'completed' })),
    );
  };

  return {
    async snippet(snippet, t) {
      // A snippet that failed may have left a job: the next one is not to meet it.
      await whenIdle();
      recorder.take();
      switch (snippet.language) {
        case 'bash':
        case 'javascript':
          t.diagnostic(await execute(snippet));
          return;
        case 'json':
          // The answer to the call above it.
          assertLike(JSON.parse(snippet.text), JSON.parse(lastCall?.body ?? ''));
          return;
        case 'sql': {
          const { rows } = await pool.query<Readonly<Record<string, unknown>>>(snippet.text);
          assert.ok(rows.length > 0);
          for (const row of rows)
            assert.ok(
              Object.values(row).every((value) => value !== null),
              JSON.stringify(row),
            );
          return;
        }
        default:
          throw new Error(`nobody knows how to run ${snippet.language}`);
      }
    },
    [Symbol.asyncDispose]: () => cleanUp.disposeAsync(),
  };
}

function line({ method, path, status, body }: Call): string {
  return `${method} ${path} ${status} ${body.slice(0, 600)}`;
}

/** Every member that the guide shows is in the answer, and is of the same kind. */
function assertLike(shown: unknown, actual: unknown, at = ''): void {
  assert.equal(typeof actual, typeof shown, `${at}: ${JSON.stringify(actual)}`);
  if (typeof shown !== 'object' || shown === null) return;
  for (const [name, value] of Object.entries(shown))
    assertLike(value, (actual as Readonly<Record<string, unknown>>)[name], `${at}/${name}`);
}
