-- What destinations were sent: where each stands in the events topic, and the ledger of deliveries.

create table destination_positions (
  destination text not null,
  topic_id uuid not null,
  partition integer not null,
  topic text not null,
  next_offset bigint not null,
  -- The last source position seen, per raw topic id: {"<uuid>": [offset, index]}.
  sources jsonb not null default '{}',
  updated_at timestamptz not null default now(),
  primary key (destination, topic_id, partition)
);
comment on table destination_positions is 'Where each destination stands in each partition of the events topic; advances in the transaction that settles the deliveries below it.';

create table delivery_targets (
  target_id integer generated always as identity primary key,
  destination text not null,
  -- SHA-256 (hex) of where events go (address, project or account): nothing secret can be read from it.
  target_hash text not null,
  created_at timestamptz not null default now(),
  unique (destination, target_hash)
);
comment on table delivery_targets is 'The projects and workspaces that events were sent to; several namespaces can share one.';

-- One row per batch in work; the claims on its deliveries hold until then.
create table delivery_claims (
  claim_id bigint generated always as identity primary key,
  destination text not null,
  owner text not null,
  expires_at timestamptz not null
);

create table deliveries (
  target_id integer not null,
  -- event_source.event_id: the hash at the end of the event's key.
  event_id uuid not null,
  state text not null check (state in ('claimed', 'sent', 'folded', 'skipped', 'failed')),
  -- Who brought the event, and at which offset of the events topic: a record met again is told from another sighting.
  job_id text not null,
  partition integer,
  record_offset bigint,
  -- While it is claimed: the batch it belongs to, and exactly what is sent, however often.
  claim_id bigint,
  payload text,
  -- Why it was skipped or has failed.
  code text,
  -- What the destination answered (HTTP status), where it was asked.
  answer_code integer,
  claimed_at timestamptz not null default now(),
  settled_at timestamptz,
  primary key (target_id, event_id)
-- Room for the settled version beside the claimed one: most updates stay on their page and touch no index.
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_cost_delay = 1);
comment on table deliveries is 'One row per event and target, written before the event is sent: what is sent once is never sent again.';
comment on column deliveries.state is 'claimed = being sent; sent; folded = part of a record of totals that is written by itself; skipped = not meant to be sent, see code; failed = refused for its own fault, see code and dead_letters.';

create table job_deliveries (
  job_id text not null references jobs (job_id),
  destination text not null,
  -- Of the events topic; -1 for what did not come by it.
  partition integer not null,
  sent bigint not null default 0,
  skipped bigint not null default 0,
  failed bigint not null default 0,
  -- Taken over by the destination, not yet acknowledged by it (folded deliveries).
  open bigint not null default 0,
  primary key (job_id, destination, partition)
);
comment on table job_deliveries is 'Events of each job by what became of them at each destination; written with the position.';

-- Deliveries of what is stored already, asked for by hand.
create table delivery_backfills (
  backfill_id text primary key,
  destination text not null,
  namespace text not null references namespaces (namespace),
  -- Events that happened from then on; null = all.
  since timestamptz,
  status text not null default 'waiting' check (status in ('waiting', 'running', 'done', 'cancelled', 'failed')),
  -- How far it is: the platforms in turn, each in the order of event_id.
  after_platform text,
  after_event_id uuid,
  -- Events in scope when it began.
  total bigint,
  looked_at bigint not null default 0,
  sent bigint not null default 0,
  skipped bigint not null default 0,
  failed bigint not null default 0,
  -- What it waits for, in words.
  waiting_for text,
  error jsonb,
  lease_owner text,
  lease_epoch bigint not null default 0,
  lease_until timestamptz,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  ended_at timestamptz
);
create index delivery_backfills_open on delivery_backfills (destination, created_at) where ended_at is null;
comment on table delivery_backfills is 'Orders to deliver stored events to a destination; its service works them off.';

-- The destinations that a job's events are meant for; they travel in record headers.
alter table jobs add column destinations text[] not null default '{}';
