import type { Dashboard, Panel, Query, Threshold, Variable } from './model.ts';

const COLUMNS = 24;
/** Of rows of the grid, some 38 pixels each. */
const HEIGHTS: Readonly<Record<Panel['kind'], number>> = { timeseries: 8, table: 8, stat: 5, bargauge: 8 };
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
const TAG = 'full-sync';

/** Where the sections of the runbook are shown, by their anchors. Throws for an anchor that the runbook does not have. */
export type RunbookAddress = (anchor: string) => string;

/** A dashboard as Grafana reads it from a file (the classic model, which Grafana 10 to 13 take). */
export function renderDashboard(dashboard: Dashboard, addressOf: RunbookAddress): string {
  const { slug, title, description, variables, rows } = dashboard;
  let id = 0;
  let y = 0;
  const panels: object[] = [];
  for (const row of rows) {
    panels.push({
      id: ++id,
      type: 'row',
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y: y++, w: COLUMNS, h: 1 },
      panels: [],
    });
    let x = 0;
    let tallest = 0;
    for (const panel of row.panels) {
      const w = panel.width ?? 8;
      const h = HEIGHTS[panel.kind];
      if (x + w > COLUMNS) {
        x = 0;
        y += tallest;
        tallest = 0;
      }
      panels.push({ id: ++id, ...renderPanel(panel, addressOf), gridPos: { x, y, w, h } });
      x += w;
      tallest = Math.max(tallest, h);
    }
    y += tallest;
  }
  return `${JSON.stringify({ ...frame(slug, title, description), templating: { list: [datasourceVariable, ...variables.map(renderVariable)] }, panels }, null, 2)}\n`;
}

/** What all dashboards have in common. */
export function frame(slug: string, title: string, description: string): object {
  return {
    uid: `${TAG}-${slug}`,
    title: `Full Sync / ${title}`,
    description,
    tags: [TAG],
    schemaVersion: 39,
    version: 1,
    editable: false,
    graphTooltip: 1,
    timezone: 'browser',
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    timepicker: {},
    fiscalYearStartMonth: 0,
    annotations: { list: [] },
    links: [
      {
        type: 'dashboards',
        title: 'Full Sync',
        tags: [TAG],
        asDropdown: true,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
        icon: 'external link',
        tooltip: 'The other dashboards',
        url: '',
      },
    ],
  };
}

const datasourceVariable = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  current: {},
  regex: '',
  hide: 0,
  includeAll: false,
  multi: false,
  refresh: 1,
};

function renderVariable({ name, label, metric, of, choose }: Variable): object {
  const multi = choose !== 'one';
  const query = `label_values(${metric}, ${of})`;
  return {
    name,
    label,
    type: 'query',
    datasource: DATASOURCE,
    definition: query,
    query: { qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' },
    current: multi ? { text: ['All'], value: ['$__all'] } : {},
    includeAll: multi,
    // What has no value yet is part of all.
    ...(choose === 'any' ? { allValue: '.*' } : {}),
    multi,
    refresh: 2,
    regex: '',
    sort: 1,
    hide: 0,
  };
}

function renderPanel(panel: Panel, addressOf: RunbookAddress): object {
  const { kind, title, queries, runbook } = panel;
  return {
    type: kind,
    title,
    description: describe(panel),
    datasource: DATASOURCE,
    links: [{ title: 'Runbook', url: addressOf(runbook), targetBlank: true }],
    targets: queries.map((query, index) => renderTarget(query, index, kind)),
    fieldConfig: { defaults: fieldDefaults(panel), overrides: [] },
    options: OPTIONS[kind],
    ...(kind === 'table' ? { transformations: [{ id: 'organize', options: { excludeByName: { Time: true } } }] } : {}),
  };
}

function describe({ description, thresholds, below = 'green' }: Panel): string {
  const [first] = thresholds;
  const lines = thresholds.map(({ at, colour, because }) => `- ${colour} from ${at}: ${because}`);
  const base = first.at > 0 || below !== first.colour ? [`- ${below} below ${first.at}`] : [];
  return [description, '', ...base, ...lines].join('\n');
}

function renderTarget({ expr, legend }: Query, index: number, kind: Panel['kind']): object {
  const isTable = kind === 'table';
  const isInstant = isTable || kind === 'bargauge';
  return {
    refId: String.fromCodePoint(65 + index),
    datasource: DATASOURCE,
    editorMode: 'code',
    expr,
    legendFormat: legend,
    range: !isInstant,
    instant: isInstant,
    format: isTable ? 'table' : 'time_series',
  };
}

function fieldDefaults({ kind, unit, thresholds, below = 'green', names, stacked = false }: Panel): object {
  const mappings = names === undefined ? [] : [{ type: 'value', options: nameOptions(names) }];
  const custom = {
    drawStyle: 'line',
    lineWidth: 1,
    fillOpacity: stacked ? 40 : 8,
    showPoints: 'never',
    spanNulls: false,
    stacking: { mode: stacked ? 'normal' : 'none', group: 'A' },
    thresholdsStyle: { mode: stacked ? 'off' : 'line' },
  };
  return {
    unit,
    min: 0,
    color: { mode: kind === 'timeseries' ? 'palette-classic' : 'thresholds' },
    mappings,
    thresholds: { mode: 'absolute', steps: [{ color: below, value: null }, ...thresholds.map(renderStep)] },
    ...(kind === 'timeseries' ? { custom } : {}),
  };
}

function renderStep({ at, colour }: Threshold): object {
  return { color: colour, value: at };
}

function nameOptions(names: Readonly<Record<number, string>>): object {
  return Object.fromEntries(Object.entries(names).map(([value, text], index) => [value, { text, index }]));
}

const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
const OPTIONS: Readonly<Record<Panel['kind'], object>> = {
  timeseries: {
    legend: { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
  stat: { reduceOptions, colorMode: 'value', graphMode: 'area', justifyMode: 'auto', textMode: 'auto' },
  bargauge: { reduceOptions, displayMode: 'basic', orientation: 'horizontal', showUnfilled: true, minVizHeight: 10 },
  table: { showHeader: true, cellHeight: 'sm', footer: { show: false, reducer: ['sum'], countRows: false } },
};
