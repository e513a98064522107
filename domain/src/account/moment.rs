//! An account's state as of a moment: when each event took effect, and the fold of those that did.
//!
//! An event takes effect when what it tells was so, not when it was recorded: a reading when it
//! was read, a sync when it began, a grant when it was given, the rest at the moment they name. An
//! erasure alone holds at every moment: what was before it is not told any more.
//! Events are folded in the order of the stream, and those that took effect later are left out.
//!
//! Who owns an account and where it lives is true at every moment. So if the event that opens the
//! stream is left out and a later one is not, such as a reading of older history, the account is
//! imported with these two facts alone.

use super::event::{Event, PostsObserved};
use super::state::{Account, Facts, evolve};
use crate::observation::{Cause, Provenance};
use crate::{CreatorId, Platform, Sealed, Timestamp};
use serde::{Deserialize, Serialize};

/// When what an event tells took effect.
pub fn effective_at(event: &Event) -> Timestamp {
    match event {
        Event::AccountImported(e) => e.observed_at,
        Event::AccountConnected(e) => e.consent.given_at,
        Event::AccountReconnected(e) => e.consent.given_at,
        Event::ProfileChanged(e) => e.observed_at,
        Event::SyncRecorded(e) => e.started_at,
        Event::ReauthorizationRequired(e) => e.since,
        Event::MetricsObserved(e) => e.observed_at,
        Event::PostsObserved(e) => e.observed_at,
        Event::AccountDisconnected(e) => e.at,
        Event::AccountErased(_) => Timestamp::MIN,
    }
}

/// An event without what no state depends on, to be kept in small: [`evolve`] makes the same of
/// it. Sealed texts are among what goes.
#[must_use]
pub fn reduced(event: &Event) -> Event {
    let closed = |sealed: &Sealed| Sealed {
        fingerprint: sealed.fingerprint,
        bytes: vec![],
    };
    let mut event = event.clone();
    match &mut event {
        Event::AccountImported(e) => {
            e.source.clear();
            e.profile = closed(&e.profile);
        }
        Event::AccountConnected(e) => e.profile = closed(&e.profile),
        Event::ProfileChanged(e) => e.profile = closed(&e.profile),
        Event::SyncRecorded(e) => {
            e.error = None;
            e.rate_limit = None;
        }
        Event::MetricsObserved(e) => {
            e.period = None;
            e.provenance = no_provenance();
        }
        Event::PostsObserved(e) => {
            *e = PostsObserved {
                observed_at: e.observed_at,
                provenance: no_provenance(),
                changed: vec![],
                unchanged: vec![],
            };
        }
        Event::AccountReconnected(_)
        | Event::ReauthorizationRequired(_)
        | Event::AccountDisconnected(_)
        | Event::AccountErased(_) => {}
    }
    event
}

fn no_provenance() -> Provenance {
    Provenance {
        cause: Cause::Observed,
        source: String::new(),
        api_version: None,
        names: [].into(),
        precision: [].into(),
    }
}

/// The fold of an account's events as of a moment, or of all of them.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AsOf {
    as_of: Timestamp,
    account: Account,
    owner: Option<(CreatorId, Platform)>,
}

impl AsOf {
    /// Before the first event.
    pub fn new(as_of: Timestamp) -> Self {
        Self {
            as_of,
            account: Account::Absent,
            owner: None,
        }
    }

    /// The same fold from here on, as of another moment: right only if every event that was
    /// folded so far took effect by then.
    #[must_use]
    pub fn from_here(self, as_of: Timestamp) -> Self {
        Self { as_of, ..self }
    }

    /// Takes the next event of the stream. Whether it counts.
    pub fn push(&mut self, event: &Event) -> bool {
        if self.owner.is_none() {
            self.owner = match event {
                Event::AccountImported(e) => Some((e.creator.clone(), e.platform)),
                Event::AccountConnected(e) => Some((e.creator.clone(), e.platform)),
                _ => None,
            };
        }
        if effective_at(event) > self.as_of {
            return false;
        }
        let mut account = std::mem::take(&mut self.account);
        let opens = matches!(
            event,
            Event::AccountImported(_) | Event::AccountConnected(_)
        );
        if let (Account::Absent, false, Some((creator, platform))) = (&account, opens, &self.owner)
        {
            account = Account::Imported {
                facts: Facts::of_owner(creator, *platform),
            };
        }
        self.account = evolve(account, event);
        true
    }

    /// The state.
    pub fn account(&self) -> &Account {
        &self.account
    }
}
