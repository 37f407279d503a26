import { higher, statusOf } from './status.ts';
import type { Status } from './status.ts';

/** What of an event matters for its person. */
export interface PersonEvent {
  readonly eventType: string;
  /** Ms since 1970. */
  readonly occurredAt: number;
  readonly campaignId: string | null;
  readonly campaignName: string | null;
}

/** The latest event of some kind. */
interface Latest {
  readonly at: number;
  readonly type: string;
  readonly campaign: string | null;
}

/** A campaign as its latest event names it. */
interface NamedCampaign {
  readonly at: number;
  readonly name: string;
}

/**
 * All that a person's events add up to. Totals are absolute: what is written to Attio is the state and never a change
 * of it, so that a write may be repeated (I3).
 */
export interface PersonState {
  /** How many events of each type there are. */
  readonly counts: Readonly<Record<string, number>>;
  readonly firstAt: number | null;
  readonly last: Latest | null;
  /** When the latest event of each status happened. */
  readonly lastAt: Readonly<Partial<Record<Status, number>>>;
  readonly status: Status | null;
  /** By campaign id. */
  readonly campaigns: Readonly<Record<string, NamedCampaign>>;
}

export const emptyState: PersonState = {
  counts: {},
  firstAt: null,
  last: null,
  lastAt: {},
  status: null,
  campaigns: {},
};

/**
 * Adds events to a person's state. The order makes no difference, neither within one call nor over several; that no
 * event is added twice is the ledger's business, for a total cannot know.
 */
export function foldEvents(state: PersonState, events: readonly PersonEvent[]): PersonState {
  const counts = new Map(Object.entries(state.counts));
  const lastAt: Partial<Record<Status, number>> = { ...state.lastAt };
  const campaigns = new Map(Object.entries(state.campaigns));
  let { firstAt, last, status } = state;
  for (const event of events) {
    counts.set(event.eventType, (counts.get(event.eventType) ?? 0) + 1);
    firstAt = firstAt === null ? event.occurredAt : Math.min(firstAt, event.occurredAt);
    const latest = { at: event.occurredAt, type: event.eventType, campaign: event.campaignName };
    if (last === null || isLater(latest, last)) last = latest;
    const meant = statusOf(event.eventType);
    status = higher(status, meant);
    if (meant !== null) lastAt[meant] = Math.max(lastAt[meant] ?? event.occurredAt, event.occurredAt);
    if (event.campaignId === null) continue;
    const named = { at: event.occurredAt, name: event.campaignName ?? event.campaignId };
    const known = campaigns.get(event.campaignId);
    if (known === undefined || isNamedLater(named, known)) campaigns.set(event.campaignId, named);
  }
  // Built from entries: a type named `__proto__` is a type like any other.
  return {
    counts: Object.fromEntries(counts),
    firstAt,
    last,
    lastAt,
    status,
    campaigns: Object.fromEntries(campaigns),
  };
}

/** Of events at one instant the same one must win in every order. */
function isLater(a: Latest, b: Latest): boolean {
  if (a.at !== b.at) return a.at > b.at;
  if (a.type !== b.type) return a.type > b.type;
  return (a.campaign ?? '') > (b.campaign ?? '');
}

function isNamedLater(a: NamedCampaign, b: NamedCampaign): boolean {
  return a.at === b.at ? a.name > b.name : a.at > b.at;
}
