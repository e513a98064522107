-- A read model is projected in shards, each with a checkpoint of its own.

alter table projection_checkpoints
    add column shard int not null default 0,
    drop constraint projection_checkpoints_pkey,
    add primary key (name, version, shard);

-- Each version of each read model, and when it first reached the head of the log: indexes that
-- only queries need are made then.
create table projection_versions (
    name text not null,
    version int not null,
    filled_at timestamptz,
    primary key (name, version)
);

insert into projection_versions (name, version, filled_at)
select name, version, now()
from projection_checkpoints;
