-- Posts: their newest numbers for ranking, their sealed text, and every observation of them.

-- What is known of each post now. A metric whose newest observation lacks it keeps its last known
-- value; `older` then says from when that is.
create table top_posts_vN (
    post uuid primary key,
    account_id uuid not null,
    published_at timestamptz,
    -- The newest observation, and how often the post was looked at.
    observed_at timestamptz not null,
    observations bigint not null,
    views bigint,
    likes bigint,
    comments bigint,
    shares bigint,
    saves bigint,
    reach bigint,
    watch_time bigint,
    -- {"likes": "2026-01-21T16:50:12.392120Z"}: known since an older observation.
    older text,
    -- What the newest observation found hidden, such as {likes}.
    hidden text[],
    -- er_views@1 in billionths, of the newest observation that defines it.
    er_views bigint,
    er_views_observed_at timestamptz,
    -- The last event of the stream that the row shows.
    revision bigint not null
) with (fillfactor = 70);

-- The newest sealed text of each post.
create table top_posts_vN_text (
    post uuid primary key,
    observed_at timestamptz not null,
    sealed bytea not null
);

-- Every observation of every post; of two rows of one moment the higher revision restates.
create table top_posts_vN_history (
    post uuid not null,
    observed_at timestamptz not null,
    revision bigint not null,
    recorded_at timestamptz not null,
    cause text not null,
    -- Looked at and found as before: the numbers are those of the observation before it.
    unchanged boolean not null,
    views bigint,
    likes bigint,
    comments bigint,
    shares bigint,
    saves bigint,
    reach bigint,
    watch_time bigint,
    hidden text[],
    primary key (post, observed_at, revision)
);
