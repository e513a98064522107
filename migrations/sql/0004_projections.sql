-- How far each version of each read model has come. A checkpoint belongs to a log; both halves
-- of a position are kept.

create table projection_checkpoints (
    name text not null,
    version int not null,
    log_id uuid not null,
    commit_position bigint not null,
    prepare_position bigint not null,
    events bigint not null default 0,
    skipped bigint not null default 0,
    updated_at timestamptz not null default now(),
    primary key (name, version)
) with (fillfactor = 50);
