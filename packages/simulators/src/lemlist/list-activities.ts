import { JsonBuffer } from '../core/json-buffer.ts';
import type { RowView } from '../core/ordered-rows.ts';
import { parseIso } from '../core/timeline.ts';
import type { LemlistAccount } from './account.ts';
import { idOf } from './plan.ts';
import type { Shape } from './render.ts';
import { ACTIVITY_TYPES } from './types.ts';

/** A request the platform refuses with a 400 and this text. */
export class BadParams extends Error {}

/** A request for `/activities` (Lemlist fact sheet, section 5); dates are epoch ms, both inclusive. */
export interface ActivityQuery {
  readonly shape: Shape;
  readonly type: string | undefined;
  readonly campaignId: string | undefined;
  readonly leadId: string | undefined;
  readonly isFirst: boolean;
  readonly offset: number;
  readonly limit: number;
  readonly minDate: number | undefined;
  readonly maxDate: number | undefined;
}

/** Positions `first` up to, not including, `end` of `view`, oldest first. */
export interface ActivityWindow {
  readonly view: RowView;
  readonly first: number;
  readonly end: number;
}

type RawQuery = Readonly<Record<string, unknown>>;

/** Whether `type` is one the platform knows; its answer to others is no list. */
export function isKnownType(type: string | undefined): boolean {
  return type === undefined || ACTIVITY_TYPES.has(type);
}

/**
 * Reads the query of `/activities`.
 * @throws BadParams when a value cannot be used.
 */
export function readActivityQuery(raw: RawQuery, limits: 'clamp' | 'refuse'): ActivityQuery {
  const minDate = readDate(raw, 'minDate') ?? readDate(raw, 'startDate');
  const maxDate = readDate(raw, 'maxDate') ?? readDate(raw, 'endDate');
  if (minDate !== undefined && maxDate !== undefined && maxDate <= minDate) {
    throw new BadParams('Bad params: maxDate must be greater than minDate');
  }
  return {
    shape: raw['version'] === 'v2' ? 'v2' : 'v1',
    type: text(raw, 'type'),
    campaignId: text(raw, 'campaignId'),
    leadId: text(raw, 'leadId'),
    isFirst: raw['isFirst'] === 'true',
    offset: readInteger(raw, 'offset', 0, 0),
    limit: readLimit(raw, limits),
    minDate,
    maxDate,
  };
}

/** `limit`: 100 unless given, at most 100; above that it is clamped or refused, for nobody knows which is true. */
export function readLimit(raw: RawQuery, limits: 'clamp' | 'refuse'): number {
  const limit = readInteger(raw, 'limit', 100, 1);
  if (limit > 100 && limits === 'refuse') throw new BadParams('Bad params: limit must be at most 100');
  return Math.min(limit, 100);
}

export function readInteger(raw: RawQuery, key: string, missing: number, min: number): number {
  const value = text(raw, key);
  if (value === undefined) return missing;
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(number >= min)) throw new BadParams(`Bad params: ${key} must be a number`);
  return number;
}

function text(raw: RawQuery, key: string): string | undefined {
  const value = raw[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function readDate(raw: RawQuery, key: string): number | undefined {
  const value = text(raw, key);
  if (value === undefined) return undefined;
  const time = /^\d+$/.test(value) ? Number(value) * 1000 : parseIso(value);
  if (time === null) throw new BadParams(`Bad params: ${key} must be a valid date`);
  return time;
}

export function windowOf(account: LemlistAccount, query: ActivityQuery): ActivityWindow {
  const { rows, seed } = account;
  const { type, campaignId, leadId, isFirst } = query;
  const unfiltered = type === undefined && campaignId === undefined && leadId === undefined && !isFirst;
  const view = unfiltered
    ? rows
    : rows.filtered(`${type ?? ''}/${campaignId ?? ''}/${leadId ?? ''}/${isFirst}`, (ref) => {
        const facts = account.factsOf(ref);
        if (type !== undefined && facts.type !== type) return false;
        if (campaignId !== undefined && facts.campaign?.id !== campaignId) return false;
        if (isFirst && (facts.campaign === null || !facts.isFirst)) return false;
        if (leadId === undefined) return true;
        return facts.campaign !== null && idOf(seed, 'lea', facts.campaign.index * 1_000_000 + facts.lead) === leadId;
      });
  const first = query.minDate === undefined ? 0 : rows.lowerBound(view, query.minDate);
  const end = query.maxDate === undefined ? view.length : rows.lowerBound(view, query.maxDate + 1);
  return { view, first, end: Math.max(first, end) };
}

/** Writes the page, newest first; the caller releases the buffer. */
export function writeActivities(account: LemlistAccount, window: ActivityWindow, query: ActivityQuery): JsonBuffer {
  const out = new JsonBuffer().text('[');
  const end = Math.min(window.end - window.first, query.offset + query.limit);
  for (let nth = query.offset; nth < end; nth++) {
    if (nth > query.offset) out.text(',');
    out.text(account.textOf(window.view.refAt(window.end - 1 - nth), query.shape));
  }
  return out.text(']');
}
