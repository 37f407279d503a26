import { fieldsOf, listOf, textOf } from '../parsed-fields.ts';
import type { Fields } from '../parsed-fields.ts';
import { borderProblems, queryProblems } from './lint-query.ts';
import type { MetricTable } from './lint-query.ts';
import type { Section } from './render-runbook.ts';

export interface RuleRules {
  readonly metrics: MetricTable;
  readonly runbook: readonly Section[];
}

/** Every part of an alert's section, as it has to be written. */
const PARTS = ['**Symptom.**', '**Diagnosis.**', '**Action.**'] as const;

/** What is wrong with a rule file of Prometheus and its tests (both parsed), a line each. */
export function ruleProblems(file: unknown, tests: unknown, rules: RuleRules): readonly string[] {
  const groups = listOf(fieldsOf(file)['groups']);
  const alerts = groups.flatMap((group) => listOf(group['rules']));
  const names = alerts.map((rule) => textOf(rule['alert']));
  return [
    ...(alerts.length === 0 ? ['there is no alert'] : []),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `two alerts are called ${name}`),
    ...alerts.flatMap((rule) => alertProblems(rule, rules).map((problem) => `${textOf(rule['alert'])}: ${problem}`)),
    ...names.flatMap((name) => proofProblems(name, tests)),
  ];
}

function alertProblems(rule: Fields, { metrics, runbook }: RuleRules): readonly string[] {
  const name = textOf(rule['alert']);
  const annotations = fieldsOf(rule['annotations']);
  const section = runbook.find(({ heading }) => heading === name);
  const link = `{{ $externalLabels.runbook }}#${section?.anchor ?? ''}`;
  return [
    ...(/^FullSync[A-Z]\w+$/.test(name) ? [] : ['its name does not begin with FullSync']),
    ...(/^[1-9]\d*[smh]$/.test(textOf(rule['for'])) ? [] : ['has no for-duration: one bad scrape would raise it']),
    ...(['page', 'ticket'].includes(textOf(fieldsOf(rule['labels'])['severity'])) ? [] : ['has no severity']),
    ...['summary', 'description']
      .filter((part) => textOf(annotations[part]).length < 15)
      .map((part) => `has no ${part}`),
    ...(section === undefined ? ['has no section in docs/runbook.md'] : sectionProblems(section)),
    ...(textOf(annotations['runbook_url']) === link ? [] : ['does not lead to its section of the runbook']),
    ...labelsIn(annotations).flatMap((label) =>
      knownLabel(label, metrics) ? [] : [`shows the label ${label}, which nothing has`],
    ),
    ...queryProblems(textOf(rule['expr']), { metrics, variables: null }),
    ...borderProblems(textOf(rule['expr']), bordersOf(textOf(rule['expr'])), metrics),
  ];
}

/** The number that the whole expression is compared with; none where it ends otherwise. */
function bordersOf(expr: string): readonly number[] {
  const border = /(?:[<>]=?|==) (\d[\d.]*)$/.exec(expr)?.[1];
  return border === undefined ? [] : [Number(border)];
}

function sectionProblems({ body }: Section): readonly string[] {
  const places = PARTS.map((part) => body.indexOf(part));
  if (places.some((place) => place < 0)) return [`its section of the runbook lacks one of ${PARTS.join(', ')}`];
  const [, diagnosis = 0, action = 0] = places;
  return /^```sh$/m.test(body.slice(diagnosis, action)) ? [] : ['its diagnosis in the runbook shows no command'];
}

/** Each alert is seen to fire and, close to the border, not to. */
function proofProblems(name: string, tests: unknown): readonly string[] {
  // Whether each test that asks for the alert expects it at any moment: quiet is what never fires.
  const checks = listOf(fieldsOf(tests)['tests'])
    .map((one) => listOf(one['alert_rule_test']).filter((check) => check['alertname'] === name))
    .filter((asked) => asked.length > 0)
    .map((asked) => asked.some((check) => listOf(check['exp_alerts']).length > 0));
  return [
    ...(checks.includes(true) ? [] : [`${name}: no test sees it fire`]),
    ...(checks.includes(false) ? [] : [`${name}: no test sees it quiet`]),
  ];
}

function labelsIn(annotations: Fields): readonly string[] {
  const all = Object.values(annotations).map(textOf).join(' ');
  return [...all.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label ?? '');
}

function knownLabel(label: string, metrics: MetricTable): boolean {
  return (
    ['job', 'instance', 'service'].includes(label) || [...metrics.values()].some(({ labels }) => labels.has(label))
  );
}
