//! Arbitrary events.

use super::*;
use crate::SyncId;
use crate::account::{
    AccountConnected, AccountDisconnected, AccountErased, AccountImported, AccountReconnected,
    Event, MetricsObserved, PostObserved, PostsObserved, ProfileChanged, RateLimit,
    ReauthorizationRequired, SyncItems, SyncKind, SyncOutcome, SyncRecorded,
};

fn rate_limit() -> impl Strategy<Value = RateLimit> {
    (any::<bool>(), option::of(any::<u8>()), option::of(moment())).prop_map(
        |(hit, used_percent, reset_at)| RateLimit {
            hit,
            used_percent,
            reset_at,
        },
    )
}

/// A sync whose id follows from its beginning, as ids of syncs do.
pub(super) fn sync() -> impl Strategy<Value = SyncRecorded> {
    let kinds = vec![
        SyncKind::Full,
        SyncKind::Profile,
        SyncKind::Posts,
        SyncKind::Insights,
    ];
    let outcomes = vec![
        SyncOutcome::Succeeded,
        SyncOutcome::Partial,
        SyncOutcome::Failed,
    ];
    let run = (moment(), 0..3_u8, -1..9_i64).prop_map(|(started_at, number, minutes)| {
        let random = (u128::from(started_at.micros().cast_unsigned()) << 8) | u128::from(number);
        let sync_id = SyncId::new(started_at, random);
        let finished_at = started_at.saturating_add_micros(minutes * 60_000_000);
        (sync_id, started_at, finished_at)
    });
    let items =
        (any::<u32>(), any::<u32>(), any::<u32>()).prop_map(|(profiles, posts, insights)| {
            SyncItems {
                profiles,
                posts,
                insights,
            }
        });
    let failure = (option::of(sync_error()), option::of(rate_limit()));
    let cost = (any::<u32>(), any::<u32>(), any::<bool>(), any::<bool>());
    (
        run,
        (select(kinds), select(outcomes)),
        items,
        failure,
        cost,
        option::of(moment()),
    )
        .prop_map(|(run, (kind, outcome), items, failure, cost, next_at)| {
            let (sync_id, started_at, finished_at) = run;
            let (error, rate_limit) = failure;
            let (calls, quota_units, token_renewed, simulated) = cost;
            SyncRecorded {
                sync_id,
                kind,
                outcome,
                started_at,
                finished_at,
                items,
                error,
                rate_limit,
                calls,
                quota_units,
                token_renewed,
                next_at,
                simulated,
            }
        })
}

pub(in crate::account::tests) fn profile_changed() -> impl Strategy<Value = Event> {
    (moment(), sealed()).prop_map(|(observed_at, profile)| {
        Event::ProfileChanged(ProfileChanged {
            observed_at,
            profile,
        })
    })
}

fn imported() -> impl Strategy<Value = Event> {
    (creator_id(), platform(), text(), moment(), sealed()).prop_map(
        |(creator, platform, source, observed_at, profile)| {
            Event::AccountImported(AccountImported {
                creator,
                platform,
                source,
                observed_at,
                profile,
            })
        },
    )
}

fn connected() -> impl Strategy<Value = Event> {
    let grant = (scopes(), route(), consent());
    (creator_id(), platform(), grant, moment(), sealed()).prop_map(
        |(creator, platform, (scopes, route, consent), observed_at, profile)| {
            Event::AccountConnected(AccountConnected {
                creator,
                platform,
                scopes,
                route,
                consent,
                observed_at,
                profile,
            })
        },
    )
}

fn reconnected() -> impl Strategy<Value = Event> {
    (scopes(), route(), consent()).prop_map(|(scopes, route, consent)| {
        Event::AccountReconnected(AccountReconnected {
            scopes,
            route,
            consent,
        })
    })
}

fn metrics_observed() -> impl Strategy<Value = Event> {
    (moment(), option::of(period()), any_values(), provenance()).prop_map(
        |(observed_at, period, values, provenance)| {
            Event::MetricsObserved(MetricsObserved {
                observed_at,
                period,
                values,
                provenance,
            })
        },
    )
}

fn posts_observed() -> impl Strategy<Value = Event> {
    let in_full = (
        post_key(),
        option::of(moment()),
        any_values(),
        option::of(sealed()),
    )
        .prop_map(|(post, published_at, values, text)| PostObserved {
            post,
            published_at,
            values,
            text,
        });
    let unchanged = vec(post_key(), 0..3);
    (moment(), provenance(), vec(in_full, 0..3), unchanged).prop_map(
        |(observed_at, provenance, changed, unchanged)| {
            Event::PostsObserved(PostsObserved {
                observed_at,
                provenance,
                changed,
                unchanged,
            })
        },
    )
}

pub(in crate::account::tests) fn erased() -> impl Strategy<Value = Event> {
    let key = option::of((0..4_u8).prop_map(|content| Fingerprint([content; 16])));
    (moment(), erasure_reason(), key)
        .prop_map(|(at, reason, key)| Event::AccountErased(AccountErased { at, reason, key }))
}

/// Any event at all, whatever came before it.
pub(in crate::account::tests) fn event() -> BoxedStrategy<Event> {
    prop_oneof![12 => event_of_life(), 1 => erased()].boxed()
}

/// Any event but the last one of an account.
pub(in crate::account::tests) fn event_of_life() -> BoxedStrategy<Event> {
    let required = (moment(), sync_error()).prop_map(|(since, error)| {
        Event::ReauthorizationRequired(ReauthorizationRequired { since, error })
    });
    let disconnected = (disconnect_reason(), moment())
        .prop_map(|(reason, at)| Event::AccountDisconnected(AccountDisconnected { reason, at }));
    prop_oneof![
        imported(),
        connected(),
        reconnected(),
        profile_changed(),
        sync().prop_map(Event::SyncRecorded),
        required,
        metrics_observed(),
        posts_observed(),
        disconnected,
    ]
    .boxed()
}
