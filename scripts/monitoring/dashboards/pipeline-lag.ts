import type { Row } from '../model.ts';

export const howFar: Row = {
  title: 'How far behind?',
  panels: [
    {
      title: 'How old is the oldest record that waits?',
      description:
        'Per group and topic, by the record’s own time: from offsets and the log, measured by the api at each scrape, whether or not the group’s processes run.',
      kind: 'timeseries',
      unit: 's',
      width: 12,
      thresholds: [
        { at: 30, colour: 'yellow', because: 'extraction pauses until keyer and loader have caught up' },
        {
          at: 60,
          colour: 'red',
          because: 'an alert is raised when it lasts; after 7 days records are deleted unread',
        },
      ],
      runbook: 'fullsynclaghigh',
      queries: [
        {
          expr: 'max by (group, topic) (full_sync_lag_seconds{group=~"$group", topic=~"$topic"})',
          legend: '{{group}} of {{topic}}',
        },
      ],
    },
    {
      title: 'How many records wait?',
      description: 'End of the log less the position of the group, added up over the partitions.',
      kind: 'timeseries',
      unit: 'short',
      width: 12,
      thresholds: [{ at: 100_000, colour: 'yellow', because: 'several seconds of work for a stage at full speed' }],
      runbook: 'fullsynclaghigh',
      queries: [
        {
          expr: 'sum by (group, topic) (max by (group, topic, partition) (full_sync_lag_records{group=~"$group", topic=~"$topic"}))',
          legend: '{{group}} of {{topic}}',
        },
      ],
    },
    {
      title: 'Which partitions wait longest?',
      description: 'The twelve partitions with the oldest waiting records. One alone: a batch of it does not end.',
      kind: 'bargauge',
      unit: 's',
      thresholds: [
        { at: 30, colour: 'yellow', because: 'extraction pauses' },
        { at: 60, colour: 'red', because: 'an alert is raised when it lasts' },
      ],
      runbook: 'fullsyncstagestalled',
      queries: [
        {
          expr: 'topk(12, max by (group, topic, partition) (full_sync_lag_seconds{group=~"$group", topic=~"$topic"}))',
          legend: '{{group}} {{topic}}/{{partition}}',
        },
      ],
    },
    {
      title: 'How old are these figures?',
      description:
        'Time since any api last measured lag, also while none answers. Old figures look the same as good ones.',
      kind: 'timeseries',
      unit: 's',
      thresholds: [
        { at: 5, colour: 'yellow', because: 'broker or Postgres answers slowly' },
        { at: 30, colour: 'red', because: 'no api measures: what the other panels show is history' },
      ],
      runbook: 'fullsynclagunmeasured',
      queries: [
        {
          expr: 'time() - max(max_over_time(full_sync_lag_measured_timestamp_seconds[$__range]))',
          legend: 'age',
        },
      ],
    },
    {
      title: 'How much of the log is still there for slow readers?',
      description: 'Records between the start of the log and where a group stands: what it could be set back by.',
      kind: 'timeseries',
      unit: 'short',
      below: 'red',
      thresholds: [{ at: 0, colour: 'green', because: 'below, records were deleted before the group had read them' }],
      runbook: 'fullsyncrecordsdeleted',
      queries: [
        {
          expr: 'min by (group, topic) (max by (group, topic, partition) (full_sync_group_offset{group=~"$group", topic=~"$topic"}) - on (topic, partition) group_left () max by (topic, partition) (full_sync_log_start_offset))',
          legend: '{{group}} of {{topic}}',
        },
      ],
    },
  ],
};
