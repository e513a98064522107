-- Disposable memory of the write side: folded states and the newest observation of each post.
-- Emptying both tables loses nothing but time; every row can be folded again from the log.

create table account_states (
    account_id uuid primary key,
    revision bigint not null,
    folded bytea not null
) with (fillfactor = 70);

create table post_marks (
    account_id uuid not null,
    post uuid not null,
    observed_at bigint not null,
    digest bigint not null,
    text_fingerprint uuid,
    primary key (account_id, post)
) with (fillfactor = 80);
