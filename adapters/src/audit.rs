//! Proof of history: chains checked, checkpoints signed, exports, and states at any time.
//!
//! Everything reads the log through its ports, so that it works over any log. docs/audit.md has
//! the formats, and who could still forge what.

mod carry;
pub mod checkpoint;
mod error;
pub mod export;
pub mod facts;
pub mod files;
pub mod history;
mod part;
pub mod segments;
pub mod state;
mod statement;
mod streams;
mod tips;
pub mod verify;
pub mod watch;

pub(crate) use carry::carry;
pub use checkpoint::Checkpoint;
pub use error::AuditError;
pub use statement::Signed;
pub use verify::Report;

use crate::postgres::Pool;
use crate::vault::Signer;
use commands::ports::EventLog;
use projections::feed::EventFeed;
use std::sync::Arc;
use uuid::Uuid;

/// What audits need.
#[derive(Clone)]
pub struct Auditor {
    /// Streams of the log.
    pub log: Arc<dyn EventLog>,
    /// All of the log, in order.
    pub feed: Arc<dyn EventFeed>,
    /// Tips, checkpoints and stored states.
    pub pool: Pool,
    /// Signs exports and checkpoints.
    pub signer: Arc<Signer>,
}

impl Auditor {
    /// Which log this is.
    async fn log_id(&self) -> Result<Uuid, AuditError> {
        Ok(self.feed.log_id().await?)
    }
}
