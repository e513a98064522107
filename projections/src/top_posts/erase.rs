//! What an erasure leaves of an account's posts: nothing.

use crate::erasure::erased_in;
use crate::projection::{Applied, ProjectionError};
use tokio_postgres::Transaction;

/// Removes the posts of accounts that the batch erases, after the batch itself was taken in.
/// Texts and history name only the post: they go first.
pub(super) async fn erase(
    transaction: &Transaction<'_>,
    events: &[Applied],
) -> Result<(), ProjectionError> {
    let erased = erased_in(events);
    if erased.is_empty() {
        return Ok(());
    }
    for statement in [
        "delete from top_posts_v1_history
         using top_posts_v1
         where top_posts_v1_history.post = top_posts_v1.post
             and top_posts_v1.account_id = any($1)",
        "delete from top_posts_v1_text
         using top_posts_v1
         where top_posts_v1_text.post = top_posts_v1.post
             and top_posts_v1.account_id = any($1)",
        "delete from top_posts_v1 where account_id = any($1)",
    ] {
        transaction.execute(statement, &[&erased]).await?;
    }
    Ok(())
}
