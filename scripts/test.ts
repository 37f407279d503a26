import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareListings, listFiles, listIndependently } from './source-files.ts';
import { runFiles, seconds } from './test-run/run-files.ts';
import type { RunResult } from './test-run/run-files.ts';
import { findStrays, KINDS, selectTests } from './test-run/select.ts';
import type { Kind, Selection } from './test-run/select.ts';

type Settings = { readonly concurrency: number; readonly timeoutMs: number };

/** Unit files are bound by the cores; the others share one broker and one database, and mostly wait. */
const SETTINGS: Readonly<Record<Kind, Settings>> = {
  unit: { concurrency: availableParallelism(), timeoutMs: 60_000 },
  integration: { concurrency: 3, timeoutMs: 240_000 },
  fault: { concurrency: 3, timeoutMs: 480_000 },
  e2e: { concurrency: 3, timeoutMs: 480_000 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** The tree to test; only the tests of this script name another one. */
    root: { type: 'string', default: join(import.meta.dirname, '..') },
    verbose: { type: 'boolean', default: process.stdout.isTTY },
  },
});
const { root, verbose } = values;
const interrupt = new AbortController();
const write = (text: string): void => void process.stdout.write(text);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    write(`${signal}: stopping\n`);
    interrupt.abort();
  });
}
process.exitCode = await main().catch((error: unknown) => {
  write(`${toError(error).message}\n\n0 passed, 1 failed\n`);
  return 1;
});

async function main(): Promise<number> {
  const startedAt = performance.now();
  const files = listFiles(root);
  const selection = selectTests(files, positionals, root);
  // Two listings, made in two ways, must agree: a walk that overlooks a folder would otherwise pass in silence.
  const tests = files.filter((path) => path.endsWith('.test.ts'));
  const problems = [...findStrays(files), ...compareListings(tests, listIndependently(root, '*.test.ts'))];

  const results = await runAll(selection);
  for (const result of results) problems.push(...result.problems);
  const sum = (read: (result: RunResult) => number): number => results.reduce((total, one) => total + read(one), 0);
  const failed = sum((one) => one.failed) + problems.length;
  const all = results.flatMap((one) => one.files).toSorted((a, b) => b.durationMs - a.durationMs);
  if (interrupt.signal.aborted) problems.push('the run was interrupted');

  write(`\n${all.length} files in ${seconds(performance.now() - startedAt)}; the slowest:\n`);
  for (const { path, durationMs } of all.slice(0, 10)) write(`  ${seconds(durationMs).padStart(8)}  ${path}\n`);
  for (const problem of problems) write(`FAIL ${problem}\n`);
  const passed = sum((one) => one.passed);
  const skipped = sum((one) => one.skipped);
  write(`\n${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`);
  return passed > 0 && failed === 0 && problems.length === 0 ? 0 : 1;
}

/** Runs the kinds in their order. The stack starts while the unit files run, which do not need it. */
async function runAll(selection: Selection): Promise<readonly RunResult[]> {
  const needsStack = KINDS.some((kind) => kind !== 'unit' && (selection.get(kind) ?? []).length > 0);
  const starting = needsStack ? startTestStack().catch((error: unknown) => toError(error)) : null;
  const results: RunResult[] = [];
  for (const kind of KINDS) {
    const chosen = selection.get(kind) ?? [];
    if (chosen.length === 0 || interrupt.signal.aborted) continue;
    const stack = kind === 'unit' ? null : await starting;
    if (stack instanceof Error) {
      results.push(nothingRun(`the stack did not start, so no ${kind} test was run: ${stack.message}`));
      continue;
    }
    Object.assign(process.env, stack?.env);
    write(`${kind}: ${chosen.length} files\n`);
    results.push(await runFiles({ root, files: chosen, ...SETTINGS[kind], signal: interrupt.signal, verbose, write }));
  }
  const stack = await starting;
  if (stack !== null && !(stack instanceof Error)) await stack.stop();
  return results;
}

function nothingRun(problem: string): RunResult {
  return { passed: 0, failed: 0, skipped: 0, files: [], problems: [problem] };
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** Starts a stack of this run's own beside any other, in a folder that is removed with it; addresses in the environment are taken instead. */
async function startTestStack(): Promise<{ readonly env: NodeJS.ProcessEnv; readonly stop: () => Promise<void> }> {
  const { startStack } = await import('@full-sync/local-stack');
  const homes = join(process.env['FULL_SYNC_HOME'] ?? join(root, '.full-sync'), 'tests');
  mkdirSync(homes, { recursive: true });
  for (const name of readdirSync(homes)) {
    if (!isAlive(Number(name))) rmSync(join(homes, name), { recursive: true, force: true });
  }
  const home = join(homes, String(process.pid));
  const startedAt = performance.now();
  const log = (line: string): void => write(`stack: ${line}\n`);
  const stack = await startStack({ home, log, signal: interrupt.signal });
  write(`stack: ready after ${seconds(performance.now() - startedAt)}\n`);
  return {
    env: { ...stack.env },
    async stop() {
      await stack.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
