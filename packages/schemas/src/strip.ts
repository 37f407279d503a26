import { maxJsonDepth } from './json.ts';

export interface StripOptions {
  /** Keeps message bodies (`STORE_MESSAGE_BODIES`); secrets go all the same. */
  readonly storeMessageBodies: boolean;
}

/** Member names, lower-cased and without other characters than letters and digits, whose value is a message or a part of one. */
const bodyNames = new Set([
  'attachment',
  'attachments',
  'altmessage',
  'body',
  'bouncemessage',
  'bouncereplyemail',
  'bouncereplyemailpreview',
  'customemailmessage',
  'emailbody',
  'emailmessage',
  'html',
  'message',
  'messagebody',
  'note',
  'previewtext',
  'replybody',
  'replymessage',
  'sentmessage',
  'sentmessagebody',
  'text',
]);

/** Names, in the same form, whose value is a secret: these, and those that end so (`imap_password`, `secret_key`). */
const secretNames =
  /(?:apikey|secret|secretkey|privatekey|password|passwd|accesstoken|refreshtoken|authtoken|^token|^authorization)$/;

type NameClass = 'plain' | 'body' | 'secret';

/** Classes of the names met: upstreams use few hundred. Bounded, since custom variables bring names of their own. */
const classes = new Map<string, NameClass>();
const maxClasses = 4_096;
const maxKnownNameLength = 64;

/**
 * The record without secrets and, unless they are stored, without message bodies, at any depth (I7). What has nothing to
 * strip comes back as the same object, so stripping twice changes nothing.
 *
 * @throws RangeError when objects and arrays nest deeper than `maxJsonDepth`.
 */
export function stripRecord(record: unknown, options: StripOptions): unknown {
  return strip(record, options.storeMessageBodies, maxJsonDepth);
}

function strip(value: unknown, storeBodies: boolean, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) throw new RangeError(`JSON nested deeper than ${maxJsonDepth}`);
  return Array.isArray(value) ? stripArray(value, storeBodies, depth) : stripObject(value, storeBodies, depth);
}

function stripArray(values: readonly unknown[], storeBodies: boolean, depth: number): readonly unknown[] {
  let changed = false;
  const kept = values.map((inner) => {
    const stripped = strip(inner, storeBodies, depth - 1);
    changed ||= stripped !== inner;
    return stripped;
  });
  return changed ? kept : values;
}

function stripObject(record: object, storeBodies: boolean, depth: number): object {
  let replaced: Map<string, unknown> | undefined;
  // for-in, as this runs for every member of every record; what JSON.parse makes inherits nothing enumerable.
  for (const name in record) {
    const nameClass = classOf(name);
    const drop = nameClass === 'secret' || (nameClass === 'body' && !storeBodies);
    const inner: unknown = record[name as keyof typeof record];
    const stripped = drop ? undefined : strip(inner, storeBodies, depth - 1);
    if (stripped !== inner) (replaced ??= new Map()).set(name, stripped);
  }
  if (replaced === undefined) return record;
  const changes = replaced;
  const members = Object.entries(record).map(([name, inner]): [string, unknown] => [
    name,
    changes.has(name) ? changes.get(name) : inner,
  ]);
  // fromEntries defines members, so that one named "__proto__" stays a member.
  return Object.fromEntries(members.filter(([, inner]) => inner !== undefined));
}

function classOf(name: string): NameClass {
  const known = classes.get(name);
  if (known !== undefined) return known;
  const plain = name.toLowerCase().replace(/[^a-z0-9]/g, '');
  const nameClass = secretNames.test(plain) ? 'secret' : bodyNames.has(plain) ? 'body' : 'plain';
  if (name.length <= maxKnownNameLength) {
    if (classes.size >= maxClasses) classes.clear();
    classes.set(name, nameClass);
  }
  return nameClass;
}
