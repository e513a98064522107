//! Brings a database to this program's migrations: forward only, one at a time, each checked.

use super::describe;
use migrations::{MIGRATIONS, Migration};
use sha2::{Digest, Sha256};
use tokio_postgres::Client;

/// Held while migrating, so that processes starting at once do not meet.
const LOCK: i64 = 0x50c1_a11e_d6e4;

/// Why a database could not be migrated. A failed migration changes nothing.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// The database refused.
    #[error("migration {name} failed: {reason}")]
    Failed {
        /// Which.
        name: &'static str,
        /// The database's words.
        reason: String,
    },
    /// The database was migrated by another text of the same name.
    #[error(
        "migration {0} was applied with another text: this program is not the one that made this database"
    )]
    Changed(&'static str),
    /// The database is newer than this program.
    #[error("the database knows migration {0}, which this program does not: run a newer program")]
    Newer(String),
    /// The list of applied migrations cannot be read.
    #[error("the list of migrations cannot be read: {0}")]
    Unreadable(String),
}

/// Applies what is missing and returns the names of what it applied.
pub async fn migrate(client: &mut Client) -> Result<Vec<&'static str>, MigrateError> {
    let unreadable = |e: tokio_postgres::Error| MigrateError::Unreadable(describe(&e));
    client
        .execute("select pg_advisory_lock($1)", &[&LOCK])
        .await
        .map_err(unreadable)?;
    let result = apply_missing(client).await;
    client
        .execute("select pg_advisory_unlock($1)", &[&LOCK])
        .await
        .map_err(unreadable)?;
    result
}

async fn apply_missing(client: &mut Client) -> Result<Vec<&'static str>, MigrateError> {
    let unreadable = |e: tokio_postgres::Error| MigrateError::Unreadable(describe(&e));
    client
        .batch_execute(
            "set client_min_messages = warning;
             create table if not exists migrations (
                 name text primary key,
                 checksum bytea not null,
                 applied_at timestamptz not null default now()
             )",
        )
        .await
        .map_err(unreadable)?;
    let rows = client
        .query("select name, checksum from migrations order by name", &[])
        .await
        .map_err(unreadable)?;
    for row in &rows {
        let name: &str = row.get("name");
        let Some(known) = MIGRATIONS.iter().find(|known| known.name == name) else {
            return Err(MigrateError::Newer(name.to_owned()));
        };
        if row.get::<_, &[u8]>("checksum") != checksum(known) {
            return Err(MigrateError::Changed(known.name));
        }
    }
    let mut applied = vec![];
    for migration in MIGRATIONS {
        if rows
            .iter()
            .any(|row| row.get::<_, &str>("name") == migration.name)
        {
            continue;
        }
        apply(client, migration)
            .await
            .map_err(|e| MigrateError::Failed {
                name: migration.name,
                reason: describe(&e),
            })?;
        applied.push(migration.name);
    }
    Ok(applied)
}

async fn apply(client: &mut Client, migration: &Migration) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(migration.sql).await?;
    transaction
        .execute(
            "insert into migrations (name, checksum) values ($1, $2)",
            &[&migration.name, &checksum(migration).as_slice()],
        )
        .await?;
    transaction.commit().await
}

fn checksum(migration: &Migration) -> [u8; 32] {
    Sha256::digest(migration.sql.as_bytes()).into()
}
