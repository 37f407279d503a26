-- Completion webhooks: what is to be sent, and what became of each attempt.

-- Made at the first start when WEBHOOK_SECRET is not set. A secret: grant nobody this table.
create table webhook_secret (
  only_one boolean primary key default true check (only_one),
  secret text not null,
  created_at timestamptz not null default now()
);

create table webhooks (
  -- Sent as webhook-id: the same however often it is sent.
  webhook_id text primary key,
  job_id text not null unique references jobs (job_id) on delete cascade,
  -- May hold secrets in its path or query.
  url text not null,
  -- The bytes that are signed and sent.
  body text not null,
  status text not null default 'pending' check (status in ('pending', 'delivered', 'failed')),
  -- How often it was claimed; the number of the last attempt, and the epoch of its lease.
  attempts integer not null default 0,
  next_attempt_at timestamptz not null default now(),
  lease_until timestamptz,
  created_at timestamptz not null default now(),
  ended_at timestamptz
);
create index webhooks_due on webhooks (next_attempt_at) where status = 'pending';
comment on table webhooks is 'Calls of webhookUrl, one per ended job that has one; queued by the transaction that ends the job.';

create table webhook_attempts (
  webhook_id text not null references webhooks (webhook_id) on delete cascade,
  attempt integer not null,
  at timestamptz not null default now(),
  -- All null: the process ended before it heard an answer; the attempt may have arrived.
  http_status integer,
  error text,
  duration_ms integer,
  primary key (webhook_id, attempt)
);
comment on table webhook_attempts is 'The delivery log: every attempt to send a webhook, and what was answered.';
