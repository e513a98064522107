//! The profile timeline: a reading is compared with what held at its own moment.

use super::spec::*;
use crate::account::{Event, ProfileTimeline};

/// Profile 1 on day 1, profile 2 on day 5.
fn renamed_on_day_5() -> [Event; 2] {
    [imported(), profile_changed(2, day(5))]
}

/// As many profiles as the timeline keeps: profile 1 on day 1, profile 2 on day 2 and so on.
fn at_capacity() -> Vec<Event> {
    let capacity = u8::try_from(ProfileTimeline::CAPACITY).expect("a small number");
    let changes = (2..=capacity).map(|n| profile_changed(n, day(n.into())));
    [imported()].into_iter().chain(changes).collect()
}

#[test]
fn a_new_profile_is_told() {
    given(&[imported()])
        .when(import_of(2, day(5)))
        .then(&[profile_changed(2, day(5))]);
}

#[test]
fn the_profile_in_force_seen_again_later_tells_nothing() {
    given(&renamed_on_day_5())
        .when(import_of(2, day(9)))
        .then_nothing();
}

#[test]
fn the_profile_in_force_seen_again_at_the_same_moment_tells_nothing() {
    given(&renamed_on_day_5())
        .when(import_of(2, day(5)))
        .then_nothing();
}

#[test]
fn a_profile_that_comes_back_is_told_again() {
    given(&renamed_on_day_5())
        .when(import_of(1, day(9)))
        .then(&[profile_changed(1, day(9))]);
}

#[test]
fn another_profile_at_the_same_moment_is_told() {
    given(&renamed_on_day_5())
        .when(import_of(3, day(5)))
        .then(&[profile_changed(3, day(5))]);
}

#[test]
fn a_late_reading_of_what_held_at_its_moment_tells_nothing() {
    given(&renamed_on_day_5())
        .when(import_of(1, day(3)))
        .then_nothing();
}

#[test]
fn a_late_reading_of_another_profile_is_told_with_its_own_moment() {
    given(&renamed_on_day_5())
        .when(import_of(3, day(3)))
        .then(&[profile_changed(3, day(3))]);
}

#[test]
fn a_late_profile_leaves_the_one_in_force_as_it_was() {
    let history = [
        imported(),
        profile_changed(2, day(5)),
        profile_changed(3, day(3)),
    ];

    given(&history).when(import_of(2, day(6))).then_nothing();
    given(&history).when(import_of(3, day(4))).then_nothing();
    given(&history)
        .when(import_of(1, day(4)))
        .then(&[profile_changed(1, day(4))]);
}

#[test]
fn the_first_profile_seen_even_earlier_tells_nothing() {
    given(&renamed_on_day_5())
        .when(import_of(1, day(0)))
        .then_nothing();
}

#[test]
fn another_profile_from_before_the_first_is_told() {
    given(&renamed_on_day_5())
        .when(import_of(3, day(0)))
        .then(&[profile_changed(3, day(0))]);
}

#[test]
fn at_capacity_a_reading_older_than_everything_kept_tells_nothing() {
    given(&at_capacity())
        .when(import_of(99, day(0)))
        .then_nothing();
}

#[test]
fn at_capacity_a_new_profile_is_told_and_the_oldest_forgotten() {
    let account = given(&at_capacity())
        .when(import_of(99, day(30)))
        .then(&[profile_changed(99, day(30))])
        .account();
    let profiles = &account.facts().expect("known by now").profiles;

    assert!(!profiles.is_news(day(31), sealed(99).fingerprint));
    assert!(profiles.is_news(day(2), sealed(1).fingerprint));
    // Day 1 was dropped: nothing is known of it any more, so nothing is news there.
    assert!(!profiles.is_news(day(1), sealed(50).fingerprint));
}

#[test]
fn at_capacity_a_late_reading_among_those_kept_is_still_told() {
    given(&at_capacity())
        .when(import_of(99, day(8)))
        .then(&[profile_changed(99, day(8))]);
}
