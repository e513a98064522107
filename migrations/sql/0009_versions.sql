-- A read model may have several versions: sets of tables whose names carry the number. One of
-- them is live, the others are being filled, wait for their turn, or are kept to go back to.

alter table projection_versions
    -- The contract of the code that keeps it, and a fingerprint of that and of the statements that
    -- made its tables. Null: made before there were fingerprints.
    add column contract int not null default 1,
    add column fingerprint text,
    -- What the tables looked like in the catalogue when they were made.
    add column shape text,
    add column is_live boolean not null default false,
    -- The version to go back to: the one that was live until this one was.
    add column replaces int,
    add column made_at timestamptz not null default now(),
    -- When it last ceased to be live: answers that chose it before may still be under way.
    add column retired_at timestamptz,
    -- A number is never used twice: connections keep statements that name its tables.
    add column dropped_at timestamptz;

-- Until now there was one version of each.
update projection_versions set is_live = true;

create unique index projection_versions_live on projection_versions (name) where is_live;

-- How fast a shard goes, in events a second when it last moved, and why it stands still, if it
-- was halted.
alter table projection_checkpoints
    add column rate double precision not null default 0,
    add column fault text;
