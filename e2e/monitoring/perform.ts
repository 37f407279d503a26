import { waitFor } from '@full-sync/testing';
import type { Act, Stage } from './stage.ts';

/** When an alert was first seen to fire, and by what; seconds since 1970. */
export interface Fired {
  readonly at: number;
  readonly act: string;
  readonly afterSeconds: number;
  /** Null while it fires on, as it looks back over longer than this proof takes. */
  readonly quietAfterSeconds: number | null;
}

const FIRES_WITHIN_MS = 120_000;
const QUIET_WITHIN_MS = 120_000;
const LOOK_MS = 500;

/** Lets an act happen, waits until all its alerts fire, ends it, and waits until they are quiet again. Throws when they do not. */
export async function perform(act: Act, stage: Stage): Promise<ReadonlyMap<string, Fired>> {
  const { prometheus, say } = stage;
  const lasting = new Set(act.lasting);
  const startedAt = performance.now();
  const since = (from: number): number => (performance.now() - from) / 1_000;
  say(`     ${act.title}`);
  await act.begin(stage);
  const seen = new Map<string, { at: number; afterSeconds: number }>();
  const allFire = async (): Promise<boolean> => {
    for (const name of await prometheus.firing()) {
      if (seen.has(name)) continue;
      seen.set(name, { at: Date.now() / 1_000, afterSeconds: since(startedAt) });
    }
    return act.fires.every((name) => seen.has(name));
  };
  await waitFor(allFire, {
    deadlineMs: FIRES_WITHIN_MS,
    what: `${act.fires.join(', ')} to fire`,
    intervalMs: LOOK_MS,
  }).catch((error: unknown) => {
    const silent = act.fires.filter((name) => !seen.has(name));
    throw new Error(`"${act.title}" raises no ${silent.join(', ')} within ${FIRES_WITHIN_MS / 1_000} s`, {
      cause: error,
    });
  });
  const endedAt = performance.now();
  await act.end(stage);
  const quiet = new Map<string, number>();
  const allQuiet = async (): Promise<boolean> => {
    const firing = await prometheus.firing();
    for (const name of act.fires) {
      if (!firing.has(name) && !quiet.has(name)) quiet.set(name, since(endedAt));
      if (firing.has(name)) quiet.delete(name);
    }
    return act.fires.every((name) => quiet.has(name) || lasting.has(name));
  };
  await waitFor(allQuiet, { deadlineMs: QUIET_WITHIN_MS, what: 'the alerts to be quiet', intervalMs: LOOK_MS }).catch(
    (error: unknown) => {
      const loud = act.fires.filter((name) => !quiet.has(name) && !lasting.has(name));
      throw new Error(`${loud.join(', ')} fires on ${QUIET_WITHIN_MS / 1_000} s after the end of "${act.title}"`, {
        cause: error,
      });
    },
  );
  for (const name of act.fires) {
    const after = quiet.get(name);
    say(
      `ok   ${name} fired after ${seen.get(name)?.afterSeconds.toFixed(1)} s` +
        (after === undefined
          ? ', and looks back over longer than this'
          : `, quiet ${after.toFixed(1)} s after the end`),
    );
  }
  return new Map(
    act.fires.map((name) => {
      const { at = 0, afterSeconds = 0 } = seen.get(name) ?? {};
      return [name, { at, act: act.title, afterSeconds, quietAfterSeconds: quiet.get(name) ?? null }];
    }),
  );
}
