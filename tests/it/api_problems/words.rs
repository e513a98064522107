//! Words: metrics, formulas, platforms and intervals that there are not, and parameters that a
//! route does not have.

use super::{ROUTES, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn words_that_nothing_is_called() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = "/v1/accounts/{account}";
    for name in [
        "applause",
        "comments",
        "FOLLOWERS",
        "%00",
        "follow%20ers",
        "er_views@1",
    ] {
        let unknown = (400, "unknown_metric", Some("metric"));
        for path in [
            format!("{account}/metrics/{name}"),
            format!("{account}/trends/{name}"),
            format!("{account}/growth?metric={name}"),
            format!("/v1/creators/creator/growth?metric={name}"),
        ] {
            scene.get(&path).await?.ensure_problem(&path, unknown)?;
        }
    }
    scene
        .ensure_problems(&[
            (
                "/v1/accounts/{account}/posts/{post}/metrics/followers",
                400,
                "unknown_metric",
                Some("metric"),
            ),
            (
                "/v1/top-posts?by=er_views@9",
                400,
                "unknown_formula",
                Some("by"),
            ),
            (
                "/v1/top-posts?by=growth@1",
                400,
                "unknown_formula",
                Some("by"),
            ),
            ("/v1/top-posts?by=@", 400, "unknown_formula", Some("by")),
            (
                "/v1/top-posts?by=applause",
                400,
                "unknown_metric",
                Some("by"),
            ),
            (
                "/v1/top-posts?by=followers",
                400,
                "unknown_metric",
                Some("by"),
            ),
            ("/v1/top-posts?by=", 400, "unknown_metric", Some("by")),
            ("/v1/top-posts?by=%FF", 400, "unknown_metric", Some("by")),
        ])
        .await?;
    let platforms = ["myspace", "", "YouTube", "%00"];
    scene
        .ensure_refused("/v1/top-posts", ("platform", &platforms))
        .await?;
    let accounts = "/v1/creators/creator/accounts";
    scene
        .ensure_refused(accounts, ("platform", &platforms))
        .await?;
    let trend = "/v1/accounts/{account}/trends/followers";
    scene
        .ensure_refused(trend, ("interval", &["year", "", "DAY", "day,week", "%00"]))
        .await?;

    // The platform's own ids: on one platform, and of a sensible length.
    let long = "x".repeat(257);
    let ids = ["", long.as_str()];
    let on_tiktok = "/v1/creators/creator/accounts?platform=tiktok";
    scene
        .ensure_refused(on_tiktok, ("platform_account_id", &ids))
        .await?;
    scene
        .ensure_refused("/v1/accounts/{account}/posts", ("platform_post_id", &ids))
        .await?;
    scene
        .ensure_problems(&[
            (
                "/v1/creators/creator/accounts?platform_account_id=one",
                400,
                "invalid_parameter",
                Some("platform"),
            ),
            (
                "/v1/top-posts?creator=creator&account={account}",
                400,
                "invalid_parameter",
                Some("creator"),
            ),
        ])
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_that_a_route_does_not_have() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    for route in ROUTES {
        let unknown = scene.get(&format!("{route}?limmit=5")).await?;
        unknown.ensure_problem(route, (400, "invalid_parameter", Some("limmit")))?;
        let twice = scene.get(&format!("{route}?zone=UTC&zone=UTC")).await?;
        twice.ensure_problem(route, (400, "invalid_parameter", Some("zone")))?;
        let (name, cut) = ("l".repeat(8_000), "l".repeat(80));
        let long = scene.get(&format!("{route}?{name}=1")).await?;
        long.ensure_problem(route, (400, "invalid_parameter", Some(cut.as_str())))?;
    }
    for path in [
        "/v1/accounts/{account}/posts?limit=1&limit=1",
        "/v1/accounts/{account}/posts?limit=1&cursor=x&limit=2",
        "/v1/top-posts?limit=x&limit=1",
    ] {
        let reply = scene.get(path).await?;
        reply.ensure_problem(path, (400, "invalid_parameter", Some("limit")))?;
    }
    // What another route has, where it would mean something else than it seems to.
    for (path, field) in [
        (
            "/v1/accounts/{account}/growth?as_of=2026-01-01T00:00:00Z",
            "as_of",
        ),
        ("/v1/accounts/{account}?as_of=2026-01-01T00:00:00Z", "as_of"),
        ("/v1/accounts/{account}/velocity?metric=followers", "metric"),
        ("/v1/accounts/{account}/posts?platform=tiktok", "platform"),
        ("/v1/metrics?limit=1", "limit"),
        ("/v1/top-posts?=1", ""),
    ] {
        let reply = scene.get(path).await?;
        reply.ensure_problem(path, (400, "invalid_parameter", Some(field)))?;
    }
    Ok(())
}
