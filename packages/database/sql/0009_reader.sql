-- Reading events for people with SQL: a role without a login, to be granted to theirs.

-- Lets the role read these tables; false, and nothing done, where there is no such role.
create function grant_to_reader(variadic relations text[]) returns boolean language plpgsql as $$
declare
  relation text;
begin
  if not exists (select from pg_roles where rolname = 'full_sync_reader') then
    return false;
  end if;
  foreach relation in array relations loop
    execute format('grant select on %I to full_sync_reader', relation);
  end loop;
  return true;
end
$$;
comment on function grant_to_reader is 'Lets full_sync_reader read these tables; called for each new table of events.';

-- To be called once by hand where the role could not be made by the migrations and was made later.
create function grant_all_to_reader() returns boolean language plpgsql as $$
declare
  relations text[];
begin
  select array['event_source', 'event_collisions', 'namespaces', 'events_by_day', 'campaign_funnel', 'latest_activity_per_lead']
    || coalesce(array_agg(c.relname::text), '{}') into relations
  from pg_partition_tree('event_source') t join pg_class c on c.oid = t.relid where t.level > 0;
  if not grant_to_reader(variadic relations) then
    return false;
  end if;
  begin
    execute format('grant usage on schema %I to full_sync_reader', current_schema());
  exception when insufficient_privilege then
    raise warning 'full_sync_reader could not be granted usage of schema %; its owner can do that', current_schema();
  end;
  return true;
end
$$;
comment on function grant_all_to_reader is 'Lets full_sync_reader read all events, what was set aside, and the views; true when the role exists.';

do $$
begin
  if not exists (select from pg_roles where rolname = 'full_sync_reader') then
    create role full_sync_reader nologin;
  end if;
exception
  when insufficient_privilege then
    raise warning 'the role full_sync_reader could not be made: have it made, then run "select grant_all_to_reader()"';
  when duplicate_object or unique_violation then
    -- Roles belong to the whole server: another database's migration was quicker.
    null;
end
$$;

select grant_all_to_reader();
