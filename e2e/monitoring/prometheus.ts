import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeExit, freePort, spawnProgram, waitFor } from '@full-sync/testing';
import { parse, stringify } from 'yaml';
import { versionOf } from './programs.ts';

/** A value over time: the labels of the series and its points, seconds since 1970 and values. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [at: number, value: number])[];
}

export interface Prometheus extends AsyncDisposable {
  readonly url: string;
  /** Evaluates at this moment; a series has one point. Throws when Prometheus refuses the query. */
  readonly query: (expr: string) => Promise<readonly Series[]>;
  /** Evaluates every second from `from` (seconds since 1970) until now. */
  readonly queryRange: (expr: string, from: number) => Promise<readonly Series[]>;
  /** Names of the alerts that fire now. */
  readonly firing: () => Promise<ReadonlySet<string>>;
  /** Values of a label of a metric, as Grafana's `label_values` lists them. */
  readonly labelValues: (metric: string, label: string) => Promise<readonly string[]>;
  /** The targets and whether their last scrape came through. */
  readonly targets: () => Promise<
    readonly { readonly url: string; readonly health: string; readonly lastError: string }[]
  >;
}

export interface Target {
  readonly service: string;
  /** `host:port` */
  readonly address: string;
}

export interface PrometheusOptions {
  readonly home: string;
  /** deploy/prometheus of the product: its scrape configuration is used as it is, but for what is told here. */
  readonly deployed: string;
  readonly targets: readonly Target[];
  readonly rules: string;
}

interface Config {
  global: Record<string, unknown>;
  rule_files: string[];
  scrape_configs: { job_name: string; file_sd_configs?: { files: string[] }[]; static_configs?: object[] }[];
}

const READY_MS = 30_000;

/** Starts a real Prometheus on a copy of the product's configuration that scrapes `targets` every second. */
export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  const { home, deployed, targets, rules } = options;
  mkdirSync(home, { recursive: true });
  const address = `127.0.0.1:${await freePort()}`;
  const config = parse(readFileSync(join(deployed, 'prometheus.yml'), 'utf8')) as Config;
  config.global = { ...config.global, scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' };
  config.rule_files = ['rules.yml'];
  for (const scrape of config.scrape_configs) {
    if (scrape.file_sd_configs !== undefined) scrape.file_sd_configs = [{ files: ['targets.yml'] }];
    else scrape.static_configs = [{ targets: [address], labels: { service: 'prometheus' } }];
  }
  writeFileSync(join(home, 'prometheus.yml'), stringify(config));
  writeFileSync(join(home, 'rules.yml'), rules);
  const groups = targets.map((target) => ({ targets: [target.address], labels: { service: target.service } }));
  writeFileSync(join(home, 'targets.yml'), stringify(groups));

  const major = versionOf('prometheus')?.[0] ?? 0;
  const child = spawnProgram({
    name: 'prometheus',
    command: 'prometheus',
    args: [
      `--config.file=${join(home, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(home, 'data')}`,
      `--web.listen-address=${address}`,
      // Of its own accord from version 3 on.
      ...(major < 3 ? ['--enable-feature=expand-external-labels'] : []),
    ],
    env: { RUNBOOK_URL: 'https://runbook.test' },
    cwd: home,
  });
  const url = `http://${address}`;
  const ready = async (): Promise<true | null> => {
    if (child.hasExited())
      throw new Error(`prometheus ended (${describeExit(await child.exited)}):\n${child.output()}`);
    const response = await fetch(`${url}/-/ready`).catch(() => null);
    return response?.ok === true ? true : null;
  };
  await waitFor(ready, { deadlineMs: READY_MS, what: 'Prometheus to be ready' }).catch(async (error: unknown) => {
    await child.kill();
    throw new Error(`Prometheus is not ready after ${READY_MS} ms:\n${child.output()}`, { cause: error });
  });
  return { ...createClient(url), url, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
}

function createClient(url: string): Omit<Prometheus, 'url' | keyof AsyncDisposable> {
  const ask = async <T>(path: string, values: Readonly<Record<string, string>>): Promise<T> => {
    const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(values).toString()}`);
    const answer = (await response.json()) as { readonly data: T; readonly error?: string };
    if (!response.ok)
      throw new Error(`Prometheus refused ${JSON.stringify(values)}: ${answer.error ?? response.status}`);
    return answer.data;
  };
  type Vector = { readonly result: readonly { readonly metric: Record<string, string>; readonly value: Point }[] };
  type Matrix = { readonly result: readonly { readonly metric: Record<string, string>; readonly values: Point[] }[] };
  type Point = readonly [number, string];
  const toPoint = ([at, value]: Point): readonly [number, number] => [at, Number(value)];
  return {
    query: async (expr) => {
      const { result } = await ask<Vector>('query', { query: expr });
      return result.map(({ metric, value }) => ({ labels: metric, points: [toPoint(value)] }));
    },
    queryRange: async (expr, from) => {
      const end = Date.now() / 1_000;
      const { result } = await ask<Matrix>('query_range', {
        query: expr,
        start: String(from),
        end: String(end),
        step: '1',
      });
      return result.map(({ metric, values }) => ({ labels: metric, points: values.map(toPoint) }));
    },
    firing: async () => {
      type Alerts = { readonly alerts: readonly { readonly labels: Record<string, string>; readonly state: string }[] };
      const { alerts } = await ask<Alerts>('alerts', {});
      return new Set(alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels['alertname'] ?? ''));
    },
    labelValues: (metric, label) => ask<readonly string[]>(`label/${label}/values`, { 'match[]': metric }),
    targets: async () => {
      type Targets = {
        readonly activeTargets: readonly {
          readonly scrapeUrl: string;
          readonly health: string;
          readonly lastError: string;
        }[];
      };
      const { activeTargets } = await ask<Targets>('targets', { state: 'active' });
      return activeTargets.map(({ scrapeUrl, health, lastError }) => ({ url: scrapeUrl, health, lastError }));
    },
  };
}
