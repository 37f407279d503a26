import { Counter, Gauge } from 'prom-client';
import { BucketCounts } from './histogram.ts';
import type { Series } from './histogram.ts';
import { isOpenLabel } from './model.ts';
import type { CounterMetric, GaugeMetric, HistogramMetric, LabelRules, LabelsOf, Metric } from './model.ts';
import type { MetricRegistry } from './registry.ts';

export interface CounterInstrument<Rules extends LabelRules> {
  /** Adds `by` (1 unless told; not negative). */
  readonly inc: (labels: LabelsOf<Rules>, by?: number) => void;
}

export interface GaugeInstrument<Rules extends LabelRules> {
  readonly set: (labels: LabelsOf<Rules>, value: number) => void;
  readonly add: (labels: LabelsOf<Rules>, by: number) => void;
  /** Forgets all series: those that are not set again are not shown. */
  readonly clear: () => void;
}

export interface HistogramInstrument<Rules extends LabelRules> {
  readonly observe: (labels: LabelsOf<Rules>, value: number) => void;
  /** The series of these labels, for values that come by the event. */
  readonly series: (labels: LabelsOf<Rules>) => Series;
  /** Starts a clock; the function that it gives observes the seconds since. */
  readonly startTimer: (labels: LabelsOf<Rules>) => () => void;
}

export type InstrumentOf<M> =
  M extends CounterMetric<infer Rules>
    ? CounterInstrument<Rules>
    : M extends GaugeMetric<infer Rules>
      ? GaugeInstrument<Rules>
      : M extends HistogramMetric<infer Rules>
        ? HistogramInstrument<Rules>
        : never;

/** Instruments under the keys of their metrics in the table. */
export type Instruments<Part> = { readonly [Key in keyof Part]: InstrumentOf<Part[Key]> };

/** The values of labels that this process will show: those of open labels, and fewer where it needs not all. */
export type LabelDomains = Readonly<Record<string, readonly string[]>>;

type Labels = Readonly<Record<string, string>>;

/**
 * Makes the instruments of a part of the table and registers them. Every series whose labels are known beforehand is
 * there from the start, at zero: the rate of a counter that appears with its first event would miss that event.
 */
export function createInstruments<Part extends Readonly<Record<string, Metric>>>(
  registry: MetricRegistry,
  part: Part,
  domains: LabelDomains = {},
): Instruments<Part> {
  const made = Object.entries(part).map(([key, metric]) => [key, createInstrument(registry, metric, domains)]);
  return Object.fromEntries(made) as Instruments<Part>;
}

function createInstrument(registry: MetricRegistry, metric: Metric, domains: LabelDomains) {
  const combinations = knownCombinations(metric.labels, domains);
  switch (metric.type) {
    case 'counter': {
      const counter = new Counter(settingsOf(registry, metric));
      for (const labels of combinations) counter.inc(labels, 0);
      return { inc: (labels: Labels, by = 1) => counter.inc(labels, by) };
    }
    case 'gauge': {
      const gauge = new Gauge(settingsOf(registry, metric));
      for (const labels of combinations) gauge.set(labels, 0);
      return {
        set: (labels: Labels, value: number) => gauge.set(labels, value),
        add: (labels: Labels, by: number) => gauge.inc(labels, by),
        clear: () => gauge.reset(),
      };
    }
    case 'histogram':
      return createHistogram(registry, metric, combinations);
  }
}

function createHistogram(registry: MetricRegistry, metric: HistogramMetric, combinations: readonly Labels[]) {
  const counts = new BucketCounts(metric.name, metric.buckets, Object.keys(metric.labels));
  for (const labels of combinations) counts.series(labels);
  const { name, help } = settingsOf(registry, metric);
  registry.addHistogram({ name, help, samples: () => counts.samples() });
  return {
    observe: (labels: Labels, value: number) => counts.series(labels).observe(value),
    series: (labels: Labels) => counts.series(labels),
    startTimer: (labels: Labels) => {
      const startedAt = performance.now();
      return () => counts.series(labels).observe((performance.now() - startedAt) / 1_000);
    },
  };
}

function settingsOf(registry: MetricRegistry, metric: Metric) {
  return {
    name: metric.name,
    help: `${metric.meaning} ${metric.whenHigh}`,
    labelNames: Object.keys(metric.labels),
    registers: [registry],
  };
}

/** All sets of labels that can be told beforehand; none when a label is open and nobody said what it will hold. */
function knownCombinations(rules: LabelRules, domains: LabelDomains): readonly Labels[] {
  let combinations: readonly Labels[] = [{}];
  for (const [name, rule] of Object.entries(rules)) {
    const values = domains[name] ?? (isOpenLabel(rule) ? [] : rule);
    combinations = combinations.flatMap((labels) => values.map((value) => ({ ...labels, [name]: value })));
  }
  return combinations;
}
