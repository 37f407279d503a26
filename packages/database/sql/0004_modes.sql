-- How far each namespace has read its campaigns, and what a job asks of its walks.

create table cursors (
  namespace text not null references namespaces (namespace) on delete cascade,
  platform text not null,
  account_id bigint not null references accounts (account_id),
  -- '' = the account as a whole.
  campaign_id text not null,
  -- What the source dates at or before this instant has been read, by a walk that ended cleanly.
  read_up_to timestamptz not null,
  -- What the source counted before that walk began; null where there is nothing to compare with.
  counts jsonb,
  -- The last reading that looked further back, for activities that are recorded after their date.
  backdated_at timestamptz,
  -- The campaigns that the walk was confined to: {"campaigns": [...], "exclude": [...]}; null = all of them.
  campaign_filter jsonb,
  job_id text not null,
  updated_at timestamptz not null default now(),
  primary key (namespace, platform, account_id, campaign_id)
);
comment on table cursors is 'How far each campaign (campaign_id = '''': the whole account) has been read into a namespace; moves in the transaction that ends a job, and only up.';

alter table jobs
  -- The closed interval of source time that was asked for; null in all modes but date_range.
  add column range_start timestamptz,
  add column range_end timestamptz,
  -- Days per extraction window, and ms between two windows of a walk; null = one window, no pause.
  add column chunk_days integer,
  add column chunk_delay_ms integer;

-- The campaigns of the account that belong to the namespace, as configured when the job was made; null = all of them.
alter table job_targets add column campaign_filter jsonb;

alter table job_accounts
  -- A pace of the job's own, below what the account allows; null = as fast as the account lets it.
  add column requests_per_second double precision,
  add column burst_size integer,
  -- When the bucket of that pace is full again.
  add column paced_until timestamptz,
  -- Further attempts after a failure; null = as many as make sense.
  add column retry_attempts integer;

alter table streams
  -- Counted by the source before the walk; becomes its cursor's when the job ends.
  add column counts jsonb,
  -- Where the cursor of this walk moves when it ended cleanly; null = it moves none.
  add column reads_up_to timestamptz,
  -- True when the walk also looks back for activities that were recorded after their date.
  add column backdated boolean not null default false;
