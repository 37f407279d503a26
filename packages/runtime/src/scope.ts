import type { MetricRegistry } from '@full-sync/metrics';
import type { Health } from './health.ts';
import type { Logger } from './logger.ts';

/** What a service is built with, and how it tells its process what becomes of it. */
export interface ServiceScope {
  readonly logger: Logger;
  readonly health: Health;
  readonly metrics: MetricRegistry;
  /** Aborted when the drain begins: take no new work. */
  readonly signal: AbortSignal;
  /** Releases `resource` in the drain, after everything added later. Returns it. */
  use<Resource extends AsyncDisposable | Disposable>(resource: Resource, label?: string): Resource;
  /** Runs `release` in the drain, after everything added later. `label` names it when it holds the drain up. */
  defer(release: () => void | Promise<void>, label?: string): void;
  /**
   * Runs a loop for the life of the process. It must end once `signal` is aborted, and the drain waits for that; ending
   * earlier, or throwing, fails the process.
   */
  loop(label: string, turn: (signal: AbortSignal) => Promise<void>): void;
  /** Ends the process: logs `error`, releases everything, exits with the code of the error's class. */
  fail(error: unknown): void;
  /** Ends the process as SIGTERM does, with exit code 0. */
  drain(reason: string): void;
}

/** Resources in the order they were taken, released in the reverse of it, each under a name. */
export class ReleaseStack {
  readonly #stack = new AsyncDisposableStack();
  #releasing = 'nothing';

  /** The name of what is being released now. */
  get releasing(): string {
    return this.#releasing;
  }

  defer(release: () => void | Promise<void>, label: string): void {
    this.#stack.defer(async () => {
      this.#releasing = label;
      await release();
    });
  }

  /** Releases all, the rest too when one fails; then throws the error, or a SuppressedError that holds several. */
  async release(): Promise<void> {
    await this.#stack.disposeAsync();
    this.#releasing = 'nothing';
  }
}
