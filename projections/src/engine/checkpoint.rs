//! Checkpoints: where each read model stands, moved by compare and swap within its transaction.

use crate::projection::{Projection, ProjectionError};
use crate::sql::Reader;
use domain::Position;
use tokio_postgres::{Client, GenericClient, Transaction};
use uuid::Uuid;

/// Held while tables are made, so that processes starting at once do not meet.
const INSTALL_LOCK: i64 = 0x50c1_a1ab_1e50;

/// Where a read model stands in one log: at zero before the first event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Held {
    log: Uuid,
    commit: i64,
    prepare: i64,
}

impl Held {
    pub(super) fn position(&self) -> Option<Position> {
        (self.commit > 0).then_some(Position {
            log: self.log,
            commit: self.commit.cast_unsigned(),
            prepare: self.prepare.cast_unsigned(),
        })
    }

    pub(super) fn log(&self) -> Uuid {
        self.log
    }

    pub(super) fn order(&self) -> (i64, i64) {
        (self.commit, self.prepare)
    }

    pub(super) fn at(position: Position) -> Self {
        Self {
            log: position.log,
            commit: position.commit.cast_signed(),
            prepare: position.prepare.cast_signed(),
        }
    }
}

/// Makes a read model's tables and its checkpoint, unless they are there.
pub(super) async fn install(
    client: &mut Client,
    projection: &dyn Projection,
    log: Uuid,
) -> Result<(), ProjectionError> {
    let transaction = client.transaction().await?;
    transaction
        .execute("select pg_advisory_xact_lock($1)", &[&INSTALL_LOCK])
        .await?;
    let made = transaction
        .execute(
            "insert into projection_checkpoints
                 (name, version, log_id, commit_position, prepare_position)
             values ($1, $2, $3, 0, 0)
             on conflict do nothing",
            &[&projection.name(), &projection.version(), &log],
        )
        .await?;
    if made == 1 {
        transaction.batch_execute(projection.tables()).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Whether a read model's tables were made already, whatever log it is projected from.
pub(super) async fn is_installed(
    client: &impl GenericClient,
    projection: &dyn Projection,
) -> Result<bool, ProjectionError> {
    let row = client
        .query_opt(
            "select log_id from projection_checkpoints where name = $1 and version = $2",
            &[&projection.name(), &projection.version()],
        )
        .await?;
    Ok(row.is_some())
}

/// Where a read model stands, or nothing if that is in another log.
pub(super) async fn load(
    client: &impl GenericClient,
    projection: &dyn Projection,
    log: Uuid,
) -> Result<Option<Held>, ProjectionError> {
    let row = client
        .query_opt(
            "select commit_position, prepare_position
             from projection_checkpoints
             where name = $1 and version = $2 and log_id = $3",
            &[&projection.name(), &projection.version(), &log],
        )
        .await?;
    Ok(row.map(|row| Held {
        log,
        commit: row.get("commit_position"),
        prepare: row.get("prepare_position"),
    }))
}

/// Moves a checkpoint from where it was held to be. False: another projector moved it meanwhile.
pub(super) async fn advance(
    transaction: &Transaction<'_>,
    projection: &dyn Projection,
    from: Held,
    to: Held,
    (events, skipped): (i64, i64),
) -> Result<bool, ProjectionError> {
    let moved = transaction
        .execute(
            "update projection_checkpoints
             set commit_position = $6, prepare_position = $7, updated_at = now(),
                 events = events + $8, skipped = skipped + $9
             where name = $1 and version = $2 and log_id = $3
                 and commit_position = $4 and prepare_position = $5",
            &[
                &projection.name(),
                &projection.version(),
                &from.log,
                &from.commit,
                &from.prepare,
                &to.commit,
                &to.prepare,
                &events,
                &skipped,
            ],
        )
        .await?;
    Ok(moved == 1)
}

/// A read model's checkpoint as queries show it.
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

/// All checkpoints.
pub async fn checkpoints(client: &impl Reader) -> Result<Vec<Checkpoint>, tokio_postgres::Error> {
    let rows = client
        .query(
            "select name, version, log_id, commit_position, prepare_position, events, skipped
             from projection_checkpoints
             order by name, version",
            &[],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| {
        let held = Held {
            log: row.try_get("log_id")?,
            commit: row.try_get("commit_position")?,
            prepare: row.try_get("prepare_position")?,
        };
        Ok(Checkpoint {
            name: row.try_get("name")?,
            version: row.try_get("version")?,
            log: held.log(),
            position: held.position(),
            events: row.try_get("events")?,
            skipped: row.try_get("skipped")?,
        })
    };
    rows.iter().map(read).collect()
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
             where name = $1 and version = $2",
            &[&name, &version],
        )
        .await?;
    let Some(row) = row else {
        return Ok(None);
    };
    let held = Held {
        log: row.try_get("log_id")?,
        commit: row.try_get("commit_position")?,
        prepare: row.try_get("prepare_position")?,
    };
    Ok(held.position())
}
