import { join } from 'node:path';
import { describeExit, spawnProgram } from './child-process.ts';
import type { ChildProgram } from './child-process.ts';
import { freePort } from './free-port.ts';
import { stackAddresses } from './stack-addresses.ts';
import { waitFor } from './wait-for.ts';

/** A service of services/, running as a process of its own. */
export type ServiceProcess = ChildProgram & {
  /** Base URL of its health and metrics (of its API, for the api). */
  readonly url: string;
  /** Waits until `/readyz` answers 200; throws with its output when it ends first or `deadlineMs` (20,000 unless told) passes. */
  readonly ready: (deadlineMs?: number) => Promise<void>;
  /** The value of a metric, 0 when it is not there; label sets are added up, all or those that have `labels`. */
  readonly metric: (name: string, labels?: Readonly<Record<string, string>>) => Promise<number>;
};

/** What to start and with which variables; the addresses of the stack, a free port and a log without colours come by themselves. */
export type ServiceOptions = { readonly name: string; readonly env?: Readonly<Record<string, string>> };

const root = join(import.meta.dirname, '..', '..', '..');

/**
 * Starts `services/<name>/src/main.ts` for `await using`, against the stack of this test run unless `env` says otherwise. It does not
 * wait: call `ready()`.
 */
export async function spawnService({ name, env = {} }: ServiceOptions): Promise<ServiceProcess> {
  const portName = name === 'api' ? 'API_PORT' : `${name.toUpperCase()}_METRICS_PORT`;
  const port = env[portName] ?? String(await freePort());
  const program = spawnProgram({
    name,
    args: [join(root, 'services', name, 'src', 'main.ts')],
    // Not the root: a developer's .env there must not reach the tests.
    cwd: import.meta.dirname,
    env: { ...stackEnvironment(env), LOG_PRETTY: 'false', [portName]: port, ...env },
  });
  const url = `http://127.0.0.1:${port}`;
  return {
    ...program,
    url,
    async ready(deadlineMs = 20_000) {
      const look = async (): Promise<boolean> => {
        if (program.hasExited()) return true;
        const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
        return answer.ok;
      };
      await waitFor(look, { deadlineMs, what: `${name} to be ready`, intervalMs: 50 }).catch((error: unknown) => {
        throw new Error(`${name} was not ready in ${deadlineMs} ms; it printed:\n${program.output()}`, {
          cause: error,
        });
      });
      if (!program.hasExited()) return;
      throw new Error(
        `${name} ended (${describeExit(await program.exited)}) before it was ready:\n${program.output()}`,
      );
    },
    async metric(metricName, labels = {}) {
      const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) });
      return sumOfMetric(await answer.text(), metricName, labels);
    },
  };
}

/** Adds up the samples of `name` that have all of `labels` in a Prometheus text. */
export function sumOfMetric(text: string, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  return text
    .split('\n')
    .filter((line) => line.startsWith(name) && /^[{ ]/.test(line.slice(name.length)))
    .filter((line) => wanted.every((pair) => line.includes(pair)))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
}

function stackEnvironment(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { kafkaBrokers, schemaRegistryUrl, databaseUrl } = stackAddresses({ ...process.env, ...env });
  return { KAFKA_BROKERS: kafkaBrokers, SCHEMA_REGISTRY_URL: schemaRegistryUrl, DATABASE_URL: databaseUrl };
}
