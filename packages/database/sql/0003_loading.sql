-- Positions and counts that the loader commits together with the rows, and the stored dead letters.

create table event_positions (
  topic_id uuid not null,
  partition integer not null,
  topic text not null,
  next_offset bigint not null,
  -- The last source position loaded, per raw topic id: {"<uuid>": [offset, index]}.
  sources jsonb not null default '{}',
  updated_at timestamptz not null default now(),
  primary key (topic_id, partition)
);
comment on table event_positions is 'Where loading stands in each partition of the events topic; advances in the transaction that writes the rows.';

create table job_counts (
  job_id text not null references jobs (job_id),
  platform text not null,
  partition integer not null,
  records_accepted bigint not null default 0,
  events_derived bigint not null default 0,
  events_created bigint not null default 0,
  duplicates bigint not null default 0,
  collisions bigint not null default 0,
  dead_lettered bigint not null default 0,
  primary key (job_id, platform, partition)
);

create table job_users (
  job_id text not null references jobs (job_id),
  platform text not null,
  lead_hash bigint not null,
  primary key (job_id, platform, lead_hash)
);

create table dead_letters (
  dead_letter_id bigint generated always as identity primary key,
  origin text not null unique,
  stage text not null,
  code text not null,
  detail text not null,
  pointer text,
  job_id text,
  namespace text,
  platform text,
  origin_topic text,
  origin_partition integer,
  origin_offset bigint,
  origin_index integer,
  stream_id bigint,
  attempt integer not null,
  record bytea not null,
  record_bytes bigint not null,
  record_sha256 bytea not null,
  truncated boolean not null,
  failed_at timestamptz not null,
  stored_at timestamptz not null default now()
);
create index dead_letters_job on dead_letters (job_id);
comment on table dead_letters is 'Records that could not be processed, whole (or their first 64 KiB), with where they came from and why.';

create table dead_letter_positions (
  topic_id uuid not null,
  partition integer not null,
  next_offset bigint not null,
  primary key (topic_id, partition)
);
