import type { Alert } from '../model.ts';

const OUTCOMES = 'full_sync_upstream_outcomes_total';
const series = (outcome: string): string => `${OUTCOMES}{platform="smartlead", outcome="${outcome}"}`;
const share = (outcomes: string): string =>
  `sum by (platform) (rate(${OUTCOMES}{outcome${outcomes}}[2m])) / clamp_min(sum by (platform) (rate(${OUTCOMES}[2m])), 0.01)`;

/** Alerts on the APIs that are read. */
export const upstreams: readonly Alert[] = [
  {
    name: 'FullSyncUpstreamFailing',
    left: share('!~"ok|gone|throttled"'),
    op: '>',
    right: 0.2,
    for: '10m',
    severity: 'ticket',
    summary: 'More than a fifth of the requests to {{ $labels.platform }} come to nothing',
    description:
      'Requests are repeated, and jobs take longer; after 20 failures in a row a walk fails, and its job with it.',
    proof: {
      fires: { [series('network')]: '0+30x30', [series('ok')]: '0+60x30' },
      quiet: { [series('network')]: '0+14x30', [series('ok')]: '0+60x30' },
      labels: { platform: 'smartlead' },
      afterMinutes: 11,
    },
  },
  {
    name: 'FullSyncUpstreamThrottled',
    left: share('="throttled"'),
    op: '>',
    right: 0.05,
    for: '15m',
    severity: 'ticket',
    summary: '{{ $labels.platform }} refuses more than a twentieth of the requests for their rate',
    description:
      'We keep below the limit that is configured: somebody else uses the key, or the limit is set too high.',
    proof: {
      fires: { [series('throttled')]: '0+6x40', [series('ok')]: '0+60x40' },
      quiet: { [series('throttled')]: '0+3x40', [series('ok')]: '0+60x40' },
      labels: { platform: 'smartlead' },
      afterMinutes: 16,
    },
  },
  {
    name: 'FullSyncCircuitOpen',
    left: 'max by (platform) (full_sync_upstream_breaker_state)',
    op: '>',
    right: 0,
    for: '5m',
    severity: 'page',
    summary: '{{ $labels.platform }} is left alone, because most requests to it failed',
    description: 'Nothing is read from it but for a probe now and then. It goes on by itself when one comes through.',
    proof: {
      fires: { 'full_sync_upstream_breaker_state{platform="smartlead"}': '0 2 1 2 1 2 1 2 1 2 1 2x20' },
      quiet: { 'full_sync_upstream_breaker_state{platform="smartlead"}': '0 2 2 2 1 0x20' },
      labels: { platform: 'smartlead' },
      afterMinutes: 6,
    },
  },
  {
    name: 'FullSyncKeyRefused',
    left: `sum by (platform) (increase(${OUTCOMES}{outcome=~"UPSTREAM_UNAUTHORIZED|UPSTREAM_PLAN|UPSTREAM_FORBIDDEN"}[15m]))`,
    op: '>',
    right: 0,
    for: '1m',
    severity: 'page',
    summary: '{{ $labels.platform }} refuses the key, or its plan',
    description: 'Every sync of the account fails until somebody sets another key, or the plan includes the API.',
    proof: {
      fires: { [series('UPSTREAM_UNAUTHORIZED')]: '0 0 1x30' },
      quiet: { [series('UPSTREAM_UNAUTHORIZED')]: '2x30', [series('network')]: '0+9x30' },
      labels: { platform: 'smartlead' },
      afterMinutes: 3,
    },
  },
];
