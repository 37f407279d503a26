-- Events whose target refuses everything, set aside so that they hold up no other target's.

create table parked_lanes (
  destination text not null,
  namespace text not null,
  -- Of the events topic.
  partition integer not null,
  parked_since timestamptz not null default now(),
  -- How many are set aside now.
  events bigint not null,
  -- How often in a row the target took nothing; 0 = it takes events, and the lane is caught up with.
  refusals integer not null default 1,
  due_at timestamptz not null default now(),
  lease_owner text,
  lease_epoch bigint not null default 0,
  lease_until timestamptz,
  primary key (destination, namespace, partition)
) with (fillfactor = 50);
comment on table parked_lanes is 'Namespace and partition whose events a destination sets aside, until none is left: the order of the log is kept.';

create table parked_events (
  parked_id bigint generated always as identity primary key,
  destination text not null,
  namespace text not null,
  partition integer not null,
  event_id uuid not null,
  job_id text not null,
  -- Where the record stood in the events topic: by this the ledger knows it again.
  topic_id uuid not null,
  record_offset bigint not null,
  published_at timestamptz not null,
  redrive boolean not null,
  -- The record's value, as it was published.
  value bytea not null
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1);
create index parked_events_lanes on parked_events (destination, namespace, partition, parked_id);
comment on table parked_events is 'Records that a destination has passed and not delivered; each is deleted in the transaction that settles its delivery.';

comment on column job_deliveries.partition is 'Of the events topic; -1 for what did not come by it, or had been set aside.';
comment on column job_deliveries.open is 'Taken over by the destination, not yet acknowledged by it: folded, or set aside. A row by itself may be negative; the sum of a job is not.';
