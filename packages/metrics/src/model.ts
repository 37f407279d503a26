/*
 * What a metric is, as a value: processes make their instruments from these, docs/metrics.md is written from them, and
 * dashboards and alerts are checked against them.
 */

/** A label whose values cannot be listed here: each matches `like` from end to end, and a process shows at most `atMost`. */
export interface OpenLabel {
  /** What the values are, for people. */
  readonly of: string;
  /** A regular expression in text. */
  readonly like: string;
  /** Most values that one process shows at once. */
  readonly atMost: number;
}

export type LabelRule = readonly string[] | OpenLabel;
export type LabelRules = Readonly<Record<string, LabelRule>>;

/** `destination` stands for each service that delivers events elsewhere, whatever its name. */
export type ServiceKind = 'api' | 'extractor' | 'keyer' | 'loader' | 'destination';

export type MetricUnit =
  | 'seconds'
  | 'bytes'
  | 'records'
  | 'events'
  | 'requests'
  | 'batches'
  | 'partitions'
  | 'offset'
  | 'jobs'
  | 'ratio'
  | 'count'
  | 'state'
  | 'timestamp'
  | 'records per second';

interface Described<Labels extends LabelRules> {
  readonly name: string;
  readonly unit: MetricUnit;
  /** The services that show it, from their start on. */
  readonly services: 'every' | readonly ServiceKind[];
  readonly labels: Labels;
  /** One sentence; the values of its labels are explained where their names do not. */
  readonly meaning: string;
  /** What somebody does who finds it high (or low, where that is what is bad). */
  readonly whenHigh: string;
}

export type CounterMetric<Labels extends LabelRules = LabelRules> = Described<Labels> & { readonly type: 'counter' };
export type GaugeMetric<Labels extends LabelRules = LabelRules> = Described<Labels> & { readonly type: 'gauge' };
export type HistogramMetric<Labels extends LabelRules = LabelRules> = Described<Labels> & {
  readonly type: 'histogram';
  /** Upper bounds, rising; the one above all (+Inf) comes by itself. */
  readonly buckets: readonly number[];
};

export type Metric<Labels extends LabelRules = LabelRules> =
  CounterMetric<Labels> | GaugeMetric<Labels> | HistogramMetric<Labels>;

export function counter<const Labels extends LabelRules>(metric: Described<Labels>): CounterMetric<Labels> {
  return { ...metric, type: 'counter' };
}

export function gauge<const Labels extends LabelRules>(metric: Described<Labels>): GaugeMetric<Labels> {
  return { ...metric, type: 'gauge' };
}

export function histogram<const Labels extends LabelRules>(
  metric: Described<Labels> & { readonly buckets: readonly number[] },
): HistogramMetric<Labels> {
  return { ...metric, type: 'histogram' };
}

/** The values that a label may have: those listed, or any text (of the label's pattern). */
export type LabelsOf<Rules extends LabelRules> = {
  readonly [Name in keyof Rules]: Rules[Name] extends readonly (infer Value extends string)[] ? Value : string;
};

export function isOpenLabel(rule: LabelRule): rule is OpenLabel {
  return !Array.isArray(rule);
}

/** Whether a label may have this value. */
export function allowsValue(rule: LabelRule, value: string): boolean {
  if (isOpenLabel(rule)) return new RegExp(`^(?:${rule.like})$`).test(value);
  return rule.includes(value);
}
