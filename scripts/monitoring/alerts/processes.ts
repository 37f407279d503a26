import type { Alert } from '../model.ts';

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
      fires: { 'up{job="full-sync", service="loader", instance="a:1"}': '1 1 0x10' },
      quiet: { 'up{job="full-sync", service="loader", instance="a:1"}': '1 0 0 1x20' },
      labels: { job: 'full-sync', service: 'loader', instance: 'a:1' },
      afterMinutes: 4,
    },
  },
];
