//! Every cell of the table of phases and commands.

use super::spec::*;
use crate::Platform;
use crate::account::{Command, ConnectAccount, ErrorClass, Event, ImportAccount, Rejected};
use crate::observation::Cause;

const NOTHING_KNOWN: [Event; 0] = [];

fn in_need() -> [Event; 2] {
    [connected(), reauthorization_required()]
}

fn ended() -> [Event; 2] {
    [connected(), disconnected()]
}

fn page() -> Command {
    snapshot_posts(page_of(day(3), vec![post_reading(1, 100)]))
}

fn page_observed() -> Event {
    posts_observed(day(3), Cause::Observed, &[post_reading(1, 100)], &[])
}

// ImportAccount

#[test]
fn importing_an_unknown_account_makes_it_known() {
    given(&NOTHING_KNOWN)
        .when(Command::ImportAccount(import()))
        .then(&[imported()])
        .leaving("imported");
}

#[test]
fn importing_an_imported_account_again_changes_nothing() {
    given(&[imported()])
        .when(Command::ImportAccount(import()))
        .then_nothing()
        .leaving("imported");
}

#[test]
fn importing_into_an_imported_account_follows_its_profile() {
    given(&[imported()])
        .when(import_of(2, day(6)))
        .then(&[profile_changed(2, day(6))])
        .leaving("imported");
}

#[test]
fn importing_into_a_connected_account_follows_its_profile_and_keeps_it_connected() {
    given(&[connected()])
        .when(import_of(2, day(6)))
        .then(&[profile_changed(2, day(6))])
        .leaving("connected");
}

#[test]
fn importing_into_an_account_in_need_of_reauthorization_follows_its_profile() {
    given(&in_need())
        .when(import_of(2, day(6)))
        .then(&[profile_changed(2, day(6))])
        .leaving("needs_reauthorization");
}

#[test]
fn importing_into_a_disconnected_account_follows_its_profile() {
    given(&ended())
        .when(import_of(2, day(6)))
        .then(&[profile_changed(2, day(6))])
        .leaving("disconnected");
}

// ConnectAccount

#[test]
fn an_unknown_account_can_be_connected() {
    given(&NOTHING_KNOWN)
        .when(Command::ConnectAccount(connect()))
        .then(&[connected()])
        .leaving("connected");
}

#[test]
fn an_imported_account_can_be_connected_for_the_first_time() {
    given(&[imported()])
        .when(Command::ConnectAccount(connect()))
        .then(&[connected()])
        .leaving("connected");
}

#[test]
fn connecting_a_connected_account_with_the_same_scopes_changes_nothing() {
    given(&[connected()])
        .when(Command::ConnectAccount(connect()))
        .then_nothing()
        .leaving("connected");
}

#[test]
fn connecting_a_connected_account_with_other_scopes_reconnects_it() {
    let fewer = scopes(&["user.info.basic"]);
    given(&[connected()])
        .when(Command::ConnectAccount(ConnectAccount {
            scopes: fewer.clone(),
            ..connect()
        }))
        .then(&[reconnected(fewer)])
        .leaving("connected");
}

#[test]
fn connecting_an_account_in_need_of_reauthorization_reconnects_it() {
    given(&in_need())
        .when(Command::ConnectAccount(connect()))
        .then(&[reconnected(connect().scopes)])
        .leaving("connected");
}

#[test]
fn connecting_a_disconnected_account_reconnects_it() {
    given(&ended())
        .when(Command::ConnectAccount(connect()))
        .then(&[reconnected(connect().scopes)])
        .leaving("connected");
}

#[test]
fn a_reconnection_also_notes_a_new_profile() {
    let mut command = connect();
    command.profile.observed_at = day(6);
    command.profile.sealed = sealed(2);
    given(&ended())
        .when(Command::ConnectAccount(command))
        .then(&[reconnected(connect().scopes), profile_changed(2, day(6))])
        .leaving("connected");
}

// RecordSync

#[test]
fn a_sync_of_an_unknown_account_is_refused() {
    given(&NOTHING_KNOWN)
        .when(Command::RecordSync(sync()))
        .then_rejected(Rejected::UnknownAccount);
}

#[test]
fn a_sync_of_an_account_that_was_only_imported_is_refused() {
    given(&[imported()])
        .when(Command::RecordSync(sync()))
        .then_rejected(Rejected::NotConnected("imported"));
}

#[test]
fn a_sync_of_a_connected_account_is_recorded() {
    given(&[connected()])
        .when(Command::RecordSync(sync()))
        .then(&[Event::SyncRecorded(sync())])
        .leaving("connected");
}

#[test]
fn a_sync_of_an_account_in_need_of_reauthorization_is_recorded() {
    let failed = failed_sync(ErrorClass::AuthExpired);
    given(&in_need())
        .when(Command::RecordSync(failed.clone()))
        .then(&[Event::SyncRecorded(failed)])
        .leaving("needs_reauthorization");
}

#[test]
fn a_sync_of_a_disconnected_account_is_refused() {
    given(&ended())
        .when(Command::RecordSync(sync()))
        .then_rejected(Rejected::NotConnected("disconnected"));
}

// SnapshotMetric of the account

#[test]
fn metrics_of_an_unknown_account_are_refused() {
    given(&NOTHING_KNOWN)
        .when(snapshot(account_reading()))
        .then_rejected(Rejected::UnknownAccount);
}

#[test]
fn metrics_of_an_imported_account_are_recorded() {
    given(&[imported()])
        .when(snapshot(account_reading()))
        .then(&[metrics_observed()])
        .leaving("imported");
}

#[test]
fn metrics_of_a_connected_account_are_recorded() {
    given(&[connected()])
        .when(snapshot(account_reading()))
        .then(&[metrics_observed()])
        .leaving("connected");
}

#[test]
fn metrics_of_an_account_in_need_of_reauthorization_are_recorded() {
    given(&in_need())
        .when(snapshot(account_reading()))
        .then(&[metrics_observed()])
        .leaving("needs_reauthorization");
}

#[test]
fn metrics_of_a_disconnected_account_are_recorded() {
    given(&ended())
        .when(snapshot(account_reading()))
        .then(&[metrics_observed()])
        .leaving("disconnected");
}

// SnapshotMetric of posts

#[test]
fn posts_of_an_unknown_account_are_refused() {
    given(&NOTHING_KNOWN)
        .when(page())
        .then_rejected(Rejected::UnknownAccount);
}

#[test]
fn posts_of_an_imported_account_are_recorded() {
    given(&[imported()])
        .when(page())
        .then(&[page_observed()])
        .leaving("imported");
}

#[test]
fn posts_of_a_connected_account_are_recorded() {
    given(&[connected()])
        .when(page())
        .then(&[page_observed()])
        .leaving("connected");
}

#[test]
fn posts_of_an_account_in_need_of_reauthorization_are_recorded() {
    given(&in_need())
        .when(page())
        .then(&[page_observed()])
        .leaving("needs_reauthorization");
}

#[test]
fn posts_of_a_disconnected_account_are_recorded() {
    given(&ended())
        .when(page())
        .then(&[page_observed()])
        .leaving("disconnected");
}

// Disconnect

#[test]
fn an_unknown_account_cannot_be_disconnected() {
    given(&NOTHING_KNOWN)
        .when(disconnect())
        .then_rejected(Rejected::UnknownAccount);
}

#[test]
fn disconnecting_an_account_that_was_only_imported_changes_nothing() {
    given(&[imported()])
        .when(disconnect())
        .then_nothing()
        .leaving("imported");
}

#[test]
fn a_connected_account_can_be_disconnected() {
    given(&[connected()])
        .when(disconnect())
        .then(&[disconnected()])
        .leaving("disconnected");
}

#[test]
fn an_account_in_need_of_reauthorization_can_be_disconnected() {
    given(&in_need())
        .when(disconnect())
        .then(&[disconnected()])
        .leaving("disconnected");
}

#[test]
fn disconnecting_a_disconnected_account_changes_nothing() {
    given(&ended())
        .when(disconnect())
        .then_nothing()
        .leaving("disconnected");
}

// EraseAccount

#[test]
fn an_unknown_account_cannot_be_erased() {
    given(&NOTHING_KNOWN)
        .when(erase())
        .then_rejected(Rejected::UnknownAccount);
}

#[test]
fn an_account_can_be_erased_in_every_phase() {
    let histories = [
        vec![imported()],
        vec![connected()],
        in_need().to_vec(),
        ended().to_vec(),
    ];
    for history in histories {
        given(&history)
            .when(erase())
            .then(&[erased()])
            .leaving("erased");
    }
}

#[test]
fn erasing_an_erased_account_changes_nothing() {
    given(&[imported(), erased()])
        .when(erase())
        .then_nothing()
        .leaving("erased");
}

#[test]
fn everything_else_is_refused_of_an_erased_account() {
    let commands = [
        Command::ImportAccount(import()),
        Command::ConnectAccount(connect()),
        Command::RecordSync(sync()),
        snapshot(account_reading()),
        page(),
        disconnect(),
    ];
    for command in commands {
        given(&[connected(), erased()])
            .when(command)
            .then_rejected(Rejected::Erased(day(6)));
    }
}

// An account stays its creator's, on its platform.

fn belongs_elsewhere() -> Rejected {
    Rejected::BelongsElsewhere {
        creator: creator("creator-1"),
        platform: Platform::Tiktok,
    }
}

#[test]
fn another_creators_account_cannot_be_imported() {
    given(&[imported()])
        .when(Command::ImportAccount(ImportAccount {
            creator: creator("creator-2"),
            ..import()
        }))
        .then_rejected(belongs_elsewhere());
}

#[test]
fn another_creators_account_cannot_be_connected() {
    for history in [vec![imported()], in_need().to_vec(), ended().to_vec()] {
        given(&history)
            .when(Command::ConnectAccount(ConnectAccount {
                creator: creator("creator-2"),
                ..connect()
            }))
            .then_rejected(belongs_elsewhere());
    }
}

#[test]
fn an_account_never_moves_to_another_platform() {
    given(&[connected()])
        .when(Command::ConnectAccount(ConnectAccount {
            platform: Platform::Youtube,
            ..connect()
        }))
        .then_rejected(belongs_elsewhere());
}
