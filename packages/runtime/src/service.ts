import Type, { type Static, type TObject, type TProperties } from 'typebox';
import { MetricRegistry, showProcess } from '@full-sync/metrics';
import { systemClock } from './clock.ts';
import { loadConfig, loadDotEnv } from './config.ts';
import { ConfigurationError, exitCodeOf, exitCodes, FullSyncError } from './errors.ts';
import { buildConfig, logConfig, type BuildSettings, type LogSettings } from './fields.ts';
import { createHealth } from './health.ts';
import { createLogger, type Logger } from './logger.ts';
import { startMetricsServer } from './metrics.ts';
import { watchParent } from './parent.ts';
import { ReleaseStack, type ServiceScope } from './scope.ts';
import manifest from '../package.json' with { type: 'json' };

const drainDeadlineMs = 25_000;
/** A process that fails has little left to save, and its successor waits for what it holds. */
const failDeadlineMs = 10_000;
/** A terminal and npm both pass on one Ctrl-C: signals this close together are one. */
const sameSignalMs = 1000;
const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

type Settings<Properties extends TProperties> = Readonly<Static<TObject<Properties>>>;

export interface ServiceDefinition<Properties extends TProperties> {
  readonly name: string;
  /** Every variable the service reads; `LOG_LEVEL`, `LOG_PRETTY` and `BUILD_REVISION` are added. */
  readonly schema: TObject<Properties>;
  /** Where `/metrics`, `/livez` and `/readyz` are served; left out by a service with HTTP of its own. */
  readonly metrics?: (config: Settings<Properties>) => { readonly host: string; readonly port: number };
  /** Builds the service and returns; what it takes, it hands to `scope` to be released. */
  readonly start: (scope: ServiceScope, config: Settings<Properties>) => Promise<void>;
}

/** One process's way from start to exit. */
class ServiceProcess {
  readonly #logger: Logger;
  readonly #abort = new AbortController();
  readonly #resources = new ReleaseStack();
  readonly #health = createHealth(systemClock);
  readonly #stopped = Promise.withResolvers<void>();
  readonly #keepAlive = setInterval(() => undefined, 60_000);
  #exitCode: number = exitCodes.drained;
  #firstSignalAt: number | undefined;
  #stoppedAt: number | undefined;

  constructor(logger: Logger) {
    this.#logger = logger;
    for (const signal of signals) process.on(signal, () => this.#onSignal(signal));
    process.on('uncaughtException', (error, origin) => {
      // Nothing can be said of the state any more. A crash is safe: no position has passed what is not settled (I1).
      logger.fatal({ err: error, origin }, 'uncaught error, exiting');
      process.exit(exitCodes.runtime);
    });
  }

  async run<Properties extends TProperties>(
    service: ServiceDefinition<Properties>,
    config: Settings<Properties> & BuildSettings,
  ) {
    const stopWatching = watchParent((how) => this.#drain(how));
    const metrics = new MetricRegistry(service.name);
    showProcess(metrics, {
      version: manifest.version,
      revision: config.BUILD_REVISION,
      ready: () => this.#health.report().live && this.#health.report().ready,
      silenceMs: () => this.#health.silenceMs(),
      drainingMs: () => this.#drainingMs(),
    });
    const scope = this.#scope(metrics);
    try {
      if (service.metrics !== undefined) {
        const { host, port } = service.metrics(config);
        // Taken first, so released last: a drain can be watched to its end.
        const server = await startMetricsServer({ host, port, registry: metrics, health: this.#health });
        scope.use(server, 'metrics server');
        this.#logger.info({ metrics: `http://${host}:${server.port}/metrics` }, 'metrics are served');
      }
      await service.start(scope, config);
      if (!this.#abort.signal.aborted) {
        this.#health.setReady(true);
        this.#logger.info('ready');
      }
    } catch (error) {
      this.#onError(error);
    }
    await this.#stopped.promise;
    await this.#release();
    stopWatching();
    clearInterval(this.#keepAlive);
    process.exit(this.#exitCode);
  }

  #scope(metrics: ServiceScope['metrics']): ServiceScope {
    const { signal } = this.#abort;
    const defer: ServiceScope['defer'] = (release, label = 'a resource') => this.#resources.defer(release, label);
    return {
      logger: this.#logger,
      health: this.#health,
      metrics,
      signal,
      defer,
      use: (resource, label) => {
        defer(async () => {
          if (Symbol.asyncDispose in resource) await resource[Symbol.asyncDispose]();
          else resource[Symbol.dispose]();
        }, label);
        return resource;
      },
      loop: (label, turn) => {
        const ended = turn(signal).then(
          () => {
            if (!signal.aborted) this.#onError(new FullSyncError('LOOP_ENDED', `the ${label} loop ended by itself`));
          },
          (error: unknown) => this.#onError(error),
        );
        defer(() => ended, label);
      },
      fail: (error) => this.#onError(error),
      drain: (reason) => this.#drain(reason),
    };
  }

  #onSignal(signal: NodeJS.Signals): void {
    const now = systemClock.now();
    if (this.#firstSignalAt === undefined) {
      this.#firstSignalAt = now;
      this.#drain(signal);
    } else if (now - this.#firstSignalAt > sameSignalMs) {
      this.#logger.warn({ signal, waitingFor: this.#resources.releasing }, 'second signal, exiting without drain');
      process.exit(exitCodes.runtime);
    }
  }

  #onError(error: unknown): void {
    // What was told to stop may say that it was stopped.
    if (this.#abort.signal.aborted && error instanceof Error && error.name === 'AbortError') return;
    if (this.#exitCode !== exitCodes.drained) {
      this.#logger.warn({ err: error }, 'another error while failing');
      return;
    }
    this.#exitCode = exitCodeOf(error);
    this.#logger.fatal({ err: error }, 'service failed');
    this.#stop('failing', failDeadlineMs);
  }

  #drain(reason: string): void {
    if (this.#abort.signal.aborted) return;
    this.#logger.info({ reason }, 'draining');
    this.#stop('draining', drainDeadlineMs);
  }

  #stop(why: string, deadlineMs: number): void {
    if (this.#abort.signal.aborted) return;
    this.#stoppedAt = performance.now();
    this.#health.setReady(false, why);
    setTimeout(() => {
      this.#logger.fatal({ waitingFor: this.#resources.releasing, deadlineMs }, 'drain deadline passed, exiting');
      process.exit(this.#exitCode === exitCodes.drained ? exitCodes.runtime : this.#exitCode);
    }, deadlineMs).unref();
    this.#abort.abort();
    this.#stopped.resolve();
  }

  /** Time since it was told to end, ms; 0 before. */
  #drainingMs(): number {
    return this.#stoppedAt === undefined ? 0 : performance.now() - this.#stoppedAt;
  }

  async #release(): Promise<void> {
    try {
      await this.#resources.release();
      if (this.#exitCode === exitCodes.drained)
        this.#logger.info({ drainMs: Math.round(this.#drainingMs()) }, 'drained');
    } catch (error) {
      this.#logger.error({ err: error }, 'release failed');
      if (this.#exitCode === exitCodes.drained) this.#exitCode = exitCodes.runtime;
    }
  }
}

/**
 * Runs one service as this process: reads and checks its configuration, starts it, and ends it in one place.
 *
 * SIGTERM, SIGINT, SIGHUP and the death of the parent begin the drain: `scope.signal` is aborted and resources are
 * released in reverse order within 25 s; a second signal more than 1 s after the first exits at once. Exit codes: 0
 * drained, 1 runtime, 2 configuration, 3 environment. Never resolves.
 */
export async function runService<Properties extends TProperties>(
  service: ServiceDefinition<Properties>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<void> {
  const config = readConfig(service, env);
  const logger = createLogger({ service: service.name, level: config.LOG_LEVEL, pretty: config.LOG_PRETTY });
  await new ServiceProcess(logger).run(service, config);
}

function readConfig<Properties extends TProperties>(
  { name, schema }: ServiceDefinition<Properties>,
  env: NodeJS.ProcessEnv,
): Settings<Properties> & LogSettings & BuildSettings {
  try {
    loadDotEnv();
    const all = Type.Object({ ...logConfig, ...buildConfig, ...schema.properties });
    return loadConfig(all, env) as Settings<Properties> & LogSettings & BuildSettings;
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    // For the person at the keyboard, before there is a logger.
    process.stderr.write(
      `${name} cannot start with this configuration:\n  ${error.message.replaceAll('\n', '\n  ')}\n`,
    );
    process.exit(error.exitCode);
  }
}
