import { quantileBy, rateBy } from '../expressions.ts';
import type { Row } from '../model.ts';

export const howFast: Row = {
  title: 'How fast?',
  panels: [
    {
      title: 'How fast is each topic written?',
      description: 'Records a second, from the ends of the log: what all producers together bring.',
      kind: 'timeseries',
      unit: 'ops',
      below: 'blue',
      thresholds: [{ at: 1, colour: 'green', because: 'records are published' }],
      runbook: 'lag-grows',
      queries: [
        {
          expr: 'sum by (topic) (clamp_min(max by (topic, partition) (deriv(full_sync_log_end_offset{topic=~"$topic"}[$__rate_interval])), 0))',
          legend: '{{topic}}',
        },
      ],
    },
    {
      title: 'How fast does each group settle records?',
      description: 'Records a second, from the positions of the groups: work that is committed, repeats not counted.',
      kind: 'timeseries',
      unit: 'ops',
      below: 'blue',
      thresholds: [{ at: 1, colour: 'green', because: 'records are settled' }],
      runbook: 'fullsyncstagestalled',
      queries: [
        {
          expr: 'sum by (group, topic) (clamp_min(max by (group, topic, partition) (deriv(full_sync_group_offset{group=~"$group", topic=~"$topic"}[$__rate_interval])), 0))',
          legend: '{{group}} of {{topic}}',
        },
      ],
    },
    {
      title: 'How fast does each service publish?',
      description: 'Records a second that the broker acknowledged, as the producers count them, repeats included.',
      kind: 'timeseries',
      unit: 'ops',
      below: 'blue',
      thresholds: [{ at: 1, colour: 'green', because: 'records are published' }],
      runbook: 'lag-grows',
      queries: [{ expr: rateBy('service', 'full_sync_producer_records_total'), legend: '{{service}}' }],
    },
    {
      title: 'How old are events when they can be queried?',
      description:
        '95th percentile of the age of an event when its row was committed: since its record was fetched, and since the keyer published it.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [
        { at: 10, colour: 'yellow', because: 'a stage has more than a few batches before it' },
        { at: 60, colour: 'red', because: 'a stage is behind: compare the two lines' },
      ],
      runbook: 'lag-grows',
      queries: [
        {
          expr: quantileBy(0.95, 'since', 'full_sync_loader_event_age_seconds', '{since!="source"}'),
          legend: 'since {{since}}',
        },
      ],
    },
    {
      title: 'How old are events by the time of the source?',
      description: 'Median age of an event when its row was committed, since it happened. It tells how late syncs are.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [
        { at: 3_600, colour: 'yellow', because: 'syncs are rarer than hourly' },
        { at: 86_400, colour: 'blue', because: 'history is being read, or syncs are rarer than daily' },
      ],
      runbook: 'a-job-waits',
      queries: [
        {
          expr: quantileBy(0.5, '', 'full_sync_loader_event_age_seconds', '{since="source"}'),
          legend: 'since it happened',
        },
      ],
    },
    {
      title: 'How long do raw records wait for the keyer?',
      description:
        '95th percentile of the age of a raw record, since its publishing, when its events were acknowledged.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [
        { at: 5, colour: 'yellow', because: 'more than a few batches wait' },
        { at: 30, colour: 'red', because: 'extraction pauses' },
      ],
      runbook: 'lag-grows',
      queries: [{ expr: quantileBy(0.95, '', 'full_sync_keyer_age_seconds'), legend: 'age' }],
    },
  ],
};
