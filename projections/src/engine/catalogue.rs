//! The versions that the database has: which are there, which is live, and how one is made.

use super::checkpoint::{note_passed, shards_of};
use crate::projection::{Projection, ProjectionError};
use crate::version::{Version, fingerprint};
use tokio_postgres::{Client, GenericClient, Transaction};
use uuid::Uuid;

/// Held while tables are made, so that processes starting at once do not meet.
const INSTALL_LOCK: i64 = 0x50c1_a1ab_1e50;

/// A version as the database has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) number: i32,
    pub(crate) contract: i32,
    /// Of the code that made it, see [`fingerprint`]. Nothing, if it is older than fingerprints.
    pub(crate) fingerprint: Option<String>,
    /// The columns of its tables when it was filled.
    pub(crate) shape: Option<String>,
    pub(crate) is_live: bool,
    pub(crate) is_filled: bool,
    /// The version to go back to.
    pub(crate) replaces: Option<i32>,
}

impl Entry {
    /// Whether this code keeps it.
    pub(crate) fn is_of(&self, projection: &dyn Projection) -> bool {
        self.name == projection.name()
            && self.contract == projection.contract()
            && self
                .fingerprint
                .as_ref()
                .is_none_or(|held| *held == fingerprint(projection))
    }
}

/// All versions that were not dropped, the oldest first.
pub(crate) async fn entries(
    client: &impl GenericClient,
) -> Result<Vec<Entry>, tokio_postgres::Error> {
    let rows = client
        .query(
            "select name, version, contract, fingerprint, shape, is_live,
                 filled_at is not null as is_filled, replaces
             from projection_versions
             where dropped_at is null
             order by name, version",
            &[],
        )
        .await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(Entry {
            name: row.try_get("name")?,
            number: row.try_get("version")?,
            contract: row.try_get("contract")?,
            fingerprint: row.try_get("fingerprint")?,
            shape: row.try_get("shape")?,
            is_live: row.try_get("is_live")?,
            is_filled: row.try_get("is_filled")?,
            replaces: row.try_get("replaces")?,
        })
    };
    rows.iter().map(read).collect()
}

/// Waits for every other process that makes tables.
pub(crate) async fn lock(transaction: &Transaction<'_>) -> Result<(), tokio_postgres::Error> {
    transaction
        .execute("select pg_advisory_xact_lock($1)", &[&INSTALL_LOCK])
        .await?;
    Ok(())
}

/// Makes the next version of a read model: empty tables, with checkpoints before the first event.
/// The first one there is goes live at once.
pub(crate) async fn make(
    transaction: &Transaction<'_>,
    version: &Version,
    log: Uuid,
) -> Result<(), ProjectionError> {
    let projection = &*version.projection;
    let name = version.name();
    transaction
        .execute(
            "insert into projection_versions (name, version, contract, fingerprint, is_live)
             select $1, $2, $3, $4, not exists (
                 select from projection_versions where name = $1 and is_live
             )",
            &[
                &name,
                &version.number,
                &projection.contract(),
                &fingerprint(projection),
            ],
        )
        .await?;
    transaction
        .batch_execute(&version.render(projection.tables()))
        .await?;
    transaction
        .execute(
            "insert into projection_checkpoints
                 (name, version, shard, log_id, commit_position, prepare_position)
             select $1, $2, shard, $3, 0, 0
             from generate_series(0, $4 - 1) as shard",
            &[&name, &version.number, &log, &shards_of(projection)],
        )
        .await?;
    Ok(())
}

/// The number that the next version of a read model gets. No number is used twice.
pub(crate) async fn next_number(
    transaction: &Transaction<'_>,
    name: &str,
) -> Result<i32, tokio_postgres::Error> {
    let row = transaction
        .query_one(
            "select coalesce(max(version), 0) + 1 as next
             from projection_versions
             where name = $1",
            &[&name],
        )
        .await?;
    row.try_get("next")
}

/// Whether a version lacks something that [`complete`] gives it.
pub(crate) async fn is_incomplete(
    client: &impl GenericClient,
    entry: &Entry,
    version: &Version,
) -> Result<bool, tokio_postgres::Error> {
    let row = client
        .query_one(
            "select count(*) as shards
             from projection_checkpoints
             where name = $1 and version = $2",
            &[&version.name(), &version.number],
        )
        .await?;
    let held: i64 = row.try_get("shards")?;
    Ok(entry.fingerprint.is_none() || held != i64::from(shards_of(&*version.projection)))
}

/// Makes sure that a version that was made earlier has what this program expects of it: a
/// checkpoint for each shard, and a fingerprint.
pub(crate) async fn complete(
    transaction: &Transaction<'_>,
    version: &Version,
) -> Result<(), ProjectionError> {
    let (name, number) = (version.name(), version.number);
    let shards = shards_of(&*version.projection);
    // Further shards begin where all accounts stand: the tables were filled before there were any.
    transaction
        .execute(
            "insert into projection_checkpoints
                 (name, version, shard, log_id, commit_position, prepare_position)
             select name, version, further.shard, log_id, commit_position, prepare_position
             from projection_checkpoints, generate_series(1, $3 - 1) as further (shard)
             where name = $1 and version = $2 and projection_checkpoints.shard = 0
             on conflict do nothing",
            &[&name, &number, &shards],
        )
        .await?;
    let row = transaction
        .query_one(
            "select count(*) as shards
             from projection_checkpoints
             where name = $1 and version = $2",
            &[&name, &number],
        )
        .await?;
    let held: i64 = row.get("shards");
    if held != i64::from(shards) {
        return Err(ProjectionError::Shards { held, shards });
    }
    transaction
        .execute(
            "update projection_versions
             set fingerprint = $3
             where name = $1 and version = $2 and fingerprint is null",
            &[&name, &number, &fingerprint(&*version.projection)],
        )
        .await?;
    Ok(())
}

/// Makes the indexes that only queries need, unless they are there: the version has reached the
/// head of the log for the first time. Queries go on meanwhile.
pub(crate) async fn finish(client: &mut Client, version: &Version) -> Result<(), ProjectionError> {
    let transaction = client.transaction().await?;
    // Of two that come here at once, the second waits for the first.
    let first = transaction
        .execute(
            "update projection_versions
             set filled_at = now()
             where name = $1 and version = $2 and filled_at is null and dropped_at is null",
            &[&version.name(), &version.number],
        )
        .await?;
    if first == 1 {
        let indexes = version.render(version.projection.indexes());
        transaction.batch_execute(&indexes).await?;
        for table in tables(&transaction, version).await? {
            transaction
                .batch_execute(&format!("analyze {table}"))
                .await?;
        }
        let shape = shape(&transaction, version).await?;
        transaction
            .execute(
                "update projection_versions
                 set shape = $3
                 where name = $1 and version = $2",
                &[&version.name(), &version.number, &shape],
            )
            .await?;
        note_passed(&transaction, version).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The names of a version's tables, as they are.
pub(crate) async fn tables(
    client: &impl GenericClient,
    version: &Version,
) -> Result<Vec<String>, tokio_postgres::Error> {
    tables_named(client, version.name(), version.number).await
}

/// The same for a version that no code here keeps.
pub(crate) async fn tables_named(
    client: &impl GenericClient,
    name: &str,
    number: i32,
) -> Result<Vec<String>, tokio_postgres::Error> {
    let rows = client
        .query(
            "select relname::text as name
             from pg_class
             where relkind = 'r' and pg_table_is_visible(oid)
                 and relname ~ ('^' || $1::text || '_v' || $2::int || '(_|$)')
             order by relname",
            &[&name, &number],
        )
        .await?;
    rows.iter().map(|row| row.try_get("name")).collect()
}

/// The columns of a version's tables, a line each: what its code relies on.
pub(crate) async fn shape(
    client: &impl GenericClient,
    version: &Version,
) -> Result<String, tokio_postgres::Error> {
    let row = client
        .query_one(
            "select coalesce(string_agg(
                 format('%s.%s %s%s', regexp_replace(c.relname, '_v[0-9]+(_|$)', '_vN\\1'), a.attname,
                     format_type(a.atttypid, a.atttypmod),
                     case when a.attnotnull then ' not null' else '' end),
                 e'\\n' order by c.relname, a.attname
             ), '') as shape
             from pg_class c
             join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
             where c.relkind = 'r' and pg_table_is_visible(c.oid)
                 and c.relname ~ ('^' || $1::text || '_v' || $2::int || '(_|$)')",
            &[&version.name(), &version.number],
        )
        .await?;
    row.try_get("shape")
}
