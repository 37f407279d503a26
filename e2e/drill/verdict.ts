/** What the api says that a job, or one platform of it, did. */
export interface ToldCounts {
  readonly records_fetched: number;
  readonly records_accepted: number;
  readonly rejected: number;
  readonly events_derived: number;
  readonly events_created: number;
  readonly duplicates: number;
  readonly collisions: number;
  readonly dead_lettered: number;
}

/** What the oracle says that an undisturbed job does. */
export interface ExpectedCounts {
  readonly records: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly events: number;
  readonly created: number;
  readonly duplicates: number;
  readonly collisions: number;
}

/** What is stored of the walks that fetched it. */
export interface CommittedCounts {
  /** Records of committed chunks. */
  readonly records: number;
  /** Attempts that may have published without committing. */
  readonly abandoned: number;
}

export interface PlatformFacts {
  readonly platform: string;
  readonly told: ToldCounts;
  readonly expected: ExpectedCounts;
  readonly committed: CommittedCounts;
  /** Rows in the table. */
  readonly rows: number;
}

/** Records that arrived more often than once: their chunk was published, and its process died before it committed. */
export function repeatsOf({ told, committed }: Pick<PlatformFacts, 'told' | 'committed'>): number {
  return told.records_accepted + told.rejected - committed.records;
}

/**
 * Everything that is wrong with the counts of one platform of a job that may have been disturbed in any way, a line each.
 * Repeats may raise what was seen, never what was created, and only where an attempt was abandoned.
 */
export function judgeCounts(facts: PlatformFacts): readonly string[] {
  const { platform, told, expected, committed, rows } = facts;
  const problems: string[] = [];
  const equal = (what: string, found: number, wanted: number): void => {
    if (found !== wanted) problems.push(`${platform}: ${what}: ${found} instead of ${wanted}`);
  };
  const atLeast = (what: string, found: number, wanted: number): void => {
    if (found < wanted) problems.push(`${platform}: ${what}: ${found}, and at least ${wanted} are due`);
  };
  const settled = told.events_created + told.duplicates + told.collisions + told.dead_lettered;
  equal('records_fetched against accepted + rejected', told.records_fetched, told.records_accepted + told.rejected);
  equal('events_derived against created + duplicates + collisions + dead_lettered', told.events_derived, settled);
  equal('rows in the table against events_created', rows, told.events_created);
  equal('events_created against the oracle', told.events_created, expected.created);
  equal('records of committed chunks against the ledger', committed.records, expected.records);
  equal('dead_lettered', told.dead_lettered, 0);

  const repeats = repeatsOf(facts);
  if (repeats < 0) problems.push(`${platform}: ${-repeats} records of committed chunks never arrived`);
  if (repeats > 0 && committed.abandoned === 0)
    problems.push(`${platform}: ${repeats} records arrived twice, and no attempt was abandoned`);
  // Without repeats every count is known; with them each is known from below.
  const against = repeats > 0 ? atLeast : equal;
  against('records_accepted', told.records_accepted, expected.accepted);
  against('rejected', told.rejected, expected.rejected);
  against('events_derived', told.events_derived, expected.events);
  against('duplicates + collisions', told.duplicates + told.collisions, expected.duplicates + expected.collisions);
  return problems;
}
