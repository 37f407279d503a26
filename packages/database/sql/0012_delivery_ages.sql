-- Which destinations there are, and how old events are when a total that carries them is written.

create table destinations (
  destination text primary key,
  started_at timestamptz not null default now()
);
comment on table destinations is 'Destinations whose service has run with this database, and when it last started: those that deliveries can be ordered for.';
insert into destinations (destination) select distinct destination from destination_positions;

alter table attio_folds
  -- In the order of event_ids: when each happened, and when the keyer published it (null for a backfill).
  add column occurred_at timestamptz[],
  add column published_at timestamptz[];

alter table attio_activities
  add column occurred_at timestamptz,
  add column published_at timestamptz;
