//! What an erasure leaves of an account's syncs: nothing.

use crate::erasure::erased_in;
use crate::projection::{Applied, ProjectionError};
use tokio_postgres::Transaction;

/// Removes the rows of accounts that the batch erases, after the batch itself was taken in.
pub(super) async fn erase(
    transaction: &Transaction<'_>,
    events: &[Applied],
) -> Result<(), ProjectionError> {
    let erased = erased_in(events);
    if erased.is_empty() {
        return Ok(());
    }
    for statement in [
        "delete from sync_health_v1_syncs where account_id = any($1)",
        "delete from sync_health_v1 where account_id = any($1)",
    ] {
        transaction.execute(statement, &[&erased]).await?;
    }
    Ok(())
}
