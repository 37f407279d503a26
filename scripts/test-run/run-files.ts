import { join } from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { inspect } from 'node:util';

/** How one test file went. */
export type FileResult = { readonly path: string; readonly tests: number; readonly durationMs: number };

/** What a set of files came to. `problems` are lines for what fails a run without being a failed test. */
export type RunResult = {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly files: readonly FileResult[];
  readonly problems: readonly string[];
};

export type RunOptions = {
  readonly root: string;
  /** Relative to the root. */
  readonly files: readonly string[];
  /** How many files run at a time, each in a process of its own. */
  readonly concurrency: number;
  /** How long one file may take, in milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Every test by its name, as node's own reporter shows it; else a line per file, and failures in full. */
  readonly verbose: boolean;
  readonly write: (text: string) => void;
};

type Place = {
  readonly file?: string | undefined;
  /** The test file, where `file` is the module that declares the test: a contract that several files run. */
  readonly entryFile?: string | undefined;
};

type Completed = Place & {
  readonly name: string;
  readonly nesting: number;
  readonly skip?: unknown;
  readonly todo?: unknown;
  readonly details: {
    readonly passed: boolean;
    readonly duration_ms: number;
    readonly type?: string;
    readonly error?: unknown;
  };
};

/** What is known of a file while it runs. */
type Progress = {
  readonly path: string;
  tests: number;
  passed: number;
  failed: number;
  skipped: number;
  output: string;
  failures: string;
  /** How long its process took; null while it runs. */
  durationMs: number | null;
  /** Its own runner came to an end and said so; a process that left half-way did not. */
  ended: boolean;
  told: boolean;
};

/**
 * Runs test files by node's test runner and tells of each when it has ended. A file that holds no test, one whose process leaves before its
 * tests are done, a skipped test and one to be written are problems: they look like success and are none.
 */
export async function runFiles(options: RunOptions): Promise<RunResult> {
  const { root, files, concurrency, timeoutMs, signal, verbose, write } = options;
  const running = new Map(files.map((path) => [join(root, path), newProgress(path)]));
  const stream = run({ files: [...running.keys()], concurrency, timeout: timeoutMs, signal, cwd: root });
  const problems: string[] = [];
  const lost = newProgress('(no file)');
  const progressOf = ({ file, entryFile }: Place): Progress => running.get(entryFile ?? file ?? '') ?? lost;
  const collect = (event: Place & { readonly message: string }): void => {
    progressOf(event).output += event.message;
  };
  const tell = (progress: Progress): void => {
    if (progress.durationMs === null || progress.told) return;
    progress.told = true;
    if (!verbose) write(describeFile(progress, progress.durationMs));
  };
  stream.on('test:stdout', collect);
  stream.on('test:stderr', collect);
  // This event comes as soon as something is done; all the others wait for the files before theirs.
  stream.on('test:complete', (event: Completed) => {
    const progress = progressOf(event);
    if (event.nesting > 0 || event.name !== join(root, progress.path)) {
      countTest(progress, event, (what) => problems.push(`${progress.path}: "${event.name}" ${what}`));
    } else {
      progress.durationMs = event.details.duration_ms;
      if (failedItself(event)) addFailure(progress, event);
    }
  });
  stream.on('test:summary', (summary) => {
    if (summary.file === undefined) return;
    const progress = progressOf(summary);
    progress.ended = true;
    tell(progress);
  });
  if (verbose) stream.compose(spec).on('data', (text: unknown) => write(String(text)));
  await new Promise((resolve, reject) => {
    stream.on('end', resolve).on('error', reject);
    if (!verbose) stream.resume();
  });

  const all = [...running.values(), lost];
  for (const progress of all) {
    tell(progress);
    const problem = progress === lost ? null : problemOf(progress);
    if (problem !== null) problems.push(`${progress.path}: ${problem}`);
  }
  const sum = (read: (progress: Progress) => number): number => all.reduce((total, one) => total + read(one), 0);
  return {
    passed: sum(({ passed }) => passed),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
    files: all.flatMap(({ path, tests, durationMs }) => (durationMs === null ? [] : [{ path, tests, durationMs }])),
    problems,
  };
}

function problemOf({ tests, failures, durationMs, ended }: Progress): string | null {
  if (durationMs === null) return 'did not come to an end';
  if (failures !== '') return null;
  if (tests === 0) return 'holds no test, or left before its first was done';
  return ended ? null : 'its process left before its tests were done';
}

function newProgress(path: string): Progress {
  const counts = { tests: 0, passed: 0, failed: 0, skipped: 0 };
  return { path, ...counts, output: '', failures: '', durationMs: null, ended: false, told: false };
}

function countTest(progress: Progress, event: Completed, report: (what: string) => void): void {
  const isTest = event.details.type !== 'suite';
  if (isTest) progress.tests += 1;
  const skipped = isSet(event.skip);
  if (skipped || isSet(event.todo)) {
    progress.skipped += 1;
    report(skipped ? 'was skipped' : 'is still to be written');
  } else if (failedItself(event)) {
    addFailure(progress, event);
  } else if (isTest) {
    progress[event.details.passed ? 'passed' : 'failed'] += 1;
  }
}

function isSet(mark: unknown): boolean {
  return mark !== undefined && mark !== false;
}

/** True for a failure of the test itself and not of the tests in it, which have their own. */
function failedItself({ details }: Completed): boolean {
  return !details.passed && failureType(details.error) !== 'subtestsFailed';
}

function addFailure(progress: Progress, { name, details }: Completed): void {
  progress.failed += 1;
  progress.failures += `  ✖ ${name}\n${indent(explain(details.error))}\n`;
}

function describeFile({ path, tests, failures, output }: Progress, durationMs: number): string {
  const line = `${failures === '' ? 'ok  ' : 'FAIL'} ${path} (${tests} tests, ${seconds(durationMs)})\n`;
  if (failures === '' || output === '') return line + failures;
  return `${line}${failures}${indent(`it printed:\n${output.trimEnd()}`)}\n`;
}

/** A duration for people. */
export function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}

function failureType(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'failureType' in error ? error.failureType : undefined;
}

/** The error of a test without the wrapping that the runner puts around it. */
function explain(error: unknown): string {
  const cause = error instanceof Error && failureType(error) !== undefined ? (error.cause ?? error) : error;
  return typeof cause === 'string' ? cause : inspect(cause, { depth: 6, colors: false });
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ');
}
