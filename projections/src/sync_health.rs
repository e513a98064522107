//! The read model of sync health: how each account's syncs fare, and why a day is missing.

mod apply;
mod erase;
mod query;

pub use query::{FailedSync, HealthRow, failed_by_window, find_many, list};

use crate::projection::{Applied, Projection, ProjectionError};
use crate::tables::Tables;
use async_trait::async_trait;

/// The projection `sync_health`.
pub struct SyncHealth;

#[async_trait]
impl Projection for SyncHealth {
    fn name(&self) -> &'static str {
        "sync_health"
    }

    fn contract(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static str {
        include_str!("sync_health/tables.sql")
    }

    fn takes(&self, event_type: &str) -> bool {
        !matches!(
            event_type,
            "ProfileChanged" | "MetricsObserved" | "PostsObserved"
        )
    }

    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
        apply::apply(tables, events).await?;
        erase::erase(tables, events).await
    }
}
