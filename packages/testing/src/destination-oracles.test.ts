import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expectAttio, judgeAttio } from './attio-oracle.ts';
import type { AttioValues } from './attio-oracle.ts';
import { expectDeliveries } from './expected-deliveries.ts';
import type { MixpanelLine } from './mixpanel-oracle.ts';
import { expectMixpanel, judgeMixpanel } from './mixpanel-oracle.ts';
import { keyOf } from './oracle.ts';
import type { OracleRecord } from './oracle.ts';

const act = (id: string, changes: Record<string, unknown> = {}): OracleRecord => ({
  platform: 'lemlist',
  campaignId: null,
  record: {
    _id: id,
    type: 'emailsSent',
    createdAt: '2026-03-10T08:00:00.000Z',
    campaignId: 'cam_1',
    campaignName: 'First',
    leadId: 'lea_1',
    leadEmail: ' Ada@Acme.com',
    ...changes,
  },
});
const at = (hour: number): string => `2026-03-10T${String(hour).padStart(2, '0')}:00:00.000Z`;
const key = (id: string, type = 'email_sent', campaign = 'cam_1'): string =>
  keyOf('lemlist', 'default', campaign, type, { kind: 'id', parts: [id] });

const sent: MixpanelLine = {
  event: 'Email Sent',
  distinctId: 'ada@acme.com',
  time: Date.parse(at(8)),
  insertId: key('act_1').slice(-32),
  properties: {
    event_key: key('act_1'),
    namespace: 'default',
    platform: 'lemlist',
    event_type: 'email_sent',
    campaign_name: 'First',
  },
};

test('what Mixpanel must show: name, person, time and insert id of each event once', async () => {
  const expected = await expectDeliveries([act('act_1'), act('act_1')], ['default']);
  assert.deepEqual([...expectMixpanel(expected)], [key('act_1')]);
  assert.deepEqual(await judgeMixpanel(expected, [sent]), []);
  const wrong: readonly (readonly MixpanelLine[])[] = [
    [],
    [sent, sent],
    [{ ...sent, event: 'Emails Sent' }],
    [{ ...sent, distinctId: 'lea_1' }],
    [{ ...sent, time: sent.time + 1 }],
    [{ ...sent, insertId: 'f'.repeat(32) }],
    [{ ...sent, properties: { ...sent.properties, namespace: 'other' } }],
    [sent, { ...sent, properties: { ...sent.properties, event_key: key('act_2') } }],
  ];
  for (const shown of wrong) assert.equal((await judgeMixpanel(expected, shown)).length, 1, JSON.stringify(shown));
});

test('who an event is of, and its name in words', async () => {
  const records = [
    act('act_1', { type: 'linkedinInMailSent', leadEmail: 'N/A', campaignName: null, name: 'Older' }),
    act('act_2', {
      type: 'apiDone',
      leadEmail: null,
      leadId: 'unknown',
      campaignId: null,
      campaignName: null,
      name: 'Nobody',
    }),
  ];
  const expected = await expectDeliveries(records, ['default']);
  const other = (id: string, type: string, campaign: string): MixpanelLine => ({
    ...sent,
    insertId: key(id, type, campaign).slice(-32),
    properties: { ...sent.properties, event_key: key(id, type, campaign), event_type: type },
  });
  const first = other('act_1', 'linkedin_in_mail_sent', 'cam_1');
  const second = other('act_2', 'api_done', '');
  const { campaign_name: _none, ...bare } = second.properties;
  const shown = [
    {
      ...first,
      event: 'LinkedIn InMail Sent',
      distinctId: 'lea_1',
      properties: { ...first.properties, campaign_name: 'Older' },
    },
    { ...second, event: 'API Done', distinctId: '', properties: bare },
  ];
  assert.deepEqual(await judgeMixpanel(expected, shown), []);
});

test('of sightings that differ any one may be shown, but one', async () => {
  const expected = await expectDeliveries([act('act_1'), act('act_1', { createdAt: at(9) })], ['default']);
  assert.deepEqual(await judgeMixpanel(expected, [{ ...sent, time: Date.parse(at(9)) }]), []);
  assert.equal((await judgeMixpanel(expected, [{ ...sent, time: Date.parse(at(10)) }])).length, 1);
});

const history = [
  act('act_1'),
  act('act_2', { type: 'emailsReplied', createdAt: at(9) }),
  act('act_3', { type: 'emailsOpened', createdAt: at(10), campaignId: 'cam_2', campaignName: 'Second' }),
  act('act_4', { type: 'linkedinInviteDone', createdAt: at(7) }),
  act('act_5', { leadEmail: null }),
  act('act_6', { leadEmail: 'half\udc00@acme.com' }),
];
const ada: AttioValues = {
  email_addresses: ['ada@acme.com'],
  outreach_status: 'Replied',
  outreach_last_activity: 'Email opened',
  outreach_last_activity_at: at(10),
  outreach_first_activity_at: at(7),
  outreach_last_contacted_at: at(8),
  outreach_last_opened_at: at(10),
  outreach_last_replied_at: at(9),
  outreach_emails_sent: 1,
  outreach_emails_opened: 1,
  outreach_emails_replied: 1,
  outreach_linkedin_activities: 1,
  outreach_activities: 4,
  outreach_activity_counts: 'Email opened: 1\nEmail replied: 1\nEmail sent: 1\nLinkedin invite done: 1',
  outreach_last_campaign: 'Second',
  outreach_campaigns: 'Second\nFirst',
};

test('whom Attio must know: absolute counts, the latest of each kind, the highest status', async () => {
  const expected = expectAttio(await expectDeliveries(history, ['default']));
  assert.deepEqual([expected.people.size, expected.least, expected.most], [1, 4, 4]);
  assert.deepEqual(judgeAttio(expected, new Map([['ada@acme.com', ada]])), []);
  const changes: readonly AttioValues[] = [
    { outreach_status: 'Opened' },
    { outreach_emails_sent: 2 },
    { outreach_emails_clicked: 1 },
    { outreach_activities: 5 },
    { outreach_last_activity: 'Email sent' },
    { outreach_last_activity_at: at(9) },
    { outreach_first_activity_at: at(8) },
    { outreach_last_clicked_at: at(9) },
    { outreach_last_contacted_at: undefined },
    { outreach_last_campaign: 'First' },
    { outreach_campaigns: 'First\nSecond' },
    { outreach_campaigns: 'Second' },
    { outreach_activity_counts: 'Email opened: 4' },
    { outreach_linkedin_activities: undefined },
  ];
  for (const change of changes) {
    const held = new Map([['ada@acme.com', { ...ada, ...change }]]);
    assert.notDeepEqual(judgeAttio(expected, held), [], JSON.stringify(change));
  }
  assert.notDeepEqual(judgeAttio(expected, new Map()), []);
  assert.notDeepEqual(judgeAttio(expected, new Map([...new Map([['ada@acme.com', ada]]), ['bo@acme.com', ada]])), []);
});

test('an event that was seen of two people is counted for one of them', async () => {
  const records = [act('act_1'), act('act_2'), act('act_2', { leadEmail: 'bo@acme.com', leadId: 'lea_2' })];
  const expected = expectAttio(await expectDeliveries(records, ['default']));
  const person = (count: number): AttioValues => ({
    outreach_status: 'Contacted',
    outreach_last_activity: 'Email sent',
    outreach_last_activity_at: at(8),
    outreach_first_activity_at: at(8),
    outreach_last_contacted_at: at(8),
    outreach_emails_sent: count,
    outreach_activities: count,
    outreach_activity_counts: `Email sent: ${count}`,
    outreach_last_campaign: 'First',
    outreach_campaigns: 'First',
  });
  const held = (of: Readonly<Record<string, number>>): ReadonlyMap<string, AttioValues> =>
    new Map(Object.entries(of).map(([email, count]) => [email, person(count)]));
  assert.deepEqual(judgeAttio(expected, held({ 'ada@acme.com': 2 })), []);
  assert.deepEqual(judgeAttio(expected, held({ 'ada@acme.com': 1, 'bo@acme.com': 1 })), []);
  assert.notDeepEqual(judgeAttio(expected, held({ 'ada@acme.com': 2, 'bo@acme.com': 1 })), []);
  assert.notDeepEqual(judgeAttio(expected, held({ 'ada@acme.com': 1 })), []);
});
