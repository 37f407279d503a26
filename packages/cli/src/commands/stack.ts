import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { redactUrl } from '@full-sync/runtime';
import { CliError, exitCodes } from '../errors.ts';
import { list } from '../format.ts';
import { fields } from '../job.ts';
import { printJson, printResult } from '../output.ts';
import { shortPath } from '../settings.ts';
import type { Settings } from '../settings.ts';

/** Prints the addresses and processes of the local stack; passwords are not shown. */
export function runStack(options: { readonly json: boolean }, settings: Settings): number {
  if (!settings.hasStackEnv)
    throw new CliError(
      exitCodes.unreachable,
      `No local stack has written ${shortPath(settings.stackEnv)}.`,
      'Start one with `npm run up`.',
    );
  const addresses = Object.entries(parseEnv(readFileSync(settings.stackEnv, 'utf8'))).map(
    ([name, value]) => [name, value?.includes('://') === true ? redactUrl(value) : (value ?? '')] as const,
  );
  const processes = readProcesses(join(settings.home, 'processes.json'));
  if (options.json) {
    printJson({ addresses: Object.fromEntries(addresses), processes });
    return exitCodes.completed;
  }
  printResult(list(addresses));
  const rows = processes.map((entry) => [
    String(entry['name']),
    String(entry['pid']),
    String(entry['startedAt']),
    String(entry['restarts']),
  ]);
  if (rows.length > 0) printResult(`\n${list([['process', 'pid', 'started', 'restarts'], ...rows])}`);
  return exitCodes.completed;
}

function readProcesses(path: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    const processes: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return Array.isArray(processes) ? processes.map(fields) : [];
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}
