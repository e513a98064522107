//! The domain of Social Ledger: what may happen to an account and what follows from it.
//!
//! Everything here is pure: no I/O, no async, no clock, no randomness. Time and ids are arguments.

pub mod account;
pub mod chain;
pub mod codec;
pub mod formula;
pub mod ids;
pub mod metric;
pub mod observation;
pub mod platform;
pub mod recorded;
pub mod sealed;
pub mod time;
pub mod values;

pub use ids::{AccountId, CommandId, CreatorId, EventId, PostKey, SyncId};
pub use metric::Metric;
pub use platform::Platform;
pub use recorded::{Position, RecordedEvent, StreamName};
pub use sealed::{Fingerprint, Sealed};
pub use time::Timestamp;
pub use values::Values;

#[cfg(test)]
mod tests;
