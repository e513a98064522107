//! Arbitrary commands.

use super::events::sync;
use super::*;
use crate::CommandId;
use crate::account::{
    AccountReading, Command, ConnectAccount, EraseAccount, ImportAccount, PostReading,
    PostsReading, ProfileReading, SnapshotMetric,
};
use uuid::Uuid;

fn profile_reading() -> impl Strategy<Value = ProfileReading> {
    (moment(), sealed()).prop_map(|(observed_at, sealed)| ProfileReading {
        observed_at,
        sealed,
    })
}

fn command_id() -> impl Strategy<Value = CommandId> {
    (0..4_u128).prop_map(|number| CommandId::from_uuid(Uuid::from_u128(number)))
}

fn import() -> impl Strategy<Value = Command> {
    (creator_id(), platform(), text(), profile_reading()).prop_map(
        |(creator, platform, source, profile)| {
            Command::ImportAccount(ImportAccount {
                creator,
                platform,
                source,
                profile,
            })
        },
    )
}

fn connect() -> impl Strategy<Value = Command> {
    let grant = (scopes(), route(), consent());
    (
        command_id(),
        creator_id(),
        platform(),
        grant,
        profile_reading(),
    )
        .prop_map(
            |(command_id, creator, platform, (scopes, route, consent), profile)| {
                Command::ConnectAccount(ConnectAccount {
                    command_id,
                    creator,
                    platform,
                    scopes,
                    route,
                    consent,
                    profile,
                })
            },
        )
}

fn account_reading() -> impl Strategy<Value = Command> {
    (
        moment(),
        option::of(period()),
        values_mostly_of(Metric::is_of_account),
        provenance(),
        option::of(sealed()),
    )
        .prop_map(|(observed_at, period, values, provenance, profile)| {
            Command::SnapshotMetric(SnapshotMetric::Account(AccountReading {
                observed_at,
                period,
                values,
                provenance,
                profile,
            }))
        })
}

/// A page as it comes from a source: with every text, and nothing known of its posts yet.
fn page() -> impl Strategy<Value = Command> {
    let body = || {
        let numbers = values_mostly_of(Metric::is_of_post);
        (option::of(moment()), numbers, sealed(), any::<bool>())
    };
    let distinct =
        btree_map(post_key(), body(), 0..4).prop_map(|posts| posts.into_iter().collect::<Vec<_>>());
    let repeating = vec((post_key(), body()), 0..4);
    let posts = prop_oneof![12 => distinct, 1 => repeating];
    (moment(), provenance(), posts).prop_map(|(observed_at, provenance, posts)| {
        let posts = posts.into_iter();
        let posts = posts.map(|(post, (published_at, values, text, bare))| PostReading {
            post,
            published_at,
            values,
            text_fingerprint: (!bare).then_some(text.fingerprint),
            text: Some(text),
            known: None,
        });
        Command::SnapshotMetric(SnapshotMetric::Posts(PostsReading {
            observed_at,
            provenance,
            posts: posts.collect(),
        }))
    })
}

/// What a source or a platform gives: readings and syncs.
pub(in crate::account::tests) fn reading_or_sync() -> BoxedStrategy<Command> {
    prop_oneof![
        sync().prop_map(Command::RecordSync),
        account_reading(),
        page(),
    ]
    .boxed()
}

/// Any command at all.
pub(in crate::account::tests) fn command() -> BoxedStrategy<Command> {
    let disconnect =
        (command_id(), disconnect_reason(), moment()).prop_map(|(command_id, reason, at)| {
            Command::Disconnect {
                command_id,
                reason,
                at,
            }
        });
    let key = option::of((0..4_u8).prop_map(|content| Fingerprint([content; 16])));
    let erase = (moment(), erasure_reason(), key)
        .prop_map(|(at, reason, key)| Command::EraseAccount(EraseAccount { at, reason, key }));
    prop_oneof![
        1 => erase,
        4 => import(),
        2 => connect(),
        2 => disconnect,
        6 => reading_or_sync(),
    ]
    .boxed()
}
