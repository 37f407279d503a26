/** What one project may send in any span of `spanMs`: events and uncompressed bytes (Mixpanel fact sheet, section 4). */
export interface BudgetLimits {
  readonly events: number;
  readonly bytes: number;
  readonly spanMs: number;
}

interface Spent {
  readonly at: number;
  readonly events: number;
  readonly bytes: number;
}

/** A rolling budget; what it refuses, and what fails validation later, is spent all the same (section 7). */
export class RollingBudget {
  limits: BudgetLimits;
  private readonly now: () => number;
  private spent: Spent[] = [];
  private events = 0;
  private bytes = 0;

  constructor(limits: BudgetLimits, now: () => number) {
    this.limits = limits;
    this.now = now;
  }

  /** Spends a request and says whether it fits. */
  spend(events: number, bytes: number): boolean {
    const at = this.now();
    this.forget(at - this.limits.spanMs);
    this.spent.push({ at, events, bytes });
    this.events += events;
    this.bytes += bytes;
    return this.events <= this.limits.events && this.bytes <= this.limits.bytes;
  }

  clear(): void {
    this.spent = [];
    this.events = 0;
    this.bytes = 0;
  }

  private forget(until: number): void {
    let gone = 0;
    for (const { at, events, bytes } of this.spent) {
      if (at > until) break;
      this.events -= events;
      this.bytes -= bytes;
      gone += 1;
    }
    if (gone > 0) this.spent = this.spent.slice(gone);
  }
}
