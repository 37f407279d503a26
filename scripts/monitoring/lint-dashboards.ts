import { fieldsOf, listOf, textOf } from '../parsed-fields.ts';
import type { Fields } from '../parsed-fields.ts';
import { borderProblems, queryProblems } from './lint-query.ts';
import type { MetricTable } from './lint-query.ts';

/*
 * Rules for dashboards as Grafana reads them, whoever wrote them: they look at the files and not at what the files are
 * written from, so that a file edited by hand is judged as well.
 */

/** No unit is not a unit: a bare number leaves open what it counts. */
const UNITS: ReadonlySet<unknown> = new Set([
  's',
  'bytes',
  'binBps',
  'percentunit',
  'short',
  'ops',
  'reqps',
  'bool',
  'dateTimeFromNow',
]);
const SHORTEST_DESCRIPTION = 40;
const DATASOURCE_UID = '${datasource}';

export interface DashboardRules {
  readonly metrics: MetricTable;
  /** Addresses that a link to the runbook may have. */
  readonly runbook: ReadonlySet<string>;
}

/** What is wrong with a dashboard, a line each. `name` is the file's name without its ending. */
export function dashboardProblems(name: string, dashboard: unknown, rules: DashboardRules): readonly string[] {
  const board = fieldsOf(dashboard);
  const panels = listOf(board['panels']);
  const shown = panels.filter((panel) => panel['type'] !== 'row');
  const charts = shown.filter((panel) => panel['type'] !== 'text');
  const variables = listOf(fieldsOf(board['templating'])['list']);
  const names = new Set(variables.map((variable) => textOf(variable['name'])));
  const titles = shown.map((panel) => textOf(panel['title']));
  return [
    ...frameProblems(name, board),
    ...(shown.length === 0 ? ['has no panel'] : []),
    ...repeated(titles).map((title) => `two panels ask "${title}"`),
    ...repeated(panels.map((panel) => JSON.stringify(panel['id']))).map((id) => `two panels have the id ${id}`),
    ...overlaps(panels),
    ...(charts.length === 0 ? [] : datasourceVariableProblems(variables)),
    ...variables.flatMap((variable) => variableProblems(variable, rules.metrics)),
    ...unusedVariables(variables, dashboard),
    ...charts.flatMap((panel) =>
      panelProblems(panel, names, rules).map((problem) => `panel "${textOf(panel['title'])}": ${problem}`),
    ),
    ...addressProblems(dashboard),
  ].map((problem) => `${name}: ${problem}`);
}

function frameProblems(name: string, board: Fields): readonly string[] {
  const expected: readonly (readonly [boolean, string])[] = [
    [board['uid'] === `full-sync-${name}`, `its uid is not full-sync-${name}, by which others lead to it`],
    [textOf(board['title']).startsWith('Full Sync / '), 'its title does not begin with "Full Sync / "'],
    [textOf(board['description']).length >= SHORTEST_DESCRIPTION, 'has no description'],
    [JSON.stringify(board['tags']) === '["full-sync"]', 'is not tagged full-sync, by which the boards are linked'],
    [listOf(board['links']).some((link) => link['type'] === 'dashboards'), 'does not lead to the other boards'],
    [board['editable'] === false, 'is editable, while what is provisioned cannot be saved'],
    [board['timezone'] === 'browser', 'does not show the time of whoever looks'],
    [textOf(board['refresh']) !== '', 'does not refresh itself'],
    [!('id' in board), 'has an id of one installation'],
  ];
  return expected.filter(([holds]) => !holds).map(([, problem]) => problem);
}

function datasourceVariableProblems(variables: readonly Fields[]): readonly string[] {
  const sources = variables.filter((variable) => variable['type'] === 'datasource');
  const [source] = sources;
  if (source === undefined || sources.length > 1 || source['name'] !== 'datasource')
    return ['has no variable "datasource" of type datasource'];
  return source['query'] === 'prometheus' ? [] : ['its data source is not a Prometheus'];
}

function variableProblems(variable: Fields, metrics: MetricTable): readonly string[] {
  const name = textOf(variable['name']);
  if (variable['type'] === 'datasource') return [];
  const [, metric = '', label = ''] = /^label_values\((\w+), (\w+)\)$/.exec(textOf(variable['definition'])) ?? [];
  const known = metrics.get(metric);
  const hasLabel = label === 'service' || known?.labels.has(label) === true;
  return [
    ...(known === undefined ? [`its values are of ${metric || 'no metric'}, which does not exist`] : []),
    ...(known === undefined || hasLabel ? [] : [`${metric} has no label ${label}`]),
    ...(fieldsOf(variable['datasource'])['uid'] === DATASOURCE_UID ? [] : ['does not take the data source variable']),
    ...(textOf(variable['label']) === '' ? ['has no label'] : []),
  ].map((problem) => `variable ${name}: ${problem}`);
}

/** A choice that changes nothing is a lie. */
function unusedVariables(variables: readonly Fields[], dashboard: unknown): readonly string[] {
  const body = JSON.stringify(fieldsOf(dashboard)['panels']);
  return variables
    .filter((variable) => variable['type'] !== 'datasource')
    .map((variable) => textOf(variable['name']))
    .filter((name) => !new RegExp(`\\$(?:${name}\\b|\\{${name}\\b)`).test(body))
    .map((name) => `variable ${name} is not used by any panel`);
}

function panelProblems(panel: Fields, variables: ReadonlySet<string>, rules: DashboardRules): readonly string[] {
  const defaults = fieldsOf(fieldsOf(panel['fieldConfig'])['defaults']);
  const targets = listOf(panel['targets']);
  const description = textOf(panel['description']);
  const links = listOf(panel['links']);
  return [
    ...(/^\p{Lu}[^?]+\?$/u.test(textOf(panel['title'])) ? [] : ['its title is not a question']),
    ...(description.length >= SHORTEST_DESCRIPTION ? [] : ['has no description']),
    ...(UNITS.has(defaults['unit']) ? [] : [`has no unit (${String(defaults['unit'])})`]),
    ...thresholdProblems(fieldsOf(defaults['thresholds']), description),
    ...(links.some((link) => rules.runbook.has(textOf(link['url'])))
      ? []
      : ['does not lead to a section of the runbook']),
    ...(fieldsOf(panel['datasource'])['uid'] === DATASOURCE_UID ? [] : ['does not take the data source variable']),
    ...(targets.length === 0 ? ['asks nothing'] : []),
    ...repeated(targets.map((target) => textOf(target['refId']))).map((id) => `two queries are called ${id}`),
    ...targets.flatMap((target) => targetProblems(target, variables, rules.metrics)),
    ...targets.flatMap((target) => borderProblems(textOf(target['expr']), bordersOf(defaults), rules.metrics)),
  ];
}

function bordersOf(defaults: Fields): readonly number[] {
  return listOf(fieldsOf(defaults['thresholds'])['steps'])
    .map((step) => step['value'])
    .filter((value) => typeof value === 'number');
}

/** Colours without a meaning are decoration: each step has its reason in the description. */
function thresholdProblems(thresholds: Fields, description: string): readonly string[] {
  const steps = listOf(thresholds['steps']);
  const values = steps.map((step) => step['value']);
  if (steps.length < 2) return ['has no thresholds'];
  if (values[0] !== null) return ['its first threshold does not begin below all values'];
  const numbers = values.slice(1).map(Number);
  if (numbers.some((value, index) => index > 0 && value <= (numbers[index - 1] ?? value)))
    return ['its thresholds do not rise'];
  return numbers
    .filter((value) => !new RegExp(`^- \\w+ from ${String(value).replaceAll('.', '\\.')}: \\S`, 'm').test(description))
    .map((value) => `its description does not say what ${value} means`);
}

function targetProblems(target: Fields, variables: ReadonlySet<string>, metrics: MetricTable): readonly string[] {
  const expr = textOf(target['expr']);
  return [
    ...(fieldsOf(target['datasource'])['uid'] === DATASOURCE_UID ? [] : ['does not take the data source variable']),
    ...(textOf(target['legendFormat']) === '' ? ['its series have no name'] : []),
    ...queryProblems(expr, { metrics, variables }),
  ].map((problem) => `query ${textOf(target['refId'])}: ${problem}`);
}

function overlaps(panels: readonly Fields[]): readonly string[] {
  const places = panels.map((panel) => {
    const { x = 0, y = 0, w = 0, h = 0 } = fieldsOf(panel['gridPos']) as Readonly<Record<string, number>>;
    return { title: textOf(panel['title']), x, y, w, h };
  });
  return places.flatMap((one, index) => [
    ...(one.w > 0 && one.h > 0 && one.x >= 0 && one.x + one.w <= 24 ? [] : [`"${one.title}" is not on the grid`]),
    ...places
      .slice(index + 1)
      .filter((two) => one.x < two.x + two.w && two.x < one.x + one.w && one.y < two.y + two.h && two.y < one.y + one.h)
      .map((two) => `"${one.title}" and "${two.title}" cover each other`),
  ]);
}

/** An address of one machine means nothing on another. Texts of the runbook show commands, which may have some. */
function addressProblems(dashboard: unknown): readonly string[] {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value === 'string' && /\bhttps?:\/\//.test(value)) found.push(`names an address: ${value.slice(0, 80)}`);
    else if (Array.isArray(value)) value.forEach(walk);
    else if (typeof value === 'object' && value !== null)
      for (const [key, part] of Object.entries(value)) if (key !== 'content') walk(part);
  };
  walk(dashboard);
  return found;
}

function repeated(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}
