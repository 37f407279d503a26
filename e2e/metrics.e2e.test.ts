import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { allowsValue, isOpenLabel, metricsOf } from '@full-sync/metrics';
import type { Metric } from '@full-sync/metrics';
import { MIXPANEL_PROJECT } from '@full-sync/simulators';
import { parseMetrics, spawnService, waitFor } from '@full-sync/testing';
import type { MetricFamily, ServiceProcess } from '@full-sync/testing';
import { startPipeline } from './harness.ts';
import type { Pipeline } from './harness.ts';
import { SERVICES } from './supervise.ts';

const size = { smartlead: { campaigns: 4, rows: 400 }, lemlist: { campaigns: 4, activities: 400 } };

/** What this run does not move: each needs a fault, a restart or a wait of its own, which other tests and `npm run test:monitoring` bring about. */
const NOT_MOVED: ReadonlySet<string> = new Set([
  'full_sync_consumer_paused_partitions',
  'full_sync_database_transaction_retries_total',
  'full_sync_database_waiting_requests',
  'full_sync_dead_letters_replayed_total',
  'full_sync_delivery_breaker_state',
  'full_sync_delivery_halted',
  'full_sync_delivery_open_totals',
  'full_sync_delivery_parked_events',
  'full_sync_delivery_retries_total',
  'full_sync_delivery_waiting_seconds_total',
  'full_sync_drain_seconds',
  'full_sync_extractor_chunks_in_flight',
  'full_sync_extractor_held_back',
  'full_sync_extractor_held_bytes',
  'full_sync_extractor_window_events_total',
  'full_sync_job_eta_error_ratio',
  'full_sync_job_eta_seconds',
  'full_sync_lag_log_reads_total',
  'full_sync_log_start_offset',
  'full_sync_loader_dropped_records_total',
  'full_sync_loader_flush_retries_total',
  'full_sync_oldest_open_job_seconds',
  'full_sync_producer_failures_total',
  'full_sync_streams',
  'full_sync_upstream_breaker_state',
  'full_sync_upstream_budget_paused_seconds',
  'full_sync_webhook_attempts_total',
  'nodejs_eventloop_lag_p99_seconds',
]);

/** Every service but those of the pipeline delivers events elsewhere. */
function destinations(): readonly string[] {
  const entries = readdirSync(join(import.meta.dirname, '..', 'services'), { withFileTypes: true });
  const pipeline: ReadonlySet<string> = new Set(SERVICES);
  return entries.filter((entry) => entry.isDirectory() && !pipeline.has(entry.name)).map(({ name }) => name);
}

async function scrape(service: ServiceProcess): Promise<readonly MetricFamily[]> {
  const answer = await fetch(`${service.url}/metrics`, { signal: AbortSignal.timeout(10_000) });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return parseMetrics(await answer.text());
}

/** Everything in which what a service shows differs from what the table says of it. */
function differences(service: string, shown: readonly MetricFamily[]): readonly string[] {
  const listed = new Map(metricsOf(service).map((metric) => [metric.name, metric]));
  const names = shown.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  const missing = [...listed.keys()].filter((name) => !names.includes(name));
  return [
    ...twice.map((name) => `${service} shows ${name} twice`),
    ...missing.map((name) => `${service} does not show ${name}`),
    ...shown.flatMap((family) => {
      const metric = listed.get(family.name);
      if (metric === undefined) return [`${service} shows ${family.name}, which is not in the table`];
      return describe(service, family, metric).map((what) => `${service}, ${family.name}: ${what}`);
    }),
  ];
}

function describe(service: string, { type, help, samples }: MetricFamily, metric: Metric): readonly string[] {
  const problems: string[] = [];
  if (type !== metric.type) problems.push(`is a ${type}`);
  if (help !== `${metric.meaning} ${metric.whenHigh}`) problems.push(`says "${help}"`);
  const seen = new Map<string, Set<string>>();
  for (const { name, labels, value } of samples) {
    const { service: shownService, ...rest } = labels;
    const { le, ...own } = rest;
    if (shownService !== service) problems.push(`says it is of ${shownService}`);
    if (!Number.isFinite(value) || value < 0) problems.push(`has the value ${value}`);
    if (
      name.endsWith('_bucket') &&
      metric.type === 'histogram' &&
      le !== '+Inf' &&
      !metric.buckets.includes(Number(le))
    )
      problems.push(`has a bucket of ${le}`);
    if (Object.keys(own).toSorted().join() !== Object.keys(metric.labels).toSorted().join())
      problems.push(`has the labels ${Object.keys(own).join()}`);
    for (const [label, text] of Object.entries(own)) {
      const rule = metric.labels[label];
      if (rule !== undefined && !allowsValue(rule, text)) problems.push(`has ${label}="${text}"`);
      seen.set(label, (seen.get(label) ?? new Set()).add(text));
    }
  }
  for (const [label, rule] of Object.entries(metric.labels)) {
    const values = seen.get(label)?.size ?? 0;
    if (isOpenLabel(rule) && values > rule.atMost) problems.push(`has ${values} values of ${label}`);
  }
  return problems;
}

async function startDestinations(pipeline: Pipeline, stack: AsyncDisposableStack): Promise<readonly ServiceProcess[]> {
  const [account] = MIXPANEL_PROJECT.serviceAccounts;
  const env = {
    DATABASE_URL: pipeline.databaseUrl,
    KAFKA_TOPIC_PREFIX: pipeline.topicPrefix,
    MIXPANEL_BASE_URL: pipeline.simulators.mixpanel.baseUrl,
    MIXPANEL_PROJECT_ID: MIXPANEL_PROJECT.id,
    MIXPANEL_SERVICE_ACCOUNT_USERNAME: account?.username ?? '',
    MIXPANEL_SERVICE_ACCOUNT_SECRET: account?.secret ?? '',
  };
  const started = await Promise.all(destinations().map(async (name) => await spawnService({ name, env })));
  for (const one of started) stack.use(one);
  for (const one of started) await one.ready(60_000);
  return started;
}

test('every service shows exactly the metrics of the table, and a sync with faulty records moves them', async () => {
  await using pipeline = await startPipeline({
    simulators: { seed: 31, size, smartlead: { brokenRecords: 6 }, lemlist: { brokenRecords: 5, collisions: 7 } },
    env: { SMARTLEAD_RATE_LIMIT: '600/60s', LEMLIST_RATE_LIMIT: '200/20s', BUILD_REVISION: '0123abc' },
  });
  await using stack = new AsyncDisposableStack();
  const others = await startDestinations(pipeline, stack);
  await pipeline.explain(async () => {
    const running = [...pipeline.services.map((one) => one.current()), ...others];
    const names = [...pipeline.services.map(({ service }) => service), ...destinations()];
    const moved = new Set<string>();
    const wrong = new Set<string>();
    const look = async (): Promise<void> => {
      for (const [index, service] of running.entries()) {
        const shown = await scrape(service);
        for (const difference of differences(names[index] ?? '', shown)) wrong.add(difference);
        for (const { name, samples } of shown) if (samples.some(({ value }) => value > 0)) moved.add(name);
      }
    };
    const watchToEnd = async (jobId: string): Promise<void> => {
      await waitFor(
        async () => {
          await look();
          return (await pipeline.status(jobId)).completed_at !== null;
        },
        { what: `the end of ${jobId}`, deadlineMs: 120_000, intervalMs: 250 },
      );
      assert.equal((await pipeline.status(jobId)).status, 'completed');
    };
    await watchToEnd(await pipeline.execute({ enableMixpanelTracking: true, enableAttioSync: true }));
    // Again: what is there already is found to be duplicates.
    await watchToEnd(await pipeline.execute());
    await fetch(`${pipeline.api}/api/no-such-route`);

    const listed = new Set(names.flatMap((name) => metricsOf(name).map((metric) => metric.name)));
    const unmoved = (): readonly string[] => [...listed].filter((name) => !moved.has(name) && !NOT_MOVED.has(name));
    assert.deepEqual(
      [...NOT_MOVED].filter((name) => !listed.has(name)),
      [],
    );
    // Figures of the api come with its next look, garbage collections when they please.
    await waitFor(
      async () => {
        await look();
        return unmoved().length === 0;
      },
      { what: 'all metrics to have moved', deadlineMs: 60_000, intervalMs: 500 },
    ).catch((error: unknown) => {
      throw new Error(`nothing moved ${unmoved().join(', ')}`, { cause: error });
    });
    assert.deepEqual([...wrong], []);
  });
});

interface Shown {
  readonly lag: Readonly<
    Record<
      string,
      { readonly topics: Readonly<Record<string, { readonly records: number; readonly seconds: number }>> }
    >
  >;
  readonly throughput: Readonly<Record<string, number>>;
  readonly rate_limits: Readonly<
    Record<
      string,
      { readonly accounts: readonly { readonly account: string; readonly limit: number; readonly remaining: number }[] }
    >
  >;
  readonly measured_at: string;
}

test('GET /api/metrics and the Prometheus text show one snapshot', async () => {
  await using pipeline = await startPipeline({
    simulators: { seed: 32, size },
    env: { SMARTLEAD_RATE_LIMIT: '1000/60s', LEMLIST_RATE_LIMIT: '1000/20s' },
  });
  await pipeline.explain(async () => {
    assert.equal((await pipeline.waitForEnd(await pipeline.execute())).status, 'completed');
    const api = pipeline.service('api').current();
    const asJson = async (): Promise<Shown> => {
      const seen: Shown = JSON.parse((await pipeline.call('GET', '/api/metrics')).text);
      return seen;
    };
    // Nothing is done any more; read between two looks, all of it is of one.
    const { json, text } = await waitFor(
      async () => {
        const before = await asJson();
        const families = new Map((await scrape(api)).map((family) => [family.name, family]));
        const after = await asJson();
        const lookedAt = (families.get('full_sync_lag_measured_timestamp_seconds')?.samples[0]?.value ?? 0) * 1_000;
        const isOne =
          before.measured_at === after.measured_at && Date.parse(after.measured_at) === Math.round(lookedAt);
        const isQuiet = Object.values(after.lag).every(({ topics }) =>
          Object.values(topics).every((one) => one.records === 0),
        );
        return isOne && isQuiet ? { json: after, text: families } : null;
      },
      { what: 'one snapshot of a quiet system', deadlineMs: 60_000, intervalMs: 100 },
    );
    const samples = (name: string) => text.get(name)?.samples ?? [];
    for (const [group, { topics }] of Object.entries(json.lag)) {
      for (const [topic, { records, seconds }] of Object.entries(topics)) {
        const of = (name: string): readonly number[] =>
          samples(name).flatMap(({ labels, value }) =>
            labels['group'] === group && labels['topic'] === topic ? [value] : [],
          );
        const lagRecords = of('full_sync_lag_records');
        assert.ok(lagRecords.length > 0, `${group} ${topic}`);
        assert.equal(
          lagRecords.reduce((sum, one) => sum + one, 0),
          records,
        );
        assert.equal(Math.max(...of('full_sync_lag_seconds')), seconds);
      }
    }
    const stages = { published: 'records_published', keyed: 'records_keyed', loaded: 'events_loaded' };
    for (const [stage, name] of Object.entries(stages)) {
      const [sample] = samples('full_sync_throughput_records_per_second').filter(
        ({ labels }) => labels['stage'] === stage,
      );
      assert.equal(sample?.value, json.throughput[`${name}_per_second`]);
      assert.ok((sample?.value ?? 0) > 0);
    }
    for (const [platform, { accounts }] of Object.entries(json.rate_limits)) {
      assert.equal(accounts.length, 1);
      for (const { account, limit, remaining } of accounts) {
        const of = (name: string) =>
          samples(name).find(({ labels }) => labels['account'] === account && labels['platform'] === platform);
        assert.equal(of('full_sync_upstream_budget_limit_requests')?.value, limit);
        assert.equal(of('full_sync_upstream_budget_remaining_requests')?.value, remaining);
      }
    }
  });
});
