/**
 * How the oracle reads values: a second, independent writing of the rules for canonical events (section 2). It shares no
 * code with what it checks, on purpose.
 */

/** A value that is there but cannot be read. */
export const UNREADABLE: unique symbol = Symbol('unreadable');

/** U+0000 and unpaired surrogates become U+FFFD before anything else; blanks around are cut; nothing left is missing. */
export function readText(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const text = value.toWellFormed().replaceAll('\u0000', '\uFFFD').trim();
  return text === '' ? null : text;
}

/** Strings and integers are ids, as decimal text; booleans, fractions and objects are not. */
export function readId(value: unknown): string | null {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value).toString() : null;
  return readText(value);
}

/** Lower-cased without regard to a locale. */
export function readEmail(value: unknown): string | null {
  return readText(value)?.toLowerCase() ?? null;
}

/** A count: a whole number from 0 on, or its digits in a string. */
export function readCount(value: unknown): number | null {
  const text = typeof value === 'number' ? String(value) : readText(value);
  return text !== null && /^[0-9]+$/.test(text) ? Number(text) : null;
}

const TIME =
  /^(?<year>[0-9]{4})-(?<month>[0-9]{2})-(?<day>[0-9]{2})[T ](?<hour>[0-9]{2}):(?<minute>[0-9]{2}):(?<second>[0-9]{2})(?:\.(?<fraction>[0-9]{1,9}))?(?<zone>Z|[+-][0-9]{2}:?[0-9]{2})?$/;

/** Epoch milliseconds of a time in the documented grammar; null when missing, `UNREADABLE` for anything else. */
export function readTime(value: unknown): number | null | typeof UNREADABLE {
  if (value === undefined || value === null) return null;
  if (typeof value !== 'string') return UNREADABLE;
  const text = readText(value);
  if (text === null) return null;
  const parts = TIME.exec(text)?.groups;
  if (parts === undefined) return UNREADABLE;
  const number = (name: string): number => Number(parts[name]);
  const [year, month, day] = [number('year'), number('month'), number('day')];
  const [hour, minute, second] = [number('hour'), number('minute'), number('second')];
  if (year < 1970 || year > 2999 || hour > 23 || minute > 59 || second > 59) return UNREADABLE;
  const midnight = Date.UTC(year, month - 1, day);
  const calendar = new Date(midnight);
  if (calendar.getUTCFullYear() !== year || calendar.getUTCMonth() !== month - 1 || calendar.getUTCDate() !== day) {
    return UNREADABLE;
  }
  const zone = zoneMinutes(parts['zone']);
  if (zone === null) return UNREADABLE;
  const ms = Number((parts['fraction'] ?? '').slice(0, 3).padEnd(3, '0'));
  return midnight + ((hour * 60 + minute - zone) * 60 + second) * 1000 + ms;
}

function zoneMinutes(zone: string | undefined): number | null {
  if (zone === undefined || zone === 'Z') return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(-2));
  if (hours > 23 || minutes > 59) return null;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}

/** A platform's type in snake case: `emailsSent` is `email_sent`, `smsOTPSent` is `sms_otp_sent` (section 1). */
export function snakeCase(type: string): string {
  const singular = /^emails(?:[A-Z]|$)/.test(type) ? `email${type.slice('emails'.length)}` : type;
  let words = '';
  for (let i = 0; i < singular.length; i++) {
    const char = singular.charAt(i);
    const before = singular.charAt(i - 1);
    if (/[A-Z]/.test(char) && i > 0) {
      const startsWord = /[a-z0-9]/.test(before);
      const endsRun = /[A-Z]/.test(before) && /[a-z]/.test(singular.charAt(i + 1));
      if (startsWord || endsRun) words += '_';
    }
    words += char;
  }
  return words
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '')
    .join('_');
}
