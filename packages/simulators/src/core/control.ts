import type { Arrival } from './arrivals.ts';
import type { DriftSpec } from './drift.ts';
import { DriftPlan, isDrift } from './drift.ts';
import type { FaultSpec } from './faults.ts';
import type { PlatformGate } from './platform.ts';

/** A campaign that is removed, as its owner would. */
export interface CampaignRemoval {
  readonly kind: 'campaignDeleted';
  readonly campaignId: string;
}

/** Anything a test may let happen to a platform. */
export type Mischief = FaultSpec | DriftSpec | CampaignRemoval;

/** Moves the account's calendar on and lets things happen in the time that passed. */
export interface AdvanceStep {
  /** How far the calendar moves, in ms (default one day); `to` (ISO, or `now` for the wall clock) wins. */
  readonly ms?: number;
  readonly to?: string;
  /** Smartlead: new sends, and changes on sends of the last `lookbackMs` (default 45 days). */
  readonly sends?: number;
  readonly opens?: number;
  readonly clicks?: number;
  readonly replies?: number;
  readonly bounces?: number;
  readonly unsubscribes?: number;
  readonly lookbackMs?: number;
  /** Smartlead: the only campaigns that anything happens in; all of them unless said. */
  readonly campaignIds?: readonly string[];
  /** Lemlist: new activities, and ones recorded late, up to `backdatedByMs` (default 7 days) before the step. */
  readonly activities?: number;
  readonly backdated?: number;
  readonly backdatedByMs?: number;
}

/** What one step changed. */
export interface Change {
  readonly what: string;
  readonly campaignId: string | null;
  /** When it happened, epoch ms. */
  readonly at: number;
}

/** What an account lets be done to it. */
export interface AccountControl {
  deleteCampaign(id: string): void;
  advance(step: AdvanceStep): readonly Change[];
}

/** The strings behind one simulated platform; the same over HTTP under `/_control`. */
export class SimulatorControl {
  readonly drifts = new DriftPlan();
  private readonly gate: PlatformGate;
  private readonly account: AccountControl;

  constructor(gate: PlatformGate, account: AccountControl) {
    this.gate = gate;
    this.account = account;
  }

  /** Every request with a valid key so far, refused ones included. */
  arrivals(): readonly Arrival[] {
    return [...this.gate.arrivals];
  }

  arrivalCount(): number {
    return this.gate.arrivals.length;
  }

  /** The most arrivals in any span of `spanMs`. */
  maxInWindow(spanMs: number): number {
    return this.gate.arrivals.maxInWindow(spanMs);
  }

  clearArrivals(): void {
    this.gate.arrivals.clear();
  }

  fault(what: Mischief): void {
    if (what.kind === 'campaignDeleted') this.account.deleteCampaign(what.campaignId);
    else if (isDrift(what)) this.drifts.add(what);
    else this.gate.faults.add(what);
  }

  /** Faults still armed, with what they hit so far. */
  faults(): readonly object[] {
    return [...this.gate.faults.list(), ...this.drifts.list()];
  }

  clearFaults(): void {
    this.gate.faults.clear();
    this.drifts.clear();
  }

  /** Replaces the limit (`10/2s`, `off`); what was accepted before is forgotten. */
  setRateLimit(text: string): void {
    this.gate.setRateLimit(text);
  }

  /** Milliseconds every answer waits from now on. */
  setLatency(ms: number): void {
    this.gate.latencyMs = ms;
  }

  advance(step: AdvanceStep): readonly Change[] {
    return this.account.advance(step);
  }
}
