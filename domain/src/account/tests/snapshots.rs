//! An account's own metrics, and syncs: what is recorded, what is refused, what a failure asks for.

use super::spec::*;
use super::strategies::ERROR_CLASSES;
use crate::account::{
    Account, AccountReading, Command, ErrorClass, Event, MetricsObserved, Rejected, SyncOutcome,
    SyncRecorded, may_repeat,
};
use crate::observation::Period;
use crate::{Metric, Values};

#[test]
fn a_reading_without_any_metric_is_refused() {
    given(&[connected()])
        .when(snapshot(AccountReading {
            values: Values::new(),
            ..account_reading()
        }))
        .then_rejected(Rejected::EmptyReading);
}

#[test]
fn a_reading_that_only_says_what_is_hidden_is_recorded() {
    let hidden = values(&[], &[Metric::Followers]);
    given(&[connected()])
        .when(snapshot(AccountReading {
            values: hidden.clone(),
            ..account_reading()
        }))
        .then(&[Event::MetricsObserved(MetricsObserved {
            values: hidden,
            ..metrics()
        })]);
}

#[test]
fn a_metric_that_only_posts_have_is_refused_known_or_hidden() {
    for values in [
        values(&[(Metric::Followers, 1), (Metric::Saves, 5)], &[]),
        values(&[(Metric::Followers, 1)], &[Metric::Saves]),
    ] {
        given(&[connected()])
            .when(snapshot(AccountReading {
                values,
                ..account_reading()
            }))
            .then_rejected(Rejected::WrongSubject {
                metric: Metric::Saves,
                subject: "an account",
            });
    }
}

#[test]
fn the_span_that_a_platform_states_is_kept() {
    let period = Some(Period {
        from: day(2),
        to: day(3),
    });
    given(&[connected()])
        .when(snapshot(AccountReading {
            period,
            ..account_reading()
        }))
        .then(&[Event::MetricsObserved(MetricsObserved {
            period,
            ..metrics()
        })]);
}

#[test]
fn a_new_profile_read_with_the_metrics_is_told_after_them() {
    given(&[connected()])
        .when(snapshot(AccountReading {
            profile: Some(sealed(2)),
            ..account_reading()
        }))
        .then(&[metrics_observed(), profile_changed(2, day(3))]);
}

#[test]
fn the_same_profile_read_with_the_metrics_is_not_told() {
    given(&[connected()])
        .when(snapshot(AccountReading {
            profile: Some(sealed(1)),
            ..account_reading()
        }))
        .then(&[metrics_observed()]);
}

#[test]
fn a_late_reading_is_recorded_and_takes_nothing_back() {
    let late = AccountReading {
        observed_at: day(1),
        ..account_reading()
    };
    let account = given(&[connected(), metrics_observed()])
        .when(snapshot(late))
        .then(&[Event::MetricsObserved(MetricsObserved {
            observed_at: day(1),
            ..metrics()
        })])
        .account();

    let facts = account.facts().expect("known by now");
    assert_eq!(facts.newest_metrics, Some(day(3)));
}

#[test]
fn only_what_is_no_newer_than_the_newest_of_its_kind_may_be_a_repetition() {
    let account = fold(
        Account::Absent,
        &[connected(), metrics_observed(), Event::SyncRecorded(sync())],
    );
    let metrics_of = |days| {
        snapshot(AccountReading {
            observed_at: day(days),
            ..account_reading()
        })
    };
    let sync_of = |days| {
        Command::RecordSync(SyncRecorded {
            started_at: day(days),
            ..sync()
        })
    };
    let page_on = |days| snapshot_posts(page_of(day(days), vec![post_reading(1, 100)]));

    assert!(may_repeat(&account, &metrics_of(2)));
    assert!(may_repeat(&account, &metrics_of(3)));
    assert!(!may_repeat(&account, &metrics_of(4)));
    assert!(may_repeat(&account, &sync_of(3)));
    assert!(!may_repeat(&account, &sync_of(4)));
    // No page was ever read.
    assert!(!may_repeat(&account, &page_on(1)));
    assert!(may_repeat(&account, &Command::ConnectAccount(connect())));
    assert!(may_repeat(&account, &disconnect()));
}

#[test]
fn a_sync_that_ended_before_it_began_is_refused() {
    given(&[connected()])
        .when(Command::RecordSync(SyncRecorded {
            started_at: day(3),
            finished_at: day(2),
            ..sync()
        }))
        .then_rejected(Rejected::EndsBeforeBeginning {
            started_at: day(3),
            finished_at: day(2),
        });
}

#[test]
fn a_sync_that_ended_the_moment_it_began_is_recorded() {
    let instant = SyncRecorded {
        finished_at: day(3),
        ..sync()
    };
    given(&[connected()])
        .when(Command::RecordSync(instant.clone()))
        .then(&[Event::SyncRecorded(instant)]);
}

#[test]
fn an_expired_authorisation_asks_for_reauthorization() {
    let failed = failed_sync(ErrorClass::AuthExpired);
    given(&[connected()])
        .when(Command::RecordSync(failed.clone()))
        .then(&[Event::SyncRecorded(failed), reauthorization_required()])
        .leaving("needs_reauthorization");
}

#[test]
fn an_authorisation_that_expired_midway_asks_for_reauthorization_too() {
    let partial = SyncRecorded {
        outcome: SyncOutcome::Partial,
        ..failed_sync(ErrorClass::AuthExpired)
    };
    given(&[connected()])
        .when(Command::RecordSync(partial.clone()))
        .then(&[Event::SyncRecorded(partial), reauthorization_required()]);
}

#[test]
fn a_transient_failure_asks_for_nothing() {
    let failed = failed_sync(ErrorClass::Transient);
    given(&[connected()])
        .when(Command::RecordSync(failed.clone()))
        .then(&[Event::SyncRecorded(failed)])
        .leaving("connected");
}

#[test]
fn no_other_failure_asks_for_reauthorization() {
    for class in ERROR_CLASSES {
        if class == ErrorClass::AuthExpired {
            continue;
        }
        let failed = failed_sync(class);
        given(&[connected()])
            .when(Command::RecordSync(failed.clone()))
            .then(&[Event::SyncRecorded(failed)])
            .leaving("connected");
    }
}

#[test]
fn refusals_say_what_was_given_and_what_would_do() {
    let says = |rejected: Rejected, expected: &str| assert_eq!(rejected.to_string(), expected);
    says(
        Rejected::UnknownAccount,
        "the account is not known: import or connect it first",
    );
    says(
        Rejected::NotConnected("imported"),
        "the account is imported, not connected: a sync cannot be recorded for it",
    );
    says(
        Rejected::WrongSubject {
            metric: Metric::Saves,
            subject: "an account",
        },
        "saves is not a metric of an account",
    );
    says(
        Rejected::TooManyPosts(201),
        "the reading holds 201 posts: expected at most 200",
    );
    says(
        Rejected::EndsBeforeBeginning {
            started_at: day(1),
            finished_at: day(0),
        },
        "the sync ended at 2026-01-01T00:00:00.000000Z, before it began at \
         2026-01-02T00:00:00.000000Z",
    );
}
