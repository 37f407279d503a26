import { readQuery } from './promql.ts';
import type { LabelUse, Selector } from './promql.ts';

export interface LabelFacts {
  /** Its values differ from one installation to the next: written out, a query holds on one machine only. */
  readonly ofAnInstallation: boolean;
  readonly allows: (value: string) => boolean;
}

/** What is known of a metric: its kind, and the labels beside those of the scrape. */
export interface MetricFacts {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: ReadonlyMap<string, LabelFacts>;
  /** Upper bounds of a histogram's buckets; empty for others. */
  readonly buckets: readonly number[];
}

/** All metrics that exist, by name. */
export type MetricTable = ReadonlyMap<string, MetricFacts>;

export interface QueryRules {
  readonly metrics: MetricTable;
  /** Names of the dashboard's variables; null for an alert, which has none. */
  readonly variables: ReadonlySet<string> | null;
}

/** Given to every series by the scrape (and `service` by the process itself). */
const SCRAPE_LABELS: ReadonlySet<string> = new Set(['job', 'instance', 'service']);
/** Made by Prometheus itself. */
const OF_PROMETHEUS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['up', new Set<string>()],
  ['ALERTS', new Set(['alertname', 'alertstate', 'severity'])],
]);
/** A matcher of names, such as `keyer|loader`; what else is in a regular expression is not read here. */
const NAMES = /^[^$.*+?()[\]{}\\^]*$/;
/** Where a counter may stand: everything else would show its total since the process began. */
const OF_COUNTERS: ReadonlySet<string> = new Set(['rate', 'increase', 'irate', 'resets', 'absent', 'count', 'group']);

/**
 * Borders that a quantile cannot tell, a line each: between two bounds of its histogram's buckets it is a guess, so a border
 * has to be one of them.
 */
export function borderProblems(expr: string, borders: readonly number[], metrics: MetricTable): readonly string[] {
  return readQuery(expr).selectors.flatMap(({ metric, within }) => {
    const buckets = factsOf(metric, metrics)?.buckets ?? [];
    if (!within.includes('histogram_quantile') || buckets.length === 0) return [];
    return borders
      .filter((border) => border !== 0 && !buckets.includes(border))
      .map((border) => `${border} is between the buckets of ${metric}: its quantile is a guess there`);
  });
}

/** What is wrong with a query, a line each. */
export function queryProblems(expr: string, rules: QueryRules): readonly string[] {
  const { errors, selectors, grouping } = readQuery(expr);
  const known = new Set([...SCRAPE_LABELS, 'le']);
  for (const { metric } of selectors) for (const label of labelsOf(metric, rules.metrics)) known.add(label);
  return [
    ...errors,
    ...selectors.flatMap((selector) => selectorProblems(selector, rules)),
    ...grouping.filter((label) => !known.has(label)).map((label) => `groups by ${label}, which no metric of it has`),
    ...variableProblems(expr, rules.variables),
  ];
}

function selectorProblems(selector: Selector, { metrics, variables }: QueryRules): readonly string[] {
  const { metric, matchers, range, within } = selector;
  const facts = factsOf(metric, metrics);
  if (facts === null && !OF_PROMETHEUS.has(metric)) return [`names ${metric || 'no metric'}, which does not exist`];
  const problems: string[] = [];
  const labels = new Set([...SCRAPE_LABELS, 'le', ...labelsOf(metric, metrics)]);
  for (const matcher of matchers) {
    if (!labels.has(matcher.label)) problems.push(`${metric} has no label ${matcher.label}`);
    problems.push(...valueProblems(metric, matcher, facts?.labels.get(matcher.label), variables !== null));
  }
  const summed = facts?.type === 'counter' || (facts?.type === 'histogram' && metric !== baseOf(metric, metrics));
  if (summed && !within.some((name) => OF_COUNTERS.has(name)))
    problems.push(`${metric} is a counter: it needs rate() or increase()`);
  if (facts?.type === 'gauge' && within.some((name) => /^(?:rate|increase|irate)$/.test(name)))
    problems.push(`${metric} is a gauge: rate() and increase() mean nothing`);
  if (facts?.type === 'histogram' && metric === baseOf(metric, metrics))
    problems.push(`${metric} is a histogram: it has _bucket, _sum and _count`);
  if (variables !== null && range !== null && !range.startsWith('$__'))
    problems.push(`${metric}[${range}]: a panel looks back over $__rate_interval or $__range, which follow the screen`);
  return problems;
}

function valueProblems(
  metric: string,
  { label, value = '' }: LabelUse,
  facts: LabelFacts | undefined,
  onBoard: boolean,
): readonly string[] {
  if (value.includes('$') || value === '' || !NAMES.test(value)) return [];
  // The rules lie beside the scrape configuration that gives the job its name; a board may look at another one.
  if (label === 'instance' || (label === 'job' && onBoard) || facts?.ofAnInstallation === true)
    return [`${label}="${value}" is written out: take a variable`];
  if (facts === undefined) return [];
  const unknown = value.split('|').filter((one) => !facts.allows(one));
  return unknown.map((one) => `${label} of ${metric} is never "${one}"`);
}

function variableProblems(expr: string, variables: ReadonlySet<string> | null): readonly string[] {
  const used = [...expr.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name ?? '').filter((name) => !name.startsWith('__'));
  return used
    .filter((name) => variables?.has(name) !== true)
    .map((name) => `uses the variable ${name}, which does not exist`);
}

function factsOf(metric: string, metrics: MetricTable): MetricFacts | null {
  return metrics.get(metric) ?? metrics.get(baseOf(metric, metrics)) ?? null;
}

/** `x` for the `x_bucket`, `x_sum` and `x_count` of a histogram. */
function baseOf(metric: string, metrics: MetricTable): string {
  const base = metric.replace(/_(?:bucket|sum|count)$/, '');
  return metrics.get(base)?.type === 'histogram' ? base : metric;
}

function labelsOf(metric: string, metrics: MetricTable): Iterable<string> {
  return factsOf(metric, metrics)?.labels.keys() ?? OF_PROMETHEUS.get(metric) ?? [];
}
