-- One row for each account: how its syncs fare. And one for each sync, for the gaps in trends.

create table sync_health_vN (
    account_id uuid primary key,
    creator_id text collate "C" not null,
    platform text not null,
    phase text not null,
    last_attempt_at timestamptz,
    last_success_at timestamptz,
    last_outcome text,
    -- What failed last, since when without a success in between, and how often.
    error_class text,
    error_code text,
    failing_since timestamptz,
    failures bigint not null,
    -- When a success last ended a row of failures.
    recovered_at timestamptz,
    rate_limit_reset_at timestamptz,
    next_at timestamptz,
    syncs bigint not null,
    revision bigint not null
) with (fillfactor = 70);

create index sync_health_vN_by_creator on sync_health_vN (creator_id, account_id);

create table sync_health_vN_syncs (
    account_id uuid not null,
    started_at timestamptz not null,
    revision bigint not null,
    finished_at timestamptz not null,
    sync_id text not null,
    kind text not null,
    outcome text not null,
    error_class text,
    error_code text,
    primary key (account_id, started_at, revision)
);
