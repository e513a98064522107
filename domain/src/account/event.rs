//! The events of an account. Names and shapes are the storage format: golden files pin them.
//!
//! An event is added or given a new schema version, never changed. Personal data is sealed,
//! tokens never appear, and numbers and times stay plain.

use super::erasure::AccountErased;
use crate::observation::{Period, Provenance};
use crate::{CreatorId, Platform, PostKey, Sealed, SyncId, Timestamp, Values};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Everything that can have happened to an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The account became known through a file of history.
    AccountImported(AccountImported),
    /// The creator connected the account for the first time.
    AccountConnected(AccountConnected),
    /// The creator connected it again, or granted other scopes.
    AccountReconnected(AccountReconnected),
    /// Handle, name, bio, links or image changed.
    ProfileChanged(ProfileChanged),
    /// A sync ended, well or badly.
    SyncRecorded(SyncRecorded),
    /// Only the creator can restore access.
    ReauthorizationRequired(ReauthorizationRequired),
    /// The account's own metrics were read.
    MetricsObserved(MetricsObserved),
    /// A page of its posts was read.
    PostsObserved(PostsObserved),
    /// The connection ended; the history stays.
    AccountDisconnected(AccountDisconnected),
    /// The account's key was destroyed: its personal data stays closed for ever.
    AccountErased(AccountErased),
}

/// See [`Event::AccountImported`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountImported {
    /// Who owns the account.
    pub creator: CreatorId,
    /// Where it lives.
    pub platform: Platform,
    /// Which import named it first.
    pub source: String,
    /// When the profile was seen.
    pub observed_at: Timestamp,
    /// The platform's account id, handle, name and so on.
    pub profile: Sealed,
}

/// By which way a creator came to grant access.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Route {
    /// The platform's own OAuth consent page.
    Oauth,
    /// The simulator that stands in for a platform in demonstrations.
    Simulated,
}

/// What the creator agreed to, and when.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Consent {
    /// The version of the text that was shown.
    pub text_version: String,
    /// When it was agreed to.
    pub given_at: Timestamp,
}

/// See [`Event::AccountConnected`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountConnected {
    /// Who owns the account.
    pub creator: CreatorId,
    /// Where it lives.
    pub platform: Platform,
    /// The scopes that were granted, which may be fewer than were asked for.
    pub scopes: BTreeSet<String>,
    /// By which way.
    pub route: Route,
    /// What the creator agreed to.
    pub consent: Consent,
    /// When the profile was seen.
    pub observed_at: Timestamp,
    /// The platform's account id, handle, name and so on.
    pub profile: Sealed,
}

/// See [`Event::AccountReconnected`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountReconnected {
    /// The scopes that are granted now.
    pub scopes: BTreeSet<String>,
    /// By which way.
    pub route: Route,
    /// What the creator agreed to.
    pub consent: Consent,
}

/// See [`Event::ProfileChanged`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProfileChanged {
    /// When the new profile was seen.
    pub observed_at: Timestamp,
    /// The whole profile as it is from then on.
    pub profile: Sealed,
}

/// What a sync set out to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncKind {
    /// Everything that is due.
    Full,
    /// The profile and the account's metrics.
    Profile,
    /// Posts and their counts.
    Posts,
    /// Insights of account and posts.
    Insights,
}

/// How a sync ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncOutcome {
    /// All that was asked for came.
    Succeeded,
    /// Some of it came.
    Partial,
    /// None of it came.
    Failed,
}

/// What kind of failure a platform's answer was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Only a new authorisation by the person helps.
    AuthExpired,
    /// A scope or role is missing.
    Permission,
    /// Wait: too many calls.
    RateLimited,
    /// May pass by itself.
    Transient,
    /// The platform has nothing to say.
    NoData,
    /// The account is gone from the platform.
    AccountGone,
    /// The app's own set-up is wrong: an administrator must act.
    ConfigError,
    /// Our request is wrong; repeating it does not help.
    InvalidRequest,
    /// The platform refuses for its rules.
    Policy,
}

impl ErrorClass {
    /// The name in events, read models and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AuthExpired => "auth_expired",
            Self::Permission => "permission",
            Self::RateLimited => "rate_limited",
            Self::Transient => "transient",
            Self::NoData => "no_data",
            Self::AccountGone => "account_gone",
            Self::ConfigError => "config_error",
            Self::InvalidRequest => "invalid_request",
            Self::Policy => "policy",
        }
    }
}

/// Why a sync failed or stayed partial.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SyncError {
    /// Its kind, which says who can mend it.
    pub class: ErrorClass,
    /// The platform's own code, such as `190/463`; never its message, which may name people.
    pub code: String,
}

/// What the platform said of its limits during a sync.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RateLimit {
    /// Whether the limit was reached.
    pub hit: bool,
    /// How much of it was used, in percent, where the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_percent: Option<u8>,
    /// When it starts anew, where the platform says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_at: Option<Timestamp>,
}

/// How many things a sync read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SyncItems {
    /// Profiles (zero or one).
    pub profiles: u32,
    /// Posts.
    pub posts: u32,
    /// Insight values.
    pub insights: u32,
}

/// See [`Event::SyncRecorded`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SyncRecorded {
    /// The run.
    pub sync_id: SyncId,
    /// What it set out to read.
    pub kind: SyncKind,
    /// How it ended.
    pub outcome: SyncOutcome,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; never before its beginning.
    pub finished_at: Timestamp,
    /// How much it read.
    pub items: SyncItems,
    /// Why it failed or stayed partial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<SyncError>,
    /// What the platform said of its limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// Calls made.
    pub calls: u32,
    /// Quota units spent, on platforms that count them.
    pub quota_units: u32,
    /// Whether the access token was renewed as a matter of routine.
    pub token_renewed: bool,
    /// When the next sync is planned, where a schedule says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_at: Option<Timestamp>,
    /// Whether this is a simulation's and no platform was called.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub simulated: bool,
}

/// See [`Event::ReauthorizationRequired`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ReauthorizationRequired {
    /// Since when access fails.
    pub since: Timestamp,
    /// What the platform answered.
    pub error: SyncError,
}

/// See [`Event::MetricsObserved`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct MetricsObserved {
    /// When the numbers were read.
    pub observed_at: Timestamp,
    /// The span that flows were measured over, where the platform states one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// The numbers.
    #[serde(flatten)]
    pub values: Values,
    /// Where they were read.
    pub provenance: Provenance,
}

/// One post of a [`PostsObserved`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PostObserved {
    /// The post.
    pub post: PostKey,
    /// When it was published, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_at: Option<Timestamp>,
    /// Its numbers.
    #[serde(flatten)]
    pub values: Values,
    /// The platform's post id, caption and links: only when they are new or changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Sealed>,
}

/// See [`Event::PostsObserved`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PostsObserved {
    /// When the page was read.
    pub observed_at: Timestamp,
    /// Where it was read.
    pub provenance: Provenance,
    /// Posts that are new or whose numbers or text changed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<PostObserved>,
    /// Posts that were read and found as their newest earlier observation has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<PostKey>,
}

/// Why a connection ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisconnectReason {
    /// The creator or the host system asked for it.
    Requested,
    /// The creator revoked access at the platform.
    RevokedAtPlatform,
    /// The platform told us that the app was removed.
    Deauthorized,
    /// The account no longer exists at the platform.
    AccountGone,
}

impl DisconnectReason {
    /// The name in events, read models and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::RevokedAtPlatform => "revoked_at_platform",
            Self::Deauthorized => "deauthorized",
            Self::AccountGone => "account_gone",
        }
    }
}

/// See [`Event::AccountDisconnected`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountDisconnected {
    /// Why.
    pub reason: DisconnectReason,
    /// When.
    pub at: Timestamp,
}
