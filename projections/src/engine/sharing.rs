//! Sharing the work: of all projectors that follow the log, each keeps its part of the shards.
//!
//! A projector gives a sign of life every second and says what it has the code for. From that and
//! the list of shards each works out the same division. A shard is taken when nobody has it: its
//! keeper let go, or gave no sign of life for [`LEASE`]. What a keeper that lost its lease still
//! writes changes nothing: its checkpoints do not move.

use super::parking::parkings;
use super::{Database, DatabaseError, describe};
use crate::version::Version;
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::{sync::Arc, time::Duration};
use tokio_postgres::{Client, GenericClient};
use uuid::Uuid;

/// A projector that gave no sign of life for so long is taken for dead. Longer than the database
/// lets one be idle within a transaction, so that a frozen one holds nothing that long.
pub const LEASE: Duration = Duration::from_secs(8);
/// How often a projector gives a sign of life, and looks what is its to keep.
pub(super) const TEND_INTERVAL: Duration = Duration::from_secs(1);
/// The lease of whoever fills new read models for the first time: no read model has this name.
const FILLING: &str = "(filling)";

/// A shard of a version of a read model: name, version, shard.
pub(super) type ShardId = (String, i32, i32);

/// What falls to a projector.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Division {
    pub(super) ours: BTreeSet<ShardId>,
    /// How often streams were parked or taken back: whoever applies events must know.
    parkings: i64,
}

/// One projector among those that follow the log.
pub(super) struct Sharing {
    /// This projector.
    pub(super) projector: Uuid,
    database: Arc<dyn Database>,
    client: Option<Client>,
}

impl Sharing {
    pub(super) fn new(database: Arc<dyn Database>) -> Self {
        Self {
            projector: Uuid::now_v7(),
            database,
            client: None,
        }
    }

    /// Gives a sign of life, says what this projector has the code for, lets go of what falls to
    /// others, takes what is free, and returns what it keeps.
    pub(super) async fn share(&mut self, versions: &[Version]) -> Result<Division, DatabaseError> {
        let projector = self.projector;
        let keeps: Vec<String> = versions.iter().map(ToString::to_string).collect();
        self.ask(async move |client| {
            sign(client, projector, &keeps).await?;
            Ok(Division {
                ours: divide(client, projector).await?,
                parkings: parkings(client).await?,
            })
        })
        .await
    }

    /// Whether new read models are this projector's to fill. One does, the others wait for it.
    pub(super) async fn may_fill(&mut self) -> Result<bool, DatabaseError> {
        let projector = self.projector;
        self.ask(async move |client| {
            sign(client, projector, &[]).await?;
            client
                .execute(
                    "insert into projection_leases (name, version, shard, projector)
                     values ($2, 0, 0, $1)
                     on conflict do nothing",
                    &[&projector, &FILLING],
                )
                .await?;
            let row = client
                .query_one(
                    "select exists (
                         select from projection_leases where name = $2 and projector = $1
                     ) as is_ours",
                    &[&projector, &FILLING],
                )
                .await?;
            row.try_get("is_ours")
        })
        .await
    }

    /// Gives signs of life while the read models are filled.
    pub(super) async fn keep_filling(&mut self) -> Infallible {
        loop {
            tokio::time::sleep(TEND_INTERVAL).await;
            if let Err(error) = self.may_fill().await {
                tracing::warn!(%error, "no sign of life was given");
            }
        }
    }

    /// Lets go of everything, so that the others need not wait for the lease to end.
    pub(super) async fn leave(&mut self) {
        let projector = self.projector;
        let left = self.ask(async move |client| {
            client
                .execute("delete from projectors where id = $1", &[&projector])
                .await
        });
        if let Err(error) = left.await {
            tracing::warn!(%error, "the others wait until the lease has ended");
        }
    }

    /// Asks on a connection of its own, made anew after a failure.
    async fn ask<T>(
        &mut self,
        question: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, DatabaseError> {
        let client = match self.client.take() {
            Some(client) => client,
            None => self.database.connect().await?,
        };
        let answer = question(&client).await;
        let answer = answer.map_err(|e| DatabaseError(describe(&e)))?;
        self.client = Some(client);
        Ok(answer)
    }
}

/// Gives a sign of life, and removes those who gave none.
async fn sign(
    client: &Client,
    projector: Uuid,
    keeps: &[String],
) -> Result<(), tokio_postgres::Error> {
    client
        .execute(
            "insert into projectors (id, keeps)
             values ($1, $2)
             on conflict (id) do update set keeps = excluded.keeps, seen_at = now()",
            &[&projector, &keeps],
        )
        .await?;
    let dead = client
        .execute(
            "delete from projectors
             where seen_at < now() - $1::double precision * interval '1 second'",
            &[&LEASE.as_secs_f64()],
        )
        .await?;
    if dead > 0 {
        tracing::warn!(
            projectors = dead,
            "projectors gave no sign of life: their shards are taken over"
        );
    }
    Ok(())
}

/// Takes what falls to a projector and is free, lets go of the rest, and says what it keeps. All
/// shards are numbered, and dealt out in turns among those who have the code for them.
async fn divide(
    client: &Client,
    projector: Uuid,
) -> Result<BTreeSet<ShardId>, tokio_postgres::Error> {
    let rows = client
        .query(
            "with numbered as (
                 select name, version, shard,
                     row_number() over (order by name, version, shard) as n
                 from projection_checkpoints
             ),
             dealt as (
                 select s.name, s.version, s.shard, s.n, p.id,
                     row_number() over (partition by s.n order by p.id) - 1 as seat,
                     count(*) over (partition by s.n) as seats
                 from numbered s
                 join projectors p on s.name || '@' || s.version = any (p.keeps)
             ),
             ours as (
                 select name, version, shard
                 from dealt
                 where id = $1 and seat = n % seats
             ),
             released as (
                 delete from projection_leases l
                 where l.projector = $1 and not exists (
                     select
                     from ours o
                     where o.name = l.name and o.version = l.version and o.shard = l.shard
                 )
             ),
             taken as (
                 insert into projection_leases (name, version, shard, projector)
                 select name, version, shard, $1
                 from ours
                 on conflict do nothing
                 returning name, version, shard
             )
             select name, version, shard from taken
             union
             select l.name, l.version, l.shard
             from projection_leases l
             join ours o on o.name = l.name and o.version = l.version and o.shard = l.shard
             where l.projector = $1",
            &[&projector],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| {
        Ok((
            row.try_get("name")?,
            row.try_get("version")?,
            row.try_get("shard")?,
        ))
    };
    rows.iter().map(read).collect()
}

/// Whether a projector keeps a shard now.
pub(super) async fn is_kept_by(
    client: &impl GenericClient,
    projector: Uuid,
    version: &Version,
    shard: i32,
) -> Result<bool, tokio_postgres::Error> {
    let row = client
        .query_one(
            "select exists (
                 select
                 from projection_leases
                 where name = $1 and version = $2 and shard = $3 and projector = $4
             ) as is_kept",
            &[&version.name(), &version.number, &shard, &projector],
        )
        .await?;
    row.try_get("is_kept")
}
