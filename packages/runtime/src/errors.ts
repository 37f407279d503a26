/** Exit codes of every process: what a supervisor or a script may rely on. */
export const exitCodes = Object.freeze({ drained: 0, runtime: 1, configuration: 2, environment: 3 });

export interface FullSyncErrorOptions {
  /** What the reader can do about it, in one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** An error with a stable `code`, a `hint` for the reader and the exit code of the process that dies of it. */
export class FullSyncError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: number = exitCodes.runtime;

  constructor(code: string, message: string, { hint, cause }: FullSyncErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = hint;
  }
}

export interface ConfigurationProblem {
  /** The environment variable at fault. */
  readonly name: string;
  /** `expected ...; got ...`, with secrets left out. */
  readonly message: string;
}

/** Settings that cannot be used; lists every problem at once, one a line. Exit code 2. */
export class ConfigurationError extends FullSyncError {
  override readonly exitCode = exitCodes.configuration;
  readonly problems: readonly ConfigurationProblem[];

  constructor(problems: readonly ConfigurationProblem[], options: FullSyncErrorOptions = {}) {
    super('CONFIGURATION', problems.map(({ name, message }) => `${name}: ${message}`).join('\n'), options);
    this.problems = problems;
  }
}

/** Something this process stands on is missing or refuses: broker, registry, database, a port. Exit code 3. */
export class EnvironmentError extends FullSyncError {
  override readonly exitCode = exitCodes.environment;

  constructor(message: string, options: FullSyncErrorOptions = {}) {
    super('ENVIRONMENT', message, options);
  }
}

const environmentCodes = new Set([
  'EADDRINUSE',
  'EADDRNOTAVAIL',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]);

/**
 * The exit code for a process that dies of `error`: that of the first labelled error along its causes; 3 when the
 * system says that an address is taken, or that nothing answers there or the line broke; else 1.
 */
export function exitCodeOf(error: unknown): number {
  let cause = error;
  for (let depth = 0; depth < 8 && cause instanceof Error; depth += 1) {
    if (cause instanceof FullSyncError) return cause.exitCode;
    if ('code' in cause && typeof cause.code === 'string' && environmentCodes.has(cause.code)) {
      return exitCodes.environment;
    }
    cause = cause.cause;
  }
  return exitCodes.runtime;
}
