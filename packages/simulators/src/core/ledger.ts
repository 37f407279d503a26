/** A record as a platform serves it, with the campaign it is served for. */
export interface LedgerRecord {
  readonly platform: string;
  readonly campaignId: string | null;
  readonly campaignName: string | null;
  readonly record: unknown;
}

/** What a platform holds at this moment, as plain data: the expectation of tests. */
export interface Ledger<Fact> {
  /** NDJSON lines (without the line end) of `LedgerRecord`s, in the platform's own number writing. */
  lines(options?: { readonly bodies?: boolean }): Generator<string>;
  /** The same, parsed. */
  records(options?: { readonly bodies?: boolean }): Generator<LedgerRecord>;
  /** The facts behind the records, from the generator itself and not from what was written. */
  facts(): Generator<Fact>;
}

/** A ledger over the given lines and facts. */
export function ledgerOf<Fact>(
  lines: (withBodies: boolean) => Generator<string>,
  facts: () => Generator<Fact>,
): Ledger<Fact> {
  return {
    lines: (options) => lines(options?.bodies ?? true),
    *records(options) {
      for (const line of lines(options?.bodies ?? true)) yield JSON.parse(line) as LedgerRecord;
    },
    facts,
  };
}
