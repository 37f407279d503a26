import { OrderedRows } from '../core/ordered-rows.ts';
import { draw } from '../core/random.ts';
import { DATA_END } from '../core/timeline.ts';
import { prepareBodies } from '../data/texts.ts';
import type { CampaignPlan } from './plan.ts';
import { STEPS, planCampaigns } from './plan.ts';
import type { Breakage, RowTexts } from './render.ts';
import { BREAKAGES, rowTexts } from './render.ts';
import type { SendFacts } from './rows.ts';
import { rowOf, sendFactsOf, sendTimeOf } from './rows.ts';

const STREAM_BROKEN = 61;
const STREAM_INSERTED = 62;
/** Serials of rows that came later; base rows stay far below. */
const INSERTED_SERIALS = 0x80000000;

/** Order in which `/statistics` lists rows; the real one is not documented. */
export type SortOrder = 'sentAscending' | 'sentDescending' | 'shuffled';

/** What happened to a sent email since. */
export type LateFacts = Partial<
  Pick<SendFacts, 'openedAt' | 'openCount' | 'clickedAt' | 'clickCount' | 'repliedAt' | 'unsubscribed' | 'bounced'>
>;

interface InsertedRow {
  readonly serial: number;
  readonly lead: number;
}

/** One campaign with its rows: computed ones, inserted ones, removed ones, changed ones. */
export class SmartleadCampaign {
  readonly plan: CampaignPlan;
  readonly rows: OrderedRows;
  private readonly seed: number;
  private readonly inserted: InsertedRow[] = [];
  private readonly late = new Map<number, LateFacts>();

  constructor(seed: number, plan: CampaignPlan) {
    this.seed = seed;
    this.plan = plan;
    this.rows = new OrderedRows(plan.rows, (ref) => sendTimeOf(seed, plan, ref));
  }

  factsOf(ref: number): SendFacts {
    const base =
      ref < this.plan.rows ? sendFactsOf(this.seed, this.plan, ref) : this.insertedFacts(ref - this.plan.rows);
    const late = this.late.get(ref);
    return late === undefined ? base : { ...base, ...late };
  }

  /** Leads that were mailed so far; their numbers are below it. */
  get leads(): number {
    return this.plan.leads + this.inserted.length;
  }

  /** The rows of a lead that are still there, first step first. */
  rowsOfLead(lead: number): readonly number[] {
    if (lead >= this.plan.leads) {
      const ref = this.plan.rows + lead - this.plan.leads;
      return this.rows.has(ref) ? [ref] : [];
    }
    const refs: number[] = [];
    for (let step = 1; step <= STEPS; step++) {
      const ref = rowOf(this.plan, lead, step);
      if (ref !== null && this.rows.has(ref)) refs.push(ref);
    }
    return refs;
  }

  /** Adds a send at `sentAt` to a new lead and returns its reference. */
  insert(sentAt: number, serial: number): number {
    this.inserted.push({ serial, lead: this.plan.leads + this.inserted.length });
    return this.rows.insert(sentAt);
  }

  /** Changes what is known about a row, as opens and replies do to old sends. */
  change(ref: number, late: LateFacts): void {
    this.late.set(ref, { ...this.late.get(ref), ...late });
    this.rows.forget();
  }

  private insertedFacts(position: number): SendFacts {
    const row = this.inserted[position] ?? { serial: 0, lead: 0 };
    return {
      serial: row.serial,
      lead: row.lead,
      step: 1,
      sentAt: this.rows.timeOf(this.plan.rows + position),
      openedAt: null,
      openCount: 0,
      clickedAt: null,
      clickCount: 0,
      repliedAt: null,
      unsubscribed: false,
      bounced: false,
      look: draw(this.seed, STREAM_INSERTED, row.serial),
    };
  }
}

export interface SmartleadData {
  readonly seed: number;
  readonly campaigns: number;
  readonly rows: number;
  readonly bodyBytes: number;
  readonly brokenRecords: number;
}

/** The account: its campaigns, and a calendar of its own that only `advance` moves. */
export class SmartleadAccount {
  readonly seed: number;
  readonly bodies: readonly Buffer[];
  sort: SortOrder;
  /** The account's present, epoch ms. */
  now = DATA_END;
  private readonly campaigns: SmartleadCampaign[];
  private readonly deleted = new Set<number>();
  private readonly broken = new Map<number, Breakage>();
  private nextSerial = INSERTED_SERIALS;
  private stepDraws = 0;

  constructor(data: SmartleadData, sort: SortOrder) {
    this.seed = data.seed;
    this.sort = sort;
    this.bodies = data.bodyBytes === 0 ? [] : prepareBodies(data.seed, data.bodyBytes);
    this.campaigns = planCampaigns(data.seed, data.campaigns, data.rows).map(
      (plan) => new SmartleadCampaign(data.seed, plan),
    );
    const breakable = Math.min(data.brokenRecords, data.rows);
    for (let i = 0; i < breakable; i++) {
      const stride = Math.floor(data.rows / breakable);
      const serial = i * stride + (draw(data.seed, STREAM_BROKEN, i) % stride);
      this.broken.set(serial, BREAKAGES[i % BREAKAGES.length] ?? 'sentTimeNull');
    }
  }

  /** Campaigns that were not deleted, oldest first. */
  live(): readonly SmartleadCampaign[] {
    return this.campaigns.filter(({ plan }) => !this.deleted.has(plan.id));
  }

  find(id: number): SmartleadCampaign | undefined {
    return this.live().find(({ plan }) => plan.id === id);
  }

  /** Removes a campaign with all that belongs to it, as the platform does. */
  deleteCampaign(id: number): void {
    this.deleted.add(id);
  }

  /** Grows with every change to what the account serves. */
  get version(): number {
    return this.campaigns.reduce((sum, { rows }) => sum + rows.version, this.deleted.size);
  }

  /** Index of the next draw for what `advance` lets happen. */
  nextStepDraw(): number {
    return this.stepDraws++;
  }

  insertSend(campaign: SmartleadCampaign, sentAt: number): number {
    return campaign.insert(sentAt, this.nextSerial++);
  }

  rowOf(campaign: SmartleadCampaign, ref: number, bodies: readonly Buffer[] = this.bodies): RowTexts {
    const facts = campaign.factsOf(ref);
    return rowTexts(this.seed, campaign.plan, facts, bodies, this.broken.get(facts.serial));
  }

  isBroken(serial: number): boolean {
    return this.broken.has(serial);
  }
}
