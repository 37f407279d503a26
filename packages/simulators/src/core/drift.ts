/** Changes to the data while a client pages: they happen right after a page was served. */
export interface DriftSpec {
  readonly kind: 'insertWhilePaging' | 'deleteWhilePaging';
  /** Only while this campaign is read (Smartlead: walked; Lemlist: filtered for). */
  readonly campaignId?: string;
  /** End of the listing at which a row appears (default `head`) or from which one goes. */
  readonly position?: 'head' | 'tail';
  /** `window`: inside the window just read (default); `now`: at the wall clock; else an ISO time. */
  readonly at?: string;
  /** Acts after every nth page (default 1). */
  readonly every?: number;
  /** How often it acts (default 1). */
  readonly count?: number;
}

/** Tells a drift from the other kinds of mischief. */
export function isDrift(what: { readonly kind: string }): what is DriftSpec {
  return what.kind === 'insertWhilePaging' || what.kind === 'deleteWhilePaging';
}

interface ArmedDrift {
  readonly spec: DriftSpec;
  pages: number;
  done: number;
}

/** The changes waiting for one platform's pages. */
export class DriftPlan {
  private armed: ArmedDrift[] = [];

  add(spec: DriftSpec): void {
    this.armed.push({ spec, pages: 0, done: 0 });
  }

  clear(): void {
    this.armed = [];
  }

  list(): readonly (DriftSpec & { readonly hits: number })[] {
    return this.armed.map(({ spec, done }) => ({ ...spec, hits: done }));
  }

  /** The changes that are due after a page of `campaignId` (null: of the whole account). */
  due(campaignId: string | null): readonly DriftSpec[] {
    const due: DriftSpec[] = [];
    for (const drift of this.armed) {
      const { spec } = drift;
      if (spec.campaignId !== undefined && spec.campaignId !== campaignId) continue;
      drift.pages += 1;
      if (drift.pages % (spec.every ?? 1) !== 0) continue;
      drift.done += 1;
      due.push(spec);
    }
    this.armed = this.armed.filter(({ spec, done }) => done < (spec.count ?? 1));
    return due;
  }
}
