-- API keys, stored as hashes of random secrets; `creators` null means all creators.

create table api_keys (
    key_id uuid primary key,
    secret_hash bytea not null unique,
    label text not null,
    role text not null check (role in ('creator', 'analyst', 'auditor', 'admin')),
    creators text[],
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);
