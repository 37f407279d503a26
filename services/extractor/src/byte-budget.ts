/** Bytes of records that chunks may hold at once in this process; asked for before a chunk is claimed. */
export interface ByteBudget {
  /** A share of the budget, or null while there is no room; a chunk that is alone always finds some. */
  readonly tryReserve: (bytes: number) => ByteShare | null;
  readonly held: () => number;
}

export interface ByteShare extends Disposable {
  /** Says how much the chunk really holds: more than reserved is taken all the same, and new chunks wait for it. */
  readonly grow: (bytes: number) => void;
}

export function createByteBudget(capacity: number): ByteBudget {
  let held = 0;
  let shares = 0;
  return {
    tryReserve: (bytes) => {
      if (shares > 0 && held + bytes > capacity) return null;
      let size = bytes;
      let returned = false;
      held += size;
      shares += 1;
      return {
        grow: (actual) => {
          if (returned || actual <= size) return;
          held += actual - size;
          size = actual;
        },
        [Symbol.dispose]: () => {
          if (returned) return;
          returned = true;
          held -= size;
          shares -= 1;
        },
      };
    },
    held: () => held,
  };
}
