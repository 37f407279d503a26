import { exitCodes, FullSyncError } from '@full-sync/runtime';

/** What keeps the local stack from starting; exit code 3 (a program, an address or a port is missing) unless said otherwise. */
export class StackError extends FullSyncError {
  override readonly exitCode: number;

  constructor(message: string, options: { readonly exitCode?: number; readonly cause?: unknown } = {}) {
    super('STACK', message, { cause: options.cause });
    this.exitCode = options.exitCode ?? exitCodes.environment;
  }
}
