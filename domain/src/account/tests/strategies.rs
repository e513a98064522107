//! Arbitrary events and commands: mostly of a small world, so that they meet, and some extreme.

mod commands;
mod events;

pub(super) use commands::{command, reading_or_sync};
pub(super) use events::{erased, event, event_of_life, profile_changed};

use super::spec::{creator, day, post, values};
use crate::account::{Consent, DisconnectReason, ErasureReason, ErrorClass, Route, SyncError};
use crate::observation::{Cause, Period, Precision, Provenance};
use crate::{CreatorId, Fingerprint, Metric, Platform, PostKey, Sealed, Timestamp, Values};
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::BTreeSet;

/// Every kind of failure.
pub(super) const ERROR_CLASSES: [ErrorClass; 9] = [
    ErrorClass::AuthExpired,
    ErrorClass::Permission,
    ErrorClass::RateLimited,
    ErrorClass::Transient,
    ErrorClass::NoData,
    ErrorClass::AccountGone,
    ErrorClass::ConfigError,
    ErrorClass::InvalidRequest,
    ErrorClass::Policy,
];

pub(super) fn moment() -> impl Strategy<Value = Timestamp> {
    let any_micros = Timestamp::MIN.micros()..=Timestamp::MAX.micros();
    prop_oneof![
        12 => (0..6_i64).prop_map(day),
        1 => any_micros.prop_map(|micros| Timestamp::from_micros(micros).expect("within range")),
        1 => select(vec![Timestamp::MIN, Timestamp::MAX]),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just("demo".to_owned()), 1 => ".{0,8}"]
}

fn creator_id() -> impl Strategy<Value = CreatorId> {
    prop_oneof![12 => Just("creator-1"), 1 => Just("creator-2")].prop_map(creator)
}

fn platform() -> impl Strategy<Value = Platform> {
    prop_oneof![12 => Just(Platform::Tiktok), 1 => select(Platform::ALL.to_vec())]
}

fn sealed() -> impl Strategy<Value = Sealed> {
    let fingerprint = prop_oneof![
        8 => (0..4_u8).prop_map(|content| Fingerprint([content; 16])),
        1 => any::<u128>().prop_map(|bits| Fingerprint(bits.to_be_bytes())),
    ];
    (fingerprint, vec(any::<u8>(), 0..5))
        .prop_map(|(fingerprint, bytes)| Sealed { fingerprint, bytes })
}

fn scopes() -> impl Strategy<Value = BTreeSet<String>> {
    btree_set(select(vec!["basic", "insights", "videos"]), 0..3)
        .prop_map(|names| names.into_iter().map(str::to_owned).collect())
}

fn route() -> impl Strategy<Value = Route> {
    select(vec![Route::Oauth, Route::Simulated])
}

fn consent() -> impl Strategy<Value = Consent> {
    (text(), moment()).prop_map(|(text_version, given_at)| Consent {
        text_version,
        given_at,
    })
}

fn disconnect_reason() -> impl Strategy<Value = DisconnectReason> {
    select(vec![
        DisconnectReason::Requested,
        DisconnectReason::RevokedAtPlatform,
        DisconnectReason::Deauthorized,
        DisconnectReason::AccountGone,
    ])
}

fn erasure_reason() -> impl Strategy<Value = ErasureReason> {
    select(ErasureReason::ALL.to_vec())
}

fn sync_error() -> impl Strategy<Value = SyncError> {
    (select(ERROR_CLASSES.to_vec()), text()).prop_map(|(class, code)| SyncError { class, code })
}

/// Numbers of some of these metrics, a fifth of them hidden.
fn values_of(metrics: Vec<Metric>) -> impl Strategy<Value = Values> {
    let number = prop_oneof![8 => 0..4_i64, 1 => 0..=i64::MAX, 1 => Just(i64::MAX)];
    btree_map(select(metrics), option::weighted(0.8, number), 0..4).prop_map(|readings| {
        let (known, hidden): (Vec<_>, Vec<_>) =
            readings.into_iter().partition(|(_, value)| value.is_some());
        let known: Vec<_> = known
            .into_iter()
            .filter_map(|(metric, value)| Some((metric, value?)))
            .collect();
        let hidden: Vec<_> = hidden.into_iter().map(|(metric, _)| metric).collect();
        values(&known, &hidden)
    })
}

fn any_values() -> impl Strategy<Value = Values> {
    values_of(Metric::ALL.to_vec())
}

/// Mostly metrics that fit, now and then some that do not.
fn values_mostly_of(fits: fn(Metric) -> bool) -> impl Strategy<Value = Values> {
    let fitting = Metric::ALL.iter().copied().filter(|metric| fits(*metric));
    prop_oneof![12 => values_of(fitting.collect()), 1 => any_values()]
}

fn provenance() -> impl Strategy<Value = Provenance> {
    let causes = vec![
        Cause::Observed,
        Cause::Imported,
        Cause::Restated,
        Cause::ReParsed,
        Cause::Simulated,
    ];
    let metric = || select(Metric::ALL.to_vec());
    (
        select(causes),
        text(),
        option::of(text()),
        btree_map(metric(), text(), 0..3),
        btree_map(
            metric(),
            any::<u8>().prop_map(Precision::SignificantDigits),
            0..3,
        ),
    )
        .prop_map(
            |(cause, source, api_version, names, precision)| Provenance {
                cause,
                source,
                api_version,
                names,
                precision,
            },
        )
}

fn period() -> impl Strategy<Value = Period> {
    (moment(), moment()).prop_map(|(from, to)| Period { from, to })
}

fn post_key() -> impl Strategy<Value = PostKey> {
    (0..5_u8).prop_map(post)
}
