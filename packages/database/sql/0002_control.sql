-- What is to be done, how far it is, and what the upstreams allow.

create table jobs (
  job_id text primary key,
  status text not null default 'queued'
    check (status in ('queued', 'in_progress', 'paused', 'completed', 'failed', 'cancelled')),
  -- Set when the job is to end before its work is done: nothing more is fetched, what was published is still loaded.
  ending text check (ending in ('failed', 'cancelled')),
  sync_mode text not null,
  config jsonb not null,
  warnings jsonb not null default '[]',
  parallel_workers integer not null,
  batch_size integer,
  -- The fixed upper bound of every window of this job: what happens at the source later belongs to the next one.
  window_end timestamptz not null,
  progress jsonb not null default '{}',
  -- Where loading must get to, read when keying had passed all raw targets: {partition: next offset}.
  load_targets jsonb,
  events_topic_id uuid,
  dead_letter_targets jsonb,
  dead_letters_topic_id uuid,
  summary jsonb,
  error jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  extracted_at timestamptz,
  keyed_at timestamptz,
  loaded_at timestamptz,
  completed_at timestamptz
);
create index jobs_created_at on jobs (created_at desc, job_id desc);
create index jobs_open on jobs (job_id) where completed_at is null;

-- A job owns its namespaces and platforms until it has ended: the unique index is the lock.
create table job_targets (
  job_id text not null references jobs (job_id),
  namespace text not null references namespaces (namespace),
  platform text not null,
  active boolean not null default true,
  primary key (job_id, namespace, platform)
);
create unique index job_targets_active on job_targets (namespace, platform) where active;

-- One row per upstream account (a platform, an address and a key): its budget is shared by all jobs and processes.
create table accounts (
  account_id bigint generated always as identity primary key,
  platform text not null,
  key_hash bytea not null,
  label text not null,
  -- [{"count": 60, "spanMs": 60000}], or null when limits are off.
  configured_limit jsonb,
  -- Learned from response headers; only ever lowers the configured limit.
  learned_count integer,
  -- 1 = the whole budget; lowered by refusals (429), raised again with time.
  throttle double precision not null default 1,
  throttled_at timestamptz,
  last_slot_at timestamptz,
  paused_until timestamptz,
  rate_remaining integer,
  rate_reset_at timestamptz,
  unique (platform, key_hash)
);

-- A permit to send one request. Its place is taken until one span after settled_at.
create table permits (
  permit_id bigint generated always as identity primary key,
  account_id bigint not null references accounts (account_id),
  slot_at timestamptz not null,
  -- When the request was answered; until then, the latest instant at which it can still arrive.
  settled_at timestamptz not null
);
create index permits_settled on permits (account_id, settled_at desc);

create table job_accounts (
  job_id text not null references jobs (job_id),
  account_id bigint not null references accounts (account_id),
  last_served_at timestamptz,
  primary key (job_id, account_id)
);

create table streams (
  stream_id bigint generated always as identity primary key,
  job_id text not null references jobs (job_id),
  namespace text not null,
  platform text not null,
  account_id bigint not null references accounts (account_id),
  kind text not null,
  campaign_id text,
  campaign_name text,
  -- The closed interval of source time that this walk covers; null = no bound on that side.
  window_start timestamptz,
  window_end timestamptz,
  continuation jsonb,
  status text not null default 'pending' check (status in ('pending', 'done', 'failed', 'skipped')),
  attempt integer not null default 0,
  not_before timestamptz not null default '-infinity',
  lease_epoch bigint not null default 0,
  lease_owner text,
  lease_until timestamptz,
  -- Attempts that may have published records without committing their chunk (their records are repeats).
  abandoned integer not null default 0,
  chunks_committed integer not null default 0,
  records_committed bigint not null default 0,
  -- What the upstream says the walk holds; null where it does not say.
  records_expected bigint,
  -- Share of the walk done, 0 to 1, where no total is known.
  share_done double precision not null default 0,
  waiting_for text,
  warning text,
  error jsonb,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
create unique index streams_identity on streams
  (job_id, namespace, account_id, kind, coalesce(campaign_id, ''), coalesce(window_start, '-infinity'), coalesce(window_end, 'infinity'));
create index streams_claim on streams (account_id, stream_id) where status = 'pending';
create index streams_job on streams (job_id);

-- The highest raw offset that a job's committed chunks published, per partition: keying must pass it.
create table job_raw_targets (
  job_id text not null references jobs (job_id),
  topic text not null,
  topic_id uuid not null,
  partition integer not null,
  last_offset bigint not null,
  primary key (job_id, topic_id, partition)
);
