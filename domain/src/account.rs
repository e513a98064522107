//! The account aggregate: one creator's account on one platform, from its first event on.
//!
//! ```text
//!            ImportAccount            ConnectAccount
//!   Absent ───────────────► Imported ───────────────► Connected ◄──────────────┐
//!      │                                               │      │                │
//!      └───────────────────────────────────────────────┘      │ an expired     │ ConnectAccount
//!                      ConnectAccount               Disconnect │ authorisation  │
//!                                                      ▼      ▼                │
//!                                            Disconnected   NeedsReauthorization
//!                                                      └──────┴────────────────┘
//! ```
//! EraseAccount leads from every phase but Absent to Erased, which nothing leaves.
//! `decide` and `evolve` are pure: the facts they need are arguments.

mod command;
mod decide;
mod erasure;
mod event;
mod identity;
mod moment;
mod state;

pub use command::{
    AccountReading, Command, ConnectAccount, EraseAccount, ImportAccount, KnownPost, PostReading,
    PostsReading, ProfileReading, SnapshotMetric,
};
pub use decide::{Rejected, decide};
pub use erasure::{AccountErased, ErasureReason, UnknownReason};
pub use event::{
    AccountConnected, AccountDisconnected, AccountImported, AccountReconnected, Consent,
    DisconnectReason, ErrorClass, Event, MetricsObserved, PostObserved, PostsObserved,
    ProfileChanged, RateLimit, ReauthorizationRequired, Route, SyncError, SyncItems, SyncKind,
    SyncOutcome, SyncRecorded,
};
pub use identity::{erasure_id, event_id, may_repeat};
pub use moment::{AsOf, effective_at, reduced};
pub use state::{Account, Facts, ProfileTimeline, evolve};

/// The most posts that one reading may hold, so that an event stays far below a log's limits.
pub const MAX_POSTS_IN_READING: usize = 200;

#[cfg(test)]
mod tests;
