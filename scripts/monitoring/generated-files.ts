import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderMetrics } from '../metrics/render-metrics.ts';
import { alerts } from './alerts/index.ts';
import { dashboards } from './dashboards/index.ts';
import { renderDashboard } from './render-dashboard.ts';
import { renderRules, renderRuleTests } from './render-rules.ts';
import { readSections, renderRunbook, runbookAddresses } from './render-runbook.ts';

/** Where the dashboards lie, from the root. */
export const DASHBOARDS = 'deploy/grafana/dashboards';
/** Where the rules lie; their tests in a folder of their own, which Prometheus does not read. */
export const RULES = 'deploy/prometheus/rules/full-sync.yml';
export const RULE_TESTS = 'deploy/prometheus/tests/full-sync.yml';

/** Where the metrics are described. */
const METRICS = 'docs/metrics.md';

/** Every file that is written from code, by its path from `root`, with what it has to hold. */
export function generatedFiles(root: string): ReadonlyMap<string, string> {
  const sections = readSections(readFileSync(join(root, 'docs', 'runbook.md'), 'utf8'));
  const addressOf = runbookAddresses(sections);
  return new Map([
    ...dashboards.map((board) => [`${DASHBOARDS}/${board.slug}.json`, renderDashboard(board, addressOf)] as const),
    [`${DASHBOARDS}/runbook.json`, renderRunbook(sections)],
    [RULES, renderRules(alerts)],
    [RULE_TESTS, renderRuleTests(alerts, '../rules/full-sync.yml')],
    [METRICS, renderMetrics()],
  ]);
}
