//! Bad questions: each is answered with a problem that names what is wrong, and never with a
//! failure of the server's own.

mod fuzz;
mod http;
mod times;
mod words;

use crate::api_ground::{Ground, NOBODY, Reply};
use anyhow::{Context, ensure};
use domain::{AccountId, Metric, Platform};
use tests::ledger::post;

/// A server with one account and one post.
struct Scene {
    ground: Ground,
    account: AccountId,
    post: String,
}

/// Every route that needs a key. `{account}` and `{post}` stand for what is there.
const ROUTES: [&str; 18] = [
    "/v1/creators/creator/accounts",
    "/v1/creators/creator/growth",
    "/v1/accounts/{account}",
    "/v1/accounts/{account}/metrics/followers",
    "/v1/accounts/{account}/trends/followers",
    "/v1/accounts/{account}/growth",
    "/v1/accounts/{account}/velocity",
    "/v1/accounts/{account}/posts",
    "/v1/accounts/{account}/posts/{post}",
    "/v1/accounts/{account}/posts/{post}/history",
    "/v1/accounts/{account}/posts/{post}/metrics/views",
    "/v1/accounts/{account}/sync-health",
    "/v1/accounts/{account}/events",
    "/v1/top-posts",
    "/v1/sync-health",
    "/v1/metrics",
    "/v1/formulas",
    "/v1/openapi.json",
];

/// The routes that page by cursor.
const LISTS: [&str; 4] = [
    "/v1/creators/creator/accounts",
    "/v1/accounts/{account}/posts",
    "/v1/accounts/{account}/posts/{post}/history",
    "/v1/sync-health",
];

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let ground = Ground::new().await?;
        let account = ground.import("creator", Platform::Tiktok, "one").await?;
        let ledger = &ground.ledger;
        ledger
            .observe(account, "2026-01-02T00:00:00Z", &[(Metric::Followers, 42)])
            .await?;
        let views = post("p1", "a title", &[(Metric::Views, 7)]);
        let outcome = ledger
            .observe_posts(account, "2026-01-02T00:00:00Z", vec![views])
            .await?;
        ground
            .after(&outcome, &format!("/v1/accounts/{account}/posts"))
            .await?;
        ground.server.ready().await?;
        let post = ground.post(account, "p1").await?;
        Ok(Self {
            ground,
            account,
            post,
        })
    }

    /// A path with the account and the post that are there.
    fn path(&self, template: &str) -> String {
        template
            .replace("{account}", &self.account.to_string())
            .replace("{post}", &self.post)
    }

    async fn get(&self, template: &str) -> anyhow::Result<Reply> {
        Reply::get(&self.ground.server, &self.path(template)).await
    }

    /// Fails unless each path is answered with its problem.
    async fn ensure_problems(
        &self,
        cases: &[(&str, u16, &str, Option<&str>)],
    ) -> anyhow::Result<()> {
        for (template, status, code, field) in cases {
            let reply = self.get(template).await?;
            reply.ensure_problem(template, (*status, *code, *field))?;
        }
        Ok(())
    }

    /// Fails unless the parameter is refused on this route with each of these values.
    async fn ensure_refused(
        &self,
        route: &str,
        (parameter, values): (&str, &[&str]),
    ) -> anyhow::Result<()> {
        for value in values {
            let joint = if route.contains('?') { '&' } else { '?' };
            let template = format!("{route}{joint}{parameter}={value}");
            let reply = self.get(&template).await?;
            reply.ensure_problem(&template, (400, "invalid_parameter", Some(parameter)))?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_routes_answer_when_asked_well() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    for route in ROUTES {
        let reply = scene.get(route).await?;
        ensure!(reply.status == 200, "{route}: {}", reply.text);
        ensure!(reply.content_type() == "application/json", "{route}");
        ensure!(!reply.header("x-request-id").is_empty(), "{route}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_are_none_or_unknown() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (account, post) = (scene.account.to_string(), &scene.post);
    for route in ROUTES.iter().filter(|route| route.contains("{account}")) {
        let path = scene.path(route);
        let unknown = scene.get(&path.replace(&account, NOBODY)).await?;
        unknown.ensure_problem(route, (404, "not_found", None))?;
        for wrong in [
            "not-an-id",
            "0",
            "%00",
            "%F0%9F%90%A4",
            "..%2f..",
            "null",
            &"a".repeat(5_000),
        ] {
            let reply = scene.get(&path.replace(&account, wrong)).await?;
            reply.ensure_problem(route, (400, "invalid_parameter", Some("account_id")))?;
        }
        if route.contains("{post}") {
            let unknown = scene.get(&path.replace(post, NOBODY)).await?;
            unknown.ensure_problem(route, (404, "not_found", None))?;
            for wrong in ["p1", "%00", "%7Bpost%7D"] {
                let reply = scene.get(&path.replace(post, wrong)).await?;
                reply.ensure_problem(route, (400, "invalid_parameter", Some("post")))?;
            }
        }
    }
    for template in [
        "/v1/creators/{creator}/accounts",
        "/v1/creators/{creator}/growth",
    ] {
        for wrong in ["a%20b", "%00", "a%2Fb", "%F0%9F%90%A4", &"c".repeat(129)] {
            let reply = scene.get(&template.replace("{creator}", wrong)).await?;
            reply.ensure_problem(template, (400, "invalid_parameter", Some("creator")))?;
        }
    }
    // A creator whom nobody knows of has no accounts, which is no error to a key for all.
    let (status, empty) = scene
        .ground
        .server
        .get("/v1/creators/nobody/accounts")
        .await?;
    ensure!(
        status == 200 && empty["data"] == serde_json::json!([]),
        "{empty}"
    );
    ensure!(empty["state"]["state"] == "no_data", "{empty}");

    let lists = [
        ("/v1/top-posts", "account"),
        ("/v1/top-posts", "creator"),
        ("/v1/sync-health", "creator"),
    ];
    for (route, parameter) in lists {
        scene
            .ensure_refused(route, (parameter, &["", "a%20b", "%00", "%FF"]))
            .await?;
    }
    let unknown = scene
        .get(&format!("/v1/top-posts?account={NOBODY}"))
        .await?;
    unknown.ensure_problem("an unknown account", (404, "not_found", None))
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_out_of_bounds() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let none = [
        "-1",
        "0",
        "100000",
        "1.5",
        "ten",
        "",
        "1e3",
        "%00",
        "9223372036854775808",
    ];
    let too_many = ["101", "1000"];
    for route in LISTS.iter().chain(&["/v1/top-posts"]) {
        scene.ensure_refused(route, ("limit", &none)).await?;
        scene.ensure_refused(route, ("limit", &too_many)).await?;
    }
    let events = "/v1/accounts/{account}/events";
    scene.ensure_refused(events, ("limit", &none)).await?;
    scene.ensure_refused(events, ("limit", &["501"])).await?;
    let negative = ["-1", "", "many", "1.0", "9223372036854775808"];
    scene
        .ensure_refused(events, ("after_revision", &negative))
        .await?;
    scene
        .ensure_refused("/v1/top-posts", ("min_views", &negative))
        .await?;
    let growth = "/v1/creators/creator/growth";
    scene
        .ensure_refused(growth, ("minimum_start", &negative))
        .await?;
    // The largest that there are.
    for path in [
        "/v1/top-posts?limit=100&min_views=9223372036854775807",
        "/v1/accounts/{account}/posts?limit=100",
        "/v1/accounts/{account}/events?limit=500&after_revision=9223372036854775806",
        "/v1/creators/creator/growth?minimum_start=9223372036854775807",
    ] {
        let reply = scene.get(path).await?;
        ensure!(reply.status == 200, "{path}: {}", reply.text);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_none() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let place = data_encoding::BASE64URL_NOPAD.encode(b"99999999999999999999.1");
    let cursors = ["x!", "", "AAAA", "MTIz", "%00", "MQ==", place.as_str()];
    for route in LISTS {
        scene.ensure_refused(route, ("cursor", &cursors)).await?;
    }
    let foreign = format!("{NOBODY}.1.1");
    let log = scene.ground.server.ok("/v1/sync-health").await?["position"].take();
    let log = log
        .as_str()
        .context("a position")?
        .split('.')
        .next()
        .context("a log")?
        .to_owned();
    let (half, more, negative) = (
        format!("{log}.1"),
        format!("{log}.1.1.1"),
        format!("{log}.-1.1"),
    );
    let positions = ["", "7", "x.1.1", "%00", &foreign, &half, &more, &negative];
    // The registries and the document are of the program, not of the log.
    let waiting =
        |route: &&&str| !["/v1/metrics", "/v1/formulas", "/v1/openapi.json"].contains(*route);
    for route in ROUTES.iter().filter(waiting) {
        scene
            .ensure_refused(route, ("wait_for", &positions))
            .await?;
    }
    Ok(())
}
