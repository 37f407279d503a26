/** Between two probes of a target that accepts nothing: doubled from the first to the last. */
const probe = { firstMs: 5_000, lastMs: 60_000 };

/** How long a target is left alone that accepts nothing, and did not `before` times in a row, ms. */
export function probeAfterMs(before: number): number {
  return Math.min(probe.lastMs, probe.firstMs * 2 ** Math.max(0, before));
}
