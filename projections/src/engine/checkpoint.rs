//! Checkpoints: where each read model stands, moved by compare and swap within its transaction.

use super::shard;
use crate::projection::{Projection, ProjectionError};
use crate::sql::{Held, Reader};
use domain::Position;
use tokio_postgres::{Client, GenericClient};
use uuid::Uuid;

/// Held while tables are made, so that processes starting at once do not meet.
const INSTALL_LOCK: i64 = 0x50c1_a1ab_1e50;

/// Makes a read model's tables and its checkpoints, unless they are there.
pub(super) async fn install(
    client: &mut Client,
    projection: &dyn Projection,
    log: Uuid,
) -> Result<(), ProjectionError> {
    let transaction = client.transaction().await?;
    transaction
        .execute("select pg_advisory_xact_lock($1)", &[&INSTALL_LOCK])
        .await?;
    let (name, version) = (projection.name(), projection.version());
    let made = transaction
        .execute(
            "insert into projection_versions (name, version)
             values ($1, $2)
             on conflict do nothing",
            &[&name, &version],
        )
        .await?;
    if made == 1 {
        transaction.batch_execute(projection.tables()).await?;
        transaction
            .execute(
                "insert into projection_checkpoints
                     (name, version, shard, log_id, commit_position, prepare_position)
                 values ($1, $2, 0, $3, 0, 0)",
                &[&name, &version, &log],
            )
            .await?;
    }
    // Further shards begin where the first stands: at zero, or, in tables that were filled before
    // there were shards, where all accounts stand.
    let shards = shard::parts(projection.is_sharded()).len() as i32;
    transaction
        .execute(
            "insert into projection_checkpoints
                 (name, version, shard, log_id, commit_position, prepare_position)
             select name, version, further.shard, log_id, commit_position, prepare_position
             from projection_checkpoints, generate_series(1, $3 - 1) as further (shard)
             where name = $1 and version = $2 and projection_checkpoints.shard = 0
             on conflict do nothing",
            &[&name, &version, &shards],
        )
        .await?;
    let held = transaction
        .query_one(
            "select count(*) as shards
             from projection_checkpoints
             where name = $1 and version = $2",
            &[&name, &version],
        )
        .await?;
    let held: i64 = held.get("shards");
    if held != i64::from(shards) {
        return Err(ProjectionError::Shards { held, shards });
    }
    transaction.commit().await?;
    Ok(())
}

/// Makes the indexes that only queries need, unless they are there: the model has reached the
/// head of the log for the first time. Queries go on meanwhile.
pub(super) async fn finish(
    client: &mut Client,
    projection: &dyn Projection,
) -> Result<(), ProjectionError> {
    let transaction = client.transaction().await?;
    transaction
        .execute("select pg_advisory_xact_lock($1)", &[&INSTALL_LOCK])
        .await?;
    let first = transaction
        .execute(
            "update projection_versions
             set filled_at = now()
             where name = $1 and version = $2 and filled_at is null",
            &[&projection.name(), &projection.version()],
        )
        .await?;
    if first == 1 {
        transaction.batch_execute(projection.indexes()).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Whether a read model has been at the head of the log before.
pub(super) async fn is_filled(
    client: &impl GenericClient,
    projection: &dyn Projection,
) -> Result<bool, ProjectionError> {
    let row = client
        .query_opt(
            "select filled_at is not null as is_filled
             from projection_versions
             where name = $1 and version = $2",
            &[&projection.name(), &projection.version()],
        )
        .await?;
    Ok(row.is_some_and(|row| row.get("is_filled")))
}

/// Whether a read model's tables and all its shards are there, whatever log it is projected from.
pub(super) async fn is_installed(
    client: &impl GenericClient,
    projection: &dyn Projection,
) -> Result<bool, ProjectionError> {
    let row = client
        .query_one(
            "select count(*) as shards
             from projection_checkpoints
             where name = $1 and version = $2",
            &[&projection.name(), &projection.version()],
        )
        .await?;
    let shards = shard::parts(projection.is_sharded()).len() as i64;
    Ok(row.get::<_, i64>("shards") == shards)
}

/// Where a shard of a read model stands, or nothing if that is in another log.
pub(super) async fn load(
    client: &impl GenericClient,
    projection: &dyn Projection,
    shard: i32,
    log: Uuid,
) -> Result<Option<Held>, ProjectionError> {
    let row = client
        .query_opt(
            "select commit_position, prepare_position
             from projection_checkpoints
             where name = $1 and version = $2 and shard = $3 and log_id = $4",
            &[&projection.name(), &projection.version(), &shard, &log],
        )
        .await?;
    let held = row.map(|row| Held::read(log, &row)).transpose()?;
    Ok(held)
}

/// A move of one shard's checkpoint.
pub(super) struct Move {
    pub(super) shard: i32,
    pub(super) from: Held,
    pub(super) to: Held,
    /// Events given to the read model on the way, and events that this program does not know.
    pub(super) events: usize,
    pub(super) skipped: usize,
}

/// Moves a checkpoint from where it was held to be. False: another projector moved it meanwhile.
pub(super) async fn advance(
    client: &impl GenericClient,
    projection: &dyn Projection,
    step: &Move,
) -> Result<bool, ProjectionError> {
    let moved = client
        .execute(
            "update projection_checkpoints
             set commit_position = $7, prepare_position = $8, updated_at = now(),
                 events = events + $9, skipped = skipped + $10
             where name = $1 and version = $2 and shard = $3 and log_id = $4
                 and commit_position = $5 and prepare_position = $6",
            &[
                &projection.name(),
                &projection.version(),
                &step.shard,
                &step.from.log,
                &step.from.commit,
                &step.from.prepare,
                &step.to.commit,
                &step.to.prepare,
                &(step.events as i64),
                &(step.skipped as i64),
            ],
        )
        .await?;
    Ok(moved == 1)
}

/// A read model's checkpoint as queries show it: of its shards the slowest counts.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The read model.
    pub name: String,
    /// Its version.
    pub version: i32,
    /// The log that it is projected from, also before the first event.
    pub log: Uuid,
    /// Where it stands; nothing before the first event.
    pub position: Option<Position>,
    /// How many events it was given.
    pub events: i64,
    /// How many of all events had a type or schema that this program does not know.
    pub skipped: i64,
}

/// All checkpoints, one for each read model.
pub async fn checkpoints(client: &impl Reader) -> Result<Vec<Checkpoint>, tokio_postgres::Error> {
    let rows = client
        .query(
            "select name, version, log_id, commit_position, prepare_position, events, skipped
             from projection_checkpoints
             order by name, version, commit_position, prepare_position",
            &[],
        )
        .await?;
    let mut found: Vec<Checkpoint> = vec![];
    for row in &rows {
        let held = Held::read(row.try_get("log_id")?, row)?;
        let shard = Checkpoint {
            name: row.try_get("name")?,
            version: row.try_get("version")?,
            log: held.log,
            position: held.position(),
            events: row.try_get("events")?,
            skipped: row.try_get("skipped")?,
        };
        match found.last_mut() {
            // Its first shard stands farthest back.
            Some(model) if model.name == shard.name && model.version == shard.version => {
                model.events += shard.events;
                model.skipped += shard.skipped;
            }
            _ => found.push(shard),
        }
    }
    Ok(found)
}

/// Where one read model stands.
pub async fn checkpoint(
    client: &impl Reader,
    name: &str,
    version: i32,
) -> Result<Option<Position>, tokio_postgres::Error> {
    let row = client
        .query_opt(
            "select log_id, commit_position, prepare_position
             from projection_checkpoints
             where name = $1 and version = $2
             order by commit_position, prepare_position
             limit 1",
            &[&name, &version],
        )
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    Ok(Held::read(row.try_get("log_id")?, &row)?.position())
}
