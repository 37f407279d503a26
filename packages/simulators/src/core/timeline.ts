/**
 * The calendar of the simulated accounts. Everything lies between two fixed instants and nothing reads a clock, so that
 * the same seed gives the same bytes whenever it is asked.
 */

/** 2024-01-01T00:00:00Z, a Monday. */
export const DATA_START = Date.UTC(2024, 0, 1);
/** 2026-11-01T00:00:00Z: no fact of the initial data lies at or after it; `advance` continues from here. */
export const DATA_END = Date.UTC(2026, 10, 1);

export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

const WORKDAY_MS = 10 * HOUR_MS;
const WORKDAY_START_MS = 7 * HOUR_MS;
/** Working time from the first Monday to 2026-10-12; what follows a send (opens, replies) ends before `DATA_END`. */
export const WORK_SPAN_MS = 145 * 5 * WORKDAY_MS;

/**
 * Maps working milliseconds since the start onto the calendar: weekdays, 07:00 to 17:00 UTC. Monotone, so an order in
 * working time is an order in time, and nights and week ends stay empty as in real accounts.
 */
export function wallTimeOf(workMs: number): number {
  const day = Math.floor(workMs / WORKDAY_MS);
  const week = Math.floor(day / 5);
  return DATA_START + (week * 7 + (day - week * 5)) * DAY_MS + WORKDAY_START_MS + Math.floor(workMs - day * WORKDAY_MS);
}

let cachedDay = Number.NaN;
let cachedDate = '';
const TWO = Array.from({ length: 60 }, (_, value) => String(value).padStart(2, '0'));

/** `YYYY-MM-DD<separator>hh:mm:ss.mmm` of epoch milliseconds in UTC, several times faster than `Date`. */
export function timestampOf(ms: number, separator = 'T'): string {
  const day = Math.floor(ms / DAY_MS);
  if (day !== cachedDay) {
    cachedDay = day;
    cachedDate = new Date(day * DAY_MS).toISOString().slice(0, 10);
  }
  const rest = ms - day * DAY_MS;
  const seconds = Math.floor(rest / 1000);
  const fraction = rest - seconds * 1000;
  const minutes = Math.floor(seconds / 60);
  const padded = fraction < 10 ? `00${fraction}` : fraction < 100 ? `0${fraction}` : `${fraction}`;
  return `${cachedDate}${separator}${TWO[Math.floor(minutes / 60)]}:${TWO[minutes % 60]}:${TWO[seconds % 60]}.${padded}`;
}

/** ISO 8601 with milliseconds and `Z`. */
export function isoOf(ms: number): string {
  return `${timestampOf(ms)}Z`;
}

const ISO = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** Reads an ISO date or date-time (`T` or space, zone optional, UTC without one) into epoch ms; null when it is none. */
export function parseIso(text: string): number | null {
  const match = ISO.exec(text.trim());
  if (match === null) return null;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = match;
  const date = Date.UTC(Number(year), Number(month) - 1, Number(day));
  if (new Date(date).getUTCDate() !== Number(day) || Number(month) < 1 || Number(month) > 12) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const time = Number(hour) * HOUR_MS + Number(minute) * 60_000 + Number(second) * 1000;
  return date + time + Number(fraction.padEnd(3, '0').slice(0, 3)) - zoneOffsetMs(zone);
}

function zoneOffsetMs(zone: string): number {
  if (zone === 'Z') return 0;
  const digits = zone.replace(':', '');
  const minutes = Number(digits.slice(1, 3)) * 60 + Number(digits.slice(3, 5));
  return (digits.startsWith('-') ? -minutes : minutes) * 60_000;
}
