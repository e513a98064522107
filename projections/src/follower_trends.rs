//! The read model of account metrics in time: followers above all, and every other one.

mod apply;
mod erase;
mod growth;
mod point;
mod trend;

pub use growth::{CreatorGrowth, GrowthQuery, creator_growth};
pub(crate) use point::last_known;
pub use point::{Point, metric_as_of, newest_of_many, since_unknown};
pub use trend::{Bucket, Interval, TrendQuery, raw, trend, trend_sql};

use crate::projection::{Applied, Projection, ProjectionError};
use crate::tables::Tables;
use async_trait::async_trait;

/// The projection `follower_trends`.
pub struct FollowerTrends;

#[async_trait]
impl Projection for FollowerTrends {
    fn name(&self) -> &'static str {
        "follower_trends"
    }

    fn contract(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static str {
        include_str!("follower_trends/tables.sql")
    }

    fn is_sharded(&self) -> bool {
        true
    }

    fn takes(&self, event_type: &str) -> bool {
        matches!(event_type, "MetricsObserved" | "AccountErased")
    }

    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
        apply::apply(tables, events).await?;
        erase::erase(tables, events).await
    }
}
