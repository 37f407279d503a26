/** One write that reached a route, in order of arrival there (Attio fact sheet, section 13.10). */
export interface AttioWrite {
  readonly serial: number;
  /** Epoch ms of the true clock: when the request came, when it was done, when its answer was sent or given up. */
  readonly arrivedAt: number;
  readonly doneAt: number;
  readonly repliedAt: number | null;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Lower-cased address of the person it is about. */
  readonly person: string | null;
  readonly recordId: string | null;
  /** The values as they were given. */
  readonly values: unknown;
  /** `applied`, or the code it was refused with. */
  readonly outcome: string;
}

type Begun = Omit<AttioWrite, 'serial' | 'repliedAt'>;

/** All writes of one workspace. */
export class WriteLog {
  private readonly entries: { -readonly [Key in keyof AttioWrite]: AttioWrite[Key] }[] = [];

  /** Notes a write; returns what tells when its answer has gone. */
  add(write: Begun): (repliedAt: number) => void {
    const entry = { serial: this.entries.length, repliedAt: null as number | null, ...write };
    this.entries.push(entry);
    return (repliedAt) => {
      entry.repliedAt = repliedAt;
    };
  }

  all(): readonly AttioWrite[] {
    return this.entries;
  }

  /** The most writes that were under way at once for any one person, as its sender could see. */
  mostInFlightPerPerson(): number {
    let most = 0;
    const perPerson = Map.groupBy(this.entries, ({ person }) => person);
    perPerson.delete(null);
    for (const writes of perPerson.values()) {
      const edges = writes
        .flatMap(({ arrivedAt, repliedAt }) => [
          { at: arrivedAt, step: 1 },
          { at: repliedAt ?? Number.POSITIVE_INFINITY, step: -1 },
        ])
        // An answer and the next request of one millisecond follow each other.
        .toSorted((a, b) => a.at - b.at || a.step - b.step);
      // One at least, also where all were answered in the millisecond in which they came.
      most = Math.max(most, 1);
      let inFlight = 0;
      for (const { step } of edges) most = Math.max(most, (inFlight += step));
    }
    return most;
  }

  clear(): void {
    this.entries.length = 0;
  }
}
