/** Draws numbers from 0 (inclusive) to 1 (exclusive); the same seed gives the same ones for ever. */
export type Random = () => number;

/** A small generator (mulberry32) for choosing moments; of no use where nobody may guess. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let x = state;
    x = Math.imul(x ^ (x >>> 15), x | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 4_294_967_296;
  };
}
