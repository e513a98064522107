//! Checkpoints: where each read model stands, moved by compare and swap within its transaction.

use super::parking::{Culprit, Parked};
use super::shard;
use crate::projection::{Projection, ProjectionError};
use crate::sql::{Connection, Held};
use crate::version::{Version, Versions};
use domain::{AccountId, Position};
use tokio_postgres::{GenericClient, Row};
use uuid::Uuid;

/// How many checkpoints each version of a read model has.
pub(crate) fn shards_of(projection: &dyn Projection) -> i32 {
    shard::parts(projection.is_sharded()).len() as i32
}

/// Where a shard of a read model stands with which streams parked, or nothing if that is in
/// another log.
pub(super) async fn load(
    client: &impl GenericClient,
    version: &Version,
    shard: i32,
    log: Uuid,
) -> Result<Option<(Held, Parked)>, ProjectionError> {
    let row = client
        .query_opt(
            "select c.commit_position, c.prepare_position, c.parkings,
                 p.accounts, p.revisions
             from projection_checkpoints c
             cross join lateral (
                 select coalesce(array_agg(account_id), '{}') as accounts,
                     coalesce(array_agg(revision), '{}') as revisions
                 from projection_parked
                 where name = c.name and version = c.version
             ) p
             where c.name = $1 and c.version = $2 and c.shard = $3 and c.log_id = $4",
            &[&version.name(), &version.number, &shard, &log],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let accounts: Vec<Uuid> = row.try_get("accounts")?;
    let revisions: Vec<i64> = row.try_get("revisions")?;
    let accounts = accounts.into_iter().map(AccountId::from_uuid);
    let parked = Parked {
        parkings: row.try_get("parkings")?,
        accounts: accounts.zip(revisions).collect(),
    };
    Ok(Some((Held::read(log, &row)?, parked)))
}

/// A move of one shard's checkpoint.
pub(super) struct Move {
    pub(super) shard: i32,
    pub(super) from: Held,
    pub(super) to: Held,
    /// How often streams had been parked or taken back, as far as the mover knows.
    pub(super) parkings: i64,
    /// Who moves it, if only its keeper may.
    pub(super) projector: Option<Uuid>,
    /// Events given to the read model on the way, and events that this program does not know.
    pub(super) events: usize,
    pub(super) skipped: usize,
}

/// Moves a checkpoint from where it was held to be. False: another projector moved it meanwhile or
/// keeps it now, or other streams are parked.
pub(super) async fn advance(
    client: &impl GenericClient,
    version: &Version,
    step: &Move,
) -> Result<bool, ProjectionError> {
    let moved = client
        .execute(
            "update projection_checkpoints
             set commit_position = $7, prepare_position = $8, updated_at = now(),
                 events = events + $9, skipped = skipped + $10, fault = null,
                 fault_account = null, fault_revision = null,
                 rate = $9 / greatest(extract(epoch from now() - updated_at), 0.001)
             where name = $1 and version = $2 and shard = $3 and log_id = $4
                 and commit_position = $5 and prepare_position = $6 and parkings = $11
                 and ($12::uuid is null or exists (
                     select
                     from projection_leases l
                     where l.name = $1 and l.version = $2 and l.shard = $3 and l.projector = $12
                 ))",
            &[
                &version.name(),
                &version.number,
                &step.shard,
                &step.from.log,
                &step.from.commit,
                &step.from.prepare,
                &step.to.commit,
                &step.to.prepare,
                &(step.events as i64),
                &(step.skipped as i64),
                &step.parkings,
                &step.projector,
            ],
        )
        .await?;
    Ok(moved == 1)
}

/// Notes why a shard stands still, for those who run it. Its next move takes the note away.
pub(super) async fn note_fault(
    client: &impl GenericClient,
    version: &Version,
    shard: i32,
    fault: &str,
    culprit: Option<&Culprit>,
) -> Result<(), tokio_postgres::Error> {
    let account = culprit.map(|culprit| culprit.account.uuid());
    let revision = culprit.map(|culprit| culprit.revision);
    client
        .execute(
            "update projection_checkpoints
             set fault = $4, fault_account = $5, fault_revision = $6
             where name = $1 and version = $2 and shard = $3",
            &[
                &version.name(),
                &version.number,
                &shard,
                &fault,
                &account,
                &revision,
            ],
        )
        .await?;
    Ok(())
}

/// How the note of a fault begins that is waited out.
const WAITING: &str = "it is tried again until this has passed: ";

/// Notes what a shard waits for: it stands still, and goes on by itself.
pub(super) async fn note_waiting(
    client: &impl GenericClient,
    version: &Version,
    shard: i32,
    fault: &ProjectionError,
) -> Result<(), tokio_postgres::Error> {
    note_fault(client, version, shard, &format!("{WAITING}{fault}"), None).await
}

/// Takes the notes of what was waited for away: it has passed, and there may be no next move.
pub(super) async fn note_passed(
    client: &impl GenericClient,
    version: &Version,
) -> Result<(), tokio_postgres::Error> {
    client
        .execute(
            "update projection_checkpoints
             set fault = null
             where name = $1 and version = $2 and starts_with(fault, $3)",
            &[&version.name(), &version.number, &WAITING],
        )
        .await?;
    Ok(())
}

/// A live read model's checkpoint as queries show it: of its shards the slowest counts.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The read model.
    pub name: String,
    /// Its live version.
    pub version: i32,
    /// The contract of the code that keeps it.
    pub contract: i32,
    /// The log that it is projected from, also before the first event.
    pub log: Uuid,
    /// Where it stands; nothing before the first event.
    pub position: Option<Position>,
    /// How many events it was given.
    pub events: i64,
    /// How many of all events had a type or schema that this program does not know.
    pub skipped: i64,
}

impl Versions {
    /// The versions that are live where these checkpoints were read.
    pub fn live(checkpoints: &[Checkpoint]) -> Self {
        checkpoints.iter().fold(Self::default(), |versions, held| {
            versions.with(&held.name, held.version, held.contract)
        })
    }
}

/// The checkpoints of the live versions as SQL: name, version, contract, log, both halves of the
/// position, events and skipped ones, of every shard. Of one moment, for it is one statement.
pub const CHECKPOINTS: &str = "
    select c.name, c.version, v.contract, c.log_id, c.commit_position, c.prepare_position,
        c.events, c.skipped
    from projection_versions v
    join projection_checkpoints c on c.name = v.name and c.version = v.version
    where v.is_live
    order by c.name, c.commit_position, c.prepare_position";

/// The checkpoints of the live versions, one for each read model, and so which versions are live.
pub async fn checkpoints(
    client: &impl Connection,
) -> Result<Vec<Checkpoint>, tokio_postgres::Error> {
    Checkpoint::gather(&client.query(CHECKPOINTS, &[]).await?)
}

impl Checkpoint {
    /// One for each read model, of rows as [`CHECKPOINTS`] gives them.
    pub fn gather(rows: &[Row]) -> Result<Vec<Self>, tokio_postgres::Error> {
        let mut found: Vec<Self> = vec![];
        for row in rows {
            let held = Held::read(row.try_get("log_id")?, row)?;
            let shard = Self {
                name: row.try_get("name")?,
                version: row.try_get("version")?,
                contract: row.try_get("contract")?,
                log: held.log,
                position: held.position(),
                events: row.try_get("events")?,
                skipped: row.try_get("skipped")?,
            };
            match found.last_mut() {
                // Its first shard stands farthest back.
                Some(model) if model.name == shard.name => {
                    model.events += shard.events;
                    model.skipped += shard.skipped;
                }
                _ => found.push(shard),
            }
        }
        Ok(found)
    }
}
