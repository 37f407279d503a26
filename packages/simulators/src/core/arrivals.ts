import { performance } from 'node:perf_hooks';

/** One request as it reached a simulator. */
export interface Arrival {
  /** Milliseconds of the monotonic clock (`performance.now()`) of the simulator's process. */
  readonly at: number;
  /** False when a rate limit refused it. */
  readonly accepted: boolean;
  /** The path without the query: the Smartlead key travels there. */
  readonly path: string;
}

/** Every request that carried a valid key, in order of arrival, refused ones included. */
export class ArrivalLog {
  private times = new Float64Array(1024);
  private accepted = new Uint8Array(1024);
  private paths = new Uint32Array(1024);
  private readonly pathNames: string[] = [];
  private readonly pathIndex = new Map<string, number>();
  private used = 0;

  get length(): number {
    return this.used;
  }

  record(accepted: boolean, path: string, at: number = performance.now()): void {
    if (this.used === this.times.length) this.grow();
    let index = this.pathIndex.get(path);
    if (index === undefined) {
      index = this.pathNames.push(path) - 1;
      this.pathIndex.set(path, index);
    }
    this.times[this.used] = at;
    this.accepted[this.used] = accepted ? 1 : 0;
    this.paths[this.used] = index;
    this.used += 1;
  }

  *[Symbol.iterator](): Generator<Arrival> {
    for (let i = 0; i < this.used; i++) {
      yield {
        at: this.times[i] ?? 0,
        accepted: this.accepted[i] === 1,
        path: this.pathNames[this.paths[i] ?? 0] ?? '',
      };
    }
  }

  /** The most arrivals (refused ones included) in any half-open span of `spanMs` milliseconds. */
  maxInWindow(spanMs: number): number {
    let most = 0;
    let first = 0;
    for (let last = 0; last < this.used; last++) {
      const at = this.times[last] ?? 0;
      while (at - (this.times[first] ?? 0) >= spanMs) first += 1;
      most = Math.max(most, last - first + 1);
    }
    return most;
  }

  clear(): void {
    this.used = 0;
  }

  private grow(): void {
    const size = this.times.length * 2;
    const times = new Float64Array(size);
    const accepted = new Uint8Array(size);
    const paths = new Uint32Array(size);
    times.set(this.times);
    accepted.set(this.accepted);
    paths.set(this.paths);
    this.times = times;
    this.accepted = accepted;
    this.paths = paths;
  }
}
