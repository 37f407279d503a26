import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { maxJsonDepth } from './json.ts';
import { stripRecord } from './strip.ts';

const withoutBodies = { storeMessageBodies: false };
const withBodies = { storeMessageBodies: true };

test('message bodies go, at any depth', () => {
  const record = {
    stats_id: 's',
    email_subject: 'Hello',
    email_message: '<p>secret talk</p>',
    messageId: '<a@b>',
    lead: { text: 'x', variables: { note: 'y', Company: 'z' } },
    history: [{ body: '1', message: '2', attachments: [{ name: 'f' }], type: 'SENT' }],
  };
  assert.deepEqual(stripRecord(record, withoutBodies), {
    stats_id: 's',
    email_subject: 'Hello',
    messageId: '<a@b>',
    lead: { variables: { Company: 'z' } },
    history: [{ type: 'SENT' }],
  });
});

test('message bodies stay when they are to be stored, secrets go all the same', () => {
  const record = { email_message: 'kept', secret_key: 's', webhook: { secret: 's', text: 'kept' } };
  assert.deepEqual(stripRecord(record, withBodies), { email_message: 'kept', webhook: { text: 'kept' } });
});

test('secrets go under every spelling of their names', () => {
  const names = ['api_key', 'apiKey', 'API-Key', 'password', 'imap_password', 'smtpPassword', 'secret', 'secret_key'];
  const more = ['client_secret', 'access_token', 'refreshToken', 'Authorization', 'token'];
  for (const name of [...names, ...more])
    assert.deepEqual(stripRecord({ [name]: 'x', a: 1 }, withBodies), { a: 1 }, name);
});

test('names that only resemble those of bodies and secrets stay', () => {
  const record = { textColor: 1, messages_sent: 2, messageId: 3, notes_count: 4, passwordless: true, secretary: 'x' };
  assert.equal(stripRecord(record, withoutBodies), record);
});

test('what has nothing to strip comes back as the same object', () => {
  const record = { a: [{ b: 1 }], c: null, d: 'text' };
  assert.equal(stripRecord(record, withoutBodies), record);
  assert.equal(stripRecord('text', withoutBodies), 'text');
  assert.equal(stripRecord(null, withoutBodies), null);
});

test('the record given is not changed, and what is kept is kept as it is', () => {
  const record: unknown = JSON.parse('{"body":"x","__proto__":{"note":"y","a":1},"n":9}');
  const before = JSON.stringify(record);
  assert.equal(JSON.stringify(stripRecord(record, withoutBodies)), '{"__proto__":{"a":1},"n":9}');
  assert.equal(JSON.stringify(record), before);
});

test('stripping twice changes nothing more', () => {
  const names = fc.constantFrom('body', 'a', 'note', 'api_key', 'b', 'Text', '__proto__');
  const values = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<unknown>(null, 1, 'x', true),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(names, tie('value'), { maxKeys: 4 }),
    ),
  })).value;
  fc.assert(
    fc.property(values, fc.boolean(), (value, storeMessageBodies) => {
      const once = stripRecord(value, { storeMessageBodies });
      assert.equal(stripRecord(once, { storeMessageBodies }), once);
      assert.doesNotMatch(JSON.stringify(once), /api_key/);
      if (!storeMessageBodies) assert.doesNotMatch(JSON.stringify(once), /"(?:body|note|Text)"/);
    }),
  );
});

test('nesting too deep is a RangeError, whatever stack is left', () => {
  const nested = (depth: number): unknown => JSON.parse('{"a":'.repeat(depth) + '1' + '}'.repeat(depth));
  assert.doesNotThrow(() => stripRecord(nested(maxJsonDepth), withoutBodies));
  assert.throws(() => stripRecord(nested(maxJsonDepth + 1), withoutBodies), RangeError);
  assert.throws(() => stripRecord(nested(100_000), withoutBodies), RangeError);
});
