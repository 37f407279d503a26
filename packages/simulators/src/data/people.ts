import { chance, draw, pick, trait } from '../core/random.ts';

const STREAM_PERSON = 11;

/** Display name, and the plain form used in addresses. */
const FIRST: readonly (readonly [string, string])[] = [
  ['Mira', 'mira'],
  ['Tariq', 'tariq'],
  ['Jürgen', 'juergen'],
  ['Zoë', 'zoe'],
  ['Łukasz', 'lukasz'],
  ['Søren', 'soren'],
  ['İpek', 'ipek'],
  ['Ольга', 'olga'],
  ['美咲', 'misaki'],
  ['José', 'jose'],
  ['Finn 🦊', 'finn'],
  ['Aoife', 'aoife'],
  ['Nguyễn', 'nguyen'],
  ['Chloé', 'chloe'],
  ['Bo', 'bo'],
  ['Anne-Marie', 'anne-marie'],
  ['Omar', 'omar'],
  ['Priya', 'priya'],
  ['Kwame', 'kwame'],
  ['Sinéad', 'sinead'],
  ['Ivan', 'ivan'],
  ['Lena', 'lena'],
  ['Hugo', 'hugo'],
];
const LAST: readonly (readonly [string, string])[] = [
  ['Halvorsen', 'halvorsen'],
  ['Aydın', 'aydin'],
  ['Müller', 'mueller'],
  ["O'Neill", 'oneill'],
  ['García', 'garcia'],
  ['Nowak', 'nowak'],
  ['佐藤', 'sato'],
  ['Иванова', 'ivanova'],
  ['van der Berg', 'vanderberg'],
  ['Lindström', 'lindstrom'],
  ['Okafor', 'okafor'],
  ['Rossi', 'rossi'],
  ['Dubois', 'dubois'],
  ['"Ace" Ventura', 'ventura'],
  ['Kaya', 'kaya'],
  ['Smith', 'smith'],
  ['Patel', 'patel'],
];
const COMPANIES: readonly (readonly [string, string])[] = [
  ['Fjordworks', 'fjordworks'],
  ['Kesselbau GmbH & Co. KG', 'kesselbau'],
  ['Nordlicht Énergie', 'nordlicht'],
  ['Blue "Sky" Ltd', 'bluesky'],
  ['株式会社テスト', 'tesuto'],
  ['Acme\\Partners', 'acme'],
  ['Zürich Data', 'zuerichdata'],
  ['Pixel 🚀 Labs', 'pixellabs'],
  ['Granite', 'granite'],
  ['Oakline', 'oakline'],
  ['Portside', 'portside'],
];
const JOB_TITLES = ['CFO', 'Head of Sales', 'Geschäftsführer', 'CTO', 'VP Marketing', 'Founder'];

/** One person; every text is already written as JSON, quotes included. */
export interface Person {
  readonly firstName: string;
  readonly lastName: string;
  readonly fullName: string;
  readonly company: string;
  readonly domain: string;
  readonly jobTitle: string;
  /** The address in lower case, without quotes, written for use inside a JSON text. */
  readonly email: string;
}

const json = (pool: readonly (readonly [string, string])[]): readonly (readonly [string, string])[] =>
  pool.map(([display, plain]) => [JSON.stringify(display), plain]);
const FIRST_JSON = json(FIRST);
const LAST_JSON = json(LAST);
const COMPANY_JSON = json(COMPANIES);
const JOB_JSON = JOB_TITLES.map((title) => JSON.stringify(title));

/** Person `index` of the account's pool; addresses are unique per index. */
export function personOf(seed: number, index: number): Person {
  const base = draw(seed, STREAM_PERSON, index);
  const first = pick(FIRST_JSON, trait(base, 1));
  const last = pick(LAST_JSON, trait(base, 2));
  const company = pick(COMPANY_JSON, trait(base, 3));
  const fullName = oddName(trait(base, 4)) ?? `${first[0].slice(0, -1)} ${last[0].slice(1)}`;
  return {
    firstName: first[0],
    lastName: last[0],
    fullName,
    company: company[0],
    domain: `${company[1]}.example.com`,
    jobTitle: pick(JOB_JSON, trait(base, 5)),
    email: emailOf(trait(base, 6), first[1], last[1], company[1], index),
  };
}

/** Now and then a name holds what Postgres cannot: U+0000, half a surrogate pair. */
function oddName(value: number): string | null {
  const at = value % 600;
  if (at === 0) return '"Nul\\u0000Name"';
  if (at === 1) return '"Half \\ud83d pair"';
  return null;
}

/** Under example.com: Attio refuses addresses in a reserved top-level domain (its fact sheet, section 4). */
function emailOf(value: number, first: string, last: string, company: string, index: number): string {
  const number = index.toString(36);
  const at = value % 1500;
  if (at < 6) return `jürgen.${number}@${company}.example.com`;
  if (at < 9) return `σοφος.${number}@${company}.example.com`;
  if (at === 9) return `nul\\u0000byte.${number}@${company}.example.com`;
  if (at === 10) return `half\\udc00.${number}@${company}.example.com`;
  return `${first}.${last}.${number}@${company}.example.com`;
}

/**
 * The address as one sighting shows it: mostly plain, sometimes with capitals or with blanks around it. Always the
 * same person after trimming and lower-casing.
 */
export function emailSighting(email: string, value: number): string {
  const form = value % 100;
  if (form >= 12) return email;
  const escaped = email.includes('\\');
  if (form < 5) return escaped ? email : email.replace(/(^|[.@])([a-zα-ω])/g, (letter) => letter.toUpperCase());
  if (form < 8) return escaped ? email : email.toUpperCase();
  return pick([` ${email}`, `${email} `, `\\t${email}`, `\u00a0${email}\\n`], trait(value, 9));
}

/** Whether a person is known by LinkedIn only. */
export function hasNoEmail(seed: number, index: number, perMille: number): boolean {
  return chance(draw(seed, STREAM_PERSON + 1, index), perMille);
}
