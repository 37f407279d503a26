/** One event as it was taken in; what was refused is not here. */
export interface StoredEvent {
  /** Order of arrival in the project, from 0. */
  readonly serial: number;
  readonly event: string;
  readonly distinctId: string;
  /** Epoch ms. */
  readonly time: number;
  readonly insertId: string;
  /** The properties as JSON text, without the four above. */
  readonly properties: string;
}

const SEPARATOR = '\u0000';

/** All copies of a project's events, and what its two passes of deduplication leave of them (fact sheet, section 8). */
export class EventStore {
  private readonly copies: StoredEvent[] = [];
  private readonly visible = new Map<string, StoredEvent>();
  private readonly perPersonAndDay = new Map<string, number>();

  get accepted(): number {
    return this.copies.length;
  }

  get visibleCount(): number {
    return this.visible.size;
  }

  /** Counts one more event of a person on its day (UTC) and returns how many there are. */
  countOnDay(distinctId: string, time: number): number {
    const key = `${Math.floor(time / 86_400_000)}${SEPARATOR}${distinctId}`;
    const count = (this.perPersonAndDay.get(key) ?? 0) + 1;
    this.perPersonAndDay.set(key, count);
    return count;
  }

  add(event: Omit<StoredEvent, 'serial'>): void {
    const stored = { serial: this.copies.length, ...event };
    this.copies.push(stored);
    this.visible.set([event.event, event.distinctId, event.time, event.insertId].join(SEPARATOR), stored);
  }

  /** Every copy, in the order it came. */
  exportRaw(): readonly StoredEvent[] {
    return this.copies;
  }

  /** What a report shows: of copies equal in name, person, time and insert id the one that came last. */
  query(): readonly StoredEvent[] {
    return [...this.visible.values()];
  }

  /**
   * What a compaction would leave: of copies equal in name, person and insert id on one calendar day the one that came
   * last. The real one gives no promise to run; the day is UTC unless a time zone is given.
   */
  compact(timeZone = 'UTC'): readonly StoredEvent[] {
    const zoned = new Intl.DateTimeFormat('en-CA', { timeZone });
    const day = (time: number): string | number =>
      timeZone === 'UTC' ? Math.floor(time / 86_400_000) : zoned.format(time);
    const left = new Map<string, StoredEvent>();
    for (const copy of this.copies) {
      left.set([copy.event, copy.distinctId, copy.insertId, day(copy.time)].join(SEPARATOR), copy);
    }
    return [...left.values()];
  }

  clear(): void {
    this.copies.length = 0;
    this.visible.clear();
    this.perPersonAndDay.clear();
  }
}
