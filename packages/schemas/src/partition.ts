import { hash } from 'node:crypto';

/**
 * The partition of a lead: the first four bytes (big-endian) of SHA-256 over the identity's UTF-8, modulo the number of
 * partitions. A record without a lead is placed by its own bytes.
 */
export function partitionFor(identity: string | Uint8Array, partitions: number): number {
  return hash('sha256', identity, 'buffer').readUInt32BE(0) % partitions;
}
