import { LRUCache } from 'lru-cache';

/** What the window says of a key and its fingerprint. */
export type Sighting = 'first' | 'duplicate' | 'collision';

export interface SightingWindow {
  /** Compares with the last sighting of the key on the partition, and remembers this one when it is the first. */
  readonly see: (partition: number, key: string, fingerprint: Buffer) => Sighting;
  /** Keys remembered now, over all partitions. */
  readonly size: () => number;
  /** Keys looked up since the process began, and how many of them were remembered. */
  readonly lookups: () => { readonly asked: number; readonly remembered: number };
  /** Forgets everything; returns how many keys that were. */
  readonly clear: () => number;
}

/**
 * Remembers the last `keysPerPartition` keys of each partition, for early metrics and nothing else: what is published does not
 * depend on it, and Postgres is the authority on duplicates and collisions.
 */
export function createSightingWindow(keysPerPartition = 2_000): SightingWindow {
  const partitions = new Map<number, LRUCache<string, string>>();
  let asked = 0;
  let remembered = 0;
  const size = (): number => [...partitions.values()].reduce((sum, { size: keys }) => sum + keys, 0);
  return {
    see: (partition, key, fingerprint) => {
      let known = partitions.get(partition);
      if (known === undefined) {
        known = new LRUCache({ max: keysPerPartition });
        partitions.set(partition, known);
      }
      asked += 1;
      const seen = fingerprint.toString('latin1');
      const before = known.get(key);
      if (before === undefined) {
        known.set(key, seen);
        return 'first';
      }
      remembered += 1;
      return before === seen ? 'duplicate' : 'collision';
    },
    size,
    lookups: () => ({ asked, remembered }),
    clear: () => {
      const forgotten = size();
      partitions.clear();
      return forgotten;
    },
  };
}
