import type { Clock } from './clock.ts';

export interface HealthReport {
  readonly live: boolean;
  readonly ready: boolean;
  /** Why it is not ready, or not live. */
  readonly reason?: string;
}

/** What a process says of itself to whoever asks over `/livez` and `/readyz`. */
export interface Health {
  /** Ready means: work given to this process is taken up now. */
  setReady(ready: boolean, reason?: string): void;
  /** Says that the loop of this name turned; from its first beat on it must beat again within 30 s. */
  beat(loop?: string): void;
  /** Ends the supervision of a loop that ended as it should. */
  retire(loop?: string): void;
  report(): HealthReport;
  /** Time since the most silent of the supervised loops turned, ms; 0 where none is supervised. */
  silenceMs(): number;
}

/** Health that starts as live and not ready; `staleAfterMs` is the longest silence of a loop that counts as alive. */
export function createHealth(clock: Clock, staleAfterMs = 30_000): Health {
  const lastBeats = new Map<string, number>();
  let ready = false;
  let reason: string | undefined = 'starting';
  return {
    setReady(nowReady, why) {
      ready = nowReady;
      reason = nowReady ? undefined : (why ?? 'not ready');
    },
    beat(loop = 'main') {
      lastBeats.set(loop, clock.now());
    },
    retire(loop = 'main') {
      lastBeats.delete(loop);
    },
    silenceMs() {
      const silences = [...lastBeats.values()].map((beat) => clock.now() - beat);
      return Math.max(0, ...silences);
    },
    report() {
      for (const [loop, lastBeat] of lastBeats) {
        const silentMs = clock.now() - lastBeat;
        if (silentMs <= staleAfterMs) continue;
        return { live: false, ready, reason: `loop ${loop} has not turned for ${Math.round(silentMs / 1000)} s` };
      }
      return { live: true, ready, ...(reason === undefined ? {} : { reason }) };
    },
  };
}
