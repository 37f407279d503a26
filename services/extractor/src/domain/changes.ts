/** The most rows of a page (Smartlead fact sheet, section 7). */
export const changesLimit = 1_000;
/** The list has a limit of its own: ten requests a minute (fact sheet, section 3). */
export const changesRestMs = 6_100;

/**
 * The account-wide list of leads with a send or a reply since an instant. It names the campaigns to be read again that no
 * count would: a lead that replies a second time, a send between a job's instant and its counting.
 */
export interface ChangesListing {
  readonly fromMs: number;
  readonly toMs: number;
  readonly offset: number;
  /** The campaigns named so far. */
  readonly campaigns: readonly string[];
  /** False once a row named no campaign: then the list proves nothing of the campaigns that it does not name. */
  readonly complete: boolean;
}

export function beginChanges(fromMs: number, toMs: number): ChangesListing {
  return { fromMs, toMs, offset: 0, campaigns: [], complete: true };
}

/** The query of the next page (fact sheet, section 7). */
export function changesQuery({ fromMs, toMs, offset }: ChangesListing): Readonly<Record<string, string | number>> {
  return {
    event_time_from: new Date(fromMs).toISOString(),
    event_time_to: new Date(toMs).toISOString(),
    offset,
    limit: changesLimit,
  };
}

/** Takes in a page: the campaign of each row, null where it names none. It ends when it says so, or is empty. */
export function foldChanges(
  listing: ChangesListing,
  page: { readonly campaigns: readonly (string | null)[]; readonly hasMore: boolean },
): { readonly listing: ChangesListing; readonly last: boolean } {
  const named = page.campaigns.filter((id) => id !== null);
  const moved = {
    ...listing,
    offset: listing.offset + page.campaigns.length,
    campaigns: [...new Set([...listing.campaigns, ...named])],
    complete: listing.complete && named.length === page.campaigns.length,
  };
  return { listing: moved, last: !page.hasMore || page.campaigns.length === 0 };
}
