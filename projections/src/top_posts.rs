//! The read model of posts: top posts by a formula or a count, and the history of each.

mod apply;
mod erase;
mod fold;
mod history;
mod measure;
mod numbers;
mod query;
mod refold;
mod store;
mod store_history;
mod store_text;

pub use history::{Observation, history, metric_as_of};
pub use measure::{Measure, UnknownMeasure};
pub use numbers::{METRICS, Numbers};
pub use query::{PostRow, TopQuery, TopScope, find, list, ranked_sql, top, top_at};

use crate::projection::{Applied, Projection, ProjectionError};
use crate::tables::Tables;
use async_trait::async_trait;

/// The projection `top_posts`.
pub struct TopPosts;

#[async_trait]
impl Projection for TopPosts {
    fn name(&self) -> &'static str {
        "top_posts"
    }

    fn contract(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static str {
        include_str!("top_posts/tables.sql")
    }

    fn indexes(&self) -> &'static str {
        include_str!("top_posts/indexes.sql")
    }

    fn is_sharded(&self) -> bool {
        true
    }

    fn account_of_row(&self) -> &'static str {
        "(select p.account_id from top_posts_vN p where p.post = t.post)"
    }

    fn takes(&self, event_type: &str) -> bool {
        matches!(event_type, "PostsObserved" | "AccountErased")
    }

    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
        apply::apply(tables, events).await?;
        erase::erase(tables, events).await
    }
}
