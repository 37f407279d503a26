import { spawn } from 'node:child_process';
import { waitFor } from './wait-for.ts';

/** How a process ended: by itself with `code`, or by `signal`. */
export type Exit = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A process of a test's own; disposing of it kills it and waits until it is gone. */
export type ChildProgram = AsyncDisposable & {
  readonly name: string;
  readonly pid: number;
  /** Everything it has written so far, both streams in the order they arrived. */
  readonly output: () => string;
  /** The lines of `output()` that are JSON objects: its log records. */
  readonly records: () => readonly Readonly<Record<string, unknown>>[];
  /** Waits until the output matches; throws with the output when the process ends first or `deadlineMs` (10,000 unless told) passes. */
  readonly outputMatching: (pattern: RegExp, deadlineMs?: number) => Promise<RegExpExecArray>;
  /** Sends a signal without waiting. */
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Sends a signal (SIGKILL unless told) and waits for the end. */
  readonly kill: (signal?: NodeJS.Signals) => Promise<Exit>;
  /** Settles when the process has ended; never rejects. */
  readonly exited: Promise<Exit>;
  readonly hasExited: () => boolean;
};

/** What to run. */
export type ProgramOptions = {
  readonly name: string;
  readonly args: readonly string[];
  /** The whole environment but for PATH, HOME and TMPDIR: nothing else leaks in from the test run. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** The program; this Node unless told. */
  readonly command?: string;
};

/** Starts a program and keeps its output. It learns this process's id as FULL_SYNC_PARENT_PID, so that it ends when the test run does. */
export function spawnProgram({ name, args, env = {}, cwd, command = process.execPath }: ProgramOptions): ChildProgram {
  const inherited = Object.entries(process.env).filter(([key]) => /^(PATH|HOME|TMPDIR|JAVA_HOME)$/.test(key));
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...Object.fromEntries(inherited), FULL_SYNC_PARENT_PID: String(process.pid), ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  let output = '';
  let exit: Exit | null = null;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const exited = new Promise<Exit>((resolve) => {
    child.on('error', (error) => {
      output += `cannot be started: ${error.message}\n`;
      exit = { code: null, signal: null };
      resolve(exit);
    });
    child.on('close', (code, signal) => {
      exit = { code, signal };
      resolve(exit);
    });
  });
  const kill = (signal: NodeJS.Signals = 'SIGKILL'): Promise<Exit> => {
    child.kill(signal);
    return exited;
  };
  return {
    name,
    pid: child.pid ?? -1,
    output: () => output,
    records: () => output.split('\n').flatMap(jsonRecord),
    async outputMatching(pattern, deadlineMs = 10_000) {
      const look = (): RegExpExecArray | 'ended' | null => pattern.exec(output) ?? (exit === null ? null : 'ended');
      const found = await waitFor(look, { deadlineMs, what: `${name} to print ${pattern}` }).catch((error: unknown) => {
        throw new Error(`${name} did not print ${pattern} in ${deadlineMs} ms; it printed:\n${output}`, {
          cause: error,
        });
      });
      if (found === 'ended')
        throw new Error(`${name} ended (${describeExit(exit)}) and did not print ${pattern}:\n${output}`);
      return found;
    },
    signal: (signal) => void child.kill(signal),
    kill,
    exited,
    hasExited: () => exit !== null,
    async [Symbol.asyncDispose]() {
      if (exit === null) await kill();
    },
  };
}

/** An exit in words: "code 3" or "SIGKILL". */
export function describeExit(exit: Exit | null): string {
  if (exit === null) return 'still running';
  return exit.signal ?? (exit.code === null ? 'never started' : `code ${exit.code}`);
}

function jsonRecord(line: string): readonly Readonly<Record<string, unknown>>[] {
  if (!line.startsWith('{')) return [];
  try {
    const record: unknown = JSON.parse(line);
    return [Object.fromEntries(Object.entries(record ?? {}))];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}
