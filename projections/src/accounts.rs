//! The read model of accounts: whose they are and where they stand.

mod apply;
mod query;

pub use query::{AccountRow, find, find_many, list};

use crate::projection::{Applied, Projection, ProjectionError};
use async_trait::async_trait;
use tokio_postgres::Transaction;

/// The projection `accounts`.
pub struct Accounts;

#[async_trait]
impl Projection for Accounts {
    fn name(&self) -> &'static str {
        "accounts"
    }

    fn version(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static str {
        include_str!("accounts/tables.sql")
    }

    async fn apply(
        &self,
        transaction: &Transaction<'_>,
        events: &[Applied],
    ) -> Result<(), ProjectionError> {
        apply::apply(transaction, events).await
    }
}
