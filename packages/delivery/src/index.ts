export { backoffMs, type Backoff } from './backoff.ts';
export { shouldClose, type BatchPolicy, type OpenBatch } from './batch.ts';
export { liesBeyond, samePosition, type Position, type SourcePosition } from './position.ts';
export { done, halt, reject, retry, settledPrefix, type Settlement } from './settlement.ts';
export { withoutAddresses } from './without-addresses.ts';
