import type { Act, Stage } from './stage.ts';

/** How an alert was seen to fire. */
export interface Fired {
  readonly act: string;
  readonly afterSeconds: number;
  /** Null where it looks back over longer than this proof takes, and fires on. */
  readonly quietAfterSeconds: number | null;
}

const FIRES_WITHIN_MS = 300_000;
const QUIET_WITHIN_MS = 240_000;
const LOOK_MS = 500;

/**
 * Lets an act happen, waits until all its alerts fire, ends it, and waits until they are quiet again. Throws when one fires
 * before, does not fire, or fires on; the act is ended all the same, so that the next one begins on a system that is well.
 */
export async function perform(act: Act, stage: Stage): Promise<ReadonlyMap<string, Fired>> {
  const { prometheus, say } = stage;
  const before = await prometheus.firing();
  const early = act.fires.filter((name) => before.has(name));
  if (early.length > 0) throw new Error(`${early.join(', ')} fires before "${act.title}"`);
  say(`     ${act.title}`);
  const startedAt = performance.now();
  const fired = new Map<string, number>();
  let endedAt = startedAt;
  try {
    await act.begin(stage);
    await waitForAlerts(act, stage, startedAt, fired);
  } finally {
    endedAt = performance.now();
    await act.end(stage);
  }
  const quiet = await waitForQuiet(act, stage, endedAt);
  for (const name of act.fires) {
    const after = quiet.get(name);
    const end = after === undefined ? 'looks back over longer than this' : `quiet ${after.toFixed(1)} s after the end`;
    say(`ok   ${name} fired after ${(fired.get(name) ?? 0).toFixed(1)} s, ${end}`);
  }
  return new Map(
    act.fires.map((name) => [
      name,
      { act: act.title, afterSeconds: fired.get(name) ?? 0, quietAfterSeconds: quiet.get(name) ?? null },
    ]),
  );
}

async function waitForAlerts(
  act: Act,
  { prometheus, patiently }: Stage,
  from: number,
  fired: Map<string, number>,
): Promise<void> {
  const allFire = async (): Promise<true | null> => {
    const firing = await prometheus.firing();
    for (const name of act.fires) if (firing.has(name) && !fired.has(name)) fired.set(name, secondsSince(from));
    return act.fires.every((name) => fired.has(name)) ? true : null;
  };
  await patiently(allFire, { deadlineMs: FIRES_WITHIN_MS, what: 'the alerts to fire', intervalMs: LOOK_MS }).catch(
    (error: unknown) => {
      const silent = act.fires.filter((name) => !fired.has(name));
      throw new Error(`"${act.title}" raises no ${silent.join(', ')} within ${FIRES_WITHIN_MS / 1_000} s`, {
        cause: error,
      });
    },
  );
}

/** Seconds from the end of the act until each alert was quiet for good; those that look back may be missing. */
async function waitForQuiet(
  act: Act,
  { prometheus, patiently }: Stage,
  from: number,
): Promise<ReadonlyMap<string, number>> {
  const lasting = new Set(act.lasting);
  const quiet = new Map<string, number>();
  const allQuiet = async (): Promise<true | null> => {
    const firing = await prometheus.firing();
    for (const name of act.fires) {
      if (firing.has(name)) quiet.delete(name);
      else if (!quiet.has(name)) quiet.set(name, secondsSince(from));
    }
    return act.fires.every((name) => quiet.has(name) || lasting.has(name)) ? true : null;
  };
  await patiently(allQuiet, { deadlineMs: QUIET_WITHIN_MS, what: 'the alerts to be quiet', intervalMs: LOOK_MS }).catch(
    (error: unknown) => {
      const loud = act.fires.filter((name) => !quiet.has(name) && !lasting.has(name));
      throw new Error(`${loud.join(', ')} fires on ${QUIET_WITHIN_MS / 1_000} s after the end of "${act.title}"`, {
        cause: error,
      });
    },
  );
  return quiet;
}

function secondsSince(from: number): number {
  return (performance.now() - from) / 1_000;
}
