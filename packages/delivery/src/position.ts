/** The last source position seen of one raw topic: offset, then index within the record. */
export type SourcePosition = readonly [offset: number, index: number];

/** Where a reader stands in a partition of the events topic. */
export interface Position {
  readonly nextOffset: number;
  /** By raw topic id. */
  readonly sources: Readonly<Record<string, SourcePosition>>;
}

/**
 * Whether an event lies beyond the last one seen of its raw topic. Source positions only grow along a partition, so one
 * comparison tells a replay of the keyer, whoever published it and however often (I3).
 */
export function liesBeyond(last: SourcePosition | undefined, offset: number, index: number): boolean {
  return last === undefined || offset > last[0] || (offset === last[0] && index > last[1]);
}

/** True when nothing was settled between two readings of a position. */
export function samePosition(a: Position, b: Position): boolean {
  if (a.nextOffset !== b.nextOffset) return false;
  const topics = new Set([...Object.keys(a.sources), ...Object.keys(b.sources)]);
  return [...topics].every((topic) => {
    const [left, right] = [a.sources[topic], b.sources[topic]];
    return left?.[0] === right?.[0] && left?.[1] === right?.[1];
  });
}
