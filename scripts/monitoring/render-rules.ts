import { stringify } from 'yaml';
import type { Alert } from './model.ts';
import { anchorOf } from './render-runbook.ts';

const HEADER = '# Written from scripts/monitoring by `npm run generate`; `npm run check` compares.\n';
const TEST_RUNBOOK = 'https://runbook.test';

/** The expression that an alert is raised by. */
function expressionOf({ left, op, right }: Alert): string {
  return `${left} ${op} ${right}`;
}

export interface RuleOptions {
  /** Instead of each alert's own; a test cannot wait for minutes. */
  readonly for?: string;
}

/** The alerts as a rule file of Prometheus. */
export function renderRules(alerts: readonly Alert[], options: RuleOptions = {}): string {
  const rules = alerts.map((alert) => ({
    alert: alert.name,
    expr: expressionOf(alert),
    for: options.for ?? alert.for,
    labels: { severity: alert.severity },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      runbook_url: `{{ $externalLabels.runbook }}#${anchorOf(alert.name)}`,
    },
  }));
  return HEADER + stringify({ groups: [{ name: 'full-sync', rules }] }, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** The proofs of all alerts as a file for `promtool test rules`. `rules` is the path of the rule file as seen from it. */
export function renderRuleTests(alerts: readonly Alert[], rules: string): string {
  const tests = alerts.flatMap((alert) => {
    const { fires, quiet, labels, afterMinutes, stillAfterMinutes } = alert.proof;
    const input = (series: Readonly<Record<string, string>>) =>
      Object.entries(series).map(([name, values]) => ({ series: name, values }));
    const common = { interval: '1m', external_labels: { runbook: TEST_RUNBOOK } };
    const at = (minutes: number, expected: readonly object[]) => ({
      eval_time: `${minutes}m`,
      alertname: alert.name,
      exp_alerts: expected,
    });
    const fired = { exp_labels: { severity: alert.severity, ...labels }, exp_annotations: annotationsOf(alert) };
    return [
      {
        name: `${alert.name} fires`,
        ...common,
        input_series: input(fires),
        alert_rule_test: [
          at(afterMinutes - 1, []),
          at(afterMinutes, [fired]),
          ...(stillAfterMinutes === undefined ? [] : [at(stillAfterMinutes, [fired])]),
        ],
      },
      {
        name: `${alert.name} is quiet`,
        ...common,
        input_series: input(quiet),
        alert_rule_test: [at(afterMinutes, []), at(afterMinutes + 10, [])],
      },
    ];
  });
  return (
    HEADER +
    stringify({ rule_files: [rules], evaluation_interval: '1m', tests }, { lineWidth: 0, aliasDuplicateObjects: false })
  );
}

function annotationsOf(alert: Alert): object {
  const { labels } = alert.proof;
  const fill = (text: string): string =>
    text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '');
  return {
    summary: fill(alert.summary),
    description: fill(alert.description),
    runbook_url: `${TEST_RUNBOOK}#${anchorOf(alert.name)}`,
  };
}
