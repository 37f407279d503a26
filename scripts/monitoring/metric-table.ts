import { allowsValue, isOpenLabel, metricTable as described } from '@full-sync/metrics';
import type { LabelRules } from '@full-sync/metrics';
import type { LabelFacts, MetricFacts, MetricTable } from './lint-query.ts';

/** Labels whose values are ours although the table cannot list them: the groups of the pipeline and who gives records up. */
const OURS: ReadonlySet<string> = new Set(['group', 'stage']);

/** All metrics that any process shows, as the linter knows them: from the table that the processes themselves make them from. */
export const metricTable: MetricTable = new Map(
  [...described].map(([name, metric]): readonly [string, MetricFacts] => [
    name,
    {
      type: metric.type,
      labels: factsOf(metric.labels),
      buckets: metric.type === 'histogram' ? metric.buckets : [],
    },
  ]),
);

function factsOf(rules: LabelRules): ReadonlyMap<string, LabelFacts> {
  return new Map(
    Object.entries(rules).map(([label, rule]) => [
      label,
      {
        ofAnInstallation: isOpenLabel(rule) && !OURS.has(label),
        allows: (value: string) => allowsValue(rule, value),
      },
    ]),
  );
}
