import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { eventKey, fingerprint } from '@full-sync/schemas';
import type { OutreachEvent, RawRecord } from '@full-sync/schemas';
import { deriveEvents } from './derive-events.ts';
import type { Derivation, DerivedEvents } from './derive-events.ts';

const topicId = '6f1a3f5e-0000-4000-8000-000000000001';
const sentTime = '2026-03-10T08:41:12.507Z';
const sentMs = Date.parse(sentTime);
const statsId = 'b7c1f0aa-2d54-4e0b-9a41-6f0d1f7e2c90';

const row = {
  stats_id: statsId,
  lead_name: 'Mira Halvorsen',
  lead_email: ' Mira@Fjordworks.example ',
  sequence_number: 1,
  email_subject: 'Closing the books faster',
  sent_time: sentTime,
  open_time: null,
  click_time: null,
  reply_time: null,
  open_count: 0,
  click_count: '0',
  is_unsubscribed: false,
  is_bounced: false,
};

const activity = {
  _id: 'act_Kp3vWq8ZtR5mNc2Lx',
  type: 'emailsReplied',
  createdAt: '2026-03-11T07:15:40.000Z',
  campaignId: 'cam_R4tGh8pLq2WzX6vNb',
  campaignName: 'DACH CFOs - wave 2',
  name: 'older name',
  leadId: 'lea_Yb6nHs3QkD8rTf5Jm',
  contactId: 'ctc_Vx9wPz4MgC7aLk2Qe',
  leadEmail: 'mira@fjordworks.example',
};

function rawOf(platform: string, record: unknown, changes: Partial<RawRecord> = {}): RawRecord {
  return {
    job_id: 'job_1',
    stream_id: 7,
    chunk: 2,
    namespace: 'default',
    platform,
    source: platform === 'smartlead' ? 'statistics' : 'activities',
    campaign_id: platform === 'smartlead' ? '3310457' : null,
    campaign_name: platform === 'smartlead' ? 'DACH CFOs - wave 2' : null,
    fetched_at: 1_773_300_000_000,
    record: typeof record === 'string' ? record : JSON.stringify(record),
    ...changes,
  };
}

function derive(raw: RawRecord, storeMessageBodies = false): Derivation {
  return deriveEvents({ raw, topicId, offset: 41 }, { storeMessageBodies });
}

function eventsOf(derivation: Derivation): DerivedEvents {
  assert.equal(derivation.kind, 'events', JSON.stringify(derivation));
  return derivation;
}

const ofRow = (changes: object): readonly OutreachEvent[] =>
  eventsOf(derive(rawOf('smartlead', { ...row, ...changes }))).events;
const ofActivity = (changes: object): OutreachEvent => {
  const { events } = eventsOf(derive(rawOf('lemlist', { ...activity, ...changes })));
  const [event] = events;
  assert.ok(event !== undefined && events.length === 1);
  return event;
};

describe('a Smartlead row', () => {
  test('that was only sent gives one event with every field', () => {
    const raw = rawOf('smartlead', row);
    const { events, lead, replacements } = eventsOf(derive(raw));
    assert.equal(lead, 'mira@fjordworks.example');
    assert.equal(replacements, 0);
    assert.deepEqual(events, [
      {
        event_key: 'smartlead_3310457_emailsent_b7c1f0aa2d544e0b9a416f0d1f7e2c90_37f6e4cc850147838b92e81891bb425d',
        namespace: 'default',
        platform: 'smartlead',
        event_type: 'email_sent',
        source_type: 'sent',
        campaign_id: '3310457',
        campaign_name: 'DACH CFOs - wave 2',
        source_id: statsId,
        lead_email: 'mira@fjordworks.example',
        lead_id: null,
        occurred_at: sentMs,
        occurred_at_approximate: false,
        properties: raw.record,
        fingerprint: fingerprint(['mira@fjordworks.example', '1', String(sentMs)]),
        job_id: 'job_1',
        source_topic_id: topicId,
        source_offset: 41,
        source_index: 0,
        source_count: 1,
        fetched_at: 1_773_300_000_000,
      },
    ]);
  });

  test('with everything gives six events in order, each with its own position', () => {
    const events = ofRow({
      open_time: '2026-03-10T09:00:00Z',
      click_time: '2026-03-10T09:01:00Z',
      reply_time: '2026-03-11T07:15:40.900Z',
      is_bounced: true,
      is_unsubscribed: true,
    });
    const seen = events.map((event) => [event.event_type, event.source_type, event.source_id]);
    assert.deepEqual(seen, [
      ['email_sent', 'sent', statsId],
      ['email_opened', 'opened', statsId],
      ['email_clicked', 'clicked', statsId],
      ['email_replied', 'replied', null],
      ['email_bounced', 'bounced', statsId],
      ['email_unsubscribed', 'unsubscribed', null],
    ]);
    const times = events.map((event) => [event.occurred_at, event.occurred_at_approximate]);
    assert.deepEqual(times, [
      [sentMs, false],
      [Date.parse('2026-03-10T09:00:00Z'), false],
      [Date.parse('2026-03-10T09:01:00Z'), false],
      [Date.parse('2026-03-11T07:15:40Z'), false],
      [sentMs, true],
      [sentMs, true],
    ]);
    assert.deepEqual(
      events.map((event) => [event.source_index, event.source_count]),
      [0, 1, 2, 3, 4, 5].map((index) => [index, 6]),
    );
    assert.equal(new Set(events.map((event) => event.event_key)).size, 6);
  });

  test('with counts but without times is opened and clicked at about the time it was sent', () => {
    const [, opened, clicked] = ofRow({ open_count: '3', click_count: 1 });
    assert.deepEqual(
      [opened?.event_type, opened?.occurred_at, opened?.occurred_at_approximate],
      ['email_opened', sentMs, true],
    );
    assert.deepEqual(
      [clicked?.event_type, clicked?.occurred_at, clicked?.occurred_at_approximate],
      ['email_clicked', sentMs, true],
    );
  });

  test('counts nothing that is no count and no flag that is not true', () => {
    const events = ofRow({ open_count: 'many', click_count: -1, is_bounced: 'true', is_unsubscribed: 1 });
    assert.deepEqual(
      events.map((event) => event.event_type),
      ['email_sent'],
    );
  });

  test('and another one marked by the same reply give the same reply event', () => {
    const reply = { reply_time: '2026-03-11T07:15:40.000Z' };
    const other = { stats_id: 'another', sequence_number: 2, sent_time: '2026-03-12 08:00:00' };
    const one = ofRow(reply).find((event) => event.event_type === 'email_replied');
    const two = ofRow({ ...reply, ...other }).find((event) => event.event_type === 'email_replied');
    assert.equal(one?.event_key, two?.event_key);
    assert.equal(one?.fingerprint.toString('hex'), 'e3b0c44298fc1c14');
    assert.equal(two?.fingerprint.toString('hex'), 'e3b0c44298fc1c14');
  });

  test('without stats_id is known by email, step and time', () => {
    const events = ofRow({ stats_id: ' ', sequence_number: '02', open_count: 1 });
    for (const [index, eventType] of ['email_sent', 'email_opened'].entries()) {
      const parts = ['mira@fjordworks.example', '2', String(sentMs)];
      const identity = { platform: 'smartlead', namespace: 'default', campaignId: '3310457', eventType };
      assert.equal(events[index]?.event_key, eventKey({ ...identity, kind: 'stats', parts }));
      assert.equal(events[index]?.source_id, null);
    }
  });

  test('without an email is known by its stats_id, which then stands for the lead', () => {
    const { events, lead } = eventsOf(derive(rawOf('smartlead', { ...row, lead_email: null, open_count: 1 })));
    assert.equal(lead, statsId);
    assert.deepEqual(
      events.map((event) => event.lead_email),
      [null, null],
    );
  });

  test('keeps its keys and fingerprints when mutable things change', () => {
    const before = ofRow({ open_count: 1 });
    const after = ofRow({ open_count: 9, lead_category: 'Interested', lead_name: null, email_subject: 'Re: other' });
    const identity = ({ event_key: key, fingerprint: print }: OutreachEvent) => [key, print.toString('hex')];
    assert.deepEqual(after.map(identity), before.map(identity));
  });
});

describe('a Lemlist activity', () => {
  test('gives one event from its own campaign and lead', () => {
    const event = ofActivity({});
    assert.equal(
      event.event_key,
      'lemlist_camr4tgh8plq2wzx6vnb_emailreplied_actkp3vwq8ztr5mnc2lx_10a432285e1249a25eccb58fc4af4a51',
    );
    assert.equal(event.event_type, 'email_replied');
    assert.equal(event.source_type, 'emailsReplied');
    assert.equal(event.campaign_id, 'cam_R4tGh8pLq2WzX6vNb');
    assert.equal(event.campaign_name, 'DACH CFOs - wave 2');
    assert.equal(event.source_id, 'act_Kp3vWq8ZtR5mNc2Lx');
    assert.equal(event.lead_id, 'lea_Yb6nHs3QkD8rTf5Jm');
    assert.equal(event.occurred_at, Date.parse('2026-03-11T07:15:40.000Z'));
    assert.deepEqual(event.fingerprint, fingerprint(['lea_Yb6nHs3QkD8rTf5Jm', String(event.occurred_at)]));
  });

  test('has the same key whatever walk fetched it', () => {
    const ofTeam = eventsOf(derive(rawOf('lemlist', activity)));
    const walk = { campaign_id: 'cam_other', campaign_name: 'other', stream_id: 99, chunk: 0, job_id: 'job_2' };
    const ofCampaign = eventsOf(derive(rawOf('lemlist', activity, walk)));
    assert.equal(ofCampaign.events[0]?.event_key, ofTeam.events[0]?.event_key);
    assert.equal(ofCampaign.events[0]?.campaign_name, 'DACH CFOs - wave 2');
  });

  test('takes the older field of the campaign name only beside a campaign', () => {
    assert.equal(ofActivity({ campaignName: '' }).campaign_name, 'older name');
    assert.equal(ofActivity({ campaignName: null, campaignId: null }).campaign_name, null);
  });

  test('without an id is known by email and time, else by lead and time', () => {
    const createdAt = String(Date.parse(activity.createdAt));
    const identity = { platform: 'lemlist', namespace: 'default', campaignId: activity.campaignId };
    const keyOf = (part: string) =>
      eventKey({ ...identity, eventType: 'email_replied', kind: 'email-time', parts: [part, createdAt] });
    assert.equal(ofActivity({ _id: null }).event_key, keyOf('mira@fjordworks.example'));
    assert.equal(ofActivity({ _id: '', leadEmail: ' ' }).event_key, keyOf('lea_Yb6nHs3QkD8rTf5Jm'));
    assert.equal(ofActivity({ _id: true, leadEmail: null, leadId: null }).event_key, keyOf('ctc_Vx9wPz4MgC7aLk2Qe'));
    assert.equal(ofActivity({ _id: '' }).source_id, null);
  });

  test('of a type never seen before passes', () => {
    assert.equal(ofActivity({ type: 'hologramOTPShown' }).event_type, 'hologram_otp_shown');
  });

  test('with another lead under its id has the same key and another fingerprint', () => {
    const one = ofActivity({});
    const two = ofActivity({ leadId: 'lea_other' });
    assert.equal(one.event_key, two.event_key);
    assert.notDeepEqual(one.fingerprint, two.fingerprint);
  });
});

describe('a record that cannot become events', () => {
  const row30 = { ...row, sent_time: '2026-02-30T00:00:00Z' };
  const noIds = { ...row, stats_id: null, lead_email: null };
  const cases: readonly (readonly [string, RawRecord, string, string | null])[] = [
    ['unknown platform', rawOf('apollo', row), 'ENVELOPE_INVALID', null],
    ['impossible namespace', rawOf('smartlead', row, { namespace: 'A b' }), 'ENVELOPE_INVALID', null],
    ['no JSON', rawOf('smartlead', '{"stats_id":'), 'RECORD_NOT_JSON', ''],
    ['empty text', rawOf('smartlead', ''), 'RECORD_NOT_JSON', ''],
    ['array', rawOf('lemlist', [activity]), 'RECORD_NOT_OBJECT', ''],
    ['null', rawOf('lemlist', 'null'), 'RECORD_NOT_OBJECT', ''],
    ['text', rawOf('lemlist', '"act_1"'), 'RECORD_NOT_OBJECT', ''],
    ['nested too deeply', rawOf('lemlist', '{"a":'.repeat(600) + '1' + '}'.repeat(600)), 'RECORD_TOO_DEEP', ''],
    ['nested past any stack', rawOf('lemlist', '['.repeat(400_000) + ']'.repeat(400_000)), 'RECORD_TOO_DEEP', ''],
    ['too large', rawOf('lemlist', { ...activity, big: 'x'.repeat(2_200_000) }), 'RECORD_TOO_LARGE', ''],
    [
      'too large once written anew',
      rawOf('lemlist', `{"type":"x","text":"", "n":[${'1e20,'.repeat(200_000)}1]}`),
      'RECORD_TOO_LARGE',
      '',
    ],
    ['Lemlist without type', rawOf('lemlist', { ...activity, type: ' ' }), 'PLATFORM_FIELD_INVALID', '/type'],
    ['Lemlist type no text', rawOf('lemlist', { ...activity, type: 5 }), 'PLATFORM_FIELD_INVALID', '/type'],
    ['Lemlist type of signs', rawOf('lemlist', { ...activity, type: '***' }), 'PLATFORM_FIELD_INVALID', '/type'],
    [
      'type before time',
      rawOf('lemlist', { ...activity, type: '', createdAt: 'x' }),
      'PLATFORM_FIELD_INVALID',
      '/type',
    ],
    ['no sent_time', rawOf('smartlead', { ...row, sent_time: null }), 'TIME_MISSING', '/sent_time'],
    ['no createdAt', rawOf('lemlist', { ...activity, createdAt: '' }), 'TIME_MISSING', '/createdAt'],
    [
      'createdAt a number',
      rawOf('lemlist', { ...activity, createdAt: 1_773_300_000 }),
      'TIME_UNREADABLE',
      '/createdAt',
    ],
    ['sent_time no date', rawOf('smartlead', row30), 'TIME_UNREADABLE', '/sent_time'],
    ['sent_time first', rawOf('smartlead', { ...row30, open_time: 'x' }), 'TIME_UNREADABLE', '/sent_time'],
    ['open_time', rawOf('smartlead', { ...row, open_time: 'soon', click_time: 'x' }), 'TIME_UNREADABLE', '/open_time'],
    [
      'click_time',
      rawOf('smartlead', { ...row, click_time: false, reply_time: 'x' }),
      'TIME_UNREADABLE',
      '/click_time',
    ],
    ['reply_time', rawOf('smartlead', { ...row, reply_time: {} }), 'TIME_UNREADABLE', '/reply_time'],
    ['times before identity', rawOf('smartlead', { ...noIds, reply_time: 'x' }), 'TIME_UNREADABLE', '/reply_time'],
    ['row without identity', rawOf('smartlead', noIds), 'IDENTITY_MISSING', '/stats_id'],
    [
      'row without stats_id and step',
      rawOf('smartlead', { ...row, stats_id: null, sequence_number: 1.5 }),
      'IDENTITY_MISSING',
      '/stats_id',
    ],
    [
      'reply without email',
      rawOf('smartlead', { ...row, lead_email: ' ', reply_time: sentTime }),
      'IDENTITY_MISSING',
      '/lead_email',
    ],
    [
      'unsubscription without email',
      rawOf('smartlead', { ...row, lead_email: null, is_unsubscribed: true }),
      'IDENTITY_MISSING',
      '/lead_email',
    ],
    [
      'activity without identity',
      rawOf('lemlist', { type: 'annotated', createdAt: sentTime, companyId: 'cpn_1' }),
      'IDENTITY_MISSING',
      '/_id',
    ],
  ];
  for (const [name, raw, code, pointer] of cases) {
    test(`${name} is rejected as ${code} at ${String(pointer)}`, () => {
      const rejection = derive(raw);
      assert.ok(rejection.kind === 'reject');
      assert.deepEqual([rejection.code, rejection.pointer], [code, pointer]);
      assert.notEqual(rejection.detail, '');
    });
  }

  test('says why without repeating what the record held', () => {
    const rejection = derive(rawOf('smartlead', { ...row, sent_time: 'top secret' }));
    assert.doesNotMatch(JSON.stringify(rejection), /top secret/);
  });
});

describe('properties', () => {
  const propertiesOf = (text: string, storeMessageBodies = false): DerivedEvents =>
    eventsOf(derive(rawOf('lemlist', text), storeMessageBodies));
  const textWith = (members: string): string =>
    `{"_id":"act_1","type":"emailsSent", "createdAt":"2026-03-11T07:15:40.000Z"${members}}`;

  test('are the text as it came when nothing has to go', () => {
    const text = textWith(',"n":12345678901234567890,"e":"\\ud83d\\ude80","u":"\\\\u0000","r":1.50, "r":2');
    const { events, replacements } = propertiesOf(text);
    assert.equal(events[0]?.properties, text);
    assert.equal(replacements, 0);
  });

  test('lose bodies and secrets and keep every digit of the rest', () => {
    const text = textWith(',"n":12345678901234567890,"text":"hello","lead":{"note":"x","id":1},"secret":"s"');
    const { events } = propertiesOf(text);
    assert.equal(
      events[0]?.properties,
      '{"_id":"act_1","type":"emailsSent","createdAt":"2026-03-11T07:15:40.000Z","n":12345678901234567890,"lead":{"id":1}}',
    );
  });

  test('keep bodies when they are to be stored, and never secrets', () => {
    const { events } = propertiesOf(textWith(',"text":"hello","secret":"s"'), true);
    assert.match(events[0]?.properties ?? '', /"text":"hello"/);
    assert.doesNotMatch(events[0]?.properties ?? '', /secret/);
  });

  test('hold U+FFFD for what Postgres refuses, counted', () => {
    const { events, replacements } = propertiesOf(textWith(',"a\\u0000":"x\\uD800","b":["\\u0000"]'));
    assert.equal(replacements, 3);
    const properties: unknown = JSON.parse(events[0]?.properties ?? '');
    assert.deepEqual(Object.entries(properties ?? {}).slice(3), [
      ['a\uFFFD', 'x\uFFFD'],
      ['b', ['\uFFFD']],
    ]);
  });

  test('change neither key nor fingerprint by being stripped or cleaned', () => {
    const stripped = propertiesOf(textWith(',"text":"hello"'));
    const stored = propertiesOf(textWith(',"text":"hello"'), true);
    assert.equal(stripped.events[0]?.event_key, stored.events[0]?.event_key);
    const dirty = propertiesOf(textWith(',"leadEmail":"a\\u0000@x.example"'));
    assert.equal(dirty.events[0]?.lead_email, 'a\uFFFD@x.example');
  });
});
