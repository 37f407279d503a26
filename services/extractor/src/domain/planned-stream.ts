/** A walk that a discovery found. */
export interface PlannedStream {
  readonly kind: 'statistics' | 'activities';
  /** Null = all campaigns of the account. */
  readonly campaignId: string | null;
  readonly campaignName: string | null;
  readonly windowStartMs: number | null;
  readonly windowEndMs: number | null;
  /** Where it begins. */
  readonly continuation: unknown;
  /** As far as it is known beforehand. */
  readonly recordsExpected: number | null;
  /** Where its cursor moves when it ends cleanly; null = nowhere. */
  readonly readsUpToMs: number | null;
  readonly backdated: boolean;
}
