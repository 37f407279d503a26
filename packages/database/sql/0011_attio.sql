-- What the events of each person add up to in an Attio workspace, and what of it is still to be written there.

create table attio_keys (
  -- SHA-256 (hex) of the base URL and the key: nothing secret can be read from it.
  key_hash text primary key,
  workspace_id text not null,
  seen_at timestamptz not null default now()
);
comment on table attio_keys is 'Which workspace an Attio key opens, so that totals are kept per workspace whatever key it is reached by.';

create table attio_workspaces (
  target_id integer primary key references delivery_targets (target_id),
  -- What the copies of the service share of the write budget (ms of the clock of this database).
  budget jsonb not null default '{}',
  paused_until timestamptz,
  -- The attributes that were there at the last look: when one is added, everybody is written once more.
  attributes text[] not null default '{}',
  -- Whether events are written one by one as well: the workspace has activities, and they are set up.
  activities boolean not null default false
);
comment on table attio_workspaces is 'Write budget and known attributes of each Attio workspace; one row, locked by whoever takes places in the budget.';

create table attio_people (
  target_id integer not null references delivery_targets (target_id),
  -- Trimmed and lower-cased, as the events carry it.
  email text not null,
  -- Totals, last activity, status, campaigns: absolute, and the whole of what is written.
  state jsonb not null,
  -- Raised with every fold; a write brings Attio to the version it was made from.
  version bigint not null default 0,
  written_version bigint not null default 0,
  written_at timestamptz,
  -- Since when the version is ahead, and when to write: null = nothing to write.
  dirty_since timestamptz,
  due_at timestamptz,
  -- The one write that may be under way.
  lease_owner text,
  lease_epoch bigint not null default 0,
  lease_until timestamptz,
  attempt integer not null default 0,
  -- A write without a known end may take effect until then: the person is written once more after it.
  suspect_until timestamptz,
  -- Attributes that Attio refuses for this person; left out of the next write.
  dropped text[] not null default '{}',
  record_id text,
  -- Why the last version was refused.
  code text,
  primary key (target_id, email)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
create index attio_people_due on attio_people (target_id, due_at) where due_at is not null;
comment on table attio_people is 'Totals of each person over all namespaces of an Attio workspace; folded in the transaction that moves the position, written by itself.';

create table attio_folds (
  target_id integer not null,
  email text not null,
  version bigint not null,
  -- The job that brought the events; empty for a backfill.
  job_id text not null,
  event_ids uuid[] not null,
  primary key (target_id, email, version, job_id)
);
comment on table attio_folds is 'Events that are part of a version not yet written: they count as sent when it is.';

create table attio_activities (
  target_id integer not null,
  event_id uuid not null,
  email text not null,
  -- The job that brought the event; empty for a backfill.
  job_id text not null,
  values jsonb not null,
  -- Null until the person was written: an activity belongs to a record.
  due_at timestamptz,
  lease_owner text,
  lease_until timestamptz,
  attempt integer not null default 0,
  primary key (target_id, event_id)
);
create index attio_activities_due on attio_activities (target_id, due_at) where due_at is not null;
comment on table attio_activities is 'Events that are still to be written as activities of their own; until then they do not count as sent.';
