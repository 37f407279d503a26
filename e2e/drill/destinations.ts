import { setTimeout as delay } from 'node:timers/promises';
import { runCli } from '../destinations.ts';
import { budgetUse, growthOf } from './delivery-rates.ts';
import type { Sample } from './delivery-rates.ts';
import { begin, delivered, loaded, names, quiet } from './delivery-stage.ts';
import type { DestinationsOptions, Stage } from './delivery-stage.ts';
import { killWhileSettling, letThingsGoWrong } from './disturb-deliveries.ts';
import { judgeStates, judgeSync } from './judge-deliveries.ts';
import type { Recovery } from './kill-schedule.ts';
import { createRandom } from './random.ts';
import { describeRecoveries } from './recovery-table.ts';
import { elapsed, percent, seconds } from './report.ts';
import { createSimulatorControl } from './simulator-control.ts';
import { startSystem } from './system.ts';

/** A Smartlead row gives about 1.88 events. */
const eventsPerRow = 1.88;
const writesPerSecond = 25;
/** Below it a rate says little. */
const judgedFromS = 3;
const aims = { eventsPerSecond: 5_000, budget: 0.95 };
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
    copies: { mixpanel: options.copies, attio: options.copies },
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

async function undisturbed(stage: Stage): Promise<void> {
  const { control, problems, note } = stage;
  const sync = await begin(stage, 'drill_plain', names);
  await loaded(stage, sync);
  note('loaded');
  const status = await delivered(stage, sync, ['mixpanel']).then(async () => {
    const sinceMs = Date.now();
    note('all events are at Mixpanel');
    const end = await delivered(stage, sync);
    await judgeBudget(stage, sinceMs);
    return end;
  });
  await judgeSync(stage, sync, status);
  await judgeStates(stage, ['drill_plain'], ['drill_plain']);
  const { accepted, visible } = await control.mixpanel();
  if (accepted !== visible) problems.push(`mixpanel: ${accepted - visible} events were sent twice, for no reason`);
  const { mostInFlightPerPerson } = await control.attio();
  if (mostInFlightPerPerson > 1) problems.push(`attio: ${mostInFlightPerPerson} writes of one person at once`);
}

/** The use of Attio's budget while nothing else went on; beside a sync the simulators, one process, answer unevenly. */
async function judgeBudget({ control, problems, note }: Stage, sinceMs: number): Promise<void> {
  const writes = await control.attioWrites();
  const use = budgetUse(writes, writesPerSecond, sinceMs);
  const { throttled, busiestSecond } = await control.attio();
  const all = `${writes.length} writes in all, ${busiestSecond} in the busiest second, ${throttled} answered 429`;
  if (use === null) {
    note(`attio: ${all}; the steady state was too short to measure the use of its budget`);
    return;
  }
  const { share, seconds: lasted, throttled: refused } = use;
  const steady = `${percent(share)} of its budget (aim ${percent(aims.budget)}) and ${refused} answered 429 in ${lasted.toFixed(0)} s of steady state`;
  note(`attio: ${steady}; ${all}`);
  if (share < aims.budget) problems.push(`attio: ${percent(share)} of its budget was used`);
  if (refused > 0) problems.push(`attio: ${refused} writes were answered 429 in steady state`);
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
  const { perSecond, seconds: lasted } = growthOf(samples) ?? { perSecond: 0, seconds: 0 };
  const aim = `aim ${aims.eventsPerSecond}${lasted < judgedFromS ? ', not judged: too short' : ''}`;
  note(`mixpanel: ${Math.round(perSecond)} events/s of what had waited, for ${lasted.toFixed(1)} s (${aim})`);
  if (lasted >= judgedFromS && perSecond < aims.eventsPerSecond)
    problems.push(`mixpanel: ${Math.round(perSecond)} events/s`);
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
    copies: options.copies,
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
  stage.options.say(describeRecoveries(recoveries, 'events'));
  await judgeSync(stage, sync, status);
  await judgeStates(stage, ['drill_plain', 'drill_secret', 'drill_kills'], ['drill_plain', 'drill_kills']);
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
