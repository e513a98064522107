-- Every observation of every account metric: falls and restatements are kept as they came.

create table follower_trends_vN (
    account_id uuid not null,
    metric text collate "C" not null,
    observed_at timestamptz not null,
    -- The event that said so; of two rows of one moment the higher revision restates the lower.
    revision bigint not null,
    recorded_at timestamptz not null,
    -- Null: the source withheld the value.
    value bigint,
    cause text not null,
    -- Leading digits that the source gives, where it rounds.
    significant_digits smallint,
    primary key (account_id, metric, observed_at, revision)
);
