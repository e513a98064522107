-- One row for each account: whose it is, where it stands, its newest sealed profile.

create table accounts_vN (
    account_id uuid primary key,
    creator_id text collate "C" not null,
    platform text not null,
    phase text not null,
    -- Since when the phase holds, and why where there is a reason.
    phase_since timestamptz not null,
    phase_reason text,
    profile bytea not null,
    profile_observed_at timestamptz not null,
    first_recorded_at timestamptz not null,
    first_observed_at timestamptz,
    last_observed_at timestamptz,
    simulated boolean not null,
    -- The last event of the stream that the row shows.
    revision bigint not null
) with (fillfactor = 80);

create index accounts_vN_by_creator on accounts_vN (creator_id, account_id);
