//! Streams that a version cannot apply, in the hands of an administrator: parked so that the rest
//! goes on, and tried again once the cause is mended.

use super::switch::{busy, set_lock_timeout};
use super::{AdminError, Administration};
use crate::engine::{parking, shard_of};
use crate::projection::{Applied, ProjectionError};
use crate::sql::{At, Held};
use crate::tables::{Statements, Tables};
use crate::version::Version;
use domain::codec::decode_recorded;
use domain::{AccountId, Position, RecordedEvent, StreamName, Timestamp};
use serde::Serialize;
use tokio_postgres::{Client, Row, Transaction};
use uuid::Uuid;

/// How many events are tried in one transaction: so long the shard waits.
const PAGE: usize = 500;
/// How many parked streams are listed.
const MOST_LISTED: i64 = 1_000;

/// A stream whose events wait.
#[derive(Clone, Debug, Serialize)]
pub struct ParkedStream {
    /// The read model.
    pub name: String,
    /// The version that cannot apply it.
    pub version: i32,
    /// Whose stream it is.
    pub account: AccountId,
    /// The revision of the first event that waits.
    pub revision: i64,
    /// Why it was parked, or why trying it again failed.
    pub error: String,
    /// Since when it waits.
    pub since: Timestamp,
}

impl ParkedStream {
    fn read(row: &Row) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            name: row.try_get("name")?,
            version: row.try_get("version")?,
            account: AccountId::from_uuid(row.try_get("account_id")?),
            revision: row.try_get("revision")?,
            error: row.try_get("error")?,
            since: row.try_get::<_, At>("since")?.0,
        })
    }
}

/// What came of trying a parked stream again.
#[derive(Clone, Debug, Serialize)]
pub struct Retried {
    /// The version.
    pub version: i32,
    /// Whose stream it is.
    pub account: AccountId,
    /// How many of the events that waited were applied.
    pub events: u64,
    /// Why the stream is parked still, if it is.
    pub error: Option<String>,
}

impl Administration {
    /// The parked streams of all versions, by name, version and account; of very many the first.
    pub async fn parked(&self) -> Result<Vec<ParkedStream>, AdminError> {
        let client = self.connect().await?;
        let rows = client
            .query(
                "select name, version, account_id, revision, error, since
                 from projection_parked
                 order by name, version, account_id
                 limit $1",
                &[&MOST_LISTED],
            )
            .await?;
        let read = rows.iter().map(ParkedStream::read);
        Ok(read.collect::<Result<_, _>>()?)
    }

    /// Parks the streams whose events have halted shards of a read model, of one version or of all,
    /// so that the others go on.
    pub async fn park(
        &self,
        name: &str,
        version: Option<i32>,
    ) -> Result<Vec<ParkedStream>, AdminError> {
        let mut client = self.connect().await?;
        self.entries(&client, name).await?;
        let transaction = client.transaction().await?;
        let parked = park_within(&transaction, name, version).await;
        let parked = parked.map_err(|error| busy(error.into(), name))?;
        if parked.is_empty() {
            let name = name.to_owned();
            return Err(AdminError::NothingToPark { name });
        }
        transaction.commit().await?;
        Ok(parked)
    }

    /// Tries the parked streams of a read model again, of one account or of all. Those whose events
    /// can all be applied are parked no longer.
    pub async fn retry(
        &self,
        name: &str,
        account: Option<AccountId>,
    ) -> Result<Vec<Retried>, AdminError> {
        let mut client = self.connect().await?;
        let entries = self.entries(&client, name).await?;
        let waiting = self.parked().await?.into_iter().filter(|stream| {
            stream.name == name && account.is_none_or(|account| stream.account == account)
        });
        let mut done = vec![];
        for stream in waiting {
            let Some(entry) = entries.iter().find(|it| it.number == stream.version) else {
                continue;
            };
            let version = self.version(entry)?;
            let retried = self.retry_one(&mut client, &version, stream.account).await;
            done.push(retried.map_err(|error| busy(error, name))?);
        }
        if done.is_empty() {
            return Err(AdminError::NothingParked {
                name: name.to_owned(),
            });
        }
        Ok(done)
    }

    async fn retry_one(
        &self,
        client: &mut Client,
        version: &Version,
        account: AccountId,
    ) -> Result<Retried, AdminError> {
        let mut retried = Retried {
            version: version.number,
            account,
            events: 0,
            error: None,
        };
        let statements = Statements::default();
        loop {
            let transaction = client.transaction().await?;
            let Some((held, revision)) = lock(&transaction, version, account).await? else {
                // Somebody else was here first.
                return Ok(retried);
            };
            let stream = StreamName::of_account(account);
            let page = self.feed.of_stream(&stream, revision, PAGE).await?;
            // What lies beyond the checkpoint the shard gets to by itself.
            let due = page.partition_point(|event| held >= Some(event.position));
            let tables = Tables::new(&transaction, version, &statements);
            match apply(version, &tables, account, &page[..due]).await {
                Ok(()) => {}
                Err(error) if error.is_passing() => return Err(error.into()),
                Err(error) => {
                    transaction.rollback().await?;
                    let error = error.to_string();
                    note(client, version, account, &error).await?;
                    retried.error = Some(error);
                    return Ok(retried);
                }
            }
            let is_done = due < PAGE;
            settle(&transaction, version, account, (revision, due), is_done).await?;
            transaction.commit().await?;
            retried.events += due as u64;
            if is_done {
                tracing::info!(%version, %account, events = retried.events, "a stream is parked no longer");
                return Ok(retried);
            }
        }
    }
}

async fn park_within(
    transaction: &Transaction<'_>,
    name: &str,
    version: Option<i32>,
) -> Result<Vec<ParkedStream>, tokio_postgres::Error> {
    set_lock_timeout(transaction).await?;
    let rows = transaction
        .query(
            "with halted as (
                 select shard, version, fault, fault_account, fault_revision
                 from projection_checkpoints
                 where name = $1 and fault_account is not null
                     and ($2::int is null or version = $2)
                 for update
             ),
             parked as (
                 insert into projection_parked (name, version, account_id, revision, error)
                 select $1, version, fault_account, fault_revision, fault
                 from halted
                 on conflict do nothing
                 returning name, version, account_id, revision, error, since
             ),
             told as (
                 update projection_checkpoints c
                 set parkings = c.parkings + 1, fault = null, fault_account = null,
                     fault_revision = null
                 from halted h
                 where c.name = $1 and c.version = h.version and c.shard = h.shard
             )
             select name, version, account_id, revision, error, since
             from parked
             order by version, account_id",
            &[&name, &version],
        )
        .await?;
    rows.iter().map(ParkedStream::read).collect()
}

/// Where the account's shard stands, and the first of its revisions that waits; nothing, if none
/// does. Both stay so until the transaction ends. In the order in which a projector locks them.
async fn lock(
    transaction: &Transaction<'_>,
    version: &Version,
    account: AccountId,
) -> Result<Option<(Option<Position>, u64)>, AdminError> {
    set_lock_timeout(transaction).await?;
    let shard = shard_of(&*version.projection, account);
    let row = transaction
        .query_opt(
            "select log_id, commit_position, prepare_position
             from projection_checkpoints
             where name = $1 and version = $2 and shard = $3
             for update",
            &[&version.name(), &version.number, &shard],
        )
        .await?;
    let Some(checkpoint) = row else {
        return Ok(None);
    };
    let held = Held::read(checkpoint.try_get("log_id")?, &checkpoint)?.position();
    let row = transaction
        .query_opt(
            "select revision
             from projection_parked
             where name = $1 and version = $2 and account_id = $3
             for update",
            &[&version.name(), &version.number, &account.uuid()],
        )
        .await?;
    let revision = row.map(|row| row.try_get::<_, i64>("revision"));
    Ok(revision.transpose()?.map(|it| (held, it.cast_unsigned())))
}

async fn apply(
    version: &Version,
    tables: &Tables<'_>,
    account: AccountId,
    events: &[RecordedEvent],
) -> Result<(), ProjectionError> {
    let mut applied = vec![];
    for recorded in events {
        if !version.projection.takes(&recorded.event_type) {
            continue;
        }
        let decoded = decode_recorded(recorded).map_err(|error| ProjectionError::Unreadable {
            position: recorded.position,
            reason: error.to_string(),
        })?;
        if let Some(event) = decoded.event {
            applied.push(Applied::of(account, recorded, decoded.metadata, event));
        }
    }
    match applied.is_empty() {
        true => Ok(()),
        false => version.projection.apply(tables, &applied).await,
    }
}

/// Takes the stream back, or notes how much of it waits still.
async fn settle(
    transaction: &Transaction<'_>,
    version: &Version,
    account: AccountId,
    (revision, applied): (u64, usize),
    is_done: bool,
) -> Result<(), tokio_postgres::Error> {
    let (name, number, account_id): (_, _, Uuid) = (version.name(), version.number, account.uuid());
    let shard = shard_of(&*version.projection, account);
    // They count as given now.
    transaction
        .execute(
            "update projection_checkpoints
             set events = events + $4
             where name = $1 and version = $2 and shard = $3",
            &[&name, &number, &shard, &(applied as i64)],
        )
        .await?;
    if !is_done {
        let next = revision.cast_signed() + applied as i64;
        transaction
            .execute(
                "update projection_parked
                 set revision = $4
                 where name = $1 and version = $2 and account_id = $3",
                &[&name, &number, &account_id, &next],
            )
            .await?;
        return Ok(());
    }
    transaction
        .execute(
            "delete from projection_parked
             where name = $1 and version = $2 and account_id = $3",
            &[&name, &number, &account_id],
        )
        .await?;
    parking::tell(transaction, name, number, shard).await
}

/// Notes why trying again failed.
async fn note(
    client: &Client,
    version: &Version,
    account: AccountId,
    error: &str,
) -> Result<(), tokio_postgres::Error> {
    client
        .execute(
            "update projection_parked
             set error = $4
             where name = $1 and version = $2 and account_id = $3",
            &[&version.name(), &version.number, &account.uuid(), &error],
        )
        .await?;
    Ok(())
}

/// Fails if a version lacks events of accounts of which another one has them.
pub(super) async fn ensure_none_missing(
    transaction: &Transaction<'_>,
    name: &str,
    (version, live): (i32, i32),
) -> Result<(), AdminError> {
    let row = transaction
        .query_one(
            "select count(*) as streams
             from projection_parked p
             where p.name = $1 and p.version = $2 and not exists (
                 select
                 from projection_parked l
                 where l.name = $1 and l.version = $3 and l.account_id = p.account_id
             )",
            &[&name, &version, &live],
        )
        .await?;
    match row.try_get("streams")? {
        0 => Ok(()),
        streams => Err(AdminError::Lacks {
            name: name.to_owned(),
            version,
            streams,
        }),
    }
}
