-- Holding and following jobs, replaying dead letters, counting and deleting namespaces.

-- Since when a job is paused (null: it is not), and when it was last resumed: a repeated request is told from a wrong one.
alter table jobs add column paused_at timestamptz;
alter table jobs add column resumed_at timestamptz;
-- How many of the job's dead letters were replayed since; its summary stays as it was.
alter table jobs add column letters_replayed bigint not null default 0;
-- Grows with every change that is shown: the id of an event, the same from every copy of the api and over restarts.
alter table jobs add column revision bigint not null default 1;

create function raise_job_revision() returns trigger language plpgsql as $$
begin
  new.revision := old.revision + 1;
  return new;
end
$$;

create trigger jobs_revision before update on jobs for each row
  when (
    (old.status, old.ending, old.completed_at, old.error, old.warnings, old.letters_replayed)
      is distinct from (new.status, new.ending, new.completed_at, new.error, new.warnings, new.letters_replayed)
    or (old.progress - array['marks', 'observed_at_ms']) is distinct from (new.progress - array['marks', 'observed_at_ms'])
    or (old.summary - 'duration_ms') is distinct from (new.summary - 'duration_ms')
  )
  execute function raise_job_revision();

-- A replay reads nothing upstream: its walks have no account.
alter table streams alter column account_id drop not null;
create index streams_replays on streams (stream_id) where account_id is null and status = 'pending';

-- The raw record that a letter is about, by its position (topic id:partition:offset); null where it has none.
alter table dead_letters add column source text;
-- The event that a letter is about; null for letters about records.
alter table dead_letters add column event_key text;
alter table dead_letters add column status text not null default 'open'
  check (status in ('open', 'replaying', 'replayed', 'superseded'));
alter table dead_letters add column replay_job_id text;
alter table dead_letters add column superseded_by bigint;
comment on column dead_letters.status is 'open; replaying; replayed = its record was replayed and stored; superseded = its replay failed, see superseded_by.';
comment on column dead_letters.replay_job_id is 'The job that replayed the letter last.';
comment on column dead_letters.superseded_by is 'The letter that came of the last replay.';
update dead_letters set source = substring(origin from '^([0-9a-f-]{36}:[0-9]+:[0-9]+):') where stage = 'keyer';
create index dead_letters_superseded on dead_letters (superseded_by) where superseded_by is not null;
create index dead_letters_namespace on dead_letters (namespace, platform);

-- What a replay is to publish, and where it went.
create table dead_letter_replays (
  job_id text not null references jobs (job_id),
  dead_letter_id bigint not null references dead_letters (dead_letter_id) on delete cascade,
  namespace text not null,
  platform text not null,
  -- The letter of the same raw record that is published for this one: the first of them, often itself.
  leader_id bigint not null,
  event_key text,
  topic_id uuid,
  partition integer,
  record_offset bigint,
  primary key (job_id, dead_letter_id)
);
create index dead_letter_replays_letter on dead_letter_replays (dead_letter_id);
create index dead_letter_replays_leader on dead_letter_replays (job_id, leader_id);

-- Jobs keep naming the namespaces that they wrote, so a deleted one keeps its row.
alter table namespaces add column deleted_at timestamptz;
comment on column namespaces.deleted_at is 'When the namespace was deleted with all its rows; null while it exists.';
create index job_targets_namespace on job_targets (namespace, platform);

-- Rows that loading has written, per leaf and partition of the events topic; kept by the transaction that writes them.
create table leaf_rows (
  leaf text not null,
  partition integer not null,
  rows bigint not null,
  primary key (leaf, partition)
);
comment on table leaf_rows is 'How many rows loading has written to each leaf; rows deleted by hand are still counted.';

do $$
declare
  state record;
  counted bigint;
begin
  for state in select live_leaf from leaf_states loop
    execute format('select count(*) from %I', state.live_leaf) into counted;
    insert into leaf_rows values (state.live_leaf, -1, counted);
  end loop;
end
$$;
