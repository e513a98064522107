-- Projectors that follow the log share the shards of the read models. One that gives no sign of
-- life for as long as a lease is taken for dead: its row is deleted, and its leases with it.
create table projectors (
    id uuid primary key,
    -- What it has the code for: read models with their versions, such as accounts@1.
    keeps text[] not null,
    seen_at timestamptz not null default now()
);

-- Who keeps a shard now. What it writes counts only while this says so.
create table projection_leases (
    name text not null,
    version int not null,
    shard int not null,
    projector uuid not null references projectors (id) on delete cascade,
    primary key (name, version, shard)
);

create index projection_leases_projector on projection_leases (projector);

-- Streams that a version cannot apply: their events wait from this revision on, until they are
-- tried again. The others go on.
create table projection_parked (
    name text not null,
    version int not null,
    account_id uuid not null,
    revision bigint not null,
    error text not null,
    since timestamptz not null default now(),
    primary key (name, version, account_id)
);

create index projection_parked_account on projection_parked (account_id);

alter table projection_checkpoints
    -- How often streams of the version were parked or taken back: who applies events must know of
    -- the last time.
    add column parkings bigint not null default 0,
    -- The event that halted the shard, if it was one event.
    add column fault_account uuid,
    add column fault_revision bigint;
