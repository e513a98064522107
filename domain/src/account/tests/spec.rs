//! The words of these tests: given a history, when a command comes, then these events follow.

use crate::account::{
    Account, AccountConnected, AccountDisconnected, AccountErased, AccountImported, AccountReading,
    AccountReconnected, Command, ConnectAccount, Consent, DisconnectReason, EraseAccount,
    ErasureReason, ErrorClass, Event, ImportAccount, MetricsObserved, PostObserved, PostReading,
    PostsObserved, PostsReading, ProfileChanged, ProfileReading, ReauthorizationRequired, Rejected,
    Route, SnapshotMetric, SyncError, SyncItems, SyncKind, SyncOutcome, SyncRecorded, decide,
    evolve,
};
use crate::observation::{Cause, Provenance};
use crate::time::DAY_MICROS;
use crate::{
    CommandId, CreatorId, Fingerprint, Metric, Platform, PostKey, Sealed, SyncId, Timestamp, Values,
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// An account with a history.
pub(super) struct Given(Account);

/// What a command came to.
pub(super) struct When {
    account: Account,
    outcome: Result<Vec<Event>, Rejected>,
}

/// The account after the events that followed.
pub(super) struct Then(Account);

/// Starts a test with what happened before.
pub(super) fn given(history: &[Event]) -> Given {
    Given(fold(Account::Absent, history))
}

pub(super) fn fold(account: Account, events: &[Event]) -> Account {
    events.iter().fold(account, evolve)
}

impl Given {
    pub(super) fn when(self, command: Command) -> When {
        When {
            outcome: decide(&self.0, &command),
            account: self.0,
        }
    }
}

impl When {
    /// Exactly these events follow.
    #[track_caller]
    pub(super) fn then(self, expected: &[Event]) -> Then {
        assert_eq!(self.outcome.as_deref(), Ok(expected));
        Then(fold(self.account, expected))
    }

    /// What was asked for is already so.
    #[track_caller]
    pub(super) fn then_nothing(self) -> Then {
        self.then(&[])
    }

    /// A rule forbids it.
    #[track_caller]
    pub(super) fn then_rejected(self, expected: Rejected) {
        assert_eq!(self.outcome, Err(expected));
    }
}

impl Then {
    /// The account is in this phase afterwards.
    #[track_caller]
    pub(super) fn leaving(self, phase: &str) {
        assert_eq!(self.0.phase(), phase);
    }

    /// The account as it is afterwards.
    pub(super) fn account(self) -> Account {
        self.0
    }
}

/// Midnight so many days after the beginning of 2026.
pub(super) fn day(days: i64) -> Timestamp {
    let new_year: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a time");
    new_year.saturating_add_micros(days * DAY_MICROS)
}

pub(super) fn creator(id: &str) -> CreatorId {
    id.parse().expect("a creator id")
}

pub(super) fn sealed(content: u8) -> Sealed {
    Sealed {
        fingerprint: Fingerprint([content; 16]),
        bytes: vec![content; 40],
    }
}

pub(super) fn scopes(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(super) fn values(known: &[(Metric, i64)], hidden: &[Metric]) -> Values {
    let mut values = Values::new();
    for (metric, value) in known {
        values.insert(*metric, *value).expect("a valid value");
    }
    for metric in hidden {
        values.insert_hidden(*metric).expect("given once");
    }
    values
}

pub(super) fn provenance(cause: Cause) -> Provenance {
    Provenance {
        cause,
        source: "tiktok:video.list".to_owned(),
        api_version: Some("v2".to_owned()),
        names: BTreeMap::new(),
        precision: BTreeMap::new(),
    }
}

pub(super) fn consent() -> Consent {
    Consent {
        text_version: "2026-01".to_owned(),
        given_at: day(2),
    }
}

// What may be asked of an account.

pub(super) fn import() -> ImportAccount {
    ImportAccount {
        creator: creator("creator-1"),
        platform: Platform::Tiktok,
        source: "exports-2026".to_owned(),
        profile: ProfileReading {
            observed_at: day(1),
            sealed: sealed(1),
        },
    }
}

pub(super) fn import_of(content: u8, observed_at: Timestamp) -> Command {
    let sealed = sealed(content);
    Command::ImportAccount(ImportAccount {
        profile: ProfileReading {
            observed_at,
            sealed,
        },
        ..import()
    })
}

pub(super) fn connect() -> ConnectAccount {
    ConnectAccount {
        command_id: CommandId::from_uuid(Uuid::from_u128(1)),
        creator: creator("creator-1"),
        platform: Platform::Tiktok,
        scopes: scopes(&["user.info.basic", "video.list"]),
        route: Route::Oauth,
        consent: consent(),
        profile: ProfileReading {
            observed_at: day(2),
            sealed: sealed(1),
        },
    }
}

pub(super) fn sync() -> SyncRecorded {
    SyncRecorded {
        sync_id: SyncId::new(day(3), 7),
        kind: SyncKind::Full,
        outcome: SyncOutcome::Succeeded,
        started_at: day(3),
        finished_at: day(3).saturating_add_micros(90_000_000),
        items: SyncItems {
            profiles: 1,
            posts: 20,
            insights: 0,
        },
        error: None,
        rate_limit: None,
        calls: 3,
        quota_units: 0,
        token_renewed: false,
        next_at: Some(day(4)),
        simulated: false,
    }
}

pub(super) fn failed_sync(class: ErrorClass) -> SyncRecorded {
    SyncRecorded {
        outcome: SyncOutcome::Failed,
        error: Some(error(class)),
        ..sync()
    }
}

pub(super) fn error(class: ErrorClass) -> SyncError {
    SyncError {
        class,
        code: "access_token_invalid".to_owned(),
    }
}

pub(super) fn account_reading() -> AccountReading {
    AccountReading {
        observed_at: day(3),
        period: None,
        values: values(&[(Metric::Followers, 1_107), (Metric::Posts, 42)], &[]),
        provenance: provenance(Cause::Observed),
        profile: None,
    }
}

pub(super) fn post(number: u8) -> PostKey {
    PostKey::from_mac([number; 16])
}

/// A post with so many views, read for the first time and without its text.
pub(super) fn post_reading(number: u8, views: i64) -> PostReading {
    PostReading {
        post: post(number),
        published_at: Some(day(0)),
        values: values(&[(Metric::Views, views)], &[]),
        text_fingerprint: None,
        text: None,
        known: None,
    }
}

pub(super) fn page_of(observed_at: Timestamp, posts: Vec<PostReading>) -> PostsReading {
    PostsReading {
        observed_at,
        provenance: provenance(Cause::Observed),
        posts,
    }
}

pub(super) fn snapshot(reading: AccountReading) -> Command {
    Command::SnapshotMetric(SnapshotMetric::Account(reading))
}

pub(super) fn snapshot_posts(reading: PostsReading) -> Command {
    Command::SnapshotMetric(SnapshotMetric::Posts(reading))
}

pub(super) fn disconnect() -> Command {
    Command::Disconnect {
        command_id: CommandId::from_uuid(Uuid::from_u128(2)),
        reason: DisconnectReason::Requested,
        at: day(5),
    }
}

pub(super) fn erase() -> Command {
    Command::EraseAccount(EraseAccount {
        at: day(6),
        reason: ErasureReason::Requested,
        key: Some(Fingerprint([9; 16])),
    })
}

// What follows from it.

pub(super) fn imported() -> Event {
    let import = import();
    Event::AccountImported(AccountImported {
        creator: import.creator,
        platform: import.platform,
        source: import.source,
        observed_at: import.profile.observed_at,
        profile: import.profile.sealed,
    })
}

pub(super) fn connected() -> Event {
    let connect = connect();
    Event::AccountConnected(AccountConnected {
        creator: connect.creator,
        platform: connect.platform,
        scopes: connect.scopes,
        route: connect.route,
        consent: connect.consent,
        observed_at: connect.profile.observed_at,
        profile: connect.profile.sealed,
    })
}

pub(super) fn reconnected(scopes: BTreeSet<String>) -> Event {
    let (route, consent) = (Route::Oauth, consent());
    Event::AccountReconnected(AccountReconnected {
        scopes,
        route,
        consent,
    })
}

pub(super) fn profile_changed(content: u8, observed_at: Timestamp) -> Event {
    Event::ProfileChanged(ProfileChanged {
        observed_at,
        profile: sealed(content),
    })
}

pub(super) fn reauthorization_required() -> Event {
    Event::ReauthorizationRequired(ReauthorizationRequired {
        since: sync().finished_at,
        error: error(ErrorClass::AuthExpired),
    })
}

pub(super) fn metrics() -> MetricsObserved {
    let reading = account_reading();
    MetricsObserved {
        observed_at: reading.observed_at,
        period: reading.period,
        values: reading.values,
        provenance: reading.provenance,
    }
}

pub(super) fn metrics_observed() -> Event {
    Event::MetricsObserved(metrics())
}

/// A page on which these posts were found new or changed, and these as they were.
pub(super) fn posts_observed(
    observed_at: Timestamp,
    cause: Cause,
    changed: &[PostReading],
    unchanged: &[PostKey],
) -> Event {
    let in_full = |reading: &PostReading| PostObserved {
        post: reading.post,
        published_at: reading.published_at,
        values: reading.values.clone(),
        text: reading.text.clone(),
    };
    Event::PostsObserved(PostsObserved {
        observed_at,
        provenance: provenance(cause),
        changed: changed.iter().map(in_full).collect(),
        unchanged: unchanged.to_vec(),
    })
}

pub(super) fn disconnected() -> Event {
    Event::AccountDisconnected(AccountDisconnected {
        reason: DisconnectReason::Requested,
        at: day(5),
    })
}

pub(super) fn erased() -> Event {
    Event::AccountErased(AccountErased {
        at: day(6),
        reason: ErasureReason::Requested,
        key: Some(Fingerprint([9; 16])),
    })
}
