/** What a walk needs to know of a row. */
export interface RowMark {
  /** The row's own id, or what stands in for it. */
  readonly id: string;
  /** The time that its source filters by; null when it cannot be read. */
  readonly timeMs: number | null;
}

/** What a page did to a walk beside moving it. */
export type WalkEvent = 'read-again' | 'halved' | 'union';

export type Step<Walk> =
  | {
      readonly kind: 'step';
      /** Null when the walk is done. */
      readonly walk: Walk | null;
      /** Which rows of the page are new, by index. */
      readonly publish: readonly number[];
      /** Rows left out because they lie outside of the stream's window. */
      readonly dropped: number;
      readonly event: WalkEvent | null;
      readonly warning: string | null;
    }
  /** The source contradicts itself so much that going on would never end. */
  | { readonly kind: 'broken'; readonly message: string };

/** Readings of one window that may fail before it is halved. */
export const maxFailedReadings = 2;
/** Readings whose union stands for a smallest window that never holds still. */
export const unionReadings = 3;
/** Failed readings in a row, over all windows, after which there is no hope: halving years to seconds takes fewer. */
export const maxFailuresInARow = 150;

/** The warning of a union. */
export function unionWarning(what: string): string {
  return `${what} kept changing while it was read: the union of ${unionReadings} readings was taken`;
}

export const brokenMessage = 'the pages contradict each other however small the windows are';
