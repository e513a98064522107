//! The rules: which events a command leads to in each phase, or why it is refused.

use super::MAX_POSTS_IN_READING;
use super::command::{
    AccountReading, Command, ConnectAccount, ImportAccount, PostReading, PostsReading,
    SnapshotMetric,
};
use super::erasure::erase_account;
use super::event::{
    AccountConnected, AccountDisconnected, AccountImported, AccountReconnected, DisconnectReason,
    ErrorClass, Event, MetricsObserved, PostObserved, PostsObserved, ProfileChanged,
    ReauthorizationRequired, SyncRecorded,
};
use super::state::{Account, Facts};
use crate::observation::Cause;
use crate::{CreatorId, Metric, Platform, PostKey, Sealed, Timestamp};
use std::collections::BTreeSet;

/// Why a command is refused. A refused command changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Nothing is known of the account yet.
    #[error("the account is not known: import or connect it first")]
    UnknownAccount,
    /// Its data was destroyed; nothing is recorded of it any more.
    #[error("the account was erased at {0}: connecting or importing it again opens a new one")]
    Erased(Timestamp),
    /// The account has no connection that a sync could have used.
    #[error("the account is {0}, not connected: a sync cannot be recorded for it")]
    NotConnected(&'static str),
    /// The account is another creator's, or lives on another platform.
    #[error("the account belongs to creator {creator} on {platform}")]
    BelongsElsewhere {
        /// Its creator.
        creator: CreatorId,
        /// Its platform.
        platform: Platform,
    },
    /// The reading says nothing.
    #[error("the reading holds no metric")]
    EmptyReading,
    /// A metric that such a subject does not have.
    #[error("{metric} is not a metric of {subject}")]
    WrongSubject {
        /// The metric.
        metric: Metric,
        /// What it was given for.
        subject: &'static str,
    },
    /// Too many posts at once.
    #[error("the reading holds {0} posts: expected at most {MAX_POSTS_IN_READING}")]
    TooManyPosts(usize),
    /// One reading speaks once of each post.
    #[error("post {0} is in the reading twice")]
    PostTwice(PostKey),
    /// A sync that ended before it began.
    #[error("the sync ended at {finished_at}, before it began at {started_at}")]
    EndsBeforeBeginning {
        /// Its beginning.
        started_at: Timestamp,
        /// Its end.
        finished_at: Timestamp,
    },
}

/// Decides on a command. Pure; no event means that what is asked for is already so.
pub fn decide(account: &Account, command: &Command) -> Result<Vec<Event>, Rejected> {
    match command {
        Command::ImportAccount(import) => import_account(account, import),
        Command::ConnectAccount(connect) => connect_account(account, connect),
        Command::RecordSync(sync) => record_sync(account, sync),
        Command::SnapshotMetric(SnapshotMetric::Account(reading)) => {
            snapshot_account(account, reading)
        }
        Command::SnapshotMetric(SnapshotMetric::Posts(reading)) => snapshot_posts(account, reading),
        Command::Disconnect { reason, at, .. } => disconnect(account, *reason, *at),
        Command::EraseAccount(erase) => erase_account(account, erase),
    }
}

fn known(account: &Account) -> Result<&Facts, Rejected> {
    if let Account::Erased { at, .. } = account {
        return Err(Rejected::Erased(*at));
    }
    account.facts().ok_or(Rejected::UnknownAccount)
}

fn same_owner(facts: &Facts, creator: &CreatorId, platform: Platform) -> Result<(), Rejected> {
    if facts.creator == *creator && facts.platform == platform {
        return Ok(());
    }
    Err(Rejected::BelongsElsewhere {
        creator: facts.creator.clone(),
        platform: facts.platform,
    })
}

fn profile_change(facts: &Facts, observed_at: Timestamp, profile: &Sealed) -> Option<Event> {
    facts
        .profiles
        .is_news(observed_at, profile.fingerprint)
        .then(|| {
            Event::ProfileChanged(ProfileChanged {
                observed_at,
                profile: profile.clone(),
            })
        })
}

fn import_account(account: &Account, import: &ImportAccount) -> Result<Vec<Event>, Rejected> {
    let profile = &import.profile;
    if *account == Account::Absent {
        return Ok(vec![Event::AccountImported(AccountImported {
            creator: import.creator.clone(),
            platform: import.platform,
            source: import.source.clone(),
            observed_at: profile.observed_at,
            profile: profile.sealed.clone(),
        })]);
    }
    let facts = known(account)?;
    same_owner(facts, &import.creator, import.platform)?;
    Ok(profile_change(facts, profile.observed_at, &profile.sealed)
        .into_iter()
        .collect())
}

fn connect_account(account: &Account, connect: &ConnectAccount) -> Result<Vec<Event>, Rejected> {
    if let Some(facts) = account.facts() {
        same_owner(facts, &connect.creator, connect.platform)?;
    }
    let mut events = match account {
        Account::Absent | Account::Imported { .. } => {
            return Ok(vec![Event::AccountConnected(AccountConnected {
                creator: connect.creator.clone(),
                platform: connect.platform,
                scopes: connect.scopes.clone(),
                route: connect.route,
                consent: connect.consent.clone(),
                observed_at: connect.profile.observed_at,
                profile: connect.profile.sealed.clone(),
            })]);
        }
        Account::Connected { scopes, .. } if *scopes == connect.scopes => vec![],
        Account::Erased { at, .. } => return Err(Rejected::Erased(*at)),
        Account::Connected { .. }
        | Account::NeedsReauthorization { .. }
        | Account::Disconnected { .. } => {
            vec![Event::AccountReconnected(AccountReconnected {
                scopes: connect.scopes.clone(),
                route: connect.route,
                consent: connect.consent.clone(),
            })]
        }
    };
    let profile = &connect.profile;
    if let Some(facts) = account.facts() {
        events.extend(profile_change(facts, profile.observed_at, &profile.sealed));
    }
    Ok(events)
}

fn record_sync(account: &Account, sync: &SyncRecorded) -> Result<Vec<Event>, Rejected> {
    known(account)?;
    if sync.finished_at < sync.started_at {
        return Err(Rejected::EndsBeforeBeginning {
            started_at: sync.started_at,
            finished_at: sync.finished_at,
        });
    }
    let mut events = vec![Event::SyncRecorded(sync.clone())];
    match account {
        // A sync from before the grant was renewed says nothing of the new one.
        Account::Connected { since, .. } if sync.started_at < *since => {}
        Account::Connected { .. } => events.extend(lost_authorisation(sync)),
        Account::NeedsReauthorization { .. } => {}
        Account::Absent
        | Account::Imported { .. }
        | Account::Disconnected { .. }
        | Account::Erased { .. } => {
            return Err(Rejected::NotConnected(account.phase()));
        }
    }
    Ok(events)
}

/// Only an authorisation that is lost for good asks for the creator; a passing error never does.
fn lost_authorisation(sync: &SyncRecorded) -> Option<Event> {
    let error = sync
        .error
        .as_ref()
        .filter(|error| error.class == ErrorClass::AuthExpired)?;
    Some(Event::ReauthorizationRequired(ReauthorizationRequired {
        since: sync.finished_at,
        error: error.clone(),
    }))
}

fn snapshot_account(account: &Account, reading: &AccountReading) -> Result<Vec<Event>, Rejected> {
    let facts = known(account)?;
    let values = &reading.values;
    if values.is_empty() {
        return Err(Rejected::EmptyReading);
    }
    let mentioned = values
        .known()
        .map(|(metric, _)| metric)
        .chain(values.hidden());
    for metric in mentioned {
        if !metric.is_of_account() {
            return Err(Rejected::WrongSubject {
                metric,
                subject: "an account",
            });
        }
    }
    let mut provenance = reading.provenance.clone();
    if facts.is_restated(reading.observed_at, values) {
        provenance.cause = restated(provenance.cause);
    }
    let mut events = vec![Event::MetricsObserved(MetricsObserved {
        observed_at: reading.observed_at,
        period: reading.period,
        values: values.clone(),
        provenance,
    })];
    if let Some(profile) = &reading.profile {
        events.extend(profile_change(facts, reading.observed_at, profile));
    }
    Ok(events)
}

fn snapshot_posts(account: &Account, reading: &PostsReading) -> Result<Vec<Event>, Rejected> {
    known(account)?;
    check_posts(&reading.posts)?;
    let mut page = PostsObserved {
        observed_at: reading.observed_at,
        provenance: reading.provenance.clone(),
        changed: vec![],
        unchanged: vec![],
    };
    let mut corrected = vec![];
    for post in &reading.posts {
        let news = PostObserved {
            post: post.post,
            published_at: post.published_at,
            values: post.values.clone(),
            text: post.text.clone(),
        };
        match comparison(post, reading.observed_at) {
            Comparison::Unchanged => page.unchanged.push(post.post),
            Comparison::Changed => page.changed.push(news),
            Comparison::Restated => corrected.push(news),
        }
    }
    let mut events = vec![];
    if !page.changed.is_empty() || !page.unchanged.is_empty() {
        events.push(Event::PostsObserved(page.clone()));
    }
    if !corrected.is_empty() {
        page.provenance.cause = restated(page.provenance.cause);
        page.changed = corrected;
        page.unchanged = vec![];
        events.push(Event::PostsObserved(page));
    }
    Ok(events)
}

/// The cause of a corrected number. An invented one stays marked as that above all.
const fn restated(cause: Cause) -> Cause {
    match cause {
        Cause::Simulated => Cause::Simulated,
        Cause::Observed | Cause::Imported | Cause::Restated | Cause::ReParsed => Cause::Restated,
    }
}

fn check_posts(posts: &[PostReading]) -> Result<(), Rejected> {
    if posts.is_empty() {
        return Err(Rejected::EmptyReading);
    }
    if posts.len() > MAX_POSTS_IN_READING {
        return Err(Rejected::TooManyPosts(posts.len()));
    }
    let mut seen = BTreeSet::new();
    for post in posts {
        if !seen.insert(post.post) {
            return Err(Rejected::PostTwice(post.post));
        }
        let values = &post.values;
        let mentioned = values
            .known()
            .map(|(metric, _)| metric)
            .chain(values.hidden());
        for metric in mentioned {
            if !metric.is_of_post() {
                return Err(Rejected::WrongSubject {
                    metric,
                    subject: "a post",
                });
            }
        }
    }
    Ok(())
}

enum Comparison {
    Unchanged,
    Changed,
    Restated,
}

/// Compares a post with its newest earlier observation. A reading from before that one is always
/// kept in full: nothing is known here of what held at its moment.
fn comparison(post: &PostReading, observed_at: Timestamp) -> Comparison {
    let Some(known) = post.known.filter(|known| known.observed_at <= observed_at) else {
        return Comparison::Changed;
    };
    let same_text = post.text_fingerprint.is_none() || post.text_fingerprint == known.text;
    if post.values.digest() == known.values {
        return if same_text {
            Comparison::Unchanged
        } else {
            Comparison::Changed
        };
    }
    // Restated only if the numbers of that very moment differ.
    if known.observed_at == observed_at {
        Comparison::Restated
    } else {
        Comparison::Changed
    }
}

fn disconnect(
    account: &Account,
    reason: DisconnectReason,
    at: Timestamp,
) -> Result<Vec<Event>, Rejected> {
    match account {
        Account::Absent => Err(Rejected::UnknownAccount),
        Account::Erased { at, .. } => Err(Rejected::Erased(*at)),
        Account::Imported { .. } | Account::Disconnected { .. } => Ok(vec![]),
        Account::Connected { .. } | Account::NeedsReauthorization { .. } => {
            Ok(vec![Event::AccountDisconnected(AccountDisconnected {
                reason,
                at,
            })])
        }
    }
}
