//! What an erasure leaves of an account's numbers: nothing.

use crate::erasure::erased_in;
use crate::projection::{Applied, ProjectionError};
use crate::tables::Tables;

/// Removes the rows of accounts that the batch erases, after the batch itself was taken in.
pub(super) async fn erase(tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
    let erased = erased_in(events);
    if erased.is_empty() {
        return Ok(());
    }
    tables
        .execute(
            "delete from follower_trends_vN where account_id = any($1)",
            &[&erased],
        )
        .await?;
    Ok(())
}
