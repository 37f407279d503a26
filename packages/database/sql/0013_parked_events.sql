-- Events of namespaces whose target refuses everything, so that they hold up nobody else's.

create table parked_namespaces (
  destination text not null,
  namespace text not null,
  parked_since timestamptz not null default now(),
  lease_owner text,
  lease_until timestamptz,
  primary key (destination, namespace)
);
comment on table parked_namespaces is 'Namespaces whose events a destination sets aside, until those set aside are delivered: the order of the log is kept.';

create table parked_events (
  parked_id bigint generated always as identity primary key,
  destination text not null,
  namespace text not null,
  job_id text not null,
  -- Where the record stood in the events topic: by this the ledger knows it again.
  topic_id uuid not null,
  partition integer not null,
  record_offset bigint not null,
  published_at timestamptz not null,
  redrive boolean not null,
  -- The record's value, as it was published.
  value bytea not null
) with (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1);
create index parked_events_lanes on parked_events (destination, namespace, partition, parked_id);
comment on table parked_events is 'Records that a destination has passed and not delivered; each is deleted in the transaction that settles its delivery.';
