import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { CliError, exitCodes } from '../errors.ts';
import { decimal, list } from '../format.ts';
import { fields, text, texts } from '../job.ts';
import { printJson, printNote, printResult } from '../output.ts';

/** Adds `namespaces list` and `namespaces delete`; `done` takes the exit code. */
export function registerNamespaces(
  program: Command,
  done: (exitCode: number) => void,
  withApi: () => { readonly api: ApiClient },
): void {
  const namespaces = program.command('namespaces').description('list the namespaces, delete one');
  namespaces
    .command('list')
    .description('list them with their rows and last sync')
    .option('--json', 'print JSON only', false)
    .action(async (options: { readonly json: boolean }) => {
      done(await runList(options, withApi().api));
    });
  namespaces
    .command('delete <name>')
    .description('delete one with all its rows, collisions, dead letters and cursors')
    .option('--confirm <name>', 'the name once more')
    .option('--json', 'print JSON only', false)
    .action(async (name: string, options: { readonly confirm?: string; readonly json: boolean }) => {
      done(await runDelete(name, options, withApi().api));
    });
}

async function runList({ json }: { readonly json: boolean }, api: ApiClient): Promise<number> {
  const answer = await api.get('/api/namespaces');
  if (json) {
    printJson(answer);
    return exitCodes.completed;
  }
  const found = fields(answer)['namespaces'];
  const rows = (Array.isArray(found) ? found : []).map((one) => row(fields(one)));
  if (rows.length === 0) printResult('There are no namespaces yet: the first sync makes one.');
  else printResult(list([['namespace', 'rows', 'platforms', 'last sync', 'job', 'writing now'], ...rows]));
  return exitCodes.completed;
}

function row(namespace: Readonly<Record<string, unknown>>): readonly string[] {
  const last = fields(namespace['last_sync']);
  const when = text(last['completed_at']).slice(0, 19).replace('T', ' ');
  return [
    text(namespace['name']),
    decimal(Number(namespace['rows'])),
    texts(namespace['platforms']).join(','),
    when === '' ? '-' : `${when} ${text(last['status'])}`,
    text(last['jobId']) || '-',
    texts(namespace['open_jobs']).join(',') || '-',
  ];
}

async function runDelete(
  name: string,
  { confirm, json }: { readonly confirm?: string; readonly json: boolean },
  api: ApiClient,
): Promise<number> {
  if (confirm !== name) {
    throw new CliError(
      exitCodes.usage,
      `This deletes all rows of namespace ${name}, its collisions, dead letters and cursors.`,
      `Repeat it with --confirm ${name}.`,
    );
  }
  const answer = await api.delete(`/api/namespaces/${encodeURIComponent(name)}?confirm=${encodeURIComponent(confirm)}`);
  if (json) {
    printJson(answer);
    return exitCodes.completed;
  }
  const { rows, collisions, dead_letters: letters } = fields(fields(answer)['deleted']);
  printResult(
    `Namespace ${name} is deleted: ${decimal(Number(rows))} rows, ${decimal(Number(collisions))} collisions, ${decimal(Number(letters))} dead letters.`,
  );
  printNote('Its name can be used again; the next sync reads everything anew.');
  return exitCodes.completed;
}
