//! The write side: load an account, fold its events, decide, seal, append, with a bounded retry.
//!
//! What it needs from outside stands in [`ports`]; the outside implements it.

mod append;
mod cache;
mod envelope;
mod erasures;
mod execute;
mod folded;
mod intent;
pub mod measure;
pub mod ports;
mod prepare;
pub mod text;

pub use append::append_surely;
pub use envelope::Context;
pub use erasures::{EraseError, Erased, Erasures};
pub use execute::{CommandError, Ledger, Outcome};
pub use folded::{Folded, PostMark, RECENT_EVENTS};
pub use intent::{Connection, Intent, IntentOutcome, PostSnapshot, Profile};
