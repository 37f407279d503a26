/** What a job wishes for its events; travels in the headers of raw records and events. */
export interface RecordWishes {
  /** Names of the destinations that are to have the events. */
  readonly destinations: readonly string[];
  /** True for what somebody asked for once more: deliveries that have failed are tried again. */
  readonly redrive: boolean;
}

/** The headers of raw records and of events; a record without them is meant for no destination. */
export const recordHeaders = { destinations: 'destinations', redrive: 'redrive' } as const;

export const noWishes: RecordWishes = Object.freeze({ destinations: [], redrive: false });

/** The headers that say so, or undefined for a record that needs none. */
export function writeWishes({ destinations, redrive }: RecordWishes): Readonly<Record<string, string>> | undefined {
  if (destinations.length === 0) return undefined;
  const names = { [recordHeaders.destinations]: destinations.join(',') };
  return redrive ? { ...names, [recordHeaders.redrive]: 'true' } : names;
}

type HeaderValue = Buffer | string | readonly (Buffer | string)[] | undefined;

const readBefore = new Map<string, readonly string[]>();

/** What the headers of a record say; whatever is missing or unknown means nothing is wished for. */
export function readWishes(headers: Readonly<Record<string, HeaderValue>> | undefined): RecordWishes {
  const names = textOf(headers?.[recordHeaders.destinations]);
  if (names === '') return noWishes;
  return { destinations: toNames(names), redrive: textOf(headers?.[recordHeaders.redrive]) === 'true' };
}

/** There are few different ones, and millions of records. */
function toNames(text: string): readonly string[] {
  const known = readBefore.get(text);
  if (known !== undefined) return known;
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (readBefore.size >= 1_000) readBefore.clear();
  readBefore.set(text, names);
  return names;
}

function textOf(value: HeaderValue): string {
  const first = Array.isArray(value)
    ? (value as readonly (Buffer | string)[])[0]
    : (value as Buffer | string | undefined);
  return first === undefined ? '' : first.toString();
}
