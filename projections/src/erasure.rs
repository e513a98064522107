//! What every read model does when accounts are erased: their rows go.
//!
//! In a batch too an erasure is the last event of its account, so a read model first takes the
//! whole batch in and then removes what was erased in it.

use crate::projection::Applied;
use domain::account::Event;
use uuid::Uuid;

/// The accounts that a batch erases.
pub(crate) fn erased_in(events: &[Applied]) -> Vec<Uuid> {
    let erased = events
        .iter()
        .filter(|applied| matches!(applied.event, Event::AccountErased(_)));
    erased.map(|applied| applied.account.uuid()).collect()
}
