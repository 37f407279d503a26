import { setTimeout as delay } from 'node:timers/promises';
import { expectAttio, expectFacts, expectMixpanel, readAttioWrites, readLedgers } from '@full-sync/testing';
import type { ExpectedDeliveries, ExpectedFacts } from '@full-sync/testing';
import type { JobStatus } from '../api-client.ts';
import { attioProblems, expectedOf, mixpanelProblems, runCli } from '../destinations.ts';
import { budgetUse, growthPerSecond } from './delivery-rates.ts';
import type { Sample } from './delivery-rates.ts';
import { killWhileSettling, letThingsGoWrong } from './disturb-deliveries.ts';
import { summariseRecoveries } from './kill-schedule.ts';
import type { Recovery } from './kill-schedule.ts';
import { createRandom } from './random.ts';
import { elapsed, percent, seconds, table } from './report.ts';
import { createSimulatorControl } from './simulator-control.ts';
import type { SimulatorControl } from './simulator-control.ts';
import { startSystem } from './system.ts';
import type { System } from './system.ts';
import { verifyJob } from './verify-job.ts';

export interface DestinationsOptions {
  readonly seed: number;
  /** Events of a sync, about half of them from each platform. */
  readonly events: number;
  /** Of each of the two services. */
  readonly kills: number;
  /** How long the secret of Mixpanel is wrong, s. */
  readonly secretS: number;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}

type Name = 'mixpanel' | 'attio';

interface Stage {
  readonly options: DestinationsOptions;
  readonly startedAt: number;
  readonly system: System;
  readonly control: SimulatorControl;
  readonly problems: string[];
  readonly note: (line: string) => void;
}

const names: readonly Name[] = ['mixpanel', 'attio'];
const wishes = { mixpanel: 'enableMixpanelTracking', attio: 'enableAttioSync' } as const;
const writesPerSecond = 25;
const aims = { eventsPerSecond: 5_000, budget: 0.95 };
/** A Smartlead row gives about 1.88 events. */
const eventsPerRow = 1.88;
const stuckMs = 300_000;
/** Of Mixpanel while it is disturbed: kills are to meet requests under way. */
const disturbedLatencyMs = 1_000;

/**
 * Syncs of many events to both destinations: undisturbed, with a wrong secret in the middle, and with kills and
 * everything that a destination may answer. After each the effective state must be the oracle's, and what follows must
 * send nothing more. Resolves to true when all was exact and the figures reached their aims.
 */
export async function drillDestinations(options: DestinationsOptions): Promise<boolean> {
  const { seed, events, say, signal } = options;
  const startedAt = performance.now();
  const note = (line: string): void => say(`${elapsed(startedAt)} ${line}`);
  say(`drill destinations: ${events} events to both, --seed ${seed}`);
  await using system = await startSystem({
    seed,
    size: {
      smartlead: { campaigns: 40, rows: Math.round(events / 2 / eventsPerRow) },
      lemlist: { campaigns: 20, activities: Math.round(events / 2) },
    },
    limits: { smartlead: 'off', lemlist: 'off' },
    latencyMs: 0,
    brokenRecords: 25,
    collisions: 25,
    destinations: true,
    say,
    signal,
  });
  const problems: string[] = [];
  const stage = {
    options,
    startedAt,
    system,
    control: createSimulatorControl(system.controlUrl),
    problems,
    note,
  };
  note('stack and services are ready');
  const acts = [undisturbed, wrongSecret, disturbed, onceMore];
  for (const act of acts) {
    if (problems.length === 0) await act(stage);
  }
  problems.push(...system.unexpectedEnds().map((end) => `nobody killed it: ${end}`));
  for (const problem of problems) say(`FAIL ${problem}`);
  if (problems.length > 0) system.keep();
  const verdict = problems.length === 0 ? 'PASS: every effective state exact' : `FAIL: ${problems.length} problems`;
  say(`${verdict}; ${elapsed(startedAt)} min, --seed ${seed}`);
  return problems.length === 0;
}

interface Sync {
  readonly jobId: string;
  readonly namespace: string;
  readonly facts: ExpectedFacts;
  readonly asked: readonly Name[];
}

async function begin(stage: Stage, namespace: string, asked: readonly Name[], more: object = {}): Promise<Sync> {
  const facts = await expectFacts(readLedgers(stage.system.controlUrl), namespace);
  const flags = Object.fromEntries(asked.map((name) => [wishes[name], true]));
  const jobId = await stage.system.client.execute({ namespaces: [namespace], ...flags, ...more });
  stage.note(`${jobId} (${namespace}) to ${asked.join(' and ')}: ${facts.size} rows expected`);
  return { jobId, namespace, facts, asked };
}

/** Waits for the end of a sync as far as Postgres goes. */
async function loaded({ system, options: { signal } }: Stage, { jobId }: Sync): Promise<JobStatus> {
  return await follow(`the end of ${jobId}`, signal, async () => {
    const status = await system.client.status(jobId);
    return { done: status.completed_at !== null, value: status, moves: status.summary.events_derived };
  });
}

/** Waits until nothing of a sync waits any more. */
async function delivered({ system, options: { signal } }: Stage, { jobId }: Sync): Promise<JobStatus> {
  return await follow(`the deliveries of ${jobId}`, signal, async () => {
    const status = await system.client.status(jobId);
    const waiting = Object.values(status.destinations).reduce((sum, one) => sum + one.waiting, 0);
    return { done: status.completed_at !== null && waiting === 0, value: status, moves: waiting };
  });
}

/** Looks until it is done; throws when nothing has moved for five minutes. */
async function follow<T>(
  what: string,
  signal: AbortSignal,
  look: () => Promise<{ readonly done: boolean; readonly value: T; readonly moves: number }>,
): Promise<T> {
  let moved = { at: performance.now(), to: Number.NaN };
  for (;;) {
    const { done, value, moves } = await look();
    if (done) return value;
    if (moves !== moved.to) moved = { at: performance.now(), to: moves };
    if (performance.now() - moved.at > stuckMs) throw new Error(`${what}: nothing moves: ${JSON.stringify(value)}`);
    await delay(250, undefined, { signal });
  }
}

/** Holds a sync that is over against the oracle: rows, counts of the pipeline, counts of the destinations. */
async function judgeSync(stage: Stage, { jobId, namespace, facts, asked }: Sync, status: JobStatus): Promise<void> {
  const { system, problems } = stage;
  const verdict = await verifyJob(system, { namespace, facts, status });
  const expected = await expectedOf(system.controlUrl, [namespace]);
  const attio = expectAttio(expected);
  const due = {
    mixpanel: { least: expectMixpanel(expected).size, most: expectMixpanel(expected).size },
    attio,
  };
  const found = [...verdict.problems];
  for (const name of names) {
    const counts = status.destinations[name];
    const { sent = -1, skipped = -1, failed = -1, waiting = -1 } = counts ?? {};
    const derived = asked.includes(name) ? status.summary.events_derived : 0;
    const { least, most } = asked.includes(name) ? due[name] : { least: 0, most: 0 };
    if (sent < least || sent > most) found.push(`${name}: ${sent} sent, due are ${least} to ${most}`);
    if (failed !== 0 || sent + skipped + waiting !== derived)
      found.push(`${name}: ${JSON.stringify(counts)} of ${derived} events`);
  }
  problems.push(...found.map((problem) => `${jobId}: ${problem}`));
}

/** Holds what both destinations hold of these namespaces against the oracle. */
async function judgeStates(stage: Stage, tracked: readonly string[], synced: readonly string[]): Promise<void> {
  const { system, problems, note } = stage;
  const { controlUrl } = system;
  const letters = await system.pool.query(`select from dead_letters where stage in ('mixpanel', 'attio')`);
  if (letters.rows.length > 0) problems.push(`${letters.rows.length} dead letters of destinations`);
  const expected: ExpectedDeliveries = await expectedOf(controlUrl, tracked);
  problems.push(...(await mixpanelProblems(controlUrl, expected)));
  const people = await expectedOf(controlUrl, synced);
  problems.push(...(await attioProblems(controlUrl, people)));
  note(`Mixpanel held against ${expected.size} events, Attio against ${expectAttio(people).people.size} people`);
}

async function undisturbed(stage: Stage): Promise<void> {
  const { system, control, problems, note } = stage;
  const sync = await begin(stage, 'drill_plain', names);
  const status = await delivered(stage, sync);
  await judgeSync(stage, sync, status);
  await judgeStates(stage, ['drill_plain'], ['drill_plain']);
  const { accepted, visible } = await control.mixpanel();
  if (accepted !== visible) problems.push(`mixpanel: ${accepted - visible} events were sent twice, for no reason`);
  const writes = await readAttioWrites(system.controlUrl);
  const people = writes.filter(({ person }) => person !== null);
  const use = budgetUse(
    people.map(({ arrivedAt }) => arrivedAt).toSorted((a, b) => a - b),
    writesPerSecond,
  );
  const { throttled, busiestSecond, mostInFlightPerPerson } = await control.attio();
  note(
    use === null
      ? `attio: ${people.length} writes are too few to measure the use of its budget`
      : `attio: ${people.length} writes in ${use.seconds.toFixed(0)} s: ${percent(use.steady)} of its budget in steady state ` +
          `(${percent(use.whole)} from the first to the last; aim ${percent(aims.budget)}), ${busiestSecond} in the busiest second, ${throttled} answered 429`,
  );
  if (use !== null && use.steady < aims.budget) problems.push(`attio: ${percent(use.steady)} of the budget was used`);
  if (throttled > 0) problems.push(`attio: ${throttled} requests were answered 429`);
  if (mostInFlightPerPerson > 1) problems.push(`attio: ${mostInFlightPerPerson} writes of one person at once`);
}

async function wrongSecret(stage: Stage): Promise<void> {
  const { control, problems, note, system } = stage;
  const { secretS, signal } = stage.options;
  const before = await control.mixpanel();
  // In the middle: some requests still pass.
  await control.arm([{ platform: 'mixpanel', path: '/import', kind: 'rejectKey', skip: 3, probability: 1 }]);
  const beganAt = performance.now();
  const sync = await begin(stage, 'drill_secret', ['mixpanel']);
  const status = await loaded(stage, sync);
  note(`loaded after ${seconds(performance.now() - beganAt)} beside a wrong secret: ${status.status}`);
  await delay(Math.max(0, secretS * 1_000 - (performance.now() - beganAt)), undefined, { signal });
  const paused = (await system.client.status(sync.jobId)).destinations['mixpanel'];
  note(`mixpanel after ${seconds(performance.now() - beganAt)}: ${JSON.stringify(paused)}`);
  if (paused === undefined || paused.waiting === 0) problems.push('mixpanel: nothing waits, whatever the secret');
  await control.clearFaults();

  const samples: Sample[] = [];
  const sampling = new AbortController();
  const sample = async (): Promise<void> => {
    while (!sampling.signal.aborted) {
      samples.push({ at: performance.now(), count: (await control.mixpanel()).visible - before.visible });
      await delay(100, undefined, { signal });
    }
  };
  const sampled = sample();
  const done = await delivered(stage, sync).finally(() => sampling.abort());
  await sampled;
  const rate = growthPerSecond(samples);
  note(`mixpanel: ${Math.round(rate)} events/s of what had waited (aim ${aims.eventsPerSecond})`);
  if (rate < aims.eventsPerSecond) problems.push(`mixpanel: ${Math.round(rate)} events/s`);
  await judgeSync(stage, sync, done);
  await judgeStates(stage, ['drill_plain', 'drill_secret'], ['drill_plain']);
}

async function disturbed(stage: Stage): Promise<void> {
  const { system, control, problems, note, options } = stage;
  await letThingsGoWrong(control, options.seed);
  await control.set('mixpanel', { latencyMs: disturbedLatencyMs });
  const before = await control.mixpanel();
  const recoveries: Recovery[] = [];
  const random = createRandom(options.seed);
  const sync = await begin(stage, 'drill_kills', names);
  const onRecovery = (recovery: Recovery): void => {
    recoveries.push(recovery);
    const { target, share, readyMs, movedMs } = recovery;
    const back = `ready after ${seconds(readyMs)}, at work after ${seconds(movedMs)}`;
    note(`${target} killed at ${percent(share)} of the events: ${back}`);
  };
  const { events } = sync.facts.counts();
  const disturbance = {
    system,
    jobId: sync.jobId,
    events,
    kills: options.kills,
    random,
    onRecovery,
    signal: options.signal,
  };
  const missed = await Promise.all(names.map((name) => killWhileSettling(name, disturbance)));
  names.forEach((name, i) => {
    if (missed[i] !== 0) problems.push(`${name}: ${missed[i]} kills could not be made`);
  });
  const status = await delivered(stage, sync);
  await control.clearFaults();
  await control.set('mixpanel', { latencyMs: 0 });
  await quiet(stage);
  const after = await control.mixpanel();
  const copies = after.accepted - after.visible - (before.accepted - before.visible);
  const { throttled, busiestSecond, mostInFlightPerPerson } = await control.attio();
  note(
    `mixpanel took ${copies} copies; attio: ${busiestSecond} writes in its busiest second, ${throttled} over its limit`,
  );
  note(`at most ${mostInFlightPerPerson} writes of one person at once, as the simulator saw them`);
  stage.options.say(describe(recoveries));
  await judgeSync(stage, sync, status);
  await judgeStates(stage, ['drill_plain', 'drill_secret', 'drill_kills'], ['drill_plain', 'drill_kills']);
}

/** Waits until nobody is to be written any more, those included whose last write had an unknown end. */
async function quiet({ system, options: { signal } }: Stage): Promise<void> {
  await follow('the people of Attio', signal, async () => {
    const { rows } = await system.pool.query<{ due: number }>(
      'select count(*)::float8 as due from attio_people where due_at is not null',
    );
    const due = rows[0]?.due ?? 0;
    return { done: due === 0, value: due, moves: due };
  });
}

/** What was delivered is asked for in every other way there is. */
async function onceMore(stage: Stage): Promise<void> {
  const { system, control, problems, note } = stage;
  const before = [(await control.mixpanel()).accepted, (await control.attio()).applied];
  for (const more of [{}, { syncMode: 'namespace_reset' }]) {
    const sync = await begin(stage, 'drill_plain', names, more);
    const { destinations, status } = await delivered(stage, sync);
    if (status !== 'completed') problems.push(`${sync.jobId} ended as ${status}`);
    for (const name of names) {
      if (destinations[name]?.sent !== 0)
        problems.push(`${name}: ${JSON.stringify(destinations[name])} of a repetition`);
    }
  }
  for (const name of names) {
    const order = ['deliver', '--destination', name, '--namespace', 'drill_kills', '--json'];
    const { code, output } = await runCli(order, system.stack.env);
    const sent: unknown = code === 0 ? Reflect.get(Object(JSON.parse(output)), 'sent') : null;
    if (sent !== 0) problems.push(`${name}: cli deliver ended with ${String(code)}: ${output}`);
  }
  await quiet(stage);
  const after = [(await control.mixpanel()).accepted, (await control.attio()).applied];
  if (String(before) !== String(after)) problems.push(`calls with effect: ${String(before)} became ${String(after)}`);
  await judgeStates(stage, ['drill_plain', 'drill_secret', 'drill_kills'], ['drill_plain', 'drill_kills']);
  note('a re-sync, a namespace_reset and cli deliver had no further effect');
}

function describe(recoveries: readonly Recovery[]): string {
  const head = ['', 'kills', 'events at first', 'at last', 'ready (median)', 'at work (median)', 'at work (longest)'];
  const rows = summariseRecoveries(recoveries).map((row) => [
    row.target,
    String(row.kills),
    percent(row.from),
    percent(row.to),
    seconds(row.medianReadyMs),
    seconds(row.medianMovedMs),
    seconds(row.longestMovedMs),
  ]);
  return table([head, ...rows]);
}
