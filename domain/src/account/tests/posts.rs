//! Pages of posts: what is new, changed, unchanged, restated or late, and what is refused.

use super::spec::*;
use crate::account::{KnownPost, MAX_POSTS_IN_READING, PostReading, Rejected};
use crate::observation::Cause;
use crate::{Metric, PostKey, Timestamp, Values};
use uuid::Uuid;

/// The post with so many views as it was last read.
fn last_read(observed_at: Timestamp, views: i64) -> Option<KnownPost> {
    Some(known(observed_at, &values(&[(Metric::Views, views)], &[])))
}

fn known(observed_at: Timestamp, values: &Values) -> KnownPost {
    KnownPost {
        observed_at,
        values: values.digest(),
        text: Some(sealed(1).fingerprint),
    }
}

#[test]
fn a_new_post_is_recorded_in_full() {
    let new = PostReading {
        text_fingerprint: Some(sealed(1).fingerprint),
        text: Some(sealed(1)),
        ..post_reading(1, 100)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![new.clone()])))
        .then(&[posts_observed(day(3), Cause::Observed, &[new], &[])]);
}

#[test]
fn a_new_post_without_any_number_is_recorded() {
    let bare = PostReading {
        values: Values::new(),
        ..post_reading(1, 0)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![bare.clone()])))
        .then(&[posts_observed(day(3), Cause::Observed, &[bare], &[])]);
}

#[test]
fn an_unchanged_post_is_only_named() {
    let same = PostReading {
        known: last_read(day(2), 100),
        text_fingerprint: Some(sealed(1).fingerprint),
        ..post_reading(1, 100)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![same])))
        .then(&[posts_observed(day(3), Cause::Observed, &[], &[post(1)])]);
}

#[test]
fn a_post_whose_numbers_changed_is_recorded() {
    let more = PostReading {
        known: last_read(day(2), 100),
        ..post_reading(1, 101)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![more.clone()])))
        .then(&[posts_observed(day(3), Cause::Observed, &[more], &[])]);
}

#[test]
fn a_post_whose_text_alone_changed_is_recorded_with_the_text() {
    let edited = PostReading {
        known: last_read(day(2), 100),
        text_fingerprint: Some(sealed(2).fingerprint),
        text: Some(sealed(2)),
        ..post_reading(1, 100)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![edited.clone()])))
        .then(&[posts_observed(day(3), Cause::Observed, &[edited], &[])]);
}

#[test]
fn a_text_that_was_not_read_is_no_change() {
    let numbers_only = PostReading {
        known: last_read(day(2), 100),
        text_fingerprint: None,
        ..post_reading(1, 100)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![numbers_only])))
        .then(&[posts_observed(day(3), Cause::Observed, &[], &[post(1)])]);
}

#[test]
fn one_page_tells_changed_and_unchanged_posts_in_its_order() {
    let changed = |number| PostReading {
        known: last_read(day(2), 100),
        ..post_reading(number, 200)
    };
    let same = |number| PostReading {
        known: last_read(day(2), 100),
        ..post_reading(number, 100)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(
            day(3),
            vec![same(4), changed(3), same(2), changed(1)],
        )))
        .then(&[posts_observed(
            day(3),
            Cause::Observed,
            &[changed(3), changed(1)],
            &[post(4), post(2)],
        )]);
}

#[test]
fn other_numbers_for_the_same_moment_restate_it_in_an_event_of_their_own() {
    let restated = PostReading {
        known: last_read(day(3), 100),
        ..post_reading(1, 90)
    };
    let new = post_reading(2, 7);
    let same = PostReading {
        known: last_read(day(3), 5),
        ..post_reading(3, 5)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(
            day(3),
            vec![restated.clone(), new.clone(), same],
        )))
        .then(&[
            posts_observed(day(3), Cause::Observed, &[new], &[post(3)]),
            posts_observed(day(3), Cause::Restated, &[restated], &[]),
        ]);
}

#[test]
fn a_page_of_nothing_but_restated_posts_is_one_event() {
    let restated = PostReading {
        known: last_read(day(3), 100),
        ..post_reading(1, 90)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![restated.clone()])))
        .then(&[posts_observed(day(3), Cause::Restated, &[restated], &[])]);
}

#[test]
fn another_text_for_the_same_moment_is_a_change_and_no_restatement() {
    let edited = PostReading {
        known: last_read(day(3), 100),
        text_fingerprint: Some(sealed(2).fingerprint),
        text: Some(sealed(2)),
        ..post_reading(1, 100)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![edited.clone()])))
        .then(&[posts_observed(day(3), Cause::Observed, &[edited], &[])]);
}

#[test]
fn a_late_reading_is_kept_in_full_even_if_it_equals_the_newest() {
    let late = PostReading {
        known: last_read(day(4), 100),
        ..post_reading(1, 100)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![late.clone()])))
        .then(&[posts_observed(day(3), Cause::Observed, &[late], &[])]);
}

#[test]
fn a_hidden_number_that_became_known_is_a_change() {
    let hidden = values(&[(Metric::Views, 100)], &[Metric::Likes]);
    let shown = PostReading {
        values: values(&[(Metric::Views, 100), (Metric::Likes, 0)], &[]),
        known: Some(known(day(2), &hidden)),
        ..post_reading(1, 100)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![shown.clone()])))
        .then(&[posts_observed(day(3), Cause::Observed, &[shown], &[])]);
}

#[test]
fn a_known_number_that_became_hidden_is_a_change() {
    let shown = values(&[(Metric::Views, 100), (Metric::Likes, 0)], &[]);
    let hidden = PostReading {
        values: values(&[(Metric::Views, 100)], &[Metric::Likes]),
        known: Some(known(day(2), &shown)),
        ..post_reading(1, 100)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![hidden.clone()])))
        .then(&[posts_observed(day(3), Cause::Observed, &[hidden], &[])]);
}

fn numbered(posts: usize) -> Vec<PostReading> {
    let key = |number: usize| PostKey::from_uuid(Uuid::from_u128(number as u128));
    (0..posts)
        .map(|number| PostReading {
            post: key(number),
            ..post_reading(0, 1)
        })
        .collect()
}

#[test]
fn a_page_may_hold_200_posts() {
    let posts = numbered(200);
    assert_eq!(MAX_POSTS_IN_READING, posts.len());
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), posts.clone())))
        .then(&[posts_observed(day(3), Cause::Observed, &posts, &[])]);
}

#[test]
fn a_page_of_201_posts_is_refused() {
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), numbered(201))))
        .then_rejected(Rejected::TooManyPosts(201));
}

#[test]
fn a_page_without_posts_is_refused() {
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), vec![])))
        .then_rejected(Rejected::EmptyReading);
}

#[test]
fn the_same_post_twice_in_a_page_is_refused() {
    let page = vec![
        post_reading(1, 100),
        post_reading(2, 5),
        post_reading(1, 101),
    ];
    given(&[connected()])
        .when(snapshot_posts(page_of(day(3), page)))
        .then_rejected(Rejected::PostTwice(post(1)));
}

#[test]
fn a_metric_that_only_accounts_have_is_refused_known_or_hidden() {
    for values in [
        values(&[(Metric::Followers, 1)], &[]),
        values(&[(Metric::Views, 1)], &[Metric::Followers]),
    ] {
        let wrong = PostReading {
            values,
            ..post_reading(1, 1)
        };
        given(&[connected()])
            .when(snapshot_posts(page_of(day(3), vec![wrong])))
            .then_rejected(Rejected::WrongSubject {
                metric: Metric::Followers,
                subject: "a post",
            });
    }
}

#[test]
fn a_refused_post_takes_its_whole_page_with_it() {
    let wrong = PostReading {
        values: values(&[(Metric::Posts, 1)], &[]),
        ..post_reading(2, 1)
    };
    given(&[connected()])
        .when(snapshot_posts(page_of(
            day(3),
            vec![post_reading(1, 1), wrong],
        )))
        .then_rejected(Rejected::WrongSubject {
            metric: Metric::Posts,
            subject: "a post",
        });
}
