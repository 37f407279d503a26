/** What following a job looks at, as far as the decisions need it; the database reads more of it. */
export interface JobProgressFacts {
  readonly status: string;
  readonly ending: string | null;
  readonly observedAtMs: number;
  readonly progress: unknown;
  readonly extracted: boolean;
  readonly loaded: boolean;
  readonly loadTargets: OffsetsByPartition | null;
  readonly platforms: readonly string[];
  readonly walks: readonly WalkTotals[];
  readonly counts: readonly LoadedCounts[];
  readonly letters: readonly LetterCounts[];
  readonly accounts: readonly AccountBudget[];
  readonly eventPositions: OffsetsByPartition;
}

export type OffsetsByPartition = Readonly<Record<string, number>>;

export interface WalkTotals {
  readonly platform: string;
  readonly accountId: number;
  readonly discoveries: number;
  readonly discoveriesPending: number;
  readonly walks: number;
  readonly walksPending: number;
  readonly walksUnknown: number;
  readonly requestsKnown: number;
  readonly failed: number;
  readonly liveLeases: number;
  readonly recordsCommitted: number;
  readonly chunksCommitted: number;
  readonly recordsKnown: number;
  readonly waitingFor: string | null;
  readonly notBeforeMs: number;
}

export interface LoadedCounts {
  readonly platform: string;
  readonly recordsAccepted: number;
  readonly eventsDerived: number;
  readonly eventsCreated: number;
  readonly duplicates: number;
  readonly collisions: number;
  readonly deadLettered: number;
}

export interface LetterCounts {
  readonly platform: string | null;
  readonly stage: string;
  readonly letters: number;
}

export interface AccountBudget {
  readonly accountId: number;
  readonly configuredLimit: readonly { readonly count: number; readonly spanMs: number }[] | null;
  readonly learnedCount: number | null;
  readonly throttle: number;
  readonly pausedUntilMs: number;
  /** Until then limits, pauses and the job's own pace let nothing through; 0 = they hold nothing up. */
  readonly limitedUntilMs: number;
  /** When a stream of the job was last claimed there; 0 = never. */
  readonly lastServedMs: number;
  readonly requestsPerSecond: number | null;
  readonly jobs: number;
}

/** The stages before events: what they refuse is a record, not an event. */
export function isRecordStage(stage: string): boolean {
  return stage === 'extractor' || stage === 'keyer';
}

export function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0);
}

/** Records that the loader accepted or that lie in the stored dead letters: a number shown is a number committed (I9). */
export function settledRecords(facts: Pick<JobProgressFacts, 'counts' | 'letters'>): number {
  const rejected = facts.letters.filter((letter) => isRecordStage(letter.stage));
  return sum(facts.counts, (count) => count.recordsAccepted) + sum(rejected, (letter) => letter.letters);
}
