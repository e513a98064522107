-- Erasure: how processes learn that a key was destroyed, and how far the record of erasures,
-- a file outside the database, was known to reach.

alter table vault.master
    -- Moves with every key that is destroyed: keys in memory count only while it stands still.
    add column generation bigint not null default 0,
    -- The lines of the record that this database has seen, and the code of the last of them: a
    -- record that lost lines is found out.
    add column erasures bigint not null default 0,
    add column last_erasure bytea;
