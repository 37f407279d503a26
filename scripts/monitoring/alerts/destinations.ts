import type { Alert } from '../model.ts';

const requests = (status: string): string =>
  `full_sync_delivery_requests_total{destination="attio", status="${status}"}`;
const TIMED_OUT = 'full_sync_delivery_retries_total{destination="attio", reason="timeout"}';

/** Alerts on where events are delivered to. */
export const destinations: readonly Alert[] = [
  {
    name: 'FullSyncDestinationHalted',
    left: 'max by (destination) (full_sync_delivery_halted)',
    op: '>',
    right: 0,
    for: '5m',
    severity: 'ticket',
    summary: '{{ $labels.destination }} takes nothing until somebody mends something, usually credentials',
    description:
      'Its events wait in Kafka, for 7 days at most, or are set aside where it has several targets. It is tried again by itself.',
    proof: {
      fires: { 'full_sync_delivery_halted{destination="mixpanel"}': '0 1x20' },
      quiet: { 'full_sync_delivery_halted{destination="mixpanel"}': '1x4 0x20' },
      labels: { destination: 'mixpanel' },
      afterMinutes: 6,
    },
  },
  {
    name: 'FullSyncDestinationFailing',
    left: 'sum by (destination) (rate(full_sync_delivery_retries_total{reason!~"throttled|circuit_open"}[5m])) / clamp_min(sum by (destination) (rate(full_sync_delivery_requests_total[5m])), 0.01)',
    op: '>',
    right: 0.2,
    for: '10m',
    severity: 'ticket',
    summary: 'More than a fifth of the requests to {{ $labels.destination }} come to nothing',
    description: 'It does not answer, or with errors. Events wait, and what it has taken is not doubled.',
    proof: {
      fires: { [TIMED_OUT]: '0+30x30', [requests('none')]: '0+30x30', [requests('200')]: '0+60x30' },
      quiet: { [TIMED_OUT]: '0+14x30', [requests('none')]: '0+14x30', [requests('200')]: '0+60x30' },
      labels: { destination: 'attio' },
      afterMinutes: 11,
    },
  },
  {
    name: 'FullSyncDestinationBehind',
    left: 'max by (group) (full_sync_lag_seconds{group!~"keyer|loader|api"})',
    op: '>',
    right: 60,
    for: '30m',
    severity: 'ticket',
    summary: 'An event has been waiting for {{ $labels.group }} for over a minute, and it has been so for half an hour',
    description: 'It is slower than events come, or takes none. Events are deleted unread after 7 days.',
    proof: {
      fires: { 'full_sync_lag_seconds{group="mixpanel", topic="outreach.events", partition="3"}': '0 61x60' },
      quiet: { 'full_sync_lag_seconds{group="mixpanel", topic="outreach.events", partition="3"}': '61x29 0x60' },
      labels: { group: 'mixpanel' },
      afterMinutes: 31,
    },
  },
  {
    name: 'FullSyncDeliveriesRefused',
    left: 'sum by (destination) (increase(full_sync_deliveries_total{outcome="failed"}[15m]))',
    op: '>',
    right: 0,
    for: '1m',
    severity: 'ticket',
    summary: '{{ $labels.destination }} refuses events for their own fault',
    description: 'They are dead letters, and the others went on. Once the cause is mended they can be replayed.',
    proof: {
      fires: { 'full_sync_deliveries_total{destination="mixpanel", outcome="failed"}': '0 0 2x30' },
      quiet: { 'full_sync_deliveries_total{destination="mixpanel", outcome="failed"}': '2x30' },
      labels: { destination: 'mixpanel' },
      afterMinutes: 3,
    },
  },
];
