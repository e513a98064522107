//! What an account's events add up to: an enum of phases, each holding what is true in it.

use super::erasure::ErasureReason;
use super::event::{DisconnectReason, Event, SyncError};
use crate::{CreatorId, Fingerprint, Metric, Platform, Sealed, Timestamp, Values};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// An account's phase. Nothing here grows with its posts or with the length of its history.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Account {
    /// No event yet.
    #[default]
    Absent,
    /// Known from files of history; never connected.
    Imported {
        /// What is known in every phase.
        facts: Facts,
    },
    /// The creator's grant is in use.
    Connected {
        /// What is known in every phase.
        facts: Facts,
        /// The scopes that are granted.
        scopes: BTreeSet<String>,
        /// When they were granted.
        since: Timestamp,
    },
    /// The grant no longer works and only the creator can mend it.
    NeedsReauthorization {
        /// What is known in every phase.
        facts: Facts,
        /// Since when.
        since: Timestamp,
        /// What the platform answered.
        error: SyncError,
    },
    /// The connection ended; the history stays.
    Disconnected {
        /// What is known in every phase.
        facts: Facts,
        /// When it ended.
        at: Timestamp,
        /// Why it ended.
        reason: DisconnectReason,
    },
    /// The key was destroyed. Nothing leads out of this, and nothing else is known any more.
    Erased {
        /// When it was asked for.
        at: Timestamp,
        /// On whose request.
        reason: ErasureReason,
        /// Names the key that was destroyed.
        key: Option<Fingerprint>,
    },
}

/// What is known of an account in every phase but Absent and Erased.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Facts {
    /// Who owns it.
    pub creator: CreatorId,
    /// Where it lives.
    pub platform: Platform,
    /// The profiles it was last seen with.
    pub profiles: ProfileTimeline,
    /// The newest moment at which its own metrics were read.
    pub newest_metrics: Option<Timestamp>,
    /// Each metric's newest observation, whose value is nothing where it was withheld. As many
    /// as the registry has.
    pub newest_values: BTreeMap<Metric, (Timestamp, Option<i64>)>,
    /// The newest moment at which posts of it were read.
    pub newest_posts: Option<Timestamp>,
    /// The newest moment at which a sync of it began.
    pub newest_sync: Option<Timestamp>,
}

/// The last profile changes, so that an older reading is compared with what held at its moment.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ProfileTimeline(Vec<(Timestamp, Fingerprint)>);

impl ProfileTimeline {
    /// How many changes are kept; readings older than all of them tell nothing new.
    pub const CAPACITY: usize = 16;

    /// Whether a profile seen at that moment differs from the one that held then.
    pub fn is_news(&self, observed_at: Timestamp, fingerprint: Fingerprint) -> bool {
        if self.0.contains(&(observed_at, fingerprint)) {
            return false;
        }
        match self.0.iter().rev().find(|(since, _)| *since <= observed_at) {
            Some((_, held)) => *held != fingerprint,
            // Older than everything kept: news only while nothing was ever dropped.
            None => {
                self.0.len() < Self::CAPACITY
                    && self.0.first().is_none_or(|(_, next)| *next != fingerprint)
            }
        }
    }

    /// The changes that are kept, in the order of their moments.
    pub fn changes(&self) -> &[(Timestamp, Fingerprint)] {
        &self.0
    }

    fn insert(&mut self, observed_at: Timestamp, fingerprint: Fingerprint) {
        let place = self.0.partition_point(|(since, _)| *since <= observed_at);
        self.0.insert(place, (observed_at, fingerprint));
        if self.0.len() > Self::CAPACITY {
            self.0.remove(0);
        }
    }
}

impl Facts {
    fn new(creator: &CreatorId, platform: Platform, at: Timestamp, profile: &Sealed) -> Self {
        let mut facts = Self::of_owner(creator, platform);
        facts.profiles.insert(at, profile.fingerprint);
        facts
    }

    /// What is known of an account of which nothing was ever seen.
    pub(super) fn of_owner(creator: &CreatorId, platform: Platform) -> Self {
        Self {
            creator: creator.clone(),
            platform,
            profiles: ProfileTimeline::default(),
            newest_metrics: None,
            newest_values: BTreeMap::new(),
            newest_posts: None,
            newest_sync: None,
        }
    }
}

impl Facts {
    fn note_values(&mut self, at: Timestamp, values: &Values) {
        let known = values.known().map(|(metric, value)| (metric, Some(value)));
        for (metric, value) in known.chain(values.hidden().map(|metric| (metric, None))) {
            let newest = self.newest_values.entry(metric).or_insert((at, value));
            if newest.0 <= at {
                *newest = (at, value);
            }
        }
    }

    /// Whether a reading gives another value for the very moment of a metric's newest one.
    pub fn is_restated(&self, at: Timestamp, values: &Values) -> bool {
        self.newest_values.iter().any(|(metric, (newest, value))| {
            let given = values.get(*metric);
            *newest == at && given != *value && (given.is_some() || values.is_hidden(*metric))
        })
    }
}

impl Account {
    /// What is known in every phase but Absent and Erased.
    pub fn facts(&self) -> Option<&Facts> {
        match self {
            Self::Absent | Self::Erased { .. } => None,
            Self::Imported { facts }
            | Self::Connected { facts, .. }
            | Self::NeedsReauthorization { facts, .. }
            | Self::Disconnected { facts, .. } => Some(facts),
        }
    }

    fn facts_mut(&mut self) -> Option<&mut Facts> {
        match self {
            Self::Absent | Self::Erased { .. } => None,
            Self::Imported { facts }
            | Self::Connected { facts, .. }
            | Self::NeedsReauthorization { facts, .. }
            | Self::Disconnected { facts, .. } => Some(facts),
        }
    }

    /// The phase's name in answers and read models.
    pub const fn phase(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Imported { .. } => "imported",
            Self::Connected { .. } => "connected",
            Self::NeedsReauthorization { .. } => "needs_reauthorization",
            Self::Disconnected { .. } => "disconnected",
            Self::Erased { .. } => "erased",
        }
    }
}

/// Folds one event into the state. Total: strange history never fails, it only changes less.
#[must_use]
pub fn evolve(mut account: Account, event: &Event) -> Account {
    if matches!(account, Account::Erased { .. }) {
        return account;
    }
    match event {
        Event::AccountErased(e) => Account::Erased {
            at: e.at,
            reason: e.reason,
            key: e.key,
        },
        Event::AccountImported(e) => match account {
            Account::Absent => Account::Imported {
                facts: Facts::new(&e.creator, e.platform, e.observed_at, &e.profile),
            },
            other => other,
        },
        Event::AccountConnected(e) => {
            let facts = match account.facts() {
                None => Facts::new(&e.creator, e.platform, e.observed_at, &e.profile),
                Some(facts) => {
                    let mut facts = facts.clone();
                    if facts.profiles.is_news(e.observed_at, e.profile.fingerprint) {
                        facts.profiles.insert(e.observed_at, e.profile.fingerprint);
                    }
                    facts
                }
            };
            Account::Connected {
                facts,
                scopes: e.scopes.clone(),
                since: e.consent.given_at,
            }
        }
        Event::AccountReconnected(e) => match account.facts() {
            Some(facts) => Account::Connected {
                facts: facts.clone(),
                scopes: e.scopes.clone(),
                since: e.consent.given_at,
            },
            None => account,
        },
        Event::ReauthorizationRequired(e) => match account.facts() {
            Some(facts) => Account::NeedsReauthorization {
                facts: facts.clone(),
                since: e.since,
                error: e.error.clone(),
            },
            None => account,
        },
        Event::AccountDisconnected(e) => match account.facts() {
            Some(facts) => Account::Disconnected {
                facts: facts.clone(),
                at: e.at,
                reason: e.reason,
            },
            None => account,
        },
        Event::ProfileChanged(e) => {
            if let Some(facts) = account.facts_mut() {
                facts.profiles.insert(e.observed_at, e.profile.fingerprint);
            }
            account
        }
        Event::SyncRecorded(e) => {
            if let Some(facts) = account.facts_mut() {
                facts.newest_sync = facts.newest_sync.max(Some(e.started_at));
            }
            account
        }
        Event::MetricsObserved(e) => {
            if let Some(facts) = account.facts_mut() {
                facts.newest_metrics = facts.newest_metrics.max(Some(e.observed_at));
                facts.note_values(e.observed_at, &e.values);
            }
            account
        }
        Event::PostsObserved(e) => {
            if let Some(facts) = account.facts_mut() {
                facts.newest_posts = facts.newest_posts.max(Some(e.observed_at));
            }
            account
        }
    }
}
