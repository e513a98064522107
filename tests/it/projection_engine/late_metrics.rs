//! An account's metric that falls, comes late, is restated and hidden: as of a time, known at one.

use super::scene::{Scene, day, learned};
use crate::histories::metrics;
use domain::observation::Cause;
use domain::{Metric, Timestamp};
use projections::follower_trends::{Interval, TrendQuery, metric_as_of, raw, since_unknown, trend};
use tests::ledger::{at, values};

/// Followers as they were learned: 100, then a fall, a late one, a restatement, and hidden.
async fn followers() -> anyhow::Result<Scene> {
    let scene = Scene::new().await?;
    let count = |count| values(&[(Metric::Followers, count)]);
    let observed = Cause::Observed;
    scene
        .learn(1, metrics(day(2), count(100), observed))
        .await?;
    scene.learn(2, metrics(day(3), count(90), observed)).await?;
    scene.learn(3, metrics(day(1), count(80), observed)).await?;
    scene
        .learn(4, metrics(day(2), count(110), Cause::Restated))
        .await?;
    let mut hidden = values(&[(Metric::Posts, 5)]);
    hidden.insert_hidden(Metric::Followers)?;
    scene.learn(5, metrics(day(4), hidden, observed)).await?;
    Ok(scene)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_metric_is_answered_as_of_a_time_and_known_at_one() -> anyhow::Result<()> {
    let scene = followers().await?;
    let unlearned = at("2026-01-31T23:59:59Z");
    let unseen = at("2026-01-01T11:59:59Z");
    for (as_of, known_at, expected) in [
        // Known at: what was learned later does not count.
        (day(2), unlearned, None),
        (day(2), learned(1), Some((day(2), 100))),
        (day(2), learned(3), Some((day(2), 100))),
        (day(2), learned(4), Some((day(2), 110))),
        (day(2), Timestamp::MAX, Some((day(2), 110))),
        // As of: what was observed later does not count, however early it was learned.
        (unseen, learned(5), None),
        (day(1), learned(2), None),
        (day(1), learned(3), Some((day(1), 80))),
        (day(3), learned(1), Some((day(2), 100))),
        (day(3), learned(2), Some((day(3), 90))),
        // A fall stays a fall, and hidden is no value.
        (day(4), learned(4), Some((day(3), 90))),
        (day(4), learned(5), Some((day(3), 90))),
        (Timestamp::MAX, Timestamp::MAX, Some((day(3), 90))),
    ] {
        let metric = Metric::Followers;
        let point = metric_as_of(&scene.client, scene.account, metric, as_of, known_at).await?;
        let found = point.map(|point| (point.observed_at, point.value));
        assert_eq!(found, expected, "as of {as_of}, known at {known_at}");
    }
    for (known_at, expected) in [(learned(4), None), (learned(5), Some(day(4)))] {
        let times = (day(3), Timestamp::MAX);
        let metric = Metric::Followers;
        let since = since_unknown(&scene.client, scene.account, metric, times, known_at).await?;
        assert_eq!(since, expected, "known at {known_at}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_observation_is_kept_as_it_came() -> anyhow::Result<()> {
    let scene = followers().await?;
    let query = TrendQuery {
        account: scene.account,
        metric: Metric::Followers,
        from: at("2026-01-01T00:00:00Z"),
        to: at("2026-01-06T00:00:00Z"),
        as_of: Timestamp::MAX,
        known_at: Timestamp::MAX,
    };
    let points = raw(&scene.client, &query, 100).await?;
    let found: Vec<_> = points
        .iter()
        .map(|point| {
            (
                point.observed_at,
                point.value,
                point.revision,
                point.recorded_at,
            )
        })
        .collect();
    let expected = [
        (day(1), 80, 3, learned(3)),
        (day(2), 100, 1, learned(1)),
        (day(2), 110, 4, learned(4)),
        (day(3), 90, 2, learned(2)),
    ];
    assert_eq!(found, expected);
    let causes: Vec<_> = points.iter().map(|point| point.cause).collect();
    let observed = Cause::Observed;
    assert_eq!(causes, [observed, observed, Cause::Restated, observed]);

    let values_of = |query: TrendQuery, limit| {
        let client = &scene.client;
        async move {
            let points = raw(client, &query, limit).await?;
            anyhow::Ok(points.iter().map(|point| point.value).collect::<Vec<_>>())
        }
    };
    let early = TrendQuery {
        known_at: learned(2),
        ..query
    };
    assert_eq!(values_of(early, 100).await?, [100, 90]);
    let as_of = TrendQuery {
        as_of: day(2),
        ..query
    };
    assert_eq!(values_of(as_of, 100).await?, [80, 100, 110]);
    // A window is open at its end.
    let window = TrendQuery {
        from: day(2),
        to: day(3),
        ..query
    };
    assert_eq!(values_of(window, 100).await?, [100, 110]);
    assert_eq!(values_of(query, 2).await?, [80, 100]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trend_shows_the_last_value_of_each_day() -> anyhow::Result<()> {
    let scene = followers().await?;
    let query = |known_at| TrendQuery {
        account: scene.account,
        metric: Metric::Followers,
        from: at("2026-01-01T00:00:00Z"),
        to: at("2026-01-06T00:00:00Z"),
        as_of: Timestamp::MAX,
        known_at,
    };
    for (known_at, expected) in [
        (learned(1), [None, Some(100), None, None, None]),
        (learned(3), [Some(80), Some(100), Some(90), None, None]),
        (learned(5), [Some(80), Some(110), Some(90), None, None]),
    ] {
        let zone = "UTC".parse().expect("UTC is a zone");
        let query = query(known_at);
        let buckets = trend(&scene.client, &query, Interval::Day, zone, 5).await?;
        let buckets = buckets.expect("five days are not too many");
        let found: Vec<_> = buckets
            .iter()
            .map(|bucket| bucket.point.map(|point| point.value))
            .collect();
        assert_eq!(found, expected, "known at {known_at}");
        let hidden: Vec<_> = buckets.iter().map(|bucket| bucket.hidden).collect();
        let day_4 = known_at == learned(5);
        assert_eq!(hidden, [false, false, false, day_4, false]);
    }
    let zone = "UTC".parse().expect("UTC is a zone");
    let query = query(Timestamp::MAX);
    let too_many = trend(&scene.client, &query, Interval::Day, zone, 4).await?;
    assert!(too_many.is_none());
    Ok(())
}
