import { OrderedRows } from '../core/ordered-rows.ts';
import { draw } from '../core/random.ts';
import { DATA_END } from '../core/timeline.ts';
import type { ActivityFacts } from './activities.ts';
import { activityFactsOf, activityTimeOf, kindOf } from './activities.ts';
import type { LemlistCampaign, LemlistPlan } from './plan.ts';
import { planLemlist } from './plan.ts';
import type { Breakage, Shape } from './render.ts';
import { BREAKAGES, activityIdOf, activityJson } from './render.ts';

const STREAM_BROKEN = 161;
/** Serials of activities that came later; base activities stay far below. */
const INSERTED_SERIALS = 0x80000000;
/** How far back a collision looks for an activity to share its `_id` with. */
const LOOK_BACK = 5000;

export interface LemlistData {
  readonly seed: number;
  readonly campaigns: number;
  readonly activities: number;
  readonly brokenRecords: number;
  readonly collisions: number;
}

/** The account (one team): campaigns, activities, and a calendar of its own that only `advance` moves. */
export class LemlistAccount {
  readonly seed: number;
  readonly plan: LemlistPlan;
  readonly rows: OrderedRows;
  /** The account's present, epoch ms. */
  now = DATA_END;
  private readonly total: number;
  private readonly removedCampaigns = new Set<string>();
  private readonly broken = new Map<number, Breakage>();
  private readonly idOwners = new Map<number, number>();
  private stepDraws = 0;

  constructor(data: LemlistData) {
    const { seed, activities } = data;
    this.seed = seed;
    this.total = activities;
    this.plan = planLemlist(seed, data.campaigns, activities);
    this.rows = new OrderedRows(activities, (ref) => activityTimeOf(seed, activities, this.plan, ref));
    spread(seed, activities, data.brokenRecords, (serial, i) =>
      this.broken.set(serial, BREAKAGES[i % BREAKAGES.length] ?? 'createdAtAbsent'),
    );
    const owners = new Set<number>();
    spread(seed + 1, activities, data.collisions, (serial) => {
      for (let candidate = serial; candidate < activities; candidate++) {
        const owner = owners.has(candidate) ? null : this.lookAlikeBefore(candidate);
        if (owner === null) continue;
        owners.add(owner);
        this.idOwners.set(candidate, owner);
        return;
      }
    });
  }

  listed(): readonly LemlistCampaign[] {
    return this.plan.campaigns.filter(({ id, listed }) => listed && !this.removedCampaigns.has(id));
  }

  find(id: string): LemlistCampaign | undefined {
    return this.listed().find((campaign) => campaign.id === id);
  }

  /** Removes a campaign as the app does: no longer listed, its activities stay. */
  deleteCampaign(id: string): void {
    this.removedCampaigns.add(id);
  }

  /** Index of the next draw for what `advance` lets happen. */
  nextStepDraw(): number {
    return this.stepDraws++;
  }

  /** Adds an activity that happened at `createdAt` and returns its reference. */
  insertActivity(createdAt: number): number {
    return this.rows.insert(createdAt);
  }

  factsOf(ref: number): ActivityFacts {
    const serial = ref < this.total ? ref : INSERTED_SERIALS + ref - this.total;
    return activityFactsOf(this.seed, this.plan, serial, this.rows.timeOf(ref));
  }

  /** The `_id` of an activity: its own, or, for a collision, another one's. */
  idOf(serial: number): string {
    return activityIdOf(this.seed, this.idOwners.get(serial) ?? serial);
  }

  isBroken(serial: number): boolean {
    return this.broken.has(serial);
  }

  /** The nearest older activity of the same campaign and type whose `_id` is its own. */
  private lookAlikeBefore(serial: number): number | null {
    if (this.broken.has(serial) || this.idOwners.has(serial)) return null;
    const { campaign, type } = kindOf(this.seed, this.plan, serial);
    for (let other = serial - 1; other >= Math.max(0, serial - LOOK_BACK); other--) {
      if (this.broken.has(other) || this.idOwners.has(other)) continue;
      const kind = kindOf(this.seed, this.plan, other);
      if (kind.campaign === campaign && kind.type === type) return other;
    }
    return null;
  }

  textOf(ref: number, shape: Shape): string {
    const facts = this.factsOf(ref);
    const { serial } = facts;
    return activityJson(facts, {
      seed: this.seed,
      plan: this.plan,
      shape,
      id: this.idOf(serial),
      broken: this.broken.get(serial),
    });
  }
}

function spread(seed: number, total: number, wanted: number, mark: (serial: number, i: number) => void): void {
  const count = Math.min(wanted, Math.max(0, total));
  for (let i = 0; i < count; i++) {
    const stride = Math.floor(total / count);
    mark(i * stride + (draw(seed, STREAM_BROKEN, i) % stride), i);
  }
}
