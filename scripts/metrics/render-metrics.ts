import { isOpenLabel, metricSections } from '@full-sync/metrics';
import type { LabelRule, Metric, ServiceKind } from '@full-sync/metrics';

const head = `# Metrics

Every process answers \`GET /metrics\` in Prometheus' text format: the api at its own port, the others at \`<SERVICE>_METRICS_PORT\` ([configuration](configuration.md)). This
is the whole list; it is written by \`npm run generate\` from the table that the processes make their metrics from (\`packages/metrics\`), and a test scrapes every
process and compares.

- Every series also has the label \`service\`; Prometheus adds \`instance\`. Values of labels are those listed; where they cannot be listed, it says how many there can be at most.
- Series whose labels are known beforehand are there from the start, at 0. Counters begin at 0 with each process: use \`rate\` or \`increase\`.
- Counters are noted once what they count is committed or acknowledged. What is repeated after a restart is counted again where it says so; what users are shown of a
  job comes from Postgres instead.
- Lag is measured by the api from offsets, positions and the log, so it is there for groups whose processes are all dead. With several copies of the api each shows it: take \`max\`.
- \`GET /api/metrics\` shows lag, throughput and budgets from the same snapshot as JSON.

`;

const kindNames: Readonly<Record<ServiceKind, string>> = {
  api: 'api',
  extractor: 'extractor',
  keyer: 'keyer',
  loader: 'loader',
  destination: 'every destination',
};

/** docs/metrics.md, as the table says. */
export function renderMetrics(): string {
  const sections = metricSections.map(({ title, about, metrics }) => {
    return `## ${title}\n\n${about}\n\n${metrics.map(renderMetric).join('\n')}`;
  });
  return `${head}${sections.join('\n')}`;
}

function renderMetric(metric: Metric): string {
  const { name, type, unit, services, labels, meaning, whenHigh } = metric;
  const shownBy = services === 'every' ? 'every process' : services.map((kind) => kindNames[kind]).join(', ');
  const lines = [
    `- Type: ${type}, ${unit}; shown by ${shownBy}`,
    ...Object.entries(labels).map(([label, rule]) => `- Label \`${label}\`: ${renderLabel(rule)}`),
    ...(metric.type === 'histogram' ? [`- Buckets: ${metric.buckets.join(', ')}`] : []),
    `- What to do: ${whenHigh}`,
  ];
  return `### ${name}\n\n${meaning}\n\n${lines.join('\n')}\n`;
}

function renderLabel(rule: LabelRule): string {
  if (isOpenLabel(rule)) return `${rule.of}; at most ${rule.atMost}`;
  return rule.map((value) => `\`${value}\``).join(', ');
}
