-- Credentials: what platforms gave us to act for a person. Tokens are sealed, each grant under a key
-- of its own that the master key wraps; a dump of these tables opens nothing.

create schema credentials;

-- One consent of one person to one app, for one creator. It may serve several accounts.
create table credentials.grants (
    grant_id uuid primary key,
    creator text not null,
    platform text not null,
    -- A keyed hash of the platform's id of the person: the same person is found again.
    person_tag bytea not null,
    wrapped_key bytea not null,
    -- The tokens. Bound to grant and version, so that an older one cannot be put back.
    sealed bytea not null,
    version bigint not null default 1,
    scopes text[] not null,
    obtained_at timestamptz not null,
    access_expires_at timestamptz,
    refresh_expires_at timestamptz,
    -- `revoking`: no account uses it any more, and the platform has not been told yet.
    state text not null default 'active' check (state in ('active', 'needs_person', 'revoking')),
    -- Days on which a renewal failed in passing, and the last of them.
    failed_days integer not null default 0,
    failed_at timestamptz,
    revoke_attempts integer not null default 0,
    unique (creator, platform, person_tag)
);

create index grants_person on credentials.grants (platform, person_tag);

-- An account's use of a grant. What is to be appended to the log stands here first: `announcement`
-- until AccountConnected is in it, `ending` until AccountDisconnected is.
create table credentials.connections (
    account_id uuid primary key,
    grant_id uuid not null references credentials.grants,
    -- The platform's ids of the account, and a token of its own where the platform has one.
    sealed bytea not null,
    connected_at timestamptz not null,
    announcement bytea,
    announcement_command uuid,
    ending text,
    ending_command uuid,
    ending_at timestamptz,
    check (num_nulls(ending, ending_command, ending_at) in (0, 3))
);

create index connections_grant on credentials.connections (grant_id);
create index connections_unfinished on credentials.connections (account_id)
where announcement is not null or ending is not null;

-- Whom a platform's message is about: keyed hashes of its ids, of the account and of the person. They
-- stay when a connection ends, for a request for deletion comes after it, and go with an erasure.
create table credentials.names (
    tag bytea not null,
    account_id uuid not null,
    primary key (tag, account_id)
);

create index names_account on credentials.names (account_id);

-- Requests for deletion that a platform passed on, by the code that the person is given.
create table credentials.deletions (
    code text primary key,
    platform text not null,
    accounts uuid[] not null,
    asked_at timestamptz not null,
    done_at timestamptz
);

-- What platforms' messages said of our accounts, for a sync to come. The same message says it once.
create table credentials.notices (
    digest bytea not null,
    number integer not null,
    account_id uuid not null,
    what text not null,
    received_at timestamptz not null,
    primary key (digest, number, account_id)
);

create index notices_account on credentials.notices (account_id, received_at);

-- Consents on their way: only a hash of each state is here, and what is sealed opens with the state
-- alone. Used ones stay for a while, so that a second use is told from a forgery.
create table credentials.oauth_states (
    state_hash bytea primary key,
    creator text not null,
    platform text not null,
    sealed bytea not null,
    expires_at timestamptz not null,
    used_at timestamptz
);

create index oauth_states_creator on credentials.oauth_states (creator, expires_at);

-- Grants that serve several accounts, until the person has chosen. Sealed as grants are.
create table credentials.choices (
    choice_id uuid primary key,
    creator text not null,
    platform text not null,
    wrapped_key bytea not null,
    sealed bytea not null,
    expires_at timestamptz not null
);

-- The master key can be replaced. Signatures and the record of erasures hang on the first one: from
-- the first replacement on it stands here, wrapped by the newest.
alter table vault.master add column root bytea;
