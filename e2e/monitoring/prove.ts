import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@full-sync/testing';
import { DASHBOARDS } from '../../scripts/monitoring/generated-files.ts';
import type { Alert } from '../../scripts/monitoring/model.ts';
import { renderRules } from '../../scripts/monitoring/render-rules.ts';
import { startSystem } from '../drill/system.ts';
import { acts } from './acts/index.ts';
import { perform } from './perform.ts';
import type { Fired } from './perform.ts';
import { startPrometheus } from './prometheus.ts';
import type { Prometheus } from './prometheus.ts';
import { fillIn, readBoards } from './questions.ts';
import type { Question } from './questions.ts';
import { callProblems, readCommands, statementProblems } from './runbook-commands.ts';
import { createStage } from './stage.ts';
import { formatTable, showValue } from './table.ts';

export interface ProveOptions {
  readonly root: string;
  readonly alerts: readonly Alert[];
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Instead of minutes; every other part of the rules is as in production. */
const SHORT_FOR = '1s';
/** Of a column of the table of queries, characters. */
const WIDEST = 240;
/** Lag that only a stall brings, and lag that a system shows which is well, seconds. */
const STALL_S = 60;
const STALL_OVER_S = 5;

/**
 * Runs the whole system under a real Prometheus: a sync without disturbance, at which no alert may fire; then everything that the
 * alerts are for; then every query of every panel, over all of that time. Prints what each gave; resolves to what is wrong.
 */
export async function prove(options: ProveOptions): Promise<readonly string[]> {
  const { root, alerts, say, signal } = options;
  await using system = await startSystem({
    seed: 1,
    size: { smartlead: { campaigns: 8, rows: 4_000 }, lemlist: { campaigns: 6, activities: 30_000 } },
    limits: { smartlead: '600/60s', lemlist: '40/2s' },
    latencyMs: 5,
    copies: { keyer: 2 },
    destinations: true,
    env: { WEBHOOK_ALLOW_PRIVATE: 'true' },
    say,
    signal,
  });
  await using prometheus = await startPrometheus({
    home: join(system.stack.home.root, 'prometheus'),
    deployed: join(root, 'deploy', 'prometheus'),
    targets: system.services.plans.map((plan) => ({ service: plan.name, address: new URL(plan.baseUrl).host })),
    rules: renderRules(alerts, { for: SHORT_FOR }),
  });
  const startedAt = Date.now() / 1_000;
  await allScraped(prometheus);
  const stage = createStage({ system, prometheus, say, signal });

  say('     a sync without disturbance');
  const end = await stage.waitForEnd(await system.client.execute());
  if (end.status !== 'completed') throw new Error(`the sync ${end.status}: ${JSON.stringify(end.error)}`);
  const early = [...(await prometheus.firing())];
  const lefts = await leftSides(prometheus, alerts);
  say(`ok   ${end.summary.events_created} events, ${early.length === 0 ? 'no alert' : `and ${early.join(', ')}`}`);

  const commands = readCommands(readFileSync(join(root, 'docs', 'runbook.md'), 'utf8'));
  const refused = [
    ...(await statementProblems(system.pool, commands.statements)),
    ...(await callProblems(root, commands.calls)),
  ];
  if (refused.length === 0)
    say(`ok   ${commands.statements.length} statements and ${commands.calls.length} calls of the runbook`);

  const fired = new Map<string, Fired>();
  const broken: string[] = [];
  let told = 0;
  let endsSeen = 0;
  for (const atOnce of acts) {
    for (const outcome of await Promise.allSettled(atOnce.map((act) => perform(act, stage)))) {
      if (signal.aborted) throw new Error('interrupted');
      if (outcome.status === 'fulfilled') for (const [name, how] of outcome.value) fired.set(name, how);
      else broken.push(describe(outcome.reason));
    }
    const may = new Set(atOnce.flatMap(({ ends = [] }) => ends));
    const ended = system.unexpectedEnds().slice(endsSeen);
    endsSeen += ended.length;
    broken.push(...ended.filter((line) => !may.has(line.split(' ')[0] ?? '')));
    for (const failure of broken.slice(told)) say(`FAIL ${failure}`);
    told = broken.length;
  }

  const lag = 'max(max_over_time(full_sync_lag_seconds{group=~"keyer|loader|api"}[10s]))';
  await stage.until('the stages to have caught up', lag, (seconds) => seconds < 2, 360_000);
  const boards = await askAll(prometheus, join(root, DASHBOARDS), startedAt);
  say(`\n${boardTable(boards.replies)}\n`);
  const rows = alerts.map((alert) => {
    const how = fired.get(alert.name);
    const left = lefts.get(alert.name);
    return [
      alert.name,
      left === undefined ? 'nothing' : left.map((value) => showValue(value, 'short')).join(', '),
      `${alert.op} ${alert.right}`,
      alert.for,
      how === undefined ? 'never' : `${how.afterSeconds.toFixed(1)} s`,
      how === undefined ? '' : how.quietAfterSeconds === null ? 'looks back' : `${how.quietAfterSeconds.toFixed(1)} s`,
      how?.act ?? '',
    ];
  });
  say(
    `${formatTable(['alert', 'left side when all is well', 'raised when', 'for', 'fired after', 'quiet after', 'what raised it'], rows)}\n`,
  );
  const failures = [
    ...early.map((name) => `${name} fires although nothing is wrong`),
    ...alerts
      .filter(({ name }) => !lefts.has(name))
      .map(({ name }) => `the left side of ${name} gives nothing when all is well`),
    ...alerts.filter(({ name }) => !fired.has(name)).map(({ name }) => `${name} was never seen to fire`),
    ...boards.failures,
    ...stallProblems(boards.replies),
    ...refused,
    ...broken,
    ...system.unexpectedEnds().slice(endsSeen),
  ];
  if (failures.length > 0) system.keep();
  return failures;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message} (${describe(error.cause)})`;
}

async function allScraped(prometheus: Prometheus): Promise<void> {
  const look = async (): Promise<boolean> => {
    const targets = await prometheus.targets();
    return targets.length > 1 && targets.every(({ health }) => health === 'up');
  };
  await waitFor(look, { deadlineMs: 60_000, what: 'every process to be scraped' }).catch(async (error: unknown) => {
    throw new Error(`not all are scraped: ${JSON.stringify(await prometheus.targets())}`, { cause: error });
  });
}

/** What the left side of each alert gives now; alerts whose left side gives nothing are left out. */
async function leftSides(
  prometheus: Prometheus,
  alerts: readonly Alert[],
): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, readonly number[]>();
  for (const { name, left } of alerts) {
    const values = (await prometheus.query(left)).flatMap(({ points }) => points.map(([, value]) => value));
    if (values.some((value) => !Number.isNaN(value))) found.set(name, [...new Set(values)]);
  }
  return found;
}

/** What a query of a panel gave over the whole proof; null where it gave nothing. */
interface Reply extends Question {
  readonly series: number;
  /** The highest value of its series at the end. */
  readonly now: number | null;
  readonly most: number | null;
}

/** Samples older than this tell what was, and not what is, seconds. */
const NOW_S = 5;

/** Every query of every panel over the whole proof. */
async function askAll(
  prometheus: Prometheus,
  folder: string,
  from: number,
): Promise<{ readonly replies: readonly Reply[]; readonly failures: readonly string[] }> {
  const { questions, variables } = readBoards(folder);
  const failures: string[] = [];
  const chosen = new Map<string, string>();
  for (const { board, name, metric, label, choose } of variables) {
    const values = await prometheus.labelValues(metric, label);
    if (values.length === 0) failures.push(`${board}: the choice ${name} is empty`);
    const all = choose === 'any' ? '.*' : values.join('|');
    chosen.set(`${board}/${name}`, choose === 'one' ? (values[0] ?? '') : all);
  }
  const range = `${Math.ceil(Date.now() / 1_000 - from)}s`;
  const durations = { $__rate_interval: '15s', $__interval: '5s', $__range: range };
  const replies: Reply[] = [];
  for (const question of questions) {
    const series = await prometheus.queryRange(fillIn(question, chosen, durations), from);
    const points = series.flatMap((one) => one.points).filter(([, value]) => !Number.isNaN(value));
    const end = Date.now() / 1_000;
    const reply = {
      ...question,
      series: series.length,
      now: highest(points.filter(([at]) => at > end - NOW_S)),
      most: highest(points),
    };
    replies.push(reply);
    if (reply.most === null)
      failures.push(`${question.board}: "${question.panel}" (query ${question.query}) returned no data`);
  }
  return { replies, failures };
}

function highest(points: readonly (readonly [at: number, value: number])[]): number | null {
  return points.reduce<number | null>((most, [, value]) => (most === null || value > most ? value : most), null);
}

/** The panels of lag have to show the stall, and that it is over. */
function stallProblems(replies: readonly Reply[]): readonly string[] {
  const lags = replies.filter(({ expr, unit }) => unit === 's' && expr.includes('full_sync_lag_seconds'));
  if (lags.length === 0) return ['no panel shows lag'];
  return lags
    .filter(({ expr }) => !expr.includes('group="api"') && !expr.includes('$destination'))
    .flatMap(({ board, panel, now, most }) => [
      ...((most ?? 0) > STALL_S ? [] : [`${board}: "${panel}" does not show the stall`]),
      ...((now ?? Infinity) < STALL_OVER_S ? [] : [`${board}: "${panel}" shows ${now} s although the stall is over`]),
    ]);
}

function boardTable(replies: readonly Reply[]): string {
  const show = (value: number | null, unit: string): string => (value === null ? '-' : showValue(value, unit));
  const rows = replies.map(({ board, panel, query, series, now, most, unit, expr }) => {
    return [board, panel, query, String(series), show(now, unit), show(most, unit), expr];
  });
  return formatTable(['dashboard', 'panel', 'query', 'series', 'now', 'most', 'asked'], rows, WIDEST);
}
