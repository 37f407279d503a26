/** The exit codes of every command. */
export const exitCodes = { completed: 0, failed: 1, usage: 2, unreachable: 3 } as const;

/** An end of a command that is not a success: what to print on stderr, and the exit code. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, hint?: string) {
    super(message);
    this.name = 'CliError';
    this.exitCode = exitCode;
    this.hint = hint;
  }
}
