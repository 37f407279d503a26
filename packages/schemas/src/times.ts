/** A time in ms since 1970 (UTC), or why there is none. */
export type TimeReading = number | 'missing' | 'unreadable';

/** Groups: 1 to 6 the date and the clock, 7 the fraction, 8 to 10 the sign, hours and minutes of the zone. */
const form = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2}):?(\d{2}))?$/;

/** 2999-12-31T23:59:59.999Z */
const lastTime = Date.UTC(3000, 0, 1) - 1;

const minute = 60_000;
const hour = 60 * minute;

/**
 * Reads `YYYY-MM-DD`, `T` or a space, `hh:mm:ss`, an optional fraction of 1 to 9 digits (cut to ms, not rounded) and an
 * optional `Z`, `±hh:mm` or `±hhmm`; without a zone it is UTC. The date must be real and the instant lie in the years 1970
 * to 2999 (UTC). Absent, `null` and blank are missing; everything else is unreadable, numbers too: `Date.parse` takes far
 * too much.
 */
export function readTime(value: unknown): TimeReading {
  if (value === undefined || value === null) return 'missing';
  if (typeof value !== 'string') return 'unreadable';
  const text = value.trim();
  if (text === '') return 'missing';
  const found = form.exec(text);
  if (found === null) return 'unreadable';
  const date = dateOf(Number(found[1]), Number(found[2]), Number(found[3]));
  const clock = clockOf(Number(found[4]), Number(found[5]), Number(found[6]));
  const offset = found[8] === undefined ? 0 : clockOf(Number(found[9]), Number(found[10]), 0);
  const fraction = found[7] === undefined ? 0 : Number(found[7].slice(0, 3).padEnd(3, '0'));
  const time = date + clock + fraction - (found[8] === '-' ? -offset : offset);
  // What is not real is NaN here, and so outside the bounds.
  return time >= 0 && time <= lastTime ? time : 'unreadable';
}

/** Midnight of a date in ms since 1970, NaN when the calendar has no such date. */
function dateOf(year: number, month: number, dayOfMonth: number): number {
  // Outside these years no zone brings the instant back into the bounds, and Date.UTC reads 0 to 99 as 1900 to 1999.
  if (year < 1969 || year > 3000 || month < 1 || month > 12 || dayOfMonth < 1) return Number.NaN;
  const time = Date.UTC(year, month - 1, dayOfMonth);
  return dayOfMonth <= 28 || time < Date.UTC(year, month, 1) ? time : Number.NaN;
}

function clockOf(hours: number, minutes: number, seconds: number): number {
  return hours > 23 || minutes > 59 || seconds > 59 ? Number.NaN : hours * hour + minutes * minute + seconds * 1_000;
}
