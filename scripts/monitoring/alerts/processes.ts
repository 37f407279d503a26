import type { Alert } from '../model.ts';

/** Alerts on processes, whatever they do. */
export const processes: readonly Alert[] = [
  {
    name: 'FullSyncProcessDown',
    left: 'up{job="full-sync"}',
    op: '==',
    right: 0,
    for: '2m',
    severity: 'page',
    summary: '{{ $labels.service }} at {{ $labels.instance }} does not answer',
    description: 'Its part of the pipeline stands still unless another copy runs. Nothing is lost.',
    proof: {
      fires: { 'up{job="full-sync", service="loader", instance="a:1"}': '1 1 0x20' },
      quiet: { 'up{job="full-sync", service="loader", instance="a:1"}': '1 0 0 1x20' },
      labels: { job: 'full-sync', service: 'loader', instance: 'a:1' },
      afterMinutes: 4,
    },
  },
  {
    name: 'FullSyncProcessRestarting',
    left: 'changes(process_start_time_seconds{job="full-sync"}[15m])',
    op: '>',
    right: 2,
    for: '1m',
    severity: 'page',
    summary: '{{ $labels.service }} at {{ $labels.instance }} ends again and again',
    description:
      'It was started three times or more in a quarter of an hour. What it does is repeated, nothing is lost.',
    proof: {
      fires: { 'process_start_time_seconds{job="full-sync", service="loader", instance="a:1"}': '1 1 2 3 4x20' },
      quiet: { 'process_start_time_seconds{job="full-sync", service="loader", instance="a:1"}': '1 1 2 3x20' },
      labels: { job: 'full-sync', service: 'loader', instance: 'a:1' },
      afterMinutes: 5,
    },
  },
  {
    name: 'FullSyncNotReady',
    left: 'full_sync_ready{job="full-sync"}',
    op: '<',
    right: 1,
    for: '5m',
    severity: 'ticket',
    summary: '{{ $labels.service }} at {{ $labels.instance }} says that it is not ready',
    description: 'Something that it needs is missing. It waits for it and goes on by itself; /readyz says what it is.',
    proof: {
      fires: { 'full_sync_ready{job="full-sync", service="api", instance="a:1"}': '1 0x20' },
      quiet: { 'full_sync_ready{job="full-sync", service="api", instance="a:1"}': '1 0x4 1x20' },
      labels: { job: 'full-sync', service: 'api', instance: 'a:1' },
      afterMinutes: 6,
    },
  },
  {
    name: 'FullSyncRebalancing',
    left: 'max by (service, instance) (increase(full_sync_consumer_rebalances_total{job="full-sync"}[15m]))',
    op: '>',
    right: 5,
    for: '5m',
    severity: 'ticket',
    summary: '{{ $labels.service }} at {{ $labels.instance }} is given its partitions anew again and again',
    description: 'While partitions move nothing of them is settled. Copies come and go, or heartbeats come late.',
    proof: {
      fires: {
        'full_sync_consumer_rebalances_total{job="full-sync", service="keyer", instance="a:1"}': '1 1 3 5 7 9x20',
      },
      quiet: { 'full_sync_consumer_rebalances_total{job="full-sync", service="keyer", instance="a:1"}': '1 1 3 5x20' },
      labels: { service: 'keyer', instance: 'a:1' },
      afterMinutes: 9,
    },
  },
];
