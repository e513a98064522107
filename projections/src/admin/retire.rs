//! Dropping a version: its tables go, its number stays used.

use super::rebuild::REBUILD_LOCK;
use super::switch::{busy, lock_versions};
use super::{AdminError, Administration, numbered};
use crate::engine::catalogue;
use std::time::Duration;
use tokio_postgres::Transaction;

/// So long after a version ceased to be live, answers may still be taken from it: longer than any
/// request may last.
pub const DROP_GRACE: Duration = Duration::from_secs(40);

impl Administration {
    /// Drops a version that is not live.
    pub async fn drop_version(&self, name: &str, number: i32) -> Result<(), AdminError> {
        let mut client = self.connect().await?;
        let transaction = client.transaction().await?;
        let dropped = self.drop_within(&transaction, name, number).await;
        dropped.map_err(|error| busy(error, name))?;
        transaction.commit().await?;
        tracing::info!(name, version = number, "dropped");
        Ok(())
    }

    async fn drop_within(
        &self,
        transaction: &Transaction<'_>,
        name: &str,
        number: i32,
    ) -> Result<(), AdminError> {
        lock_versions(transaction, name).await?;
        let entry = numbered(&self.entries(transaction, name).await?, name, number)?;
        let name = name.to_owned();
        if entry.is_live {
            return Err(AdminError::DropsLive {
                name,
                version: number,
            });
        }
        let row = transaction
            .query_one(
                "select pg_try_advisory_xact_lock($3, hashtext($1)) as is_free,
                     coalesce(extract(epoch from retired_at - now()), -1e9)::double precision
                         as retired
                 from projection_versions
                 where name = $1 and version = $2",
                &[&name, &number, &REBUILD_LOCK],
            )
            .await?;
        if !entry.is_filled && !row.try_get::<_, bool>("is_free")? {
            return Err(AdminError::BeingRebuilt { name });
        }
        let left = DROP_GRACE.as_secs_f64() + row.try_get::<_, f64>("retired")?;
        if left > 0.0 {
            return Err(AdminError::InUse {
                name,
                version: number,
                seconds: left.ceil() as u64,
            });
        }
        // A projector in the middle of a batch ends it first. Afterwards it finds no checkpoint.
        transaction
            .execute(
                "delete from projection_checkpoints where name = $1 and version = $2",
                &[&name, &number],
            )
            .await?;
        transaction
            .execute(
                "delete from projection_parked where name = $1 and version = $2",
                &[&name, &number],
            )
            .await?;
        for table in catalogue::tables_named(transaction, &name, number).await? {
            transaction
                .batch_execute(&format!("drop table {table}"))
                .await?;
        }
        transaction
            .execute(
                "update projection_versions
                 set dropped_at = now()
                 where name = $1 and version = $2",
                &[&name, &number],
            )
            .await?;
        Ok(())
    }
}
