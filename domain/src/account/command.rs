//! What may be asked of an account. Facts looked up beforehand are fields of the command.

use super::erasure::ErasureReason;
use super::event::{Consent, DisconnectReason, Route, SyncRecorded};
use crate::observation::{Period, Provenance};
use crate::{CommandId, CreatorId, Fingerprint, Platform, PostKey, Sealed, Timestamp, Values};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A request to change an account. Each carries what makes a repetition recognisable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Make an account known from a file, or follow its profile.
    ImportAccount(ImportAccount),
    /// Take a creator's grant into use.
    ConnectAccount(ConnectAccount),
    /// Record how a sync ended.
    RecordSync(SyncRecorded),
    /// Record numbers that were read.
    SnapshotMetric(SnapshotMetric),
    /// End the connection and keep the history.
    Disconnect {
        /// Makes a repetition recognisable.
        command_id: CommandId,
        /// Why.
        reason: DisconnectReason,
        /// When.
        at: Timestamp,
    },
    /// Destroy the account's key, so that nothing that was sealed under it ever opens again.
    EraseAccount(EraseAccount),
}

/// See [`Command::EraseAccount`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EraseAccount {
    /// When it was asked for.
    pub at: Timestamp,
    /// On whose request.
    pub reason: ErasureReason,
    /// Names the key, unless there was none any more.
    pub key: Option<Fingerprint>,
}

/// See [`Command::ImportAccount`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ImportAccount {
    /// Who owns the account.
    pub creator: CreatorId,
    /// Where it lives.
    pub platform: Platform,
    /// Which import says so.
    pub source: String,
    /// Its profile.
    pub profile: ProfileReading,
}

/// See [`Command::ConnectAccount`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConnectAccount {
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
    pub profile: ProfileReading,
}

/// A profile as read once, already sealed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProfileReading {
    /// When it was read.
    pub observed_at: Timestamp,
    /// The platform's account id, handle, name and so on.
    pub sealed: Sealed,
}

/// See [`Command::SnapshotMetric`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SnapshotMetric {
    /// The account's own metrics.
    Account(AccountReading),
    /// A page of posts.
    Posts(PostsReading),
}

/// An account's metrics as read once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountReading {
    /// When they were read.
    pub observed_at: Timestamp,
    /// The span that flows were measured over, where stated.
    pub period: Option<Period>,
    /// The numbers.
    pub values: Values,
    /// Where they were read.
    pub provenance: Provenance,
    /// The profile read with them, if any.
    pub profile: Option<Sealed>,
}

/// A page of posts as read at one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PostsReading {
    /// When it was read.
    pub observed_at: Timestamp,
    /// Where it was read.
    pub provenance: Provenance,
    /// Its posts, each once.
    pub posts: Vec<PostReading>,
}

/// One post of a [`PostsReading`], with what was known of it before.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PostReading {
    /// The post.
    pub post: PostKey,
    /// When it was published, where known.
    pub published_at: Option<Timestamp>,
    /// Its numbers.
    pub values: Values,
    /// The fingerprint of its text, part of what makes the reading recognisable.
    pub text_fingerprint: Option<Fingerprint>,
    /// Its sealed text, where that is new or changed.
    pub text: Option<Sealed>,
    /// Its newest earlier observation, where one is known.
    pub known: Option<KnownPost>,
}

/// The newest observation of a post, looked up before the command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KnownPost {
    /// When it was read.
    pub observed_at: Timestamp,
    /// [`Values::digest`] of its numbers.
    pub values: u64,
    /// The fingerprint of its text, where one was ever read.
    pub text: Option<Fingerprint>,
}
