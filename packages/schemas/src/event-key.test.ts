import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeTuple } from './encoding.ts';
import { eventKey, fingerprint, identityKinds } from './event-key.ts';
import type { IdentityKind } from './event-key.ts';
import { snakeCaseType } from './event-types.ts';
import { emailTimeIdentity, idIdentity, leadOnlyIdentity, replyIdentity, statsIdentity } from './identities.ts';
import type { FactIdentity } from './identities.ts';
import { parseJson } from './json.ts';
import { readCount, readEmail, readId, readText } from './readings.ts';
import { readTime } from './times.ts';

interface GoldenKey {
  readonly note: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly tuple: readonly string[];
  readonly key: string;
}

interface Golden {
  readonly keys: readonly GoldenKey[];
  readonly fingerprints: readonly { readonly values: readonly string[]; readonly hex: string }[];
}

const golden = parseJson(readFileSync(new URL('../golden/event-keys.json', import.meta.url), 'utf8')) as Golden;

/** Well-formed texts, among them empty, long and non-ASCII ones. */
const anyText = fc.string({ unit: 'binary', maxLength: 60 }).map((text) => text.toWellFormed());
const anyIdentity = fc.record({
  platform: anyText,
  namespace: anyText,
  campaignId: anyText,
  eventType: anyText,
  kind: fc.constantFrom(...identityKinds),
  parts: fc.array(anyText, { minLength: 1, maxLength: 3 }),
});

test('the golden keys are reproduced byte for byte', () => {
  assert.ok(golden.keys.length >= 40);
  for (const { note, tuple, key } of golden.keys) {
    const [, platform = '', namespace = '', campaignId = '', eventType = '', kind = '', ...parts] = tuple;
    const identity = { platform, namespace, campaignId, eventType, kind: kind as IdentityKind, parts };
    assert.equal(eventKey(identity), key, note);
  }
});

test('the golden tuples follow from what was read', () => {
  for (const { note, request, tuple } of golden.keys) {
    const { kind, parts } = identityOf(request);
    const campaignId = readId(request['campaignId']) ?? '';
    const eventType = snakeCaseType(String(request['eventType']));
    const read = ['v1', request['platform'], request['namespace'] ?? 'default', campaignId, eventType, kind, ...parts];
    assert.deepEqual(read, tuple, note);
  }
});

function identityOf(request: Readonly<Record<string, unknown>>): FactIdentity {
  const email = readEmail(request['email']) ?? '';
  const time = readTime(request['timestamp']);
  const timeMs = typeof time === 'number' ? time : Number.NaN;
  const sourceId = readId(request['activityId']);
  switch (readText(request['kind'])) {
    case 'reply':
      return replyIdentity(email, timeMs);
    case 'lead':
      return leadOnlyIdentity(email);
    case 'stats':
      return statsIdentity(email, readCount(request['sequenceNumber']) ?? Number.NaN, timeMs);
    case 'email-time':
      return emailTimeIdentity(email, timeMs);
    default:
      return sourceId === null
        ? emailTimeIdentity(email === '' ? (readId(request['leadId']) ?? '') : email, timeMs)
        : idIdentity(sourceId);
  }
}

test('every kind of identity stands in the golden file, and campaigns and namespaces differ', () => {
  const column = (index: number): Set<string | undefined> => new Set(golden.keys.map(({ tuple }) => tuple[index]));
  assert.deepEqual(column(5), new Set(identityKinds));
  assert.ok(column(2).size >= 3);
  assert.ok(column(3).has(''));
});

test('the golden fingerprints are reproduced byte for byte', () => {
  for (const { values, hex } of golden.fingerprints) assert.equal(fingerprint(values).toString('hex'), hex);
  assert.equal(fingerprint([]).toString('hex'), 'e3b0c44298fc1c14');
});

test('a key has five parts of lower-case letters and digits and at most 255 characters', () => {
  fc.assert(
    fc.property(anyIdentity, (identity) => {
      const key = eventKey(identity);
      assert.match(key, /^(?:[a-z0-9]{1,40}_){4}[0-9a-f]{32}$/);
      assert.ok(key.length <= 255);
    }),
  );
});

test('a key depends on its identity alone, whatever was asked before', () => {
  fc.assert(
    fc.property(anyIdentity, fc.array(anyIdentity, { maxLength: 5 }), (identity, others) => {
      const key = eventKey(identity);
      for (const other of others) eventKey(other);
      assert.equal(eventKey({ ...identity, parts: [...identity.parts] }), key);
    }),
  );
});

test('the hash is that of the length-prefixed tuple', () => {
  fc.assert(
    fc.property(anyIdentity, (identity) => {
      const { platform, namespace, campaignId, eventType, kind, parts } = identity;
      const whole = createHash('sha256');
      for (const element of ['v1', platform, namespace, campaignId, eventType, kind, ...parts]) {
        const bytes = Buffer.from(element);
        const length = Buffer.alloc(4);
        length.writeUInt32BE(bytes.length);
        whole.update(length).update(bytes);
      }
      assert.equal(eventKey(identity).slice(-32), whole.digest('hex').slice(0, 32));
    }),
  );
});

test('no two different tuples have the same encoding', () => {
  const small = fc.string({ unit: fc.constantFrom('\0', '\u0001', 'a', 'é', '🚀'), maxLength: 3 });
  const tuples = fc.array(small, { maxLength: 4 });
  fc.assert(
    fc.property(tuples, tuples, (left, right) => {
      const leftBytes = Buffer.from(encodeTuple(left));
      const same = leftBytes.equals(encodeTuple(right));
      assert.equal(same, left.length === right.length && left.every((value, index) => value === right[index]));
    }),
    { numRuns: 2_000 },
  );
});

test('an encoding can be read back, so nothing of it is lost', () => {
  fc.assert(
    fc.property(fc.array(anyText, { maxLength: 8 }), (values) => {
      const bytes = Buffer.from(encodeTuple(values));
      const read: string[] = [];
      for (let at = 0; at < bytes.length;) {
        const length = bytes.readUInt32BE(at);
        read.push(bytes.toString('utf8', at + 4, at + 4 + length));
        at += 4 + length;
      }
      assert.deepEqual(read, values);
    }),
  );
});

test('values longer than the buffer kept for encoding are encoded whole', () => {
  const long = '🚀é'.repeat(20_000);
  assert.equal(encodeTuple([long, 'x']).length, 4 + Buffer.byteLength(long) + 4 + 1);
});
