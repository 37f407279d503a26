import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutreachEvent } from '@full-sync/schemas';
import { anEvent } from '../../test/an-event.ts';
import { foldFacts, profileFactsOf } from './profile-facts.ts';
import type { ProfileFact } from './profile-facts.ts';
import { toImportEvent } from './to-import-event.ts';

function factsOf(over: Partial<OutreachEvent>): readonly ProfileFact[] {
  const mapped = toImportEvent(anEvent(1, over));
  assert.equal(mapped.kind, 'send');
  return mapped.kind === 'send' ? profileFactsOf(mapped.payload) : [];
}

test('an event tells who its lead is, where it was met, and what holds for ever', () => {
  const facts = factsOf({ event_type: 'email_replied' });
  assert.deepEqual(foldFacts(facts), [
    {
      $distinct_id: 'lead1@acme.com',
      $ip: '0',
      $ignore_time: true,
      $set_once: { $email: 'lead1@acme.com', $name: 'Lead 1' },
    },
    {
      $distinct_id: 'lead1@acme.com',
      $ip: '0',
      $ignore_time: true,
      $union: { outreach_campaigns: ['Größe – "wave" 2'], outreach_platforms: ['smartlead'] },
    },
    { $distinct_id: 'lead1@acme.com', $ip: '0', $ignore_time: true, $set: { outreach_replied: true } },
  ]);
  const lemlist = { leadFirstName: 'Ada', leadLastName: 'Byron', leadCompanyName: 'Acme' };
  const [who] = factsOf({ platform: 'lemlist', properties: JSON.stringify(lemlist) });
  assert.deepEqual(who?.properties, {
    $email: 'lead1@acme.com',
    $name: 'Ada Byron',
    $first_name: 'Ada',
    $last_name: 'Byron',
    company: 'Acme',
  });
});

test('an event of nobody tells nothing; without a name the campaign goes by its id', () => {
  assert.deepEqual(factsOf({ lead_email: null }), []);
  const [, met] = factsOf({ campaign_name: null });
  assert.deepEqual(met?.properties['outreach_campaigns'], ['7']);
});

test('facts of one person fold into one update per operator, in any order to the same lists', () => {
  const facts = [
    ...factsOf({ event_type: 'email_bounced', campaign_name: 'A' }),
    ...factsOf({ event_type: 'email_unsubscribed', campaign_name: 'B' }),
    ...factsOf({ event_type: 'linkedin_replied', campaign_name: 'A', platform: 'lemlist' }),
  ];
  const updates = foldFacts(facts);
  assert.equal(updates.length, 3);
  const values = (operator: '$union' | '$set', from: typeof updates): unknown =>
    from.find((one) => operator in one)?.[operator];
  assert.deepEqual(values('$set', updates), {
    outreach_bounced: true,
    outreach_unsubscribed: true,
    outreach_replied: true,
  });
  assert.deepEqual(values('$union', updates), {
    outreach_campaigns: ['A', 'B'],
    outreach_platforms: ['smartlead', 'lemlist'],
  });
  const backwards = values('$union', foldFacts(facts.toReversed())) as Record<string, readonly string[]>;
  assert.deepEqual(backwards['outreach_campaigns']?.toSorted(), ['A', 'B']);
});
