import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Command } from 'commander';
import { readSettings } from '../settings.ts';

const program = join(import.meta.dirname, '..', '..', '..', '..', 'services', 'attio', 'src', 'setup.ts');

/** Adds `attio setup`; `done` takes the exit code. What there is to set up, the service's own program knows. */
export function registerAttio(cli: Command, done: (exitCode: number) => void): void {
  const attio = cli.command('attio').description('the Attio workspaces that events are sent to');
  attio
    .command('setup')
    .description('make the attributes of people that a workspace lacks, and check them')
    .option('--check', 'check them alone', false)
    .option('--activities', 'those of the activities as well that events are written as', false)
    .option('--json', 'print JSON only', false)
    .action(async (options: SetupOptions) => {
      // The settings of `.env`, for the program below.
      readSettings();
      done(await runSetup(options));
    });
}

interface SetupOptions {
  readonly check: boolean;
  readonly activities: boolean;
  readonly json: boolean;
}

async function runSetup(options: SetupOptions): Promise<number> {
  const flags = (['check', 'activities', 'json'] as const).filter((name) => options[name]).map((name) => `--${name}`);
  const args = [program, ...flags];
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
