/** A closed interval of time in ms since 1970, UTC. */
export interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}

/** Groups: 1 to 3 the date, 4 to 6 the clock, 7 the fraction, 8 to 10 the sign, hours and minutes of the zone. */
const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:[Zz]|([+-])(\d{2})(?::?(\d{2}))?)?)?$/;

const dayMs = 86_400_000;
const minuteMs = 60_000;
const lastMs = Date.UTC(3000, 0, 1) - 1;

/**
 * Reads an ISO 8601 date or date-time as the beginning or the end of a range that holds it: a date is the whole day (UTC), a
 * date-time that instant, without a zone in UTC. Parts of a millisecond are rounded into the range. Null for what is neither, or
 * lies outside of the years 1970 to 2999.
 */
export function readBound(text: string, edge: 'start' | 'end'): number | null {
  const found = form.exec(text.trim());
  if (found === null) return null;
  const day = dayOf(Number(found[1]), Number(found[2]), Number(found[3]));
  if (day === null) return null;
  if (found[4] === undefined) return inBounds(edge === 'start' ? day : day + dayMs - 1);
  const [hours, minutes, seconds] = [Number(found[4]), Number(found[5]), Number(found[6] ?? 0)];
  if (hours > 23 || minutes > 59 || seconds > 59) return null;
  const offset = zoneOf(found[8], found[9], found[10]);
  if (offset === null) return null;
  const digits = (found[7] ?? '').padEnd(9, '0');
  const fraction = edge === 'start' ? Math.ceil(Number(digits) / 1e6) : Math.floor(Number(digits) / 1e6);
  return inBounds(day + hours * 60 * minuteMs + minutes * minuteMs + seconds * 1_000 + fraction - offset);
}

function dayOf(year: number, month: number, dayOfMonth: number): number | null {
  if (year < 1969 || month < 1 || month > 12 || dayOfMonth < 1) return null;
  const day = Date.UTC(year, month - 1, dayOfMonth);
  return new Date(day).getUTCDate() === dayOfMonth ? day : null;
}

/** The offset of a zone from UTC in ms; null for one that is none. */
function zoneOf(sign = '+', hours = '00', minutes = '00'): number | null {
  if (Number(hours) > 23 || Number(minutes) > 59) return null;
  const offset = (Number(hours) * 60 + Number(minutes)) * minuteMs;
  return sign === '-' ? -offset : offset;
}

function inBounds(ms: number): number | null {
  return ms >= 0 && ms <= lastMs ? ms : null;
}
