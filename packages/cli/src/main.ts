import { Command, CommanderError } from 'commander';
import { FullSyncError } from '@full-sync/runtime';
import { createApiClient } from './api-client.ts';
import { runAcceptGap } from './commands/accept-gap.ts';
import type { AcceptGapOptions } from './commands/accept-gap.ts';
import { registerDeadLetters } from './commands/dead-letters.ts';
import { registerDeliver } from './commands/deliver.ts';
import { registerAttio } from './commands/attio.ts';
import { runDoctor } from './commands/doctor.ts';
import { registerInsight } from './commands/insight.ts';
import { registerJobControl } from './commands/job-control.ts';
import { runHistory, runStatus, runWatch } from './commands/jobs.ts';
import type { HistoryOptions } from './commands/jobs.ts';
import { registerKeys } from './commands/keys.ts';
import { runMigrate } from './commands/migrate.ts';
import { registerNamespaces } from './commands/namespaces.ts';
import { runStack } from './commands/stack.ts';
import { runSync } from './commands/sync.ts';
import type { SyncOptions } from './commands/sync.ts';
import { registerWebhooks } from './commands/webhooks.ts';
import { CliError, exitCodes } from './errors.ts';
import { printNote } from './output.ts';
import { readSettings } from './settings.ts';

/** Runs one command; its result is the exit code of this process. */
async function run(args: readonly string[]): Promise<number> {
  let exitCode: number = exitCodes.completed;
  const done = (code: number): void => {
    exitCode = code;
  };
  const withApi = () => {
    const settings = readSettings();
    return { settings, api: createApiClient(settings.apiUrl, settings.apiKey) };
  };
  const program = new Command('npm run cli --')
    .description('Smartlead and Lemlist activities into your own Postgres.')
    .addHelpText('after', '\nExit codes: 0 completed, 1 job failed or cancelled, 2 usage, 3 the API does not answer.')
    .exitOverride();
  const command = (name: string, description: string): Command =>
    program.command(name).description(description).option('--json', 'print JSON only', false);

  command('sync', 'start a sync and follow it to its end')
    .option('--platforms <list>', 'comma list of smartlead, lemlist', 'smartlead,lemlist')
    .option(
      '--mode <mode>',
      'full_historical (the default), delta_since_last, date_range (with --from and --to) or namespace_reset',
    )
    .option('--from <date>', 'first day, or instant, of a date_range')
    .option('--to <date>', 'last day, or instant')
    .option('--namespaces <list>', 'comma list of namespaces (default: default)')
    .option('--destinations <list>', 'comma list of mixpanel, attio: send the events there, too')
    .option('--batch-size <n>', 'records of one produce request, 1 to 10000 or auto')
    .option('--workers <n>', 'walks in flight per account, 1 to 32')
    .option('--rate <n>', 'requests per second of this sync, below what the account allows')
    .option('--burst <n>', 'requests that may go at once at that rate')
    .option('--retries <n>', 'attempts after a request that failed')
    .option('--window-days <n>', 'read in windows of so many days, one after the other')
    .option('--window-delay <ms>', 'pause between two windows')
    .option('--watch', 'follow the job', true)
    .option('--no-watch', 'return as soon as the job is stored')
    .option('--detach', 'the same as --no-watch', false)
    .action(async (options: SyncOptions & { readonly detach: boolean }) => {
      const watch = options.detach ? false : options.watch;
      done(await runSync({ ...options, watch }, withApi()));
    });
  command('status <jobId>', 'show how a job is now').action(async (jobId: string, options: { json: boolean }) => {
    done(await runStatus(jobId, options, withApi()));
  });
  command('watch <jobId>', 'follow a job to its end').action(async (jobId: string, options: { json: boolean }) => {
    done(await runWatch(jobId, options, withApi()));
  });
  command('history', 'list the jobs, newest first')
    .option('--limit <n>', 'jobs on a page, 1 to 100')
    .option('--cursor <cursor>', 'where the last page ended')
    .option('--status <status>')
    .option('--mode <mode>')
    .option('--platform <platform>')
    .option('--namespace <namespace>')
    .action(async (options: HistoryOptions) => {
      done(await runHistory(options, withApi()));
    });
  command('doctor', 'look at everything a sync needs').action(async (options: { json: boolean }) => {
    done(await runDoctor(options, readSettings()));
  });
  command('migrate', 'bring the schema of the database to this release').action(async (options: { json: boolean }) => {
    readSettings();
    done(await runMigrate(options));
  });
  command('stack', 'show the addresses and processes of the local stack').action((options: { json: boolean }) => {
    done(runStack(options, readSettings()));
  });
  registerJobControl(program, done, withApi);
  registerDeadLetters(program, done, withApi);
  registerNamespaces(program, done, withApi);
  registerInsight(program, done, withApi);
  registerDeliver(program, done);
  registerKeys(program, done);
  registerAttio(program, done);
  registerWebhooks(program, done);
  command('accept-gap', 'let a stage that halted at missing records go on behind them')
    .requiredOption('--group <group>', 'keyer, loader, api, or the name of a destination')
    .requiredOption('--topic <topic>', 'the topic with the gap')
    .requiredOption('--partition <n>', 'its partition')
    .option('--to <offset>', 'where to go on, as the halted stage says; the log start unless told')
    .option('--yes', 'accept the loss', false)
    .action(async (options: AcceptGapOptions) => {
      readSettings();
      done(await runAcceptGap(options));
    });

  await program.parseAsync(args, { from: 'user' });
  return exitCode;
}

/** The exit code for an error, after saying what it was. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.completed : exitCodes.usage;
  if (error instanceof CliError || error instanceof FullSyncError) {
    printNote(error.message);
    if (error.hint !== undefined) printNote(error.hint);
    return error.exitCode;
  }
  throw error;
}

process.exitCode = await run(process.argv.slice(2)).catch(explain);
