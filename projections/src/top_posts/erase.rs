//! What an erasure leaves of an account's posts: nothing.

use crate::erasure::erased_in;
use crate::projection::{Applied, ProjectionError};
use crate::tables::Tables;

/// Removes the posts of accounts that the batch erases, after the batch itself was taken in.
/// Texts and history name only the post: they go first.
pub(super) async fn erase(tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
    let erased = erased_in(events);
    if erased.is_empty() {
        return Ok(());
    }
    for statement in [
        "delete from top_posts_vN_history
         using top_posts_vN
         where top_posts_vN_history.post = top_posts_vN.post
             and top_posts_vN.account_id = any($1)",
        "delete from top_posts_vN_text
         using top_posts_vN
         where top_posts_vN_text.post = top_posts_vN.post
             and top_posts_vN.account_id = any($1)",
        "delete from top_posts_vN where account_id = any($1)",
    ] {
        tables.execute(statement, &[&erased]).await?;
    }
    Ok(())
}
