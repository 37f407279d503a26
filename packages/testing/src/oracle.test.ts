import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OracleEvent } from './oracle.ts';
import { judgeRecord, keyOf } from './oracle.ts';
import { UNREADABLE, readCount, readEmail, readId, readText, readTime, snakeCase } from './oracle-reading.ts';

// The expected hashes were computed by hand, with another language's SHA-256 over the encoding as it is described.

const SENT = 1_773_132_072_507;
const ROW = {
  stats_id: 'b7c1f0aa-2d54-4e0b-9a41-6f0d1f7e2c90',
  lead_email: ' Mira@Fjordworks.EXAMPLE\t',
  sequence_number: 1,
  sent_time: '2026-03-10T08:41:12.507Z',
  open_time: '2026-03-10 09:02:55.031',
  click_time: null,
  reply_time: '2026-03-11T07:15:40.999Z',
  open_count: 3,
  click_count: '2',
  is_unsubscribed: true,
  is_bounced: true,
};

function smartlead(record: unknown, namespace = 'default'): readonly OracleEvent[] {
  const verdict = judgeRecord({ platform: 'smartlead', campaignId: '3310457', record }, namespace);
  assert.equal(verdict.kind, 'events');
  return verdict.kind === 'events' ? verdict.events : [];
}

function lemlist(record: unknown): OracleEvent {
  const verdict = judgeRecord({ platform: 'lemlist', campaignId: 'cam_notThis', record }, 'default');
  assert.equal(verdict.kind, 'events');
  const events = verdict.kind === 'events' ? verdict.events : [];
  assert.equal(events.length, 1);
  const [event] = events;
  assert.ok(event);
  return event;
}

function pointerOf(platform: string, record: unknown): string | null {
  const verdict = judgeRecord({ platform, campaignId: '1', record }, 'default');
  return verdict.kind === 'rejected' ? verdict.pointer : null;
}

test('a row that tells everything gives six events, keys to the byte', () => {
  const tail = 'smartlead_3310457_';
  const send = 'b7c1f0aa2d544e0b9a416f0d1f7e2c90';
  const open = Date.parse('2026-03-10T09:02:55.031Z');
  const reply = Date.parse('2026-03-11T07:15:40Z');
  assert.deepEqual(
    smartlead(ROW).map((event) => [
      event.eventKey,
      event.fingerprint,
      event.eventType,
      event.sourceType,
      event.occurredAt,
      event.occurredAtApproximate,
      event.sourceId,
    ]),
    [
      [
        `${tail}emailsent_${send}_37f6e4cc850147838b92e81891bb425d`,
        'ef9b1355ae25a61c',
        'email_sent',
        'sent',
        SENT,
        false,
        ROW.stats_id,
      ],
      [
        `${tail}emailopened_${send}_1d4c7fa426a69cc3729ae8a7ab6a093a`,
        'ef9b1355ae25a61c',
        'email_opened',
        'opened',
        open,
        false,
        ROW.stats_id,
      ],
      [
        `${tail}emailclicked_${send}_e25050905c117946bdb7914cca044ed0`,
        'ef9b1355ae25a61c',
        'email_clicked',
        'clicked',
        SENT,
        true,
        ROW.stats_id,
      ],
      [
        `${tail}emailreplied_mirafjordworksexample_d72e28c7b7fb978618dbf5b8bc16f2ed`,
        'e3b0c44298fc1c14',
        'email_replied',
        'replied',
        reply,
        false,
        null,
      ],
      [
        `${tail}emailbounced_${send}_f480ace189b8906cf2bd83cb6ecdd2a7`,
        'ef9b1355ae25a61c',
        'email_bounced',
        'bounced',
        SENT,
        true,
        ROW.stats_id,
      ],
      [
        `${tail}emailunsubscribed_mirafjordworksexample_b52a452c6ee509e8ac902dcd2a92faef`,
        'e3b0c44298fc1c14',
        'email_unsubscribed',
        'unsubscribed',
        SENT,
        true,
        null,
      ],
    ],
  );
});

test('a row without stats_id stands on its address, step and time', () => {
  const rest = { lead_email: 'mira@fjordworks.example', sequence_number: 2, sent_time: ROW.sent_time };
  for (const stats_id of [undefined, null, '', ' ', true, {}]) {
    const [event, ...others] = smartlead({ ...rest, stats_id }, 'acme');
    assert.equal(event?.eventKey, 'smartlead_3310457_emailsent_mirafjordworksexample_25a24867f3d4f6c00d25b649ef63e8d8');
    assert.equal(event.fingerprint, 'b8edc1faf4a35d22');
    assert.equal(event.sourceId, null);
    assert.deepEqual(others, []);
  }
});

test('counts, flags and missing times', () => {
  const types = (changes: Record<string, unknown>): readonly string[] =>
    smartlead({ stats_id: 'a', sent_time: ROW.sent_time, ...changes }).map(({ sourceType }) => sourceType);
  assert.deepEqual(types({}), ['sent']);
  assert.deepEqual(types({ open_count: 0, click_count: '0' }), ['sent']);
  assert.deepEqual(types({ open_count: '1', click_count: 1 }), ['sent', 'opened', 'clicked']);
  assert.deepEqual(types({ open_time: '  ', click_time: '', reply_time: null }), ['sent']);
  assert.deepEqual(types({ is_bounced: 'true', is_unsubscribed: 1 }), ['sent']);
  assert.deepEqual(types({ click_time: '2026-03-10T08:41:12Z' }), ['sent', 'clicked']);
});

test('texts Postgres cannot hold are mended before anything is derived, and only ASCII is shown to people', () => {
  const key = keyOf('smartlead', 'default', null, 'email_sent', {
    kind: 'stats',
    parts: ['n\uFFFDl@straße.example', '3', String(SENT)],
  });
  assert.equal(key, 'smartlead_none_emailsent_nlstraeexample_3bf2993fef89a941529cb43fa76d07ef');
  const verdict = judgeRecord(
    {
      platform: 'smartlead',
      campaignId: null,
      record: { lead_email: 'N\u0000L@STRAßE.example', sequence_number: 3, sent_time: ROW.sent_time },
    },
    'default',
  );
  assert.equal(verdict.kind === 'events' ? verdict.events[0]?.eventKey : null, key);
  const half = readText('a\ud83db');
  assert.equal(half, 'a\uFFFDb');
});

test('an activity stands on its id, whose case matters to the hash alone', () => {
  const activity = {
    _id: 'act_Kp3vWq8ZtR5mNc2Lx',
    type: 'emailsReplied',
    createdAt: '2026-03-11T07:15:40.000Z',
    campaignId: 'cam_R4tGh8pLq2WzX6vNb',
    leadId: 'lea_Yb6nHs3QkD8rTf5Jm',
    contactId: 'ctc_Vx9wPz4MgC7aLk2Qe',
    leadEmail: 'Mira@fjordworks.example',
  };
  const readable = 'lemlist_camr4tgh8plq2wzx6vnb_emailreplied_actkp3vwq8ztr5mnc2lx';
  const event = lemlist(activity);
  assert.equal(event.eventKey, `${readable}_10a432285e1249a25eccb58fc4af4a51`);
  assert.equal(event.fingerprint, '3859f8c5303db06c');
  assert.equal(event.leadEmail, 'mira@fjordworks.example');
  assert.equal(
    lemlist({ ...activity, _id: 'act_kp3vWq8ZtR5mNc2Lx' }).eventKey,
    `${readable}_42b7f7f7cc2693ac524e88abf8c5f5c9`,
  );
});

test('an activity of no campaign and no lead has a key as well', () => {
  const note = lemlist({ _id: 'act_Zx3cVb9NmQ7wEr5Ty', type: 'annotated', createdAt: '2026-03-09T13:20:00.653Z' });
  assert.equal(note.eventKey, 'lemlist_none_annotated_actzx3cvb9nmq7wer5ty_e21ac1fa73ad2ec0c0d62c03ed73282d');
  assert.equal(note.fingerprint, 'ade5fab875eebf01');
  assert.equal(note.campaignId, null);
});

test('without an id an activity stands on its address, else its lead, and its time', () => {
  const byEmail = lemlist({
    type: 'smsOTPSent',
    createdAt: ROW.sent_time,
    leadEmail: 'Mira@Fjordworks.example ',
    contactId: 'ctc_1',
  });
  assert.equal(byEmail.eventKey, 'lemlist_none_smsotpsent_mirafjordworksexample_8ad58a44d9cefd930477cfc6ec5132bd');
  assert.equal(byEmail.fingerprint, '722aa53e0c80c491');
  const byLead = lemlist({ type: 'emails', createdAt: ROW.sent_time, leadId: 'lea_AbC', contactId: 'ctc_1' });
  assert.equal(byLead.eventKey, 'lemlist_none_email_leaabc_014d3b2e2727bb6c7cb9e6489912ce2d');
  assert.equal(byLead.fingerprint, '144db51441bee1c9');
});

test('what people see of a key is at most forty characters a part, and none when nothing is left', () => {
  const key = keyOf('lemlist', 'default', 'x'.repeat(50), 'email_sent', { kind: 'id', parts: ['!!!'] });
  assert.equal(key, `lemlist_${'x'.repeat(40)}_emailsent_none_afc8d5bab125257bc91d33098bd46291`);
});

test('a record is rejected as a whole, naming its first fault', () => {
  const fine = { stats_id: 'a', lead_email: 'a@b.example', sequence_number: 1, sent_time: ROW.sent_time };
  const rows: readonly (readonly [unknown, string | null])[] = [
    [fine, null],
    ['text', ''],
    [null, ''],
    [[fine], ''],
    [{ ...fine, sent_time: null }, '/sent_time'],
    [{ ...fine, sent_time: '2026-02-30T00:00:00Z', open_time: 'x' }, '/sent_time'],
    [{ ...fine, open_time: 1_711_111_111 }, '/open_time'],
    [{ ...fine, click_time: 'x', reply_time: 'y' }, '/click_time'],
    [{ ...fine, reply_time: 'y', stats_id: null, lead_email: null }, '/reply_time'],
    [{ ...fine, reply_time: ROW.sent_time, lead_email: ' ' }, '/lead_email'],
    [{ ...fine, is_unsubscribed: true, lead_email: null }, '/lead_email'],
    [{ ...fine, lead_email: null }, null],
    [{ ...fine, stats_id: null, lead_email: null }, '/stats_id'],
    [{ ...fine, stats_id: null, sequence_number: null }, '/stats_id'],
  ];
  for (const [row, pointer] of rows) assert.equal(pointerOf('smartlead', row), pointer, JSON.stringify(row));
  const act = { _id: 'act_1', type: 'emailsSent', createdAt: ROW.sent_time };
  const activities: readonly (readonly [unknown, string | null])[] = [
    [act, null],
    [{ ...act, type: ' ', createdAt: 'x' }, '/type'],
    [{ ...act, createdAt: undefined }, '/createdAt'],
    [{ ...act, createdAt: 'last Tuesday' }, '/createdAt'],
    [{ ...act, _id: undefined }, '/_id'],
    [{ ...act, _id: undefined, contactId: 'ctc_1' }, null],
  ];
  for (const [one, pointer] of activities) assert.equal(pointerOf('lemlist', one), pointer, JSON.stringify(one));
});

test('types in snake case', () => {
  const expected: Record<string, string> = {
    emailsSent: 'email_sent',
    emails: 'email',
    emailsent: 'emailsent',
    emailsAIRewritten: 'email_ai_rewritten',
    linkedinInviteDone: 'linkedin_invite_done',
    outOfOffice: 'out_of_office',
    smsOTPSent: 'sms_otp_sent',
    linkedinGift2Sent: 'linkedin_gift2_sent',
    linkedinInMailSent: 'linkedin_in_mail_sent',
    'Video Watched!': 'video_watched',
    __a__b__: 'a_b',
    ABc: 'a_bc',
    'emails-x': 'emails_x',
  };
  for (const [type, words] of Object.entries(expected)) assert.equal(snakeCase(type), words, type);
});

test('times in the grammar, and nothing else', () => {
  const at = SENT;
  for (const text of [
    '2026-03-10T08:41:12.507Z',
    ' 2026-03-10 08:41:12.507999999 ',
    '2026-03-10T10:41:12.507+02:00',
    '2026-03-10T03:11:12.507-0530',
  ]) {
    assert.equal(readTime(text), at, text);
  }
  assert.equal(readTime('2026-03-10T08:41:12.5Z'), at - 7);
  assert.equal(readTime('2024-02-29T00:00:00'), Date.UTC(2024, 1, 29));
  for (const missing of [undefined, null, '', ' \t']) assert.equal(readTime(missing), null);
  for (const bad of [
    '2026-03-10',
    '2026-03-10T08:41Z',
    '2026-02-29T00:00:00Z',
    '2026-03-10T24:00:00Z',
    '2026-03-10T08:41:60Z',
    '2026-03-10T08:41:12.Z',
    '2026-03-10T08:41:12.1234567891Z',
    '2026-03-10t08:41:12z',
    '2026-03-10  08:41:12',
    '2026-03-10T08:41:12 Z',
    '2026-03-10T08:41:12+02',
    '1969-12-31T23:59:59Z',
    '3000-01-01T00:00:00Z',
    'Tue Mar 10 2026',
    1_773_132_072,
    true,
    {},
  ]) {
    assert.equal(readTime(bad), UNREADABLE, JSON.stringify(bad));
  }
});

test('ids, addresses and counts', () => {
  assert.equal(readId(' aB '), 'aB');
  assert.equal(readId(12), '12');
  assert.equal(readId(12345678901234567890n), '12345678901234567890');
  for (const none of [1.5, true, {}, [], null, undefined, '', ' ']) assert.equal(readId(none), null);
  assert.equal(readEmail('\u00a0ΣΟΦΟΣ@X.example\ufeff'), 'σοφος@x.example');
  assert.equal(readEmail('İ@x.example'), 'i\u0307@x.example');
  assert.equal(readCount('12'), 12);
  for (const none of ['1.5', '-1', 'x', '', null, 1.5, -1, true]) assert.equal(readCount(none), null);
});
