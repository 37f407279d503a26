/** How many filtered views are kept; each is four bytes per row that passes. */
const FILTERED_VIEWS = 24;

/** Rows of one listing in ascending time order, addressed by a stable reference. */
export interface RowView {
  readonly length: number;
  refAt(position: number): number;
}

/**
 * Orders rows by time without holding them: base rows are a monotone function of their index; rows that were inserted
 * or removed later are merged in on demand. References never change: `0 .. baseCount - 1`, then the inserted ones.
 */
export class OrderedRows implements RowView {
  private readonly baseCount: number;
  private readonly baseTimeOf: (ref: number) => number;
  private readonly insertedTimes: number[] = [];
  private readonly removed = new Set<number>();
  private readonly views = new Map<string, Uint32Array>();
  private merged: Uint32Array | null = null;
  private changes = 0;

  constructor(baseCount: number, baseTimeOf: (ref: number) => number) {
    this.baseCount = baseCount;
    this.baseTimeOf = baseTimeOf;
  }

  get length(): number {
    return this.baseCount + this.insertedTimes.length - this.removed.size;
  }

  /** Grows with every change, so that what was computed from the rows can be told to be stale. */
  get version(): number {
    return this.changes;
  }

  refAt(position: number): number {
    if (this.insertedTimes.length === 0 && this.removed.size === 0) return position;
    return (this.merged ??= this.merge())[position] ?? -1;
  }

  timeOf(ref: number): number {
    return ref < this.baseCount ? this.baseTimeOf(ref) : (this.insertedTimes[ref - this.baseCount] ?? 0);
  }

  /** Whether the reference belongs to a row that is still there. */
  has(ref: number): boolean {
    return ref >= 0 && ref < this.baseCount + this.insertedTimes.length && !this.removed.has(ref);
  }

  /** Adds a row at `timeMs`, behind rows of the same time, and returns its reference. */
  insert(timeMs: number): number {
    this.insertedTimes.push(timeMs);
    this.forget();
    return this.baseCount + this.insertedTimes.length - 1;
  }

  remove(ref: number): void {
    if (!this.has(ref)) return;
    this.removed.add(ref);
    this.forget();
  }

  /** Drops the filtered views; to be called when a row changed so that another filter may hold. */
  forget(): void {
    this.changes += 1;
    this.merged = null;
    this.views.clear();
  }

  /** The rows that pass `test`, remembered under `key` until the rows change. */
  filtered(key: string, test: (ref: number) => boolean): RowView {
    let refs = this.views.get(key);
    if (refs === undefined) {
      const passing: number[] = [];
      for (let position = 0; position < this.length; position++) {
        const ref = this.refAt(position);
        if (test(ref)) passing.push(ref);
      }
      refs = Uint32Array.from(passing);
      if (this.views.size >= FILTERED_VIEWS) this.views.clear();
      this.views.set(key, refs);
    }
    const kept = refs;
    return { length: kept.length, refAt: (position) => kept[position] ?? -1 };
  }

  /** The first position in `view` whose row's time is at or after `timeMs`. */
  lowerBound(view: RowView, timeMs: number): number {
    let low = 0;
    let high = view.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.timeOf(view.refAt(middle)) < timeMs) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  private merge(): Uint32Array {
    const extra = this.insertedTimes.map((time, i) => ({ time, ref: this.baseCount + i }));
    extra.sort((a, b) => a.time - b.time || a.ref - b.ref);
    const order = new Uint32Array(this.length);
    let filled = 0;
    let next = 0;
    const push = (ref: number): void => {
      if (!this.removed.has(ref)) order[filled++] = ref;
    };
    for (let ref = 0; ref < this.baseCount; ref++) {
      const time = this.baseTimeOf(ref);
      for (let row = extra[next]; row !== undefined && row.time < time; row = extra[++next]) push(row.ref);
      push(ref);
    }
    for (let row = extra[next]; row !== undefined; row = extra[++next]) push(row.ref);
    return order;
  }
}
