/** The record that a delivery belongs to. */
interface Origin {
  readonly jobId: string;
  readonly partition: number | null;
  readonly offset: number | null;
}

interface Known extends Origin {
  readonly state: 'claimed' | 'sent' | 'folded' | 'skipped' | 'failed';
  /** Whether the claim on it has not run out. */
  readonly live: boolean;
}

export type Judgement =
  /** It is this record's own delivery, settled before; counted as it ended. */
  | { readonly kind: 'own'; readonly state: 'sent' | 'folded' | 'skipped' | 'failed' }
  /** Somebody else has settled it: nothing is sent. */
  | { readonly kind: 'settled' }
  /** Claimed, and whoever claimed it is this record's earlier reader, or is gone: what was stored is sent. */
  | { readonly kind: 'take-over' }
  /** It has failed before, and was asked for once more. */
  | { readonly kind: 'retry' }
  /** Somebody else is sending it. */
  | { readonly kind: 'wait' };

/**
 * What to do with an event that the ledger knows. A delivery belongs to the record that claimed it, so that counts are the
 * same however often a batch is read, and each event is counted as sent once.
 */
export function judgeKnown(known: Known, mine: Origin & { readonly redrive: boolean }): Judgement {
  const own = known.jobId === mine.jobId && known.partition === mine.partition && known.offset === mine.offset;
  if (known.state === 'claimed') return own || !known.live ? { kind: 'take-over' } : { kind: 'wait' };
  if (own) return { kind: 'own', state: known.state };
  return known.state === 'failed' && mine.redrive ? { kind: 'retry' } : { kind: 'settled' };
}
