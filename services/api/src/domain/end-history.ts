/** Between which two looks a record came into the log, ms since 1970. */
export interface Arrival {
  /** The last look at which it was not there yet; null when that is not known. */
  readonly afterMs: number | null;
  /** The first look at which it was there; null when it was at none. */
  readonly byMs: number | null;
}

/** When the ends of logs were asked for, and when they were told, ms since 1970. */
export interface Look {
  readonly askedMs: number;
  readonly toldMs: number;
}

/** What was seen of the ends of logs: tells when a record was published without reading it. */
export interface EndHistory {
  /** Notes the end of a log at a look, in the order of the looks. */
  readonly note: (log: string, end: number, look: Look) => void;
  readonly arrivalOf: (log: string, offset: number) => Arrival;
  /** Forgets all: offsets of a topic that was made anew have nothing to do with those of the old one. */
  readonly forget: () => void;
}

interface Seen {
  readonly end: number;
  readonly firstAtMs: number;
  lastAtMs: number;
}

/** Ends kept of each log: of one that always grows, those of over ten minutes at least. */
const maxKept = 700;
/** Of looks that follow each other faster, not all are kept. */
const apartMs = 1_000;

export function createEndHistory(): EndHistory {
  const logs = new Map<string, Seen[]>();
  return {
    note: (log, end, { askedMs, toldMs }) => {
      const seen = logs.get(log) ?? [];
      logs.set(log, seen);
      const last = seen.at(-1);
      if (last?.end === end) {
        last.lastAtMs = askedMs;
        return;
      }
      const before = seen.at(-2);
      if (before !== undefined && toldMs - before.lastAtMs < apartMs) seen.pop();
      seen.push({ end, firstAtMs: toldMs, lastAtMs: askedMs });
      if (seen.length > maxKept) seen.shift();
    },
    arrivalOf: (log, offset) => {
      const seen = logs.get(log) ?? [];
      // The newest first: what waits is mostly young.
      const before = seen.findLastIndex(({ end }) => end <= offset);
      return { afterMs: seen[before]?.lastAtMs ?? null, byMs: seen[before + 1]?.firstAtMs ?? null };
    },
    forget: () => {
      logs.clear();
    },
  };
}
