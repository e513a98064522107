-- The vault: wrapped keys and the registry that finds an account by its platform's id.

create schema vault;

-- One row: which master key this vault was made with, and the wrapped key of the registry.
create table vault.master (
    id boolean primary key default true check (id),
    fingerprint bytea not null,
    registry_key bytea not null,
    created_at timestamptz not null default now()
);

-- `tag` is a keyed hash of creator, platform and platform account id: nothing here can be read
-- back without the master key, which is kept elsewhere.
create table vault.accounts (
    account_id uuid primary key,
    tag bytea not null unique,
    wrapped_key bytea not null,
    created_at timestamptz not null default now()
);
