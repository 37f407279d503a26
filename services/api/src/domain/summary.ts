import { isRecordStage, sum } from './facts.ts';
import type { JobProgressFacts } from './facts.ts';

/** The counts of a job or of one platform of it; they balance whenever they are shown. */
export interface Counts {
  readonly total_processed: number;
  readonly records_fetched: number;
  readonly records_accepted: number;
  readonly rejected: number;
  readonly events_derived: number;
  readonly events_created: number;
  readonly duplicates: number;
  readonly collisions: number;
  readonly dead_lettered: number;
  readonly users_processed: number;
  readonly errors: number;
}

export interface Summary extends Counts {
  readonly duration_ms: number;
  readonly by_platform: Readonly<Record<string, Counts>>;
}

/** One platform's committed numbers, as the counts are made of. */
export interface Tally {
  readonly recordsAccepted: number;
  readonly rejected: number;
  readonly eventsDerived: number;
  readonly eventsCreated: number;
  readonly duplicates: number;
  readonly collisions: number;
  readonly deadLettered: number;
  readonly users: number;
  readonly streamsFailed: number;
}

function toCounts(tally: Tally): Counts {
  return {
    total_processed: tally.eventsDerived,
    // Committed records + repeats, and repeats = accepted + rejected - committed.
    records_fetched: tally.recordsAccepted + tally.rejected,
    records_accepted: tally.recordsAccepted,
    rejected: tally.rejected,
    events_derived: tally.eventsDerived,
    events_created: tally.eventsCreated,
    duplicates: tally.duplicates,
    collisions: tally.collisions,
    dead_lettered: tally.deadLettered,
    users_processed: tally.users,
    errors: tally.rejected + tally.deadLettered + tally.streamsFailed,
  };
}

/** The summary over all platforms; `users` counts the leads that two platforms share once. */
export function toSummary(
  tallies: readonly (Tally & { readonly platform: string })[],
  whole: { readonly users: number; readonly durationMs: number },
): Summary {
  const over = (of: (tally: Tally) => number): number => sum(tallies, of);
  const counts = toCounts({
    recordsAccepted: over((tally) => tally.recordsAccepted),
    rejected: over((tally) => tally.rejected),
    eventsDerived: over((tally) => tally.eventsDerived),
    eventsCreated: over((tally) => tally.eventsCreated),
    duplicates: over((tally) => tally.duplicates),
    collisions: over((tally) => tally.collisions),
    deadLettered: over((tally) => tally.deadLettered),
    users: whole.users,
    streamsFailed: over((tally) => tally.streamsFailed),
  });
  return {
    ...counts,
    duration_ms: Math.max(1, Math.round(whole.durationMs)),
    by_platform: Object.fromEntries(tallies.map((tally) => [tally.platform, toCounts(tally)])),
  };
}

/** The counts so far of a job that has not ended; leads are counted at the end. */
export function liveSummary(facts: JobProgressFacts & { readonly createdAtMs: number }): Summary {
  const tallies = facts.platforms.map((platform) => {
    const counts = facts.counts.filter((count) => count.platform === platform);
    const letters = facts.letters.filter((letter) => letter.platform === platform && isRecordStage(letter.stage));
    return {
      platform,
      recordsAccepted: sum(counts, (count) => count.recordsAccepted),
      rejected: sum(letters, (letter) => letter.letters),
      eventsDerived: sum(counts, (count) => count.eventsDerived),
      eventsCreated: sum(counts, (count) => count.eventsCreated),
      duplicates: sum(counts, (count) => count.duplicates),
      collisions: sum(counts, (count) => count.collisions),
      deadLettered: sum(counts, (count) => count.deadLettered),
      users: 0,
      streamsFailed: sum(
        facts.walks.filter((walk) => walk.platform === platform),
        (walk) => walk.failed,
      ),
    };
  });
  return toSummary(tallies, { users: 0, durationMs: facts.observedAtMs - facts.createdAtMs });
}
