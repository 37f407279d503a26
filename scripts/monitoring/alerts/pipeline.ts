import type { Alert } from '../model.ts';

const LOADER = 'group="loader", topic="outreach.events", partition="3"';
const READY = 'full_sync_streams{platform="lemlist", state="ready"}';
const WORKING = 'full_sync_streams{platform="lemlist", state="working"}';
const START = 'full_sync_log_start_offset{topic="outreach.events", partition="3"}';

/** Alerts on how far and how fast the pipeline is. */
export const pipeline: readonly Alert[] = [
  {
    name: 'FullSyncLagHigh',
    left: 'max by (group) (full_sync_lag_seconds{group=~"keyer|loader|api"})',
    op: '>',
    right: 60,
    for: '10m',
    severity: 'page',
    summary: 'A record has been waiting for {{ $labels.group }} for over a minute, and it has been so for long',
    description:
      'Jobs wait, and extraction pauses. Records stay in Kafka for 7 days; after that they are deleted unread.',
    proof: {
      fires: { [`full_sync_lag_seconds{${LOADER}}`]: '0 61x30' },
      quiet: { [`full_sync_lag_seconds{${LOADER}}`]: '60x30' },
      labels: { group: 'loader' },
      afterMinutes: 11,
    },
  },
  {
    name: 'FullSyncStageStalled',
    left: 'max by (group) (full_sync_lag_records{group=~"keyer|loader|api"}) * on (group) (sum by (group) (changes(full_sync_group_offset[90s])) == bool 0)',
    op: '>',
    right: 0,
    for: '4m',
    severity: 'page',
    summary: 'Records wait for {{ $labels.group }}, which settles none',
    description: 'Its processes are dead, halted or stuck. Jobs wait; nothing is lost for 7 days.',
    proof: {
      fires: { [`full_sync_lag_records{${LOADER}}`]: '5x30', [`full_sync_group_offset{${LOADER}}`]: '7x30' },
      quiet: { [`full_sync_lag_records{${LOADER}}`]: '5x30', [`full_sync_group_offset{${LOADER}}`]: '7+1x30' },
      labels: { group: 'loader' },
      afterMinutes: 4,
    },
  },
  {
    name: 'FullSyncLagUnmeasured',
    // Long after the last measurement, too, and where there never was one.
    left: 'time() - (max(max_over_time(full_sync_lag_measured_timestamp_seconds[1h])) or vector(0))',
    op: '>',
    right: 30,
    for: '2m',
    severity: 'page',
    summary: 'Nobody measures how far behind the pipeline is',
    description: 'No api runs, or it cannot ask the broker or Postgres. Every figure on lag is as old as that.',
    proof: {
      fires: { full_sync_lag_measured_timestamp_seconds: '0 60 120 180 _x200' },
      quiet: { full_sync_lag_measured_timestamp_seconds: '0+60x30' },
      labels: {},
      afterMinutes: 6,
      stillAfterMinutes: 180,
    },
  },
  {
    name: 'FullSyncRecordsDeleted',
    left: 'max by (group, topic) (max by (topic, partition) (full_sync_log_start_offset) - on (topic, partition) group_right () max by (group, topic, partition) (full_sync_group_offset))',
    op: '>',
    right: 0,
    for: '1m',
    severity: 'page',
    summary: 'Records of {{ $labels.topic }} were deleted before {{ $labels.group }} had read them',
    description: 'The stage halts rather than pass over them. A full sync brings back what the source still has.',
    proof: {
      fires: { [START]: '0 10x20', [`full_sync_group_offset{${LOADER}}`]: '5x20' },
      quiet: { [START]: '0 5x20', [`full_sync_group_offset{${LOADER}}`]: '5x20' },
      labels: { group: 'loader', topic: 'outreach.events' },
      afterMinutes: 2,
    },
  },
  {
    name: 'FullSyncBrokerSlow',
    left: 'histogram_quantile(0.95, sum by (service, le) (rate(full_sync_producer_request_seconds_bucket[2m])))',
    op: '>',
    right: 2.5,
    for: '5m',
    severity: 'ticket',
    summary: 'The broker takes seconds to acknowledge what {{ $labels.service }} sends',
    description: 'Every stage is as slow as that. Its disk, its processor, or the way there.',
    proof: {
      fires: {
        'full_sync_producer_request_seconds_bucket{service="keyer", le="2.5"}': '0x30',
        'full_sync_producer_request_seconds_bucket{service="keyer", le="5"}': '0+60x30',
        'full_sync_producer_request_seconds_bucket{service="keyer", le="+Inf"}': '0+60x30',
      },
      quiet: {
        'full_sync_producer_request_seconds_bucket{service="keyer", le="2.5"}': '0+60x30',
        'full_sync_producer_request_seconds_bucket{service="keyer", le="5"}': '0+60x30',
        'full_sync_producer_request_seconds_bucket{service="keyer", le="+Inf"}': '0+60x30',
      },
      labels: { service: 'keyer' },
      afterMinutes: 6,
    },
  },
  {
    name: 'FullSyncExtractionHeldBack',
    left: 'max(full_sync_extractor_held_back)',
    op: '>',
    right: 0,
    for: '15m',
    severity: 'ticket',
    summary: 'Extraction has been held back for long by the stages behind it',
    description: 'Keyer or loader do not keep up with what the rate limits let through, or the broker does not answer.',
    proof: {
      fires: { full_sync_extractor_held_back: '0 1x40' },
      quiet: { full_sync_extractor_held_back: '1x14 0x40' },
      labels: {},
      afterMinutes: 16,
    },
  },
  {
    name: 'FullSyncNobodyExtracts',
    left: 'max by (platform) (full_sync_streams{state="ready"}) * on (platform) (max by (platform) (max_over_time(full_sync_streams{state="working"}[90s])) == bool 0)',
    op: '>',
    right: 0,
    for: '5m',
    severity: 'page',
    summary: 'Walks of {{ $labels.platform }} are ready, and nobody works on one',
    description: 'No extractor runs, none has the key of the account, or it is held back. Jobs wait.',
    proof: {
      fires: { [READY]: '3x30', [WORKING]: '0x30' },
      quiet: { [READY]: '3x30', [WORKING]: '0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1' },
      labels: { platform: 'lemlist' },
      afterMinutes: 5,
    },
  },
];
