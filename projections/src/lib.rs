//! The read side: read models, the engine that keeps them, and the queries that they answer.
//!
//! Each read model is a folder: its tables, how events change them, its queries. [`registry`] is
//! the list; the engine runs whatever stands in it.

pub mod access;
pub mod accounts;
pub mod admin;
pub mod engine;
mod erasure;
pub mod feed;
pub mod follower_trends;
pub mod projection;
pub mod sql;
pub mod standing;
pub mod sync_health;
pub mod tables;
pub mod top_posts;
pub mod version;

pub use access::Scope;
pub use admin::Administration;
pub use engine::Engine;
pub use projection::{Applied, Projection, ProjectionError};
pub use tables::Tables;
pub use version::{Version, Versions};

use std::sync::Arc;

/// The code of every read model: of one that is being changed, of both contracts.
pub fn registry() -> Vec<Arc<dyn Projection>> {
    vec![
        Arc::new(accounts::Accounts),
        Arc::new(follower_trends::FollowerTrends),
        Arc::new(top_posts::TopPosts),
        Arc::new(sync_health::SyncHealth),
    ]
}
