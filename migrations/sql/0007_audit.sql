-- What an audit keeps: the tip of every stream, signed checkpoints over all tips, and states of
-- accounts at earlier revisions.

-- How far the tips of a log have come; row and tips move together.
create table audit_followers (
    log_id uuid primary key,
    commit_position bigint not null,
    prepare_position bigint not null,
    events bigint not null default 0,
    faults bigint not null default 0,
    began_at timestamptz not null,
    updated_at timestamptz not null default now()
) with (fillfactor = 50);

-- The last event of every account's stream, as it was when it was first read.
create table audit_tips (
    log_id uuid not null,
    stream text collate "C" not null,
    revision bigint not null,
    hash bytea not null,
    primary key (log_id, stream)
) with (fillfactor = 70);

-- `statement` is the very text that was signed; each names the hash of the one before it.
create table audit_checkpoints (
    number bigint primary key,
    log_id uuid not null,
    made_at timestamptz not null,
    events bigint not null,
    statement text not null,
    public_key bytea not null,
    signature bytea not null
);

create function audit_checkpoints_stay() returns trigger language plpgsql as $$
begin
    raise exception 'checkpoints are only ever added';
end
$$;

create trigger audit_checkpoints_stay before update or delete or truncate on audit_checkpoints
    for each statement execute function audit_checkpoints_stay();

-- Disposable: the state of an account after every so many events, and what those events did to
-- it. Times are microseconds since 1970. `earliest` is the earliest moment at which one of these
-- events took effect, `latest` the latest at which any up to here did.
create table audit_states (
    account_id uuid not null,
    last_revision bigint not null,
    shape int not null,
    tip bytea not null,
    recorded_at bigint not null,
    earliest bigint not null,
    latest bigint not null,
    state bytea not null,
    events bytea not null,
    primary key (account_id, last_revision)
);
