-- The event log: exact bytes, gapless positions in the order of commits.

create table log_head (
    id boolean primary key default true check (id),
    log_id uuid not null default gen_random_uuid(),
    position bigint not null
) with (fillfactor = 10);

insert into log_head (position) values (0);

create table log_events (
    position bigint primary key,
    stream text collate "C" not null,
    revision bigint not null,
    event_id uuid not null,
    event_type text collate "C" not null,
    metadata bytea not null,
    data bytea not null,
    constraint log_events_by_revision unique (stream, revision)
);

-- Recognises a command that is repeated beyond the window that states remember.
create index log_events_by_id on log_events using hash (event_id);

-- lz4 costs a fraction of the default; a server built without it keeps the default.
do $$
begin
    alter table log_events alter column data set compression lz4;
exception when feature_not_supported or invalid_parameter_value then
    null;
end
$$;

-- Appends a batch of items, each all or nothing, and tells what became of each.
--
-- An item names its stream and the revision it expects of it (-1: no event yet); event_items says
-- whose each event is. No two items of a batch name the same stream. The head row is locked first
-- and held until the commit, so positions have no gaps and become visible in their order: whoever
-- sees one has seen all before it.
--
-- Outcomes: 1 written, 2 idempotent, 0 conflict. The written events follow `head` in their order.
create function log_append(
    item_streams text[],
    item_expected bigint[],
    event_items int[],
    event_streams text[],
    event_revisions bigint[],
    event_ids uuid[],
    event_types text[],
    event_metadata bytea[],
    event_data bytea[]
)
returns table (head bigint, outcomes int[], currents bigint[])
language plpgsql
as $$
declare
    written bigint;
begin
    -- A statement of its own: the next one's snapshot then holds what was waited for.
    select log_head.position into strict head from log_head for update;

    select
        array_agg(
            case
                when item.expected = coalesce(last.revision, -1) then 1
                when item.expected > coalesce(last.revision, -1) then 0
                -- An older revision is idempotent if exactly these ids follow it.
                when exists (
                    select
                    from unnest(event_items, event_revisions, event_ids) as given (n, revision, id)
                    left join log_events stored
                        on stored.stream = item.stream and stored.revision = given.revision
                    where given.n = item.n and stored.event_id is distinct from given.id
                ) then 0
                else 2
            end
            order by item.n
        ),
        array_agg(last.revision order by item.n)
    into strict outcomes, currents
    from unnest(item_streams, item_expected) with ordinality as item (stream, expected, n)
    left join lateral (
        select stored.revision
        from log_events stored
        where stored.stream = item.stream
        order by stored.revision desc
        limit 1
    ) last on true;

    insert into log_events (position, stream, revision, event_id, event_type, metadata, data)
    select
        head + row_number() over (order by given.n),
        given.stream, given.revision, given.id, given.type, given.metadata, given.data
    from unnest(
        event_items, event_streams, event_revisions, event_ids, event_types, event_metadata,
        event_data
    ) with ordinality as given (item, stream, revision, id, type, metadata, data, n)
    where outcomes[given.item] = 1;

    get diagnostics written = row_count;
    if written > 0 then
        update log_head set position = log_head.position + written;
        perform pg_notify('log_events', (head + written)::text);
    end if;
    return next;
end
$$;
