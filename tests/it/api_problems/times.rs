//! Times: moments, days, zones and windows that are none, run backwards or hold too much.

use super::Scene;
use anyhow::ensure;

const TREND: &str = "/v1/accounts/{account}/trends/followers";
const GROWTH: &str = "/v1/accounts/{account}/growth";
const OF_CREATOR: &str = "/v1/creators/creator/growth";
/// The routes that take a window.
const WINDOWS: [&str; 3] = [TREND, GROWTH, OF_CREATOR];

/// Not a moment. The third is one whose `+` was not written `%2B`.
const NO_MOMENTS: [&str; 12] = [
    "yesterday",
    "",
    "2026-01-01T00:00:00+01:00",
    "2026-01-01",
    "2026-01-01T00:00:00",
    "2026-02-30T00:00:00Z",
    "2026-01-01T25:00:00Z",
    "1767225600",
    "-262143-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "9999-12-31T23:59:59-01:00",
    "%00",
];

#[tokio::test(flavor = "multi_thread")]
async fn moments_that_are_none() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let both = [
        "/v1/accounts/{account}/metrics/followers",
        TREND,
        "/v1/accounts/{account}/velocity",
        "/v1/accounts/{account}/posts/{post}/history",
        "/v1/accounts/{account}/posts/{post}/metrics/views",
        "/v1/top-posts?account={account}",
        "/v1/top-posts?creator=creator",
    ];
    for route in both {
        scene.ensure_refused(route, ("as_of", &NO_MOMENTS)).await?;
    }
    for route in both.iter().chain(&[GROWTH, OF_CREATOR]) {
        scene
            .ensure_refused(route, ("known_at", &NO_MOMENTS))
            .await?;
    }
    // Over everything the ranking is for now, even if the moment would be a good one.
    let moment = "2026-01-01T00:00:00Z";
    for (path, field) in [
        (format!("/v1/top-posts?as_of={moment}"), "as_of"),
        (format!("/v1/top-posts?known_at={moment}"), "known_at"),
        (
            format!("/v1/top-posts?known_at={moment}&as_of={moment}&platform=tiktok"),
            "as_of",
        ),
    ] {
        let reply = scene.get(&path).await?;
        reply.ensure_problem(&path, (400, "unsupported_axis", Some(field)))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_and_zones_that_are_none() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let neither: Vec<_> = NO_MOMENTS
        .into_iter()
        .filter(|text| *text != "2026-01-01")
        .collect();
    let days = [
        "2026-3-1",
        "2026-02-30",
        "2026-13-01",
        "01/03/2026",
        "20260301",
    ];
    let zones = [
        "Mars",
        "",
        "Europe/Atlantis",
        "+01:00",
        "%00",
        "Europe%2FBerlin%20",
    ];
    for route in WINDOWS {
        for parameter in ["from", "to"] {
            scene.ensure_refused(route, (parameter, &neither)).await?;
            scene.ensure_refused(route, (parameter, &days)).await?;
        }
        scene.ensure_refused(route, ("zone", &zones)).await?;
        for window in [
            "from=2026-03-02&to=2026-03-01",
            "from=2026-03-01&to=2026-03-01",
            "from=2026-03-01T00:00:00Z&to=2026-02-28T23:59:59.999999Z",
            // A day is its midnight in the zone, which lies before that of UTC.
            "from=2026-03-01T00:00:00Z&to=2026-03-01&zone=Europe/Berlin",
            "from=9999-12-31",
            "to=0000-01-01T00:00:00Z",
        ] {
            let path = format!("{route}?{window}");
            let reply = scene.get(&path).await?;
            reply.ensure_problem(&path, (400, "window_backwards", Some("to")))?;
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_that_hold_too_much() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    for (interval, window) in [
        ("hour", "from=2026-01-01&to=2026-04-01"),
        ("day", "from=2000-01-01&to=2026-01-01"),
        ("week", "from=1900-01-01&to=2026-01-01"),
        ("month", "from=0001-01-01&to=2026-01-01"),
        ("day", "from=0000-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"),
    ] {
        let path = format!("{TREND}?interval={interval}&{window}");
        let reply = scene.get(&path).await?;
        reply.ensure_problem(&path, (400, "invalid_parameter", Some("interval")))?;
        ensure!(
            reply.text.contains("more than 2000 intervals"),
            "{}",
            reply.text
        );
    }
    // Just as many as there may be.
    for (interval, window, count) in [
        (
            "hour",
            "from=2026-01-01T00:00:00Z&to=2026-03-25T08:00:00Z",
            2_000,
        ),
        ("day", "from=2026-01-01&to=2026-01-02", 1),
    ] {
        let path = format!("{TREND}?interval={interval}&{window}");
        let reply = scene.get(&path).await?;
        let points = reply.body["data"]["points"].as_array().map(Vec::len);
        ensure!(points == Some(count), "{points:?}: {path}");
    }
    Ok(())
}

/// Windows at the ends of time, and where a zone skips a whole day.
#[tokio::test(flavor = "multi_thread")]
async fn windows_at_the_edges() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    for (query, count) in [
        // There was no 30 December.
        (
            "interval=day&zone=Pacific/Apia&from=2011-12-28&to=2012-01-02",
            4,
        ),
        // Nor was there an hour after midnight.
        (
            "interval=day&zone=America/Sao_Paulo&from=2018-11-03&to=2018-11-06",
            3,
        ),
        (
            "interval=day&from=0000-01-01T00:00:00Z&to=0000-01-03T00:00:00Z",
            2,
        ),
        ("interval=day&from=9999-12-29&to=9999-12-31", 2),
        ("interval=month&from=9999-11-01&to=9999-12-31", 2),
        (
            "interval=hour&from=9999-12-31T22:00:00Z&to=9999-12-31T23:59:59.999999Z",
            2,
        ),
    ] {
        let path = format!("{TREND}?{query}");
        let reply = scene.get(&path).await?;
        ensure!(reply.status == 200, "{path}: {}", reply.text);
        let points = reply.body["data"]["points"].as_array().map(Vec::len);
        ensure!(points == Some(count), "{points:?}: {path}");
    }
    Ok(())
}
