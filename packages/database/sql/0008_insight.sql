-- What is shown of keys and of loading.

-- The keyer's letters are counted for every look at the key statistics.
create index dead_letters_stage on dead_letters (stage);

-- What loading has done, kept in the row that each of its transactions writes anyway.
alter table event_positions
  add column batches bigint not null default 0,
  -- Transactions begun for them: more than batches where some had to be begun again.
  add column attempts bigint not null default 0,
  add column events bigint not null default 0,
  add column rows_written bigint not null default 0,
  -- From the batch's arrival to its commit, and the part of it in which the rows were written, ms.
  add column busy_ms double precision not null default 0,
  add column write_ms double precision not null default 0;
comment on column event_positions.batches is 'Batches committed; their events, rows and times are in the columns beside.';
