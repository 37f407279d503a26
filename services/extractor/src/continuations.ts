import Type, { type Static, type TSchema } from 'typebox';
import Value from 'typebox/value';

const time = Type.Union([Type.Number(), Type.Null()]);
const text = Type.Union([Type.String(), Type.Null()]);
const count = Type.Union([Type.Number(), Type.Null()]);
const window = { start: time, end: time };
const boundedWindow = { start: time, end: Type.Number() };
const seen = Type.Union([Type.Object({ min: Type.Number(), max: Type.Number() }), Type.Null()]);

/** SHA-256 of the records dead-lettered by the walk: read again, they are counted once, as they are stored once. */
const deadLettered = Type.Array(Type.String());
/** Where the windows begin that are read after this one; absent in what a release without them stored. */
const aheadMs = Type.Optional(time);

/** What is stored of a statistics walk between two chunks; releases before and after this one read it (I8). */
export const statisticsContinuation = Type.Object({
  deadLettered,
  aheadMs,
  /** The source is to be asked for its counts first, to be compared with those known. */
  counting: Type.Optional(Type.Union([Type.Object({ known: Type.Unknown() }), Type.Null()])),
  expected: Type.Optional(count),
  walk: Type.Object({
    window: Type.Object(window),
    todo: Type.Array(Type.Object({ ...window, rows: Type.Number() })),
    reading: Type.Object({
      covered: Type.Number(),
      total: count,
      last: text,
      page: Type.Array(Type.Number()),
      clean: Type.Boolean(),
    }),
    failed: Type.Number(),
    failedInARow: Type.Number(),
    short: Type.Union([Type.Object({ covered: Type.Number(), total: Type.Number() }), Type.Null()]),
    seen,
    union: count,
  }),
});

/** What is stored of an activities walk. */
export const activitiesContinuation = Type.Object({
  deadLettered,
  aheadMs,
  walk: Type.Object({
    window: Type.Object(boundedWindow),
    todo: Type.Array(Type.Object(boundedWindow)),
    until: Type.Number(),
    offset: Type.Number(),
    edge: Type.Union([Type.Object({ last: Type.String(), published: Type.Array(Type.String()) }), Type.Null()]),
    failed: Type.Number(),
    failedInARow: Type.Number(),
    seen,
    union: Type.Union([Type.Object({ reading: Type.Number(), clean: Type.Boolean() }), Type.Null()]),
  }),
});

/** What is stored of a discovery. */
export const listingContinuation = Type.Object({ page: Type.Number(), oldestMs: time, first: text });

/** What is stored of a Smartlead discovery while it asks for changed leads. */
export const changesContinuation = Type.Object({
  changes: Type.Object({
    fromMs: Type.Number(),
    toMs: Type.Number(),
    offset: Type.Number(),
    campaigns: Type.Array(Type.String()),
    complete: Type.Boolean(),
  }),
  asking: Type.Boolean(),
});

/** Reads a stored continuation; null when the walk has none yet. Throws when this release cannot read it. */
export function readContinuation<Schema extends TSchema>(schema: Schema, stored: unknown): Static<Schema> | null {
  if (stored === null || stored === undefined) return null;
  if (!Value.Check(schema, stored)) throw new Error('a stored continuation cannot be read by this release');
  return stored;
}
