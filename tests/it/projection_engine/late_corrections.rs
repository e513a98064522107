//! Corrections of moments that were told of before: of one moment the highest revision decides,
//! also where it takes a value back, and what it corrects is kept beside it.

use super::scene::{Scene, day, learned};
use crate::histories::{metrics, page};
use commands::{Intent, PostSnapshot};
use domain::formula::Formula;
use domain::observation::Cause;
use domain::{Metric, Platform, PostKey, Timestamp};
use projections::Scope;
use projections::follower_trends::{self, GrowthQuery, Interval, TrendQuery};
use projections::top_posts::{self, Measure, TopQuery, TopScope};
use tests::ledger::{at, post, values};

const LAST: Timestamp = Timestamp::MAX;

/// Followers of a moment, or that they were withheld.
fn followers(at: Timestamp, count: Option<i64>) -> anyhow::Result<Intent> {
    let mut given = values(&[(Metric::Posts, 5)]);
    match count {
        Some(count) => given.insert(Metric::Followers, count)?,
        None => given.insert_hidden(Metric::Followers)?,
    }
    Ok(metrics(at, given, Cause::Observed))
}

/// Two days of followers; the second day is taken back, then told once more; and last of all the
/// first day is corrected, which nobody expects any more.
async fn account() -> anyhow::Result<Scene> {
    let scene = Scene::new().await?;
    for (n, observed, count) in [
        (1, 1, Some(100)),
        (2, 2, Some(110)),
        (3, 2, None),
        (4, 2, Some(120)),
        (5, 1, Some(101)),
        // The same value for the same moment: told again, with another number beside it.
        (6, 1, Some(101)),
    ] {
        let mut intent = followers(day(observed), count)?;
        if let (6, Intent::SnapshotAccount { values, .. }) = (n, &mut intent) {
            values.insert(Metric::Views, 7)?;
        }
        scene.learn(n, intent).await?;
    }
    Ok(scene)
}

fn window(scene: &Scene, known_at: Timestamp) -> TrendQuery {
    TrendQuery {
        account: scene.account,
        metric: Metric::Followers,
        from: at("2026-01-01T00:00:00Z"),
        to: at("2026-01-04T00:00:00Z"),
        as_of: LAST,
        known_at,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_taken_back_answers_no_more() -> anyhow::Result<()> {
    let scene = account().await?;
    for (known_at, value, since, days) in [
        (
            learned(2),
            (day(2), 110),
            None,
            [Some(100), Some(110), None],
        ),
        (
            learned(3),
            (day(1), 100),
            Some(day(2)),
            [Some(100), None, None],
        ),
        (
            learned(4),
            (day(2), 120),
            None,
            [Some(100), Some(120), None],
        ),
        (
            learned(5),
            (day(2), 120),
            None,
            [Some(101), Some(120), None],
        ),
    ] {
        let metric = Metric::Followers;
        let client = &scene.client;
        let point =
            follower_trends::metric_as_of(client, scene.account, metric, LAST, known_at).await?;
        let found = point.map(|point| (point.observed_at, point.value));
        assert_eq!(found, Some(value), "known at {known_at}");
        let times = (value.0, LAST);
        let found =
            follower_trends::since_unknown(client, scene.account, metric, times, known_at).await?;
        assert_eq!(found, since, "known at {known_at}");

        let query = window(&scene, known_at);
        let zone = "UTC".parse().expect("UTC is a zone");
        let buckets = follower_trends::trend(client, &query, Interval::Day, zone, 9).await?;
        let buckets = buckets.expect("three days are not too many");
        let found: Vec<_> = buckets.iter().map(|b| b.point.map(|p| p.value)).collect();
        assert_eq!(found, days, "known at {known_at}");
        let hidden: Vec<_> = buckets.iter().map(|bucket| bucket.hidden).collect();
        assert_eq!(
            hidden,
            [false, since.is_some(), false],
            "known at {known_at}"
        );

        let creator = "creator".parse()?;
        let query = GrowthQuery {
            creator: &creator,
            metric,
            from: day(1),
            to: day(3),
            known_at,
            minimum_start: None,
            platforms_off: &[],
        };
        let sums = follower_trends::creator_growth(client, &Scope::AllCreators, &query).await?;
        assert_eq!(sums.sum_end, i128::from(value.1), "known at {known_at}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_of_an_old_moment_is_marked_as_one() -> anyhow::Result<()> {
    let scene = account().await?;
    let points = follower_trends::raw(&scene.client, &window(&scene, LAST), 100).await?;
    let found: Vec<_> = points.iter().map(|p| (p.revision, p.cause)).collect();
    let expected = [
        (1, Cause::Observed),
        (5, Cause::Restated),
        (6, Cause::Observed),
        (2, Cause::Observed),
        (4, Cause::Restated),
    ];
    assert_eq!(found, expected);
    // Of another metric that was told of for the first time nothing is corrected.
    let query = TrendQuery {
        metric: Metric::Views,
        ..window(&scene, LAST)
    };
    let points = follower_trends::raw(&scene.client, &query, 100).await?;
    let found: Vec<_> = points.iter().map(|p| (p.revision, p.cause)).collect();
    assert_eq!(found, [(6, Cause::Observed)]);
    Ok(())
}

/// A post's views, likes and comments: known, withheld or not asked for.
enum Said {
    Known(i64),
    Hidden,
    Nothing,
}
use Said::{Hidden, Known, Nothing};

fn seen(id: &str, [views, likes, comments]: [Said; 3]) -> anyhow::Result<PostSnapshot> {
    let mut post = post(id, "title", &[]);
    let metrics = [Metric::Views, Metric::Likes, Metric::Comments];
    for (metric, said) in metrics.into_iter().zip([views, likes, comments]) {
        match said {
            Known(count) => post.values.insert(metric, count)?,
            Hidden => post.values.insert_hidden(metric)?,
            Nothing => {}
        }
    }
    Ok(post)
}

/// A post of two days: of the second day likes are taken back, then views, with likes told again;
/// last, comments of the first day are told by a source that says nothing else.
async fn post_of_two_days() -> anyhow::Result<(Scene, PostKey)> {
    let scene = Scene::new().await?;
    for (n, observed, said) in [
        (1, 1, [Known(100), Known(10), Nothing]),
        (2, 2, [Known(200), Known(30), Nothing]),
        (3, 2, [Known(200), Hidden, Nothing]),
        (4, 2, [Hidden, Known(31), Nothing]),
        (5, 1, [Nothing, Nothing, Known(1)]),
    ] {
        scene
            .learn(n, page(day(observed), vec![seen("p", said)?]))
            .await?;
    }
    let p = scene.post_key("p").await?;
    Ok((scene, p))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_posts_value_that_was_taken_back_answers_no_more() -> anyhow::Result<()> {
    let (scene, p) = post_of_two_days().await?;
    for (metric, known_at, expected) in [
        (Metric::Likes, learned(2), (2, 30, None)),
        (Metric::Likes, learned(3), (1, 10, Some(day(2)))),
        (Metric::Likes, learned(4), (4, 31, None)),
        (Metric::Views, learned(3), (3, 200, None)),
        (Metric::Views, learned(4), (1, 100, Some(day(2)))),
        // What a later source does not speak of, it does not take back.
        (Metric::Views, learned(5), (1, 100, Some(day(2)))),
    ] {
        let found = top_posts::metric_as_of(&scene.client, p, metric, LAST, known_at).await?;
        let (seen, since) = found.expect("a value");
        let value = seen.numbers.get(metric).expect("a value");
        assert_eq!(
            (seen.revision, value, since),
            expected,
            "{metric} at {known_at}"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn no_ranking_stands_on_a_value_that_was_taken_back() -> anyhow::Result<()> {
    let (scene, _) = post_of_two_days().await?;
    let er_views = Measure::Formula(Formula::ErViews1);
    let (views, likes) = (Measure::Count(Metric::Views), Measure::Count(Metric::Likes));
    let engagements = Measure::Engagements;
    for (measure, min_views, known_at, expected) in [
        (likes, None, learned(2), Some(2)),
        (likes, None, learned(3), Some(1)),
        (likes, None, learned(4), Some(4)),
        (views, None, learned(3), Some(3)),
        (views, None, learned(4), Some(1)),
        (views, Some(150), learned(3), Some(3)),
        (views, Some(150), learned(4), None),
        (likes, Some(150), learned(4), None),
        (engagements, None, learned(3), Some(1)),
        (engagements, None, LAST, Some(4)),
        (er_views, None, learned(2), Some(2)),
        (er_views, None, learned(3), Some(1)),
        (er_views, None, learned(4), Some(1)),
    ] {
        let query = TopQuery {
            of: TopScope::Account(scene.account),
            measure,
            min_views,
            platform: Some(Platform::Tiktok),
            limit: 5,
        };
        let scope = Scope::AllCreators;
        let rows = top_posts::top_at(&scene.client, &scope, &query, LAST, known_at).await?;
        let found = rows
            .first()
            .and_then(|row| Some(row.basis.as_ref()?.revision));
        assert_eq!(
            found, expected,
            "{measure} {min_views:?} known at {known_at}"
        );
    }
    Ok(())
}

/// The row of now, the ranking by it and the list agree with what the history answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_of_now_shows_no_number_that_was_taken_back() -> anyhow::Result<()> {
    for whole in [true, false] {
        let (scene, p) = post_of_two_days().await?;
        if whole {
            // All in one batch, as a projector that catches up takes them.
            scene.project_posts_anew().await?;
        }
        let all = Scope::AllCreators;
        let listed = top_posts::list(&scene.client, &all, scene.account, None, 5).await?;
        let known = |metric| listed[0].numbers.get(metric);
        assert_eq!(listed[0].post, p);
        assert_eq!(known(Metric::Views), Some(100));
        assert_eq!(known(Metric::Likes), Some(31));
        assert_eq!(known(Metric::Comments), Some(1));
        for (measure, min_views, expected) in [
            (Measure::Count(Metric::Views), None, Some(1)),
            (Measure::Count(Metric::Views), Some(101), None),
            (Measure::Formula(Formula::ErViews1), None, Some(1)),
            (Measure::Formula(Formula::ErViews1), Some(101), None),
        ] {
            let query = TopQuery {
                of: TopScope::Account(scene.account),
                measure,
                min_views,
                platform: Some(Platform::Tiktok),
                limit: 5,
            };
            let rows = top_posts::top(&scene.client, &all, &query).await?;
            let found = rows
                .first()
                .and_then(|row| Some(row.basis.as_ref()?.revision));
            assert_eq!(found, expected, "{measure} {min_views:?} whole: {whole}");
        }
    }
    Ok(())
}
