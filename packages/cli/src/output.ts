import { stringifyJson } from '@full-sync/schemas';

/** Where a command writes: results to stdout, everything else to stderr, so that `--json` stays JSON. */
export function printResult(text: string): void {
  process.stdout.write(`${text}\n`);
}

export function printJson(value: unknown): void {
  printResult(stringifyJson(value, 2));
}

export function printNote(text: string): void {
  process.stderr.write(`${text}\n`);
}
