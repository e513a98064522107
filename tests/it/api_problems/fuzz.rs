//! Random questions made from the routes of the OpenAPI document and from nasty values.

use super::Scene;
use crate::api_ground::{NOBODY, Reply, list};
use anyhow::{Context, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use tests::rng::{Rng, seed};

const QUESTIONS: usize = 300;

/// Values that some parameter somewhere takes, and many that none does.
const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "+1",
    "100000",
    "9223372036854775807",
    "9223372036854775808",
    "1e3",
    "0x10",
    "NaN",
    "%00",
    "%FF",
    "%zz",
    "%",
    "%25",
    "%0A",
    "%0D%0AX:%20y",
    "%2F",
    "%2e%2e",
    "..",
    "*",
    "'%20or%201=1--",
    "%22%3E%3Cscript%3E",
    "$(id)",
    "{}",
    "[]",
    "null",
    "true",
    "%F0%9F%90%A4",
    "%E2%80%AE",
    "a%2Cb",
    "2026-01-01",
    "2026-02-30",
    "0000-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z",
    "9999-12-31",
    "0000-01-01",
    "2011-12-30",
    "2026-03-29T02:30:00Z",
    "2026-01-01T00:00:00%2B14:00",
    "Europe/Berlin",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "hour",
    "day",
    "month",
    "raw",
    "followers",
    "views",
    "watch_time",
    "er_views@1",
    "er_followers@1",
    "er_reach@1",
    "engagements",
    "tiktok",
    "creator",
    "MDFh",
    "1.1.1",
    NOBODY,
];

/// A route and the names of its parameters.
struct Route {
    template: String,
    query: Vec<String>,
}

fn routes(document: &Value) -> anyhow::Result<Vec<Route>> {
    let paths = document["paths"].as_object().context("paths")?;
    let mut routes = vec![];
    for (template, item) in paths {
        let mut query = vec![];
        for parameter in item["get"]["parameters"].as_array().into_iter().flatten() {
            if parameter["in"] == "query" {
                query.push(parameter["name"].as_str().context("a name")?.to_owned());
            }
        }
        routes.push(Route {
            template: template.clone(),
            query,
        });
    }
    ensure!(routes.len() > 15, "{} routes", routes.len());
    Ok(routes)
}

/// A question: mostly right in its path, anything in its query.
fn question(rng: &mut Rng, scene: &Scene, route: &Route) -> String {
    let mut path = route.template.clone();
    for (name, right) in [
        ("{account_id}", scene.account.to_string()),
        ("{post}", scene.post.clone()),
        ("{creator}", "creator".to_owned()),
        ("{metric}", (*rng.pick(&["followers", "views"])).to_owned()),
    ] {
        let value = match rng.below(4) {
            0 => (*rng.pick(VALUES)).to_owned(),
            _ => right,
        };
        path = path.replace(name, &value);
    }
    let mut pairs = vec![];
    for name in &route.query {
        if rng.below(2) == 0 {
            pairs.push(format!("{name}={}", rng.pick(VALUES)));
        }
    }
    if rng.below(10) == 0 {
        pairs.push(format!("{}={}", rng.pick(VALUES), rng.pick(VALUES)));
    }
    if rng.below(20) == 0 {
        pairs.push("x".repeat(rng.below(20_000) as usize));
    }
    match pairs.is_empty() {
        true => path,
        false => format!("{path}?{}", pairs.join("&")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_question_is_the_servers_fault() -> anyhow::Result<()> {
    let seed = seed(20_260_301);
    eprintln!("api_problems: TEST_SEED={seed}");
    let mut rng = Rng::new(seed);
    let scene = Scene::new().await?;
    let server = &scene.ground.server;
    let routes = routes(&server.ok("/v1/openapi.json").await?)?;
    let mut statuses = BTreeMap::<u16, usize>::new();
    for _ in 0..QUESTIONS {
        let route = rng.pick(&routes);
        let path = question(&mut rng, &scene, route);
        let reply = Reply::get(server, &path).await?;
        *statuses.entry(reply.status).or_default() += 1;
        ensure!(reply.status < 500, "{path}: {}", reply.text);
        if reply.status == 200 {
            let media_type = reply.content_type();
            let expected = match route.template.as_str() {
                "/metrics" => "application/openmetrics-text; version=1.0.0; charset=utf-8",
                path if path.ends_with("/audit/export") => "application/x-ndjson",
                _ => "application/json",
            };
            ensure!(media_type == expected, "{path}: {media_type}");
            continue;
        }
        reply.ensure_some_problem(&path)?;
        let field = reply.body["field"].as_str();
        ensure!(
            reply.status != 400 || field.is_some(),
            "{path}: {}",
            reply.text
        );
    }
    eprintln!("api_problems: {statuses:?}");
    // Neither all right nor all wrong: then it would have tried nothing.
    for status in [200, 400] {
        let count = statuses.get(&status).copied().unwrap_or(0);
        ensure!(count >= QUESTIONS / 20, "{statuses:?}");
    }
    // What was there is there as it was.
    let account = scene.account;
    let found = server.ok(&format!("/v1/accounts/{account}/events")).await?;
    ensure!(list(&found["data"])?.len() == 3, "{found}");
    Ok(())
}
