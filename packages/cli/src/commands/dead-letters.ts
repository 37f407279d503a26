import { stringifyJson } from '@full-sync/schemas';
import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { CliError, exitCodes } from '../errors.ts';
import { list } from '../format.ts';
import { fields, text } from '../job.ts';
import { printJson, printNote, printResult } from '../output.ts';
import type { Settings } from '../settings.ts';
import { createProgressView } from '../show-progress.ts';
import { watchJob } from '../watch-job.ts';
import { finishJob } from './finish.ts';

interface Context {
  readonly settings: Settings;
  readonly api: ApiClient;
}

interface Filter {
  readonly stage?: string;
  readonly code?: string;
  readonly job?: string;
  readonly platform?: string;
  readonly namespace?: string;
  readonly json: boolean;
}

/** Adds `dead-letters list`, `show` and `replay`; `done` takes the exit code. */
export function registerDeadLetters(program: Command, done: (exitCode: number) => void, withApi: () => Context): void {
  const letters = program.command('dead-letters').description('what could not be processed: list, show, replay it');
  const command = (name: string, description: string): Command =>
    letters.command(name).description(description).option('--json', 'print JSON only', false);
  const filtered = (of: Command): Command =>
    of
      .option('--stage <stage>', 'extractor, keyer, loader or a destination')
      .option('--code <code>')
      .option('--job <jobId>')
      .option('--platform <platform>')
      .option('--namespace <namespace>');

  filtered(command('list', 'list them, newest first'))
    .option('--status <status>', 'open, replaying, replayed or superseded')
    .option('--limit <n>', 'letters on a page, 1 to 100')
    .option('--cursor <cursor>', 'where the last page ended')
    .action(async (options: ListOptions) => {
      done(await runList(options, withApi()));
    });
  command('show <id>', 'show one with its record').action(async (id: string, options: { readonly json: boolean }) => {
    done(await runShow(id, options, withApi()));
  });
  filtered(command('replay [ids...]', 'publish their records again, by id or by filter'))
    .option('--force', 'also those that were replayed before', false)
    .option('--no-watch', 'return as soon as the job is stored')
    .action(async (ids: readonly string[], options: ReplayOptions) => {
      done(await runReplay(ids, options, withApi()));
    });
}

interface ListOptions extends Filter {
  readonly status?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

async function runList(options: ListOptions, { api }: Context): Promise<number> {
  const query = new URLSearchParams();
  const { status, limit, cursor } = options;
  for (const [name, value] of Object.entries({ ...filterOf(options), status, limit, cursor }))
    if (value !== undefined) query.set(name, value);
  const answer = await api.get(`/api/dead-letters?${query.toString()}`);
  if (options.json) {
    printJson(answer);
    return exitCodes.completed;
  }
  const { dead_letters: found, next_cursor: next } = fields(answer);
  const rows = (Array.isArray(found) ? found : []).map((letter) => row(fields(letter)));
  if (rows.length === 0) printResult('There are no such letters.');
  else
    printResult(list([['id', 'failed', 'status', 'stage', 'code', 'platform', 'namespace', 'job', 'detail'], ...rows]));
  if (typeof next === 'string') printResult(`\nMore: npm run cli -- dead-letters list --cursor ${next}`);
  return exitCodes.completed;
}

function row(letter: Readonly<Record<string, unknown>>): readonly string[] {
  const detail = text(letter['detail']).replaceAll(/\s+/g, ' ');
  return [
    String(letter['id']),
    text(letter['failed_at']).slice(0, 19).replace('T', ' '),
    text(letter['status']),
    text(letter['stage']),
    text(letter['code']),
    text(letter['platform']),
    text(letter['namespace']),
    text(letter['jobId']),
    detail.length > 60 ? `${detail.slice(0, 57)}...` : detail,
  ];
}

async function runShow(id: string, { json }: { readonly json: boolean }, { api }: Context): Promise<number> {
  const answer = await api.get(`/api/dead-letters/${encodeURIComponent(id)}`);
  if (json) {
    printJson(answer);
    return exitCodes.completed;
  }
  const { record, record_encoding: encoding, ...letter } = fields(answer);
  const known = Object.entries(letter).filter(([, value]) => value !== null);
  printResult(list(known.map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)])));
  const shown = typeof record === 'string' ? record : stringifyJson(record, 2);
  printResult(`\nrecord (${text(encoding)})\n${shown}`);
  return exitCodes.completed;
}

interface ReplayOptions extends Filter {
  readonly force: boolean;
  readonly watch: boolean;
}

async function runReplay(ids: readonly string[], options: ReplayOptions, { settings, api }: Context): Promise<number> {
  const { json, watch, force } = options;
  const selection = selectionOf(ids, options);
  const answer = await api.post('/api/dead-letters/replay', { ...selection, ...(force ? { force } : {}) });
  const { jobId, replaying, refused, more } = fields(answer);
  const id = text(jobId);
  if (json && (!watch || id === '')) printJson(answer);
  if (!json) {
    for (const one of Array.isArray(refused) ? refused : []) {
      const { id: letter, code, message } = fields(one);
      printNote(`letter ${String(letter)}: ${text(code)}: ${text(message)}`);
    }
    printResult(id === '' ? 'No letter is to be replayed.' : `Job ${id} replays ${String(replaying)} letters.`);
    if (more === true) printNote('The filter fits further letters: repeat this when the job has ended.');
  }
  // Nothing of a filter is nothing left to do; letters named one by one were meant.
  if (id === '') return ids.length === 0 ? exitCodes.completed : exitCodes.failed;
  if (!watch) return exitCodes.completed;
  const job = await watchJob(api, id, json ? null : createProgressView(process.stderr));
  return await finishJob(job, { settings, api, json });
}

function selectionOf(ids: readonly string[], options: ReplayOptions): object {
  const filter = filterOf(options);
  const filtered = Object.values(filter).some((value) => value !== undefined);
  if (filtered === ids.length > 0)
    throw new CliError(exitCodes.usage, 'Name the letters by their ids, or by a filter such as --job or --code.');
  if (filtered) return { filter };
  const wrong = ids.find((id) => !/^\d{1,15}$/.test(id));
  if (wrong !== undefined) throw new CliError(exitCodes.usage, `expected the id of a letter; got "${wrong}"`);
  return { ids: ids.map(Number) };
}

function filterOf({ stage, code, job, platform, namespace }: Filter): Readonly<Record<string, string | undefined>> {
  return { stage, code, jobId: job, platform, namespace };
}
