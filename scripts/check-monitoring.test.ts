import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { monitoringProblems } from './check-monitoring.ts';

const root = join(import.meta.dirname, '..');
const OVERVIEW = 'deploy/grafana/dashboards/overview.json';
const LOADER = 'deploy/grafana/dashboards/loader.json';
const JOB = 'deploy/grafana/dashboards/job.json';
const SOURCES = 'deploy/grafana/provisioning/datasources/prometheus.yml';
const PROMETHEUS = 'deploy/prometheus/prometheus.yml';
const RULES = 'deploy/prometheus/rules/full-sync.yml';
const RULE_TESTS = 'deploy/prometheus/tests/full-sync.yml';
const TARGETS = 'deploy/prometheus/targets.yml';
const RUNBOOK = 'docs/runbook.md';

/** The problems of the repository's own files after `change` was made to a copy of them. */
function problemsAfter(change: (directory: string) => void): readonly string[] {
  const directory = mkdtempSync(join(tmpdir(), 'full-sync-monitoring-test-'));
  try {
    for (const name of ['deploy', 'docs']) cpSync(join(root, name), join(directory, name), { recursive: true });
    for (const name of ['package.json', 'docker-compose.yml']) cpSync(join(root, name), join(directory, name));
    for (const service of readdirSync(join(root, 'services'))) {
      mkdirSync(join(directory, 'services', service), { recursive: true });
    }
    change(directory);
    return monitoringProblems(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function replacing(file: string, from: string | RegExp, to: string): (directory: string) => void {
  return (directory) => {
    const text = readFileSync(join(directory, file), 'utf8');
    const changed = text.replace(from, to);
    assert.notEqual(changed, text, `${file} has no ${from}`);
    writeFileSync(join(directory, file), changed);
  };
}

test('the dashboards, rules, targets and the runbook as they are have no problem', () => {
  assert.deepEqual(
    problemsAfter(() => undefined),
    [],
  );
});

const broken: readonly (readonly [title: string, file: string, from: string | RegExp, to: string, expected: RegExp])[] =
  [
    ['a list of metrics edited by hand', 'docs/metrics.md', '# Metrics', '# Some metrics', /metrics\.md is not what/],
    ['tests of rules edited by hand', RULE_TESTS, 'eval_time: 3m', 'eval_time: 30m', /tests\/.* is not what .* says/],
    ['a dashboard edited by hand', OVERVIEW, '"lineWidth": 1', '"lineWidth": 2', /overview\.json is not what .* says/],
    [
      'a title that asks nothing',
      OVERVIEW,
      /(?<="type": "timeseries",\s+"title": "[^"]+)\?"/,
      '"',
      /its title is not a question/,
    ],
    ['a panel without a unit', OVERVIEW, '"unit": "s"', '"unit": "none"', /has no unit \(none\)/],
    [
      'a panel without a description',
      OVERVIEW,
      /(?<="type": "timeseries",[^]+?"description": ")[^"]+/,
      '',
      /has no description/,
    ],
    ['a threshold that nobody explains', OVERVIEW, /- (\w+) from [\d.]+: /, '- $1: ', /does not say what [\d.]+ means/],
    ['a panel without thresholds', OVERVIEW, /"steps": \[[^\]]+\]/, '"steps": []', /has no thresholds/],
    [
      'a data source that is written out',
      OVERVIEW,
      /(?<="datasource": \{\s+"type": "prometheus",\s+"uid": ")[^"]+/,
      'PBFA97CFB590B2093',
      /does not take the data source variable/,
    ],
    [
      'a dashboard without a data source variable',
      OVERVIEW,
      '"type": "datasource"',
      '"type": "constant"',
      /has no variable "datasource"/,
    ],
    [
      'an address of one machine',
      OVERVIEW,
      '"/d/full-sync-runbook',
      '"http://127.0.0.1:3001/d/full-sync-runbook',
      /names an address/,
    ],
    [
      'a link to a section that the runbook does not have',
      OVERVIEW,
      /viewPanel=panel-\d+/,
      'viewPanel=panel-999',
      /does not lead to a section/,
    ],
    [
      'a metric that does not exist',
      OVERVIEW,
      /(?<="expr": "[^"]*)full_sync_/,
      'full_sinc_',
      /names full_sinc_\w+, which does not exist/,
    ],
    [
      'a threshold that the quantile of a histogram cannot tell',
      LOADER,
      /"value": 2\.5/,
      '"value": 2.6',
      /2\.6 is between the buckets of full_sync_loader_copy_seconds_bucket/,
    ],
    [
      'thresholds that fall',
      OVERVIEW,
      /(?<="value": )30(?=\s+\},\s+\{\s+"color": "red",\s+"value": 60)/,
      '90',
      /thresholds do not rise/,
    ],
    ['a first threshold that is none', OVERVIEW, '"value": null', '"value": 0', /does not begin below all values/],
    [
      'a counter that is shown as it is',
      OVERVIEW,
      /rate\(process_cpu_/,
      'max(process_cpu_',
      /is a counter: it needs rate/,
    ],
    ['the rate of a gauge', OVERVIEW, 'max(full_sync_jobs', 'rate(full_sync_jobs', /is a gauge: rate\(\)/],
    [
      'a histogram without a suffix',
      LOADER,
      'full_sync_loader_copy_seconds_bucket',
      'full_sync_loader_copy_seconds',
      /is a histogram: it has _bucket/,
    ],
    ['a label that nothing is grouped by', LOADER, 'sum by (outcome)', 'sum by (colour)', /groups by colour/],
    ['a value that a label never has', OVERVIEW, /status=\\"failed\\"/, 'status=\\"failing\\"', /never "failing"/],
    ['a job that is written out', OVERVIEW, '{alertstate=', '{job=\\"full-sync\\",alertstate=', /take a variable/],
    ['a panel that asks nothing', OVERVIEW, '"targets": [', '"targets": [], "asked": [', /asks nothing/],
    ['a panel off the grid', OVERVIEW, /"x": 20/, '"x": 22', /is not on the grid/],
    [
      'two panels that ask the same',
      OVERVIEW,
      'How many processes are not ready?',
      'How many processes do not answer?',
      /two panels ask/,
    ],
    ['two panels with one id', OVERVIEW, /"id": 3,/, '"id": 2,', /two panels have the id 2/],
    ['two queries of one name', JOB, '"refId": "B"', '"refId": "A"', /two queries are called A/],
    [
      'a choice of values that do not exist',
      OVERVIEW,
      'label_values(full_sync_build_info, service)',
      'label_values(full_sync_built, service)',
      /full_sync_built, which does not exist/,
    ],
    [
      'a choice of a label that does not exist',
      OVERVIEW,
      'label_values(full_sync_build_info, service)',
      'label_values(full_sync_build_info, pod)',
      /full_sync_build_info has no label pod/,
    ],
    [
      'a choice that changes nothing',
      OVERVIEW,
      '"name": "service"',
      '"name": "servant"',
      /variable servant is not used/,
    ],
    [
      'a choice without a name for people',
      OVERVIEW,
      '"label": "Service"',
      '"label": ""',
      /variable service: has no label/,
    ],
    ['a data source of another kind', OVERVIEW, '"query": "prometheus"', '"query": "loki"', /is not a Prometheus/],
    ['a title that is not ours', OVERVIEW, '"title": "Full Sync / ', '"title": "', /does not begin with "Full Sync/],
    [
      'a dashboard without a description',
      OVERVIEW,
      /(?<="title": "Full Sync[^\n]+\n\s+"description": ")[^"]+/,
      '',
      /overview: has no description/,
    ],
    [
      'a dashboard without its tag',
      OVERVIEW,
      /"tags": \[\s+"full-sync"\s+\],\s+"schema/,
      '"tags": [], "schema',
      /is not tagged/,
    ],
    [
      'a dashboard that leads nowhere',
      OVERVIEW,
      '"type": "dashboards"',
      '"type": "link"',
      /does not lead to the other/,
    ],
    [
      'a time that is not the reader’s',
      OVERVIEW,
      '"timezone": "browser"',
      '"timezone": "utc"',
      /time of whoever looks/,
    ],
    ['a dashboard that stands still', OVERVIEW, '"refresh": "10s"', '"refresh": ""', /does not refresh/],
    [
      'an id of one installation',
      OVERVIEW,
      '"uid": "full-sync-overview"',
      '"id": 7, "uid": "full-sync-overview"',
      /an id of one installation/,
    ],
    ['a query that does not parse', OVERVIEW, /"expr": "/, '"expr": "sum by (', /does not parse/],
    ['a span that is written out', OVERVIEW, '[$__rate_interval]', '[5m]', /looks back over \$__rate_interval/],
    ['a variable that does not exist', OVERVIEW, '[$__rate_interval]', '[$span]', /uses the variable span/],
    ['a series without a name', OVERVIEW, /"legendFormat": "[^"]+"/, '"legendFormat": ""', /its series have no name/],
    ['panels that cover each other', OVERVIEW, /"x": 8/, '"x": 7', /cover each other/],
    ['a dashboard that can be edited', OVERVIEW, '"editable": false', '"editable": true', /is editable/],
    ['a dashboard under another address', OVERVIEW, '"uid": "full-sync-overview"', '"uid": "abc"', /its uid is not/],
    ['a rule edited by hand', RULES, 'for: 2m', 'for: 3m', /full-sync\.yml is not what .* says/],
    ['a rule that does not wait', RULES, /for: \w+/, 'for: 0s', /has no for-duration/],
    ['a rule without a severity', RULES, /severity: \w+/, 'severity: loud', /has no severity/],
    [
      'a rule that leads nowhere',
      RULES,
      /(?<=externalLabels\.runbook \}\}#)\w+/,
      'elsewhere',
      /does not lead to its section/,
    ],
    ['a rule without a summary', RULES, /summary: .*/, 'summary: bad', /has no summary/],
    [
      'a rule that names a metric which does not exist',
      RULES,
      /expr: up/,
      'expr: upp',
      /names upp, which does not exist/,
    ],
    ['a rule with a label that does not exist', RULES, 'up{job=', 'up{pod=', /up has no label pod/],
    [
      'a rule that shows a label which nothing has',
      RULES,
      '$labels.service',
      '$labels.servus',
      /shows the label servus/,
    ],
    [
      'a rule that no test sees fire',
      RULE_TESTS,
      /exp_alerts:\n\s+- exp_labels:/,
      'exp_alerts: []\n        x:\n          - exp_labels:',
      /no test sees it fire/,
    ],
    [
      'a rule that no test sees quiet',
      RULE_TESTS,
      /(?<=FullSyncProcessDown is quiet[^]+?)exp_alerts: \[\]([^]+?)exp_alerts: \[\]/,
      'exp_alerts: [{}]$1exp_alerts: [{}]',
      /FullSyncProcessDown: no test sees it quiet/,
    ],
    ['two rules of one name', RULES, 'alert: FullSyncNotReady', 'alert: FullSyncProcessDown', /two alerts are called/],
    ['a rule with a name of somebody else’s', RULES, 'alert: FullSync', 'alert: ', /does not begin with FullSync/],
    ['a rule without a description', RULES, /description: .*/, 'description: bad', /has no description/],
    ['a file without rules', RULES, /rules:[^]*/, 'rules: []\n', /there is no alert/],
    [
      'a rule whose border the quantile of a histogram cannot tell',
      RULES,
      /(full_sync_loader_flush_seconds_bucket\S+ >) 5$/m,
      '$1 4',
      /4 is between the buckets of full_sync_loader_flush_seconds_bucket/,
    ],
    ['a service that nobody scrapes', TARGETS, 'service: keyer', 'service: other', /keyer is not scraped/],
    [
      'a service that is scraped at another port',
      TARGETS,
      ':9104',
      ':9105',
      /loader is scraped at .*9105, and answers at port 9104/,
    ],
    ['no rules at all', PROMETHEUS, '  - rules/*.yml', '  []', /reads no rules/],
    ['targets that are not scraped', PROMETHEUS, '[targets.yml]', '[others.yml]', /does not scrape targets\.yml/],
    ['no data source', SOURCES, 'isDefault: true', 'isDefault: false', /has no default data source/],
    ['rules that are not read', PROMETHEUS, 'rules/*.yml', 'rulez/*.yml', /reads rulez/],
    [
      'dashboards that are mounted elsewhere',
      'docker-compose.yml',
      ':/etc/grafana/dashboards:ro',
      ':/dashboards:ro',
      /mounts none/,
    ],
    [
      'an alert without a section in the runbook',
      RUNBOOK,
      /^## FullSyncProcessDown$/m,
      '## Something else',
      /no section in docs\/runbook\.md|has no heading/,
    ],
    ['a section without a diagnosis', RUNBOOK, '**Diagnosis.**', '**Look.**', /lacks one of/],
    ['a diagnosis without a command', RUNBOOK, /(?<=\*\*Diagnosis\.\*\*[^]+?)```sh/, '```text', /shows no command/],
    [
      'words that no log has',
      RUNBOOK,
      "grep -h 'paused until",
      "grep -h 'stopped until",
      /looks for "stopped until this is mended" in the logs, which nothing writes/,
    ],
    ['a command that does not exist', RUNBOOK, 'npm run cli', 'npm run client', /npm run client does not exist/],
    [
      'a metric of the runbook that does not exist',
      RUNBOOK,
      'full_sync_',
      'full_sync_sinc_',
      /the metric \w+ does not exist/,
    ],
  ];

for (const [title, file, from, to, expected] of broken) {
  test(`finds ${title}`, () => {
    assert.match(problemsAfter(replacing(file, from, to)).join('\n'), expected);
  });
}

test('finds a dashboard that nothing writes', () => {
  const extra = (directory: string): void =>
    cpSync(join(directory, OVERVIEW), join(directory, OVERVIEW.replace('overview', 'more')));
  assert.match(problemsAfter(extra).join('\n'), /more\.json is written by nothing/);
});

test('finds a dashboard that is missing', () => {
  assert.match(
    problemsAfter((directory) => rmSync(join(directory, OVERVIEW))).join('\n'),
    /overview\.json is not what/,
  );
});
