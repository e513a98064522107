//! What callers ask for, with personal data still in the clear: the write side seals it.

use crate::text::{PostText, ProfileText};
use domain::account::{Consent, DisconnectReason, EraseAccount, Rejected, Route, SyncRecorded};
use domain::observation::{Period, Provenance};
use domain::{CommandId, CreatorId, Platform, Timestamp, Values};
use std::collections::BTreeSet;

/// A request about one account.
#[derive(Clone, Debug)]
pub enum Intent {
    /// Make the account known from a file, or follow its profile.
    Import {
        /// Who owns it.
        creator: CreatorId,
        /// Where it lives.
        platform: Platform,
        /// Which import says so.
        source: String,
        /// Its profile.
        profile: Profile,
    },
    /// Take a creator's grant into use.
    Connect(Connection),
    /// Record how a sync ended.
    RecordSync(SyncRecorded),
    /// Record the account's own metrics.
    SnapshotAccount {
        /// When they were read.
        observed_at: Timestamp,
        /// The span that flows were measured over, where stated.
        period: Option<Period>,
        /// The numbers.
        values: Values,
        /// Where they were read.
        provenance: Provenance,
        /// The profile read with them, if any.
        profile: Option<ProfileText>,
    },
    /// Record a page of posts.
    SnapshotPosts {
        /// When it was read.
        observed_at: Timestamp,
        /// Where it was read.
        provenance: Provenance,
        /// Its posts, each once.
        posts: Vec<PostSnapshot>,
    },
    /// End the connection and keep the history.
    Disconnect {
        /// Makes a repetition recognisable.
        command_id: CommandId,
        /// Why.
        reason: DisconnectReason,
        /// When.
        at: Timestamp,
    },
    /// Record that the account's key is destroyed. [`crate::Erasures`] does what belongs to it.
    Erase(EraseAccount),
}

/// A profile as read once.
#[derive(Clone, Debug)]
pub struct Profile {
    /// When it was read.
    pub observed_at: Timestamp,
    /// What it says.
    pub text: ProfileText,
}

/// See [`Intent::Connect`].
#[derive(Clone, Debug)]
pub struct Connection {
    /// Makes a repetition recognisable.
    pub command_id: CommandId,
    /// Who owns the account.
    pub creator: CreatorId,
    /// Where it lives.
    pub platform: Platform,
    /// The scopes that were granted.
    pub scopes: BTreeSet<String>,
    /// By which way.
    pub route: Route,
    /// What the creator agreed to.
    pub consent: Consent,
    /// The profile at that moment.
    pub profile: Profile,
}

/// One post as read once.
#[derive(Clone, Debug)]
pub struct PostSnapshot {
    /// The platform's id, title, caption and links.
    pub text: PostText,
    /// When it was published, where known.
    pub published_at: Option<Timestamp>,
    /// Its numbers.
    pub values: Values,
}

/// What became of one intent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum IntentOutcome {
    /// Events were appended.
    Appended {
        /// How many.
        events: usize,
        /// How many of a page's posts were found unchanged.
        unchanged_posts: usize,
    },
    /// What was asked for is already so, or was recorded before.
    Unchanged,
    /// Refused by a rule of the domain.
    Rejected(Rejected),
}
