//! A post whose numbers fall, come late, are restated, hidden and unchanged: its history, one
//! metric as of a time, and its place among the top posts, then and now.

use super::scene::{Scene, day, learned};
use crate::histories::page;
use commands::PostSnapshot;
use domain::formula::Formula;
use domain::observation::Cause;
use domain::{CreatorId, Metric, PostKey, Timestamp};
use projections::Scope;
use projections::top_posts::{
    Measure, Observation, PostRow, TopQuery, TopScope, find, history, metric_as_of, top, top_at,
};
use tests::ledger::post;

const LAST: Timestamp = Timestamp::MAX;
const VIEWS: Measure = Measure::Count(Metric::Views);
const LIKES: Measure = Measure::Count(Metric::Likes);
const ER_VIEWS: Measure = Measure::Formula(Formula::ErViews1);

fn seen(id: &str, views: i64, likes: Option<i64>) -> anyhow::Result<PostSnapshot> {
    let mut post = post(id, "title", &[(Metric::Views, views)]);
    match likes {
        Some(likes) => post.values.insert(Metric::Likes, likes)?,
        None => post.values.insert_hidden(Metric::Likes)?,
    }
    Ok(post)
}

/// A post as it was learned, and on the seventh day another one.
async fn posts() -> anyhow::Result<(Scene, PostKey, PostKey)> {
    let scene = Scene::new().await?;
    for (n, observed, id, views, likes) in [
        (1, 2, "p", 1_000, Some(50)),
        // A fall, a late page, a restatement; then likes are hidden, and nothing moves.
        (2, 3, "p", 900, Some(40)),
        (3, 1, "p", 500, Some(10)),
        (4, 3, "p", 950, Some(45)),
        (5, 4, "p", 1_200, None),
        (6, 5, "p", 1_200, None),
        (7, 4, "q", 1_100, Some(99)),
    ] {
        let page = page(day(observed), vec![seen(id, views, likes)?]);
        scene.learn(n, page).await?;
    }
    let (p, q) = (scene.post_key("p").await?, scene.post_key("q").await?);
    Ok((scene, p, q))
}

/// Day, revision, unchanged, views and likes.
type Line = (Timestamp, i64, bool, Option<i64>, Option<i64>);

fn line(observation: &Observation) -> Line {
    (
        observation.observed_at,
        observation.revision,
        observation.unchanged,
        observation.numbers.get(Metric::Views),
        observation.numbers.get(Metric::Likes),
    )
}

fn whole_history() -> [Line; 6] {
    [
        (day(5), 6, true, Some(1_200), None),
        (day(4), 5, false, Some(1_200), None),
        (day(3), 4, false, Some(950), Some(45)),
        (day(3), 2, false, Some(900), Some(40)),
        (day(2), 1, false, Some(1_000), Some(50)),
        (day(1), 3, false, Some(500), Some(10)),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_post_keeps_what_came() -> anyhow::Result<()> {
    let (scene, p, _) = posts().await?;
    let client = &scene.client;
    let all = history(client, p, (LAST, LAST), None, 100).await?;
    let found: Vec<_> = all.iter().map(line).collect();
    assert_eq!(found, whole_history());
    for observation in &all {
        assert_eq!(observation.recorded_at, learned(observation.revision));
        let restated = observation.revision == 4;
        assert_eq!(observation.cause == Cause::Restated, restated);
        let hidden: &[&str] = match observation.revision {
            5 | 6 => &["likes"],
            _ => &[],
        };
        assert_eq!(observation.hidden, hidden, "{}", observation.revision);
    }

    let found = history(client, p, (LAST, learned(3)), None, 100).await?;
    let revisions: Vec<_> = found.iter().map(|seen| seen.revision).collect();
    assert_eq!(revisions, [2, 1, 3]);
    let found = history(client, p, (day(2), LAST), None, 100).await?;
    let revisions: Vec<_> = found.iter().map(|seen| seen.revision).collect();
    assert_eq!(revisions, [1, 3]);

    // Page by page it is the same.
    let (mut pages, mut before) = (vec![], None);
    for _ in 0..10 {
        let page = history(client, p, (LAST, LAST), before, 4).await?;
        let Some(last) = page.last() else { break };
        before = Some((last.observed_at, last.revision));
        pages.extend(page.iter().map(line));
    }
    assert_eq!(pages, whole_history());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posts_metric_is_answered_as_of_a_time_and_known_at_one() -> anyhow::Result<()> {
    let (scene, p, _) = posts().await?;
    for (metric, as_of, known_at, expected) in [
        (Metric::Likes, LAST, LAST, Some((4, 45, Some(day(4))))),
        (Metric::Likes, LAST, learned(4), Some((4, 45, None))),
        (Metric::Likes, LAST, learned(3), Some((2, 40, None))),
        (Metric::Likes, day(3), LAST, Some((4, 45, None))),
        (Metric::Likes, day(2), LAST, Some((1, 50, None))),
        (Metric::Likes, day(1), learned(2), None),
        (Metric::Likes, day(1), learned(3), Some((3, 10, None))),
        (Metric::Views, LAST, LAST, Some((6, 1_200, None))),
        (Metric::Views, LAST, learned(5), Some((5, 1_200, None))),
        (Metric::Views, day(3), learned(2), Some((2, 900, None))),
        (Metric::Shares, LAST, LAST, None),
    ] {
        let answer = metric_as_of(&scene.client, p, metric, as_of, known_at).await?;
        let found = answer.and_then(|(seen, since)| {
            let value = seen.numbers.get(metric)?;
            Some((seen.revision, value, since))
        });
        assert_eq!(
            found, expected,
            "{metric} as of {as_of}, known at {known_at}"
        );
    }
    Ok(())
}

fn of_account(scene: &Scene, measure: Measure) -> TopQuery {
    TopQuery {
        of: TopScope::Account(scene.account),
        measure,
        min_views: None,
        platform: None,
        limit: 10,
    }
}

/// Each post with the revision of the observation that it is ranked by.
fn ranked(rows: &[PostRow]) -> Vec<(PostKey, Option<i64>)> {
    rows.iter()
        .map(|row| (row.post, row.basis.as_ref().map(|basis| basis.revision)))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn top_posts_are_answered_for_then_and_for_now() -> anyhow::Result<()> {
    let (scene, p, q) = posts().await?;
    let scope = Scope::AllCreators;
    let at = |post, revision| (post, Some(revision));
    for (measure, as_of, known_at, expected) in [
        (VIEWS, LAST, LAST, vec![at(p, 6), at(q, 7)]),
        (VIEWS, LAST, learned(6), vec![at(p, 6)]),
        (VIEWS, day(4), LAST, vec![at(p, 5), at(q, 7)]),
        (VIEWS, day(3), LAST, vec![at(p, 4)]),
        (VIEWS, day(3), learned(3), vec![at(p, 2)]),
        (VIEWS, day(3), learned(1), vec![at(p, 1)]),
        (VIEWS, day(1), learned(2), vec![]),
        // Hidden likes do not count as none: the last known ones do.
        (LIKES, LAST, LAST, vec![at(q, 7), at(p, 4)]),
        (LIKES, day(2), LAST, vec![at(p, 1)]),
        (ER_VIEWS, LAST, LAST, vec![at(q, 7), at(p, 4)]),
        (ER_VIEWS, LAST, learned(3), vec![at(p, 2)]),
        (Measure::Engagements, LAST, LAST, vec![at(q, 7), at(p, 4)]),
    ] {
        let query = of_account(&scene, measure);
        let rows = top_at(&scene.client, &scope, &query, as_of, known_at).await?;
        let found = ranked(&rows);
        assert_eq!(
            found, expected,
            "{measure} as of {as_of}, known at {known_at}"
        );
    }
    // What is kept for now says the same as the history.
    for measure in [VIEWS, LIKES, ER_VIEWS, Measure::Engagements] {
        let query = of_account(&scene, measure);
        let now = top(&scene.client, &scope, &query).await?;
        let then = top_at(&scene.client, &scope, &query, LAST, LAST).await?;
        assert_eq!(ranked(&now), ranked(&then), "{measure}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_shows_its_last_known_numbers() -> anyhow::Result<()> {
    let (scene, p, q) = posts().await?;
    let scope = Scope::AllCreators;
    let row = find(&scene.client, &scope, p).await?.expect("the post");
    assert_eq!(row.account_id, scene.account);
    assert_eq!(row.observed_at, day(5));
    assert_eq!(row.observations, 6);
    assert_eq!(row.numbers.get(Metric::Views), Some(1_200));
    assert_eq!(row.numbers.get(Metric::Likes), Some(45));
    assert_eq!(row.numbers.get(Metric::Shares), None);
    assert!(row.text.is_some());
    let row = find(&scene.client, &scope, q).await?.expect("the post");
    assert_eq!((row.observed_at, row.observations), (day(4), 1));
    let nobody = Scope::Creators(["somebody-else".parse::<CreatorId>()?].into());
    assert!(find(&scene.client, &nobody, p).await?.is_none());
    Ok(())
}
