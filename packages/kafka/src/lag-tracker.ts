/** Ages of unsettled records from samples of end offsets: exact to the sampling interval, with no reading of records. */
export interface LagTracker {
  /** Notes the end offsets of a topic, read at `atMs`. */
  readonly sample: (topic: string, ends: ReadonlyMap<number, number>, atMs: number) => void;
  /**
   * How old (ms, at least) the oldest record at or above `positions` is at `atMs`; 0 when nothing is above. Records
   * older than the first sample count from that sample.
   */
  readonly ageMs: (topic: string, positions: ReadonlyMap<number, number>, atMs: number) => number;
}

interface Sample {
  readonly end: number;
  readonly atMs: number;
}

export function createLagTracker(): LagTracker {
  const history = new Map<string, Sample[]>();
  return {
    sample: (topic, ends, atMs) => {
      for (const [partition, end] of ends) {
        const key = `${topic}:${partition}`;
        const samples = history.get(key) ?? [];
        // Only growth tells an age; a shrunk end means a recreated topic, whose history starts anew.
        const last = samples.at(-1);
        if (last === undefined || end < last.end) history.set(key, [{ end, atMs }]);
        else if (end > last.end) samples.push({ end, atMs });
      }
    },
    ageMs: (topic, positions, atMs) => {
      let oldest = 0;
      for (const [key, samples] of history) {
        const separator = key.lastIndexOf(':');
        if (key.slice(0, separator) !== topic) continue;
        const position = positions.get(Number(key.slice(separator + 1))) ?? 0;
        while (samples.length > 1 && (samples[0]?.end ?? 0) <= position) samples.shift();
        const first = samples[0];
        if (first !== undefined && first.end > position) oldest = Math.max(oldest, atMs - first.atMs);
      }
      return oldest;
    },
  };
}
