import type { Command } from 'commander';
import type { ApiClient } from '../api-client.ts';
import { exitCodes } from '../errors.ts';
import { readJob } from '../job.ts';
import { printJson, printResult } from '../output.ts';

const wishes = {
  cancel: 'end a job: nothing more is read, what was published is still loaded',
  pause: 'hold a job: nothing more is read, its namespaces stay its own',
  resume: 'let a paused job go on',
} as const;

/** Adds `cancel`, `pause` and `resume`; `done` takes the exit code. */
export function registerJobControl(
  program: Command,
  done: (exitCode: number) => void,
  withApi: () => { readonly api: ApiClient },
): void {
  for (const wish of ['cancel', 'pause', 'resume'] as const) {
    program
      .command(`${wish} <jobId>`)
      .description(wishes[wish])
      .option('--json', 'print JSON only', false)
      .action(async (jobId: string, options: { readonly json: boolean }) => {
        const { api } = withApi();
        const id = encodeURIComponent(jobId);
        const answer =
          wish === 'cancel'
            ? await api.delete(`/api/full-sync/cancel/${id}`)
            : await api.post(`/api/full-sync/${id}/${wish}`);
        if (options.json) printJson(answer);
        else printResult(describe(wish, readJob(answer)));
        done(exitCodes.completed);
      });
  }
}

function describe(wish: keyof typeof wishes, { jobId, status }: ReturnType<typeof readJob>): string {
  const watch = `follow it with: npm run cli -- watch ${jobId}`;
  if (wish === 'pause') return `Job ${jobId} is ${status}; let it go on with: npm run cli -- resume ${jobId}`;
  if (wish === 'resume') return `Job ${jobId} is ${status}; ${watch}`;
  return status === 'cancelled'
    ? `Job ${jobId} is cancelled.`
    : `Job ${jobId} ends as soon as what it published is loaded; ${watch}`;
}
