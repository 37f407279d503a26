import { increaseBy, quantileBy, rateBy } from '../expressions.ts';
import type { Row } from '../model.ts';

const OF = '{platform=~"$platform"}';

export const extractor: Row = {
  title: 'What does the extractor do?',
  panels: [
    {
      title: 'How many records are read?',
      description:
        'Records a second: published, dead-lettered (too large or too deep), or outside of the window asked for.',
      kind: 'timeseries',
      unit: 'ops',
      below: 'blue',
      thresholds: [{ at: 1, colour: 'green', because: 'records are read' }],
      runbook: 'a-job-waits',
      queries: [
        {
          expr: rateBy('platform, outcome', `full_sync_extractor_records_total${OF}`),
          legend: '{{platform}}: {{outcome}}',
        },
      ],
    },
    {
      title: 'What becomes of chunks?',
      description:
        'Chunks a second: committed, failed with their page, stale (the lease ran out), or with a permit that was not needed.',
      kind: 'timeseries',
      unit: 'ops',
      below: 'blue',
      thresholds: [{ at: 0.01, colour: 'green', because: 'chunks come out so; “stale” ones are read again' }],
      runbook: 'a-job-waits',
      queries: [
        {
          expr: rateBy('platform, outcome', `full_sync_extractor_chunks_total${OF}`),
          legend: '{{platform}}: {{outcome}}',
        },
      ],
    },
    {
      title: 'How long does a chunk take?',
      description: '95th percentile from its claim to its commit, the wait for its slot included.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [
        { at: 10, colour: 'yellow', because: 'pages are large, or the upstream is slow' },
        { at: 60, colour: 'red', because: 'leases may run out' },
      ],
      runbook: 'a-job-waits',
      queries: [
        { expr: quantileBy(0.95, 'platform', 'full_sync_extractor_chunk_seconds', OF), legend: '{{platform}}' },
      ],
    },
    {
      title: 'How many records does a chunk bring?',
      description: 'Median of the records of a committed chunk. Small ones spend the budget on little.',
      kind: 'timeseries',
      unit: 'short',
      below: 'blue',
      thresholds: [{ at: 50, colour: 'green', because: 'a request brings what it is worth' }],
      runbook: 'a-job-waits',
      queries: [{ expr: quantileBy(0.5, 'platform', 'full_sync_extractor_chunk_records', OF), legend: '{{platform}}' }],
    },
    {
      title: 'Does the source change while it is read?',
      description:
        'Windows read again, halved, or taken as a union in the span of a point, because their pages did not fit together.',
      kind: 'timeseries',
      unit: 'short',
      thresholds: [
        { at: 1, colour: 'yellow', because: 'a window was read more than once' },
        { at: 20, colour: 'red', because: 'much of the budget goes into reading again: sync at a quieter hour' },
      ],
      runbook: 'a-job-waits',
      queries: [
        {
          expr: increaseBy('platform, event', `full_sync_extractor_window_events_total${OF}`),
          legend: '{{platform}}: {{event}}',
        },
      ],
    },
    {
      title: 'How many chunks are in work?',
      description: 'Chunks being worked on; each job has at most parallelWorkers of an account.',
      kind: 'timeseries',
      unit: 'short',
      thresholds: [{ at: 32, colour: 'yellow', because: 'more than one job may have: several share the accounts' }],
      runbook: 'a-job-waits',
      queries: [{ expr: `sum by (platform) (full_sync_extractor_chunks_in_flight${OF})`, legend: '{{platform}}' }],
    },
    {
      title: 'How many bytes are held?',
      description:
        'Bytes of records held or reserved by chunks of each copy; bounded at 32 MiB but for a single larger page.',
      kind: 'timeseries',
      unit: 'bytes',
      thresholds: [
        { at: 25_165_824, colour: 'yellow', because: 'pages are large or the broker is slow' },
        { at: 33_554_432, colour: 'red', because: 'at the bound: claims wait (reason memory)' },
      ],
      runbook: 'a-job-waits',
      queries: [{ expr: 'full_sync_extractor_held_bytes', legend: '{{instance}}' }],
    },
    {
      title: 'Is the extraction held back?',
      description: 'Whether any copy pauses because the stages behind it lag, or the broker does not answer.',
      kind: 'timeseries',
      unit: 'bool',
      names: { 0: 'no', 1: 'yes' },
      thresholds: [{ at: 1, colour: 'yellow', because: 'nothing is read until keyer and loader have caught up' }],
      runbook: 'fullsyncextractionheldback',
      queries: [{ expr: 'max(full_sync_extractor_held_back)', legend: 'held back' }],
    },
    {
      title: 'How far behind does the extractor see the stages?',
      description: 'Age of the oldest record not yet keyed or loaded, by which the extractor decides whether to go on.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [{ at: 30, colour: 'yellow', because: 'extraction pauses' }],
      runbook: 'fullsyncextractionheldback',
      queries: [{ expr: 'max by (stage) (full_sync_extractor_downstream_lag_seconds)', legend: '{{stage}}' }],
    },
  ],
};
