import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutreachEvent } from '@full-sync/schemas';
import fc from 'fast-check';
import { anEvent, idOf } from '../../test/an-event.ts';
import { cutText } from './cut-text.ts';
import { distinctIdOf } from './distinct-id.ts';
import { eventNameOf } from './event-name.ts';
import { timeMsOf, toImportEvent } from './to-import-event.ts';
import type { ImportEvent } from './to-import-event.ts';

function mapped(over: Partial<OutreachEvent>, record?: unknown): ImportEvent {
  const properties = record === undefined ? {} : { properties: JSON.stringify(record) };
  const result = toImportEvent(anEvent(1, { ...properties, ...over }));
  assert.equal(result.kind, 'send');
  return result.kind === 'send' ? result.payload : assert.fail();
}

test('an event is told by name, person, time and the hash of its key, and nothing else of it is needed', () => {
  assert.deepEqual(mapped({}), {
    event: 'Email Sent',
    properties: {
      time: 1_772_000_000_124,
      distinct_id: 'lead1@acme.com',
      $insert_id: idOf(1),
      ip: 0,
      event_key: `smartlead_7_emailsent_s1_${idOf(1)}`,
      mapping_version: 1,
      platform: 'smartlead',
      namespace: 'test',
      event_type: 'email_sent',
      source_type: 'sent',
      time_is_approximate: false,
      $user_id: 'lead1@acme.com',
      campaign_id: '7',
      campaign_name: 'Größe – "wave" 2',
      source_id: 's1',
      lead_email: 'lead1@acme.com',
      lead_name: 'Lead 1',
      email_subject: 'Closing the books',
    },
  });
});

test('whose event it is: the email, else the platform id, never one that Mixpanel refuses, else nobody', () => {
  const cases: readonly (readonly [string | null, string | null, string])[] = [
    ['ada@acme.com', 'lea_1', 'ada@acme.com'],
    [null, 'lea_1', 'lea_1'],
    ['None', 'lea_1', 'lea_1'],
    ['n/a', '0', ''],
    [null, '-1', ''],
    [null, '00000000-0000-0000-0000-000000000000', ''],
    [null, null, ''],
    [`${'x'.repeat(250)}@acme.com`, 'lea_1', 'lea_1'],
  ];
  for (const [email, id, expected] of cases) assert.equal(distinctIdOf({ lead_email: email, lead_id: id }), expected);
  const { properties } = mapped({ lead_email: null, lead_id: null });
  assert.equal(properties.distinct_id, '');
  assert.ok(!('$user_id' in properties));
});

test('names are types in words', () => {
  const cases = {
    email_sent: 'Email Sent',
    linkedin_invite_accepted: 'LinkedIn Invite Accepted',
    linkedin_in_mail_sent: 'LinkedIn InMail Sent',
    sms_otp_sent: 'SMS OTP Sent',
    whatsapp_message_opened: 'WhatsApp Message Opened',
    api_done: 'API Done',
    ai_variable_done: 'AI Variable Done',
    out_of_office: 'Out Of Office',
    email: 'Email',
  };
  for (const [type, name] of Object.entries(cases)) assert.equal(eventNameOf(type), name);
  assert.equal(eventNameOf('x'.repeat(400)).length, 255);
});

test('times before 1971 are refused; before 1973 they are sent in seconds, as their size would be read', () => {
  const before = toImportEvent(anEvent(1, { occurred_at: Date.UTC(1971, 0, 1) - 1 }));
  assert.deepEqual(before.kind === 'reject' && [before.code, before.pointer], [
    'MIXPANEL_TIME_TOO_OLD',
    '/occurred_at',
  ]);
  for (const at of [
    Date.UTC(1971, 0, 1),
    Date.UTC(1972, 5, 1, 3, 4, 5, 678),
    Date.UTC(1973, 6, 1),
    1_772_000_000_123,
  ]) {
    const event = mapped({ occurred_at: at });
    assert.equal(timeMsOf(event), at);
    assert.equal(event.properties.time < 1e11, at < 1e11);
    assert.ok(at >= 1e11 || event.properties.time < 1e9, 'seconds');
  }
});

test('no message bodies, secrets, phone numbers or addresses of machines, even where bodies are stored', () => {
  const { properties } = mapped(
    { platform: 'lemlist', event_type: 'email_replied' },
    {
      _id: 'act_1',
      text: 'BODY',
      message: 'BODY',
      body: 'BODY',
      note: 'BODY',
      email_message: 'BODY',
      attachments: ['BODY'],
      leadPhone: '+49 30',
      mobile_phone: '+49 30',
      ip: '10.0.0.1',
      senderIp: '10.0.0.1',
      apiKey: 'BODY',
      subject: 'Re: offer',
      clickedUrl: 'https://acme.com',
      bot: false,
      sequenceStep: 2,
    },
  );
  const text = JSON.stringify(properties);
  for (const hidden of ['BODY', '+49', '10.0.0.1']) assert.ok(!text.includes(hidden), text);
  assert.deepEqual(
    [properties['email_subject'], properties['clicked_url'], properties['bot'], properties['sequence_step']],
    ['Re: offer', 'https://acme.com', false, 2],
  );
});

test('what changes later at the source is left out, and nothing of the source takes the place of ours', () => {
  const { properties } = mapped({}, { open_count: 3, open_time: 'x', lead_category: 'Interested', sequence_number: 2 });
  assert.deepEqual(
    [properties['open_count'], properties['lead_category'], properties['sequence_number']],
    [undefined, undefined, 2],
  );
  const own = mapped(
    {},
    {
      event_key: 'x',
      platform: 'x',
      mappingVersion: 9,
      time: 5,
      'Distinct ID': 'x',
      bucket: 'b',
      mp_lib: 'l',
      token: 't',
    },
  );
  assert.equal(own.properties['platform'], 'smartlead');
  assert.equal(own.properties['mapping_version'], 1);
  assert.equal(own.properties.distinct_id, 'lead1@acme.com');
  assert.deepEqual(
    [
      own.properties['source_time'],
      own.properties['source_distinct_id'],
      own.properties['source_bucket'],
      own.properties['source_mp_lib'],
    ],
    [5, 'x', 'b', 'l'],
  );
  assert.ok(
    !Object.keys(own.properties).some((name) => name === 'bucket' || name === 'token' || name.startsWith('mp_')),
  );
});

test('texts are cut to 255 bytes at the edge of a character; numbers too large become texts; objects are left out', () => {
  const { properties } = mapped(
    {},
    {
      a: 'é'.repeat(200),
      b: [1, 'x', true],
      c: { deep: 1 },
      d: [{ x: 1 }],
      e: null,
      f: ' ',
      g: new Array(255).fill(1),
    },
  );
  assert.equal(properties['a'], 'é'.repeat(127));
  assert.deepEqual(properties['b'], [1, 'x', true]);
  for (const name of ['c', 'd', 'e', 'f', 'g']) assert.ok(!(name in properties), name);
  const big = toImportEvent(anEvent(1, { properties: '{"ref":9223372036854775807}' }));
  assert.equal(big.kind === 'send' && big.payload.properties['ref'], '9223372036854775807');
});

test('a record with more than an event may hold is cut, and always stays below the limits', () => {
  const many = Object.fromEntries(Array.from({ length: 600 }, (_, n) => [`field ${n}`, 'ü'.repeat(300)]));
  const lists = Object.fromEntries(
    Array.from({ length: 300 }, (_, n) => [`list ${n}`, new Array(200).fill('0123456789')]),
  );
  for (const record of [many, lists]) {
    const event = mapped({}, record);
    assert.ok(Object.keys(event.properties).length < 255);
    assert.ok(Buffer.byteLength(JSON.stringify(event)) < 1024 * 1024);
  }
});

test('properties that are no JSON object are the record’s own fault', () => {
  for (const text of ['', 'nonsense', '[]', '"x"', 'null']) {
    const result = toImportEvent(anEvent(1, { properties: text }));
    assert.equal(result.kind === 'reject' && result.code, 'MIXPANEL_PROPERTIES_UNREADABLE');
  }
});

test('whatever the source says, the same event gives the same bytes, within the limits', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string(), fc.jsonValue()),
      fc.string({ unit: 'grapheme', maxLength: 400 }),
      (record, name) => {
        const event = anEvent(1, { properties: JSON.stringify(record), campaign_name: name });
        const [one, two] = [toImportEvent(event), toImportEvent(structuredClone(event))];
        assert.equal(JSON.stringify(one), JSON.stringify(two));
        assert.equal(one.kind, 'send');
        if (one.kind !== 'send') return;
        const { properties } = one.payload;
        assert.equal(properties.$insert_id, idOf(1));
        assert.ok(Object.keys(properties).length < 255);
        for (const value of Object.values(properties)) {
          if (typeof value === 'string') assert.ok(Buffer.byteLength(value) <= 255);
        }
      },
    ),
    { numRuns: 300 },
  );
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
      const cut = cutText(text.toWellFormed());
      assert.ok(Buffer.byteLength(cut) <= 255 && text.toWellFormed().startsWith(cut));
      assert.ok(cut.length === text.length || Buffer.byteLength(cut) > 251);
    }),
  );
});
