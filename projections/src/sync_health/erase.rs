//! What an erasure leaves of an account's syncs: nothing.

use crate::erasure::erased_in;
use crate::projection::{Applied, ProjectionError};
use crate::tables::Tables;

/// Removes the rows of accounts that the batch erases, after the batch itself was taken in.
pub(super) async fn erase(tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
    let erased = erased_in(events);
    if erased.is_empty() {
        return Ok(());
    }
    for statement in [
        "delete from sync_health_vN_syncs where account_id = any($1)",
        "delete from sync_health_vN where account_id = any($1)",
    ] {
        tables.execute(statement, &[&erased]).await?;
    }
    Ok(())
}
