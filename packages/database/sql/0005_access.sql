-- Who may call the API, how often, and what a repeated request was answered.

create table api_keys (
  key_id text primary key,
  name text not null,
  -- SHA-256 of the whole key. Its secret has 256 random bits: a slow hash would protect nothing more.
  key_hash bytea not null,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  -- To the minute: it is written at most once in that time.
  last_used_at timestamptz
);
comment on table api_keys is 'Keys of the REST API, hashed. While the table is empty, the API is open on loopback; a revoked key keeps its row.';

-- Requests taken per caller, group of routes and span, in sixtieths of the span. After a crash of the database it starts empty.
create unlogged table api_rate_slots (
  caller text not null,
  route_group text not null,
  span_ms bigint not null,
  -- Number of the slot since 1970: milliseconds * 60 / span.
  slot bigint not null,
  used integer not null,
  primary key (caller, route_group, span_ms, slot)
);

-- Takes one place under all bounds, or none when one of them is full: at most p_counts[i] in any p_spans_ms[i]. Says per
-- bound what is used and when the oldest of the places taken is free again. A slot counts until all of it is a span old,
-- so a caller gets up to a sixtieth of the span less, and never more.
create function take_api_permit(p_caller text, p_group text, p_counts integer[], p_spans_ms bigint[])
  returns table (granted boolean, bound integer, used bigint, free_in_ms double precision)
  language plpgsql as $$
declare
  v_now double precision;
  v_granted boolean;
begin
  -- One at a time per caller and group, whichever process asks: the statements below see what the one before has committed.
  perform pg_advisory_xact_lock(hashtextextended(p_caller || ' ' || p_group, 5));
  v_now := extract(epoch from clock_timestamp()) * 1000;
  delete from api_rate_slots s where s.caller = p_caller and s.route_group = p_group
    and (s.slot + 61) * s.span_ms / 60.0 <= v_now;
  select bool_and(t.taken < b.count) into v_granted
    from unnest(p_counts, p_spans_ms) as b (count, span_ms)
    cross join lateral (select coalesce(sum(s.used), 0) as taken from api_rate_slots s
      where s.caller = p_caller and s.route_group = p_group and s.span_ms = b.span_ms) t;
  if v_granted then
    insert into api_rate_slots as s (caller, route_group, span_ms, slot, used)
      select p_caller, p_group, span_ms, floor(v_now * 60 / span_ms), 1 from unnest(p_spans_ms) as b (span_ms)
      on conflict (caller, route_group, span_ms, slot) do update set used = s.used + 1;
  end if;
  return query
    select v_granted, b.ord::integer, t.taken, greatest(0, t.oldest_free - v_now)
    from unnest(p_spans_ms) with ordinality as b (span_ms, ord)
    cross join lateral (
      select coalesce(sum(s.used), 0)::bigint as taken, coalesce(min((s.slot + 61) * s.span_ms / 60.0), 0)::double precision as oldest_free
      from api_rate_slots s where s.caller = p_caller and s.route_group = p_group and s.span_ms = b.span_ms) t
    order by b.ord;
end
$$;

-- Answers to requests that carried an Idempotency-Key.
create table idempotency_keys (
  caller text not null,
  idempotency_key text not null,
  -- SHA-256 of method, path and body.
  request_hash bytea not null,
  -- Raised by every claim: the answer of an attempt that lost its lease is not stored.
  epoch integer not null default 1,
  -- Until then the request is being answered by some process; null: it is answered.
  lease_until timestamptz,
  status integer,
  headers jsonb,
  body text,
  created_at timestamptz not null default now(),
  primary key (caller, idempotency_key)
);
create index idempotency_keys_age on idempotency_keys (created_at);
