import type { Alert } from '../model.ts';

const LETTERS = 'full_sync_dead_letters_stored_total{stage="keyer", code="TIME_UNREADABLE"}';
const event = (outcome: string): string => `full_sync_loader_events_total{platform="lemlist", outcome="${outcome}"}`;
const bucket = (le: string): string => `full_sync_loader_flush_seconds_bucket{path="direct", le="${le}"}`;

/** Alerts on records at fault, and on Postgres. */
export const data: readonly Alert[] = [
  {
    name: 'FullSyncDeadLetters',
    left: 'sum by (stage, code) (increase(full_sync_dead_letters_stored_total[15m]))',
    op: '>',
    right: 0,
    for: '1m',
    severity: 'ticket',
    summary: '{{ $labels.stage }} gave records up: {{ $labels.code }}',
    description: 'They are kept whole, and everything else went on. Once the cause is mended they can be replayed.',
    proof: {
      fires: { [LETTERS]: '0 0 4x30' },
      quiet: { [LETTERS]: '4x30' },
      labels: { stage: 'keyer', code: 'TIME_UNREADABLE' },
      afterMinutes: 3,
    },
  },
  {
    name: 'FullSyncCollisions',
    left: 'sum by (platform) (increase(full_sync_loader_events_total{outcome="collision"}[1h])) / clamp_min(sum by (platform) (increase(full_sync_loader_events_total[1h])), 1)',
    op: '>',
    right: 0.01,
    for: '5m',
    severity: 'ticket',
    summary: 'More than one event of {{ $labels.platform }} in a hundred has the key of another fact',
    description:
      'The source uses ids twice, or changes facts under their ids. The first of each stays, the others are set aside.',
    proof: {
      fires: { [event('collision')]: '0+2x90', [event('created')]: '0+100x90' },
      quiet: { [event('collision')]: '0+1x90', [event('created')]: '0+100x90' },
      labels: { platform: 'lemlist' },
      afterMinutes: 6,
    },
  },
  {
    name: 'FullSyncFlushSlow',
    left: 'histogram_quantile(0.95, sum by (le) (rate(full_sync_loader_flush_seconds_bucket[2m])))',
    op: '>',
    right: 5,
    for: '10m',
    severity: 'ticket',
    summary: 'The loader needs seconds to commit a batch',
    description: 'Postgres is the bottleneck: locks, slow storage, checkpoints, or indexes and triggers of your own.',
    proof: {
      fires: { [bucket('5')]: '0x30', [bucket('10')]: '0+60x30', [bucket('+Inf')]: '0+60x30' },
      quiet: { [bucket('5')]: '0+60x30', [bucket('10')]: '0+60x30', [bucket('+Inf')]: '0+60x30' },
      labels: {},
      afterMinutes: 11,
    },
  },
  {
    name: 'FullSyncConnectionsUsedUp',
    left: 'max by (service) (min_over_time(full_sync_database_waiting_requests[1m]))',
    op: '>',
    right: 0,
    for: '5m',
    severity: 'ticket',
    summary: '{{ $labels.service }} has been waiting for connections to Postgres for minutes',
    description: 'All connections of a process are busy all of the time: statements are slow, or wait for locks.',
    proof: {
      fires: { 'full_sync_database_waiting_requests{service="api"}': '0 0 3x30' },
      quiet: { 'full_sync_database_waiting_requests{service="api"}': '3 3 0 3 3 3 0 3 3 3 0 3 3 3 0 3 3 3 0 3 3 3 0' },
      labels: { service: 'api' },
      afterMinutes: 8,
    },
  },
];
