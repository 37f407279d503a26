-- What users query: one row per source fact, and what was set aside.

create table namespaces (
  namespace_id integer generated always as identity primary key,
  namespace text not null unique check (namespace ~ '^[a-z0-9_-]{1,63}$'),
  created_at timestamptz not null default now()
);
comment on table namespaces is 'The namespaces known to this system; the number names their partitions of event_source.';

create table event_source (
  event_id uuid not null,
  event_key text not null,
  namespace text not null,
  platform text not null,
  event_type text not null,
  source_type text not null,
  campaign_id text,
  campaign_name text,
  source_id text,
  lead_email text,
  lead_id text,
  occurred_at timestamptz not null,
  occurred_at_approximate boolean not null,
  properties jsonb not null,
  fingerprint bytea not null check (octet_length(fingerprint) = 8),
  job_id text not null,
  created_at timestamptz not null default now()
) partition by list (namespace);

create index event_source_created_at on event_source using brin (created_at);

comment on table event_source is 'One row per activity at the source, written once and never changed. Partitioned by namespace, then platform.';
comment on column event_source.event_id is 'The 128-bit hash at the end of event_key, as a uuid; unique within a partition. Look a key up by: event_id = right(event_key, 32)::uuid.';
comment on column event_source.event_key is 'The event''s name for ever: platform_campaign_type_id_hash.';
comment on column event_source.namespace is 'The tenant or environment that the event was synced for.';
comment on column event_source.platform is 'smartlead or lemlist.';
comment on column event_source.event_type is 'The event type in snake case, e.g. email_opened.';
comment on column event_source.source_type is 'The platform''s own word for the type, e.g. emailsOpened.';
comment on column event_source.campaign_id is 'The campaign''s id at the source; null for activities outside campaigns.';
comment on column event_source.campaign_name is 'The campaign''s name when the event was first seen.';
comment on column event_source.source_id is 'Lemlist _id or Smartlead stats_id; null where the source gives the fact no id.';
comment on column event_source.lead_email is 'The lead''s email, trimmed and lower-cased.';
comment on column event_source.lead_id is 'The lead''s id at the source, where it gives one.';
comment on column event_source.occurred_at is 'When it happened at the source (UTC, milliseconds).';
comment on column event_source.occurred_at_approximate is 'True where the source gives no time for this fact and another one stands in.';
comment on column event_source.properties is 'The source record, without secrets and (unless configured) without message bodies.';
comment on column event_source.fingerprint is 'Eight bytes over the immutable parts of the fact: same key with another fingerprint is a collision.';
comment on column event_source.job_id is 'The job that first brought the event.';
comment on column event_source.created_at is 'When the row was written here.';

-- One state row per namespace and platform: which leaf is live, which is being filled by a reset.
create table leaf_states (
  namespace text not null references namespaces (namespace),
  platform text not null,
  live_leaf text not null,
  shadow_leaf text,
  shadow_job_id text,
  primary key (namespace, platform)
);
comment on table leaf_states is 'The table that holds the live rows of each namespace and platform, and the one a reset is filling.';

create table event_collisions (
  namespace text not null,
  platform text not null,
  event_id uuid not null,
  event_key text not null,
  fingerprint bytea not null,
  kept_fingerprint bytea not null,
  event_type text not null,
  source_type text not null,
  campaign_id text,
  campaign_name text,
  source_id text,
  lead_email text,
  lead_id text,
  occurred_at timestamptz not null,
  occurred_at_approximate boolean not null,
  properties jsonb not null,
  job_id text not null,
  times_seen bigint not null,
  first_seen_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  primary key (namespace, platform, event_id, fingerprint)
);
comment on table event_collisions is 'Events whose key already belongs to another fact: kept whole, never in event_source. A data-quality signal.';
comment on column event_collisions.fingerprint is 'The fingerprint of the record set aside.';
comment on column event_collisions.kept_fingerprint is 'The fingerprint of the row in event_source that keeps the key.';
comment on column event_collisions.times_seen is 'How often this record was met; one that the extractor fetched again after a crash counts again.';

create view events_by_day as
  select namespace, platform, event_type, (occurred_at at time zone 'UTC')::date as day, count(*) as events,
    count(distinct coalesce(lead_email, lead_id)) as leads
  from event_source group by 1, 2, 3, 4;
comment on view events_by_day is 'Events and distinct leads per UTC day, type and platform.';

create view campaign_funnel as
  select namespace, platform, campaign_id, max(campaign_name) as campaign_name,
    count(*) filter (where event_type = 'email_sent') as sent,
    count(*) filter (where event_type = 'email_opened') as opened,
    count(*) filter (where event_type = 'email_clicked') as clicked,
    count(*) filter (where event_type = 'email_replied') as replied,
    count(*) filter (where event_type = 'email_bounced') as bounced,
    count(*) filter (where event_type = 'email_unsubscribed') as unsubscribed,
    count(distinct coalesce(lead_email, lead_id)) as leads,
    min(occurred_at) as first_event_at, max(occurred_at) as last_event_at
  from event_source where campaign_id is not null group by 1, 2, 3;
comment on view campaign_funnel is 'Counts of each step per campaign.';

create view latest_activity_per_lead as
  select distinct on (namespace, coalesce(lead_email, lead_id))
    namespace, lead_email, lead_id, platform, event_type, campaign_id, campaign_name, occurred_at, event_key
  from event_source where coalesce(lead_email, lead_id) is not null
  order by namespace, coalesce(lead_email, lead_id), occurred_at desc, event_key;
comment on view latest_activity_per_lead is 'The newest event of each lead, over all platforms and campaigns of a namespace.';
