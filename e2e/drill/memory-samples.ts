/** Resident memory of a process at a share (0 to 1) of the work. */
export interface MemorySample {
  readonly name: string;
  readonly share: number;
  readonly mib: number;
}

export interface MemoryRow {
  readonly name: string;
  /** Highest value in the first tenth of the work, over all of it, and in the last tenth. */
  readonly firstTenth: number;
  readonly peak: number;
  readonly lastTenth: number;
}

/** The highest samples per process, in the order in which the processes first appear. */
export function peaks(samples: readonly MemorySample[]): MemoryRow[] {
  const names = [...new Set(samples.map((sample) => sample.name))];
  return names.map((name) => {
    const own = samples.filter((sample) => sample.name === name);
    const highest = (some: readonly MemorySample[]): number => Math.max(0, ...some.map((sample) => sample.mib));
    return {
      name,
      firstTenth: highest(own.filter((sample) => sample.share <= 0.1)),
      peak: highest(own),
      lastTenth: highest(own.filter((sample) => sample.share >= 0.9)),
    };
  });
}
