/** When a batch is handed on: at whichever bound is reached first. */
export interface BatchPolicy {
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Longest time the oldest row may wait for company, in milliseconds. */
  readonly lingerMs: number;
}

export interface OpenBatch {
  readonly rows: number;
  readonly bytes: number;
  /** Time since the first row arrived, in milliseconds. */
  readonly ageMs: number;
}

/** Which bound an open batch has reached, or false; an empty batch never closes, whatever its age. */
export function shouldClose(batch: OpenBatch, policy: BatchPolicy): false | 'rows' | 'bytes' | 'time' {
  if (batch.rows === 0) return false;
  if (batch.rows >= policy.maxRows) return 'rows';
  if (batch.bytes >= policy.maxBytes) return 'bytes';
  return batch.ageMs >= policy.lingerMs ? 'time' : false;
}
