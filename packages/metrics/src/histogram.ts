/** One series of a histogram: what is observed is only counted here, so that it may be called for every event. */
export interface Series {
  readonly observe: (value: number) => void;
}

interface Counts {
  readonly labels: Readonly<Record<string, string>>;
  /** Per bucket, not yet added up; the last is above all bounds. */
  readonly counts: Float64Array;
  sum: number;
}

export interface HistogramSample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/**
 * The counts of one histogram. prom-client's own looks its series up by a text made of the labels for every value, which
 * for values per event is most of what all metrics cost.
 */
export class BucketCounts {
  readonly #name: string;
  readonly #bounds: readonly number[];
  readonly #labelNames: readonly string[];
  readonly #series = new Map<string, Counts & Series>();

  constructor(name: string, bounds: readonly number[], labelNames: readonly string[]) {
    this.#name = name;
    this.#bounds = bounds;
    this.#labelNames = labelNames;
  }

  /** The series of these labels; made at zero when it is new. */
  series(labels: Readonly<Record<string, string>>): Series {
    // In one order, whoever asks: two series of the same labels would make the whole scrape invalid.
    const key = this.#labelNames.map((label) => labels[label]).join('\0');
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const bounds = this.#bounds;
    const counts = new Float64Array(bounds.length + 1);
    const made = {
      labels,
      counts,
      sum: 0,
      observe: (value: number): void => {
        let bucket = 0;
        while (bucket < bounds.length && value > (bounds[bucket] ?? Infinity)) bucket += 1;
        counts[bucket] = (counts[bucket] ?? 0) + 1;
        made.sum += value;
      },
    };
    this.#series.set(key, made);
    return made;
  }

  samples(): HistogramSample[] {
    return [...this.#series.values()].flatMap(({ labels, counts, sum }) => {
      let below = 0;
      const buckets = Array.from(counts, (count, index) => {
        below += count;
        const le = this.#bounds[index] ?? '+Inf';
        return { metricName: `${this.#name}_bucket`, labels: { le, ...labels }, value: below };
      });
      return [
        ...buckets,
        { metricName: `${this.#name}_sum`, labels, value: sum },
        { metricName: `${this.#name}_count`, labels, value: below },
      ];
    });
  }
}
