/*
 * What an operator looks at, as values: dashboards of panels, and alerts. deploy/grafana and deploy/prometheus are written
 * from these; docs/adr tells why.
 */

/** Units of Grafana that the metrics have. Base units only: Grafana scales them. */
export type Unit = 's' | 'bytes' | 'percentunit' | 'short' | 'ops' | 'reqps' | 'bool' | 'dateTimeFromNow' | 'binBps';

export type Colour = 'green' | 'yellow' | 'orange' | 'red' | 'blue';

/** From `at` on the value has this colour, and `because` says what that means; it becomes part of the description. */
export interface Threshold {
  readonly at: number;
  readonly colour: Colour;
  readonly because: string;
}

export interface Query {
  /** PromQL; `$__rate_interval` and the dashboard's variables may stand in it. */
  readonly expr: string;
  /** Name of the series in the legend, `{{label}}` for a label's value. */
  readonly legend: string;
}

export interface Panel {
  /** A question, as an operator would ask it. */
  readonly title: string;
  /** What the answer means, and where it comes from. */
  readonly description: string;
  readonly kind: 'timeseries' | 'stat' | 'table' | 'bargauge';
  readonly unit: Unit;
  /** The colour below the first threshold; green unless told. */
  readonly below?: Colour;
  readonly thresholds: readonly [Threshold, ...Threshold[]];
  /** Names of values, such as 1 for "paused". */
  readonly names?: Readonly<Record<number, string>>;
  /** A heading of docs/runbook.md, as its anchor. */
  readonly runbook: string;
  readonly queries: readonly [Query, ...Query[]];
  /** Of 24 columns; 8 unless told. */
  readonly width?: 4 | 6 | 8 | 12 | 24;
  /** Values on top of each other, for parts of a whole. */
  readonly stacked?: boolean;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly [Panel, ...Panel[]];
}

/** A choice above the dashboard: the values of a label. */
export interface Variable {
  readonly name: string;
  readonly label: string;
  /** `label_values(metric, label)` as Grafana evaluates it. */
  readonly metric: string;
  readonly of: string;
  /** One value, or any number of them; `listed` takes all of the values that there are where all are chosen, and not any. */
  readonly choose: 'one' | 'any' | 'listed';
}

export interface Dashboard {
  /** The last part of its address and the name of its file. */
  readonly slug: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly [Row, ...Row[]];
}

export interface AlertProof {
  /** Series in the notation of promtool, a minute a step, with which the alert fires once `for` is over. */
  readonly fires: Readonly<Record<string, string>>;
  /** Series with which it does not, close to the border. */
  readonly quiet: Readonly<Record<string, string>>;
  /** The labels of the alert that fires, beside `alertname` and `severity`. */
  readonly labels: Readonly<Record<string, string>>;
  /** When it fires, in minutes from the start; `for` and what the expression looks back over, unless told. */
  readonly afterMinutes: number;
  /** When it still has to fire, where that is in doubt: series of a process that is dead end. */
  readonly stillAfterMinutes?: number;
}

export interface Alert {
  /** `FullSync...`, and a heading of the same name in docs/runbook.md. */
  readonly name: string;
  /** What is measured. It returns data at any time, on a system that is well too. */
  readonly left: string;
  readonly op: '>' | '<' | '==' | '>=' | '<=';
  readonly right: number;
  /** `5m`; how long it has to hold. */
  readonly for: string;
  /** `page`: somebody gets up. `ticket`: somebody looks at it on the next working day. */
  readonly severity: 'page' | 'ticket';
  /** One line with the labels of the alert as `{{ $labels.name }}`. */
  readonly summary: string;
  /** What it means for users. */
  readonly description: string;
  readonly proof: AlertProof;
}
