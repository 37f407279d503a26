import type { Dashboard } from '../model.ts';

export const overview: Dashboard = {
  slug: 'overview',
  title: 'Overview',
  description: 'Is it healthy, and where is the bottleneck?',
  variables: [],
  rows: [
    {
      title: 'Is it healthy?',
      panels: [
        {
          title: 'How far do the stages lag behind?',
          description: 'Age of the oldest record that a stage has not settled, from offsets.',
          kind: 'timeseries',
          unit: 's',
          thresholds: [{ at: 30, colour: 'yellow', because: 'extraction pauses' }],
          runbook: 'lag-grows',
          queries: [{ expr: 'max by (stage) (full_sync_extractor_downstream_lag_seconds)', legend: '{{stage}}' }],
        },
        {
          title: 'How many events are loaded?',
          description: 'Events settled in Postgres a second, by outcome.',
          kind: 'timeseries',
          unit: 'ops',
          below: 'blue',
          thresholds: [{ at: 1, colour: 'green', because: 'events flow' }],
          runbook: 'lag-grows',
          queries: [
            {
              expr: 'sum by (outcome) (rate(full_sync_loader_events_total[$__rate_interval]))',
              legend: '{{outcome}}',
            },
          ],
        },
      ],
    },
  ],
};
