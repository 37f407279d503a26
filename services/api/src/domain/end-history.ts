/** Between which two looks a record came into the log, ms since 1970. */
export interface Arrival {
  /** The last look at which it was not there yet; null when that is not known. */
  readonly afterMs: number | null;
  /** The first look at which it was there; null when it was at none. */
  readonly byMs: number | null;
}

/** What was seen of the ends of logs: tells when a record was published without reading it. */
export interface EndHistory {
  /** Notes the end of a log at a look. Looks are noted in the order in which they were made. */
  readonly note: (log: string, end: number, atMs: number) => void;
  readonly arrivalOf: (log: string, offset: number) => Arrival;
  /** Forgets all: offsets of a topic that was made anew have nothing to do with those of the old one. */
  readonly forget: () => void;
}

interface Seen {
  readonly end: number;
  readonly firstAtMs: number;
  lastAtMs: number;
}

/** Ends kept of each log. At a look every 3 s and a log that always grows, that is over half an hour. */
const maxKept = 700;

export function createEndHistory(): EndHistory {
  const logs = new Map<string, Seen[]>();
  return {
    note: (log, end, atMs) => {
      const seen = logs.get(log) ?? [];
      logs.set(log, seen);
      const last = seen.at(-1);
      if (last?.end === end) last.lastAtMs = atMs;
      else seen.push({ end, firstAtMs: atMs, lastAtMs: atMs });
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
