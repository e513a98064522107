//! The read side: read models, the engine that keeps them, and the queries that they answer.
//!
//! Each read model is a folder: its tables, how events change them, its queries. [`registry`] is
//! the list; the engine runs whatever stands in it.

pub mod access;
pub mod accounts;
pub mod engine;
mod erasure;
pub mod feed;
pub mod follower_trends;
pub mod projection;
pub mod sql;
pub mod sync_health;
pub mod top_posts;

pub use access::Scope;
pub use engine::Engine;
pub use projection::{Applied, Projection, ProjectionError};

use std::sync::Arc;

/// Every read model with its live version.
pub fn registry() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(accounts::Accounts),
        Arc::new(follower_trends::FollowerTrends),
        Arc::new(top_posts::TopPosts),
        Arc::new(sync_health::SyncHealth),
    ]
}
