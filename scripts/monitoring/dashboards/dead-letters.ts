import { increaseBy, rateBy, shareOf, totalBy } from '../expressions.ts';
import type { Dashboard } from '../model.ts';

export const deadLetters: Dashboard = {
  slug: 'dead-letters',
  title: 'Dead letters',
  description: 'What could not be processed, why, and whether somebody mends it. Nothing of it is lost.',
  variables: [{ name: 'stage', label: 'Stage', metric: 'full_sync_dead_letters', of: 'stage', choose: 'any' }],
  rows: [
    {
      title: 'What waits to be mended?',
      panels: [
        {
          title: 'How many dead letters wait?',
          description: 'Letters that are stored and were not replayed, now.',
          kind: 'stat',
          unit: 'short',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'somebody misses these events' },
            { at: 1_000, colour: 'red', because: 'a kind of record as a whole is refused' },
          ],
          runbook: 'fullsyncdeadletters',
          queries: [
            {
              expr: 'sum(max by (stage, code) (full_sync_dead_letters{stage=~"$stage"})) or vector(0)',
              legend: 'letters',
            },
          ],
        },
        {
          title: 'How many came in this time?',
          description: 'Letters stored for the first time in the time that the board shows, by stage.',
          kind: 'bargauge',
          unit: 'short',
          thresholds: [{ at: 1, colour: 'yellow', because: 'FullSyncDeadLetters is raised for a quarter of an hour' }],
          runbook: 'fullsyncdeadletters',
          queries: [
            { expr: totalBy('stage', 'full_sync_dead_letters_stored_total{stage=~"$stage"}'), legend: '{{stage}}' },
          ],
        },
        {
          title: 'How many were replayed in this time?',
          description: 'Records of letters published again in the time that the board shows.',
          kind: 'stat',
          unit: 'short',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'somebody mends' }],
          runbook: 'fullsyncdeadletters',
          queries: [{ expr: 'sum(increase(full_sync_dead_letters_replayed_total[$__range]))', legend: 'records' }],
        },
        {
          title: 'What is wrong with them?',
          description:
            'Letters that wait, by the stage that gave the record up and the code that says why. Empty: there are none.',
          kind: 'table',
          unit: 'short',
          width: 12,
          below: 'blue',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'somebody misses these events' },
            { at: 1_000, colour: 'red', because: 'a kind of record as a whole is refused' },
          ],
          runbook: 'many-dead-letters',
          queries: [
            {
              expr: 'max by (stage, code) (full_sync_dead_letters{stage=~"$stage"}) > 0',
              legend: '{{stage}} {{code}}',
            },
          ],
        },
        {
          title: 'When did they come?',
          description: 'Letters stored for the first time in the span of a point, by stage and code. Empty: none came.',
          kind: 'timeseries',
          unit: 'short',
          width: 12,
          thresholds: [{ at: 1, colour: 'yellow', because: 'a record was given up' }],
          runbook: 'fullsyncdeadletters',
          queries: [
            {
              expr: `${increaseBy('stage, code', 'full_sync_dead_letters_stored_total{stage=~"$stage"}')} > 0`,
              legend: '{{stage}} {{code}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Where do they come from?',
      panels: [
        {
          title: 'Which services give records up?',
          description:
            'Records that each service sent to the dead letters in the time that the board shows, repeats included.',
          kind: 'bargauge',
          unit: 'short',
          thresholds: [{ at: 1, colour: 'yellow', because: 'the service met records that it cannot use' }],
          runbook: 'many-dead-letters',
          queries: [{ expr: totalBy('service', 'full_sync_dead_letters_published_total'), legend: '{{service}}' }],
        },
        {
          title: 'What share of the raw records cannot become events?',
          description:
            'Raw records that the keyer rejects, of all. A new kind of record at the source shows here first.',
          kind: 'timeseries',
          unit: 'percentunit',
          thresholds: [
            { at: 0.001, colour: 'yellow', because: 'more than the odd broken record' },
            { at: 0.05, colour: 'red', because: 'the source has changed the shape of its records' },
          ],
          runbook: 'many-dead-letters',
          queries: [
            {
              expr: shareOf(
                rateBy('topic', 'full_sync_keyer_records_total{outcome="rejected"}'),
                rateBy('topic', 'full_sync_keyer_records_total'),
              ),
              legend: '{{topic}}',
            },
          ],
        },
        {
          title: 'Are letters stored as fast as they come?',
          description: 'Age of the oldest letter that the api has not stored. A job ends only when its letters are.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [
            { at: 30, colour: 'yellow', because: 'the api or Postgres is slow' },
            { at: 60, colour: 'red', because: 'FullSyncLagHigh is raised when it lasts' },
          ],
          runbook: 'fullsynclaghigh',
          queries: [{ expr: 'max by (topic) (full_sync_lag_seconds{group="api"})', legend: '{{topic}}' }],
        },
      ],
    },
    {
      title: 'What else is odd about the data?',
      panels: [
        {
          title: 'Which keys come twice within minutes?',
          description: 'Keys met again among the last 2,000 of a partition, a second: early signs, Postgres decides.',
          kind: 'timeseries',
          unit: 'ops',
          thresholds: [{ at: 10, colour: 'yellow', because: 'a sync is repeated, or the source repeats itself' }],
          runbook: 'fullsynccollisions',
          queries: [
            {
              expr: rateBy('platform, sighting', 'full_sync_keyer_sightings_total'),
              legend: '{{platform}}: {{sighting}}',
            },
          ],
        },
        {
          title: 'How many characters had to be replaced?',
          description:
            'Characters that Postgres cannot hold (U+0000, halves of pairs), in the time that the board shows.',
          kind: 'stat',
          unit: 'short',
          thresholds: [
            { at: 1, colour: 'yellow', because: 'the source sends broken text; only these characters are lost' },
          ],
          runbook: 'many-dead-letters',
          queries: [
            { expr: 'sum(increase(full_sync_keyer_replaced_characters_total[$__range]))', legend: 'characters' },
          ],
        },
        {
          title: 'How many keys does the keyer remember?',
          description:
            'Keys in the window that early duplicates are found with, of each copy; at most 2,000 per partition.',
          kind: 'timeseries',
          unit: 'short',
          thresholds: [{ at: 48_000, colour: 'yellow', because: 'as many as the window can hold: no harm' }],
          runbook: 'fullsynccollisions',
          queries: [{ expr: 'full_sync_keyer_window_keys', legend: '{{instance}}' }],
        },
      ],
    },
  ],
};
