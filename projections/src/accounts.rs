//! The read model of accounts: whose they are and where they stand.

mod apply;
mod query;

pub(crate) use query::COLUMNS;
pub use query::{AccountRow, find, find_many, list};

use crate::projection::{Applied, Projection, ProjectionError};
use crate::tables::Tables;
use async_trait::async_trait;

/// The projection `accounts`.
pub struct Accounts;

#[async_trait]
impl Projection for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn contract(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static str {
        include_str!("accounts/tables.sql")
    }

    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
        apply::apply(tables, events).await
    }
}
