import type { Value } from './value.ts';

/** Never in use, by RFC 2606; refused with the message of any wrong value (Attio fact sheet, section 4). */
const RESERVED_TLDS: ReadonlySet<string> = new Set(['test', 'invalid', 'example', 'localhost']);
const EMAIL = /^[^\s@"(),:;<>[\]\\]+@((?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}]{2,})$/u;
const DOMAIN = /^(?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+[\p{L}]{2,}$/u;

/** Compared and shown in lower case, whatever was written. */
export function readEmail(given: unknown): Value | null {
  const text = fieldOf(given, 'email_address');
  if (typeof text !== 'string') return null;
  const email = text.trim().toLowerCase();
  const domain = EMAIL.exec(email)?.[1];
  if (domain === undefined || RESERVED_TLDS.has(domain.split('.').at(-1) ?? '')) return null;
  return {
    key: email,
    plain: email,
    fields: {
      email_address: email,
      original_email_address: text,
      email_domain: domain,
      email_root_domain: domain.split('.').slice(-2).join('.'),
      email_local_specifier: email.slice(0, email.lastIndexOf('@')),
    },
  };
}

/** A domain, perhaps as part of an address of a page. */
export function readDomain(given: unknown): Value | null {
  const text = fieldOf(given, 'domain');
  if (typeof text !== 'string') return null;
  const domain = text
    .trim()
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, '')
    .replace(/[/?#].*$/, '')
    .replace(/^www\./, '');
  if (!DOMAIN.test(domain)) return null;
  return { key: domain, plain: domain, fields: { domain, root_domain: domain.split('.').slice(-2).join('.') } };
}

/** A number with its country code, or a national one with `country_code`; North American ones by their number plan. */
export function readPhone(given: unknown): Value | null {
  const text = fieldOf(given, 'original_phone_number');
  if (typeof text !== 'string') return null;
  const isNational = !text.trim().startsWith('+');
  const country =
    typeof given === 'object' && given !== null ? (given as Record<string, unknown>)['country_code'] : null;
  const digits = text.replace(/[\s().-]/g, '').replace(/^\+/, '');
  if (!/^\d{7,15}$/.test(digits)) return null;
  if (isNational && country !== 'US' && country !== 'CA') return null;
  const whole = isNational ? `1${digits}` : digits;
  if (whole.startsWith('1') && !/^1[2-9]\d{2}[2-9]\d{6}$/.test(whole)) return null;
  if (whole.startsWith('0')) return null;
  const phone = `+${whole}`;
  return {
    key: phone,
    plain: phone,
    fields: { phone_number: phone, original_phone_number: text, country_code: country },
  };
}

function fieldOf(given: unknown, name: string): unknown {
  return typeof given === 'object' && given !== null ? (given as Readonly<Record<string, unknown>>)[name] : given;
}
