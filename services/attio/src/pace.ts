/** What one copy knows of the way to a workspace: how long answers take, and whether it is to be left alone. */
export class Pace {
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  #last: number[] = [];

  /** Whether slots that were given out are to be let pass, at `nowMs` of a clock that only grows. */
  rests(nowMs: number): boolean {
    return nowMs < this.#restsUntilMs;
  }

  /** After a refusal: what was given out before it was known is not sent, or it would be refused as well. */
  rest(nowMs: number, forMs: number): void {
    this.#restsUntilMs = Math.max(this.#restsUntilMs, nowMs + forMs);
  }

  /**
   * Notes how long an answer took, ms, and returns how much longer that is than the quickest of the last ones: the most
   * that its request can have been late. Null while too few are known.
   */
  delayOf(tookMs: number): number | null {
    this.#last = [...this.#last, tookMs].slice(-known.most);
    return this.#last.length < known.least ? null : tookMs - Math.min(...this.#last);
  }
}

/** Answers that are compared; the first ones contain the opening of connections. */
const known = { least: 10, most: 100 };
