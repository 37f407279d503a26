import { join } from 'node:path';
import { alerts } from '../../scripts/monitoring/alerts/index.ts';
import { missingPrograms } from './programs.ts';
import { prove } from './prove.ts';
import { checkWithPromtool } from './promtool-checks.ts';

const startedAt = performance.now();
const say = (line: string): void => console.log(line);
const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());

const root = join(import.meta.dirname, '..', '..');
const missing = missingPrograms();
if (missing !== null) {
  console.error(missing);
  process.exit(3);
}
try {
  checkWithPromtool(join(root, 'deploy', 'prometheus'), say);
  const failures = await prove({ root, alerts, say, signal: abort.signal });
  for (const failure of failures) say(`FAIL ${failure}`);
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  say(
    `monitoring: ${failures.length === 0 ? 'every query answers and every alert fires' : `${failures.length} failures`}, ${seconds} s`,
  );
  process.exitCode = failures.length === 0 ? 0 : 1;
} catch (error) {
  process.exitCode = 1;
  say(abort.signal.aborted ? 'interrupted' : `FAIL ${describe(error)}`);
}
// What is left (a socket that lingers) must not hold the terminal: everything was stopped and awaited.
process.exit();

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by: ${describe(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`;
}
