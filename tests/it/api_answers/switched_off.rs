//! Formulas that are switched off for a platform: not worked out, and said so.

use super::top::{Scene, order};
use crate::api_ground::{Ground, PROGRAM, list};
use crate::histories::metrics;
use anyhow::{Context, ensure};
use domain::observation::Cause;
use domain::{AccountId, Metric};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use tests::ledger::{at, values};
use tests::server::command;

const OFF: &str = "instagram:er_views@1,youtube:growth@1, youtube:velocity@1";

/// A second server over the same database, with formulas switched off.
struct Restricted<'a> {
    ground: &'a Ground,
    child: Child,
    base: String,
}

impl<'a> Restricted<'a> {
    fn start(ground: &'a Ground) -> anyhow::Result<Self> {
        let url = &ground.ledger.database.url;
        let mut child = command(PROGRAM, url, &["serve", "--role", "api"])
            .env("FORMULAS_OFF", OFF)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().context("a pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let base = line.trim().strip_prefix("Listening on ");
        let base = base.context("an address")?.to_owned();
        Ok(Self {
            ground,
            child,
            base,
        })
    }

    async fn data(&self, path: &str) -> anyhow::Result<Value> {
        let server = &self.ground.server;
        let request = server.client.get(format!("{}{path}", self.base));
        let answer = request.bearer_auth(&server.key).send().await?;
        let mut body: Value = serde_json::from_str(&answer.text().await?)?;
        ensure!(body.get("data").is_some(), "{path}: {body}");
        Ok(body["data"].take())
    }
}

impl Drop for Restricted<'_> {
    fn drop(&mut self) {
        if tests::signal::signal("-TERM", self.child.id()).is_err() {
            let _gone = self.child.kill();
        }
        let _gone = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ranking_leaves_out_what_is_switched_off() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let restricted = Restricted::start(&scene.ground)?;
    let (instagram, youtube) = (scene.instagram, scene.youtube);
    let nothing = json!([]);
    let off = json!(["instagram"]);
    let [q1, z1] = [json!(["q1", 0.4]), json!(["z1", 0.1])];
    for (query, expected, off) in [
        (String::new(), json!([q1, z1]), &off),
        ("limit=1".to_owned(), json!([q1]), &off),
        ("creator=c".to_owned(), json!([q1]), &off),
        (
            "creator=c&as_of=2026-01-03T00:00:00Z".to_owned(),
            json!([q1]),
            &off,
        ),
        ("min_views=50".to_owned(), json!([q1]), &off),
        (format!("account={instagram}"), json!([]), &off),
        ("platform=instagram".to_owned(), json!([]), &off),
        // Where nothing is switched off, nothing is said.
        ("platform=youtube".to_owned(), json!([q1]), &nothing),
        (format!("account={youtube}"), json!([q1]), &nothing),
        // Other measures of the same platform stay.
        (
            format!("account={instagram}&by=er_reach@1"),
            json!([["p1", 0.0875], ["p2", 0.066_667]]),
            &nothing,
        ),
        (
            "by=views&limit=2".to_owned(),
            json!([["p4", 2_000], ["p1", 1_000]]),
            &nothing,
        ),
    ] {
        let data = restricted.data(&format!("/v1/top-posts?{query}")).await?;
        ensure!(order(&data)? == expected, "{query}: {data}");
        ensure!(data["switched_off"] == *off, "{query}: {data}");
    }
    // The other server, over the same tables, still answers: nothing of it is stored.
    let data = scene
        .ground
        .data(&format!("/v1/top-posts?account={instagram}"))
        .await?;
    ensure!(list(&data["posts"])?.len() == 3, "{data}");

    let of_youtube = json!(["youtube"]);
    let formulas = restricted.data("/v1/formulas").await?;
    for formula in list(&formulas)? {
        let expected = match formula["name"].as_str() {
            Some("er_views@1") => &off,
            Some("growth@1" | "velocity@1") => &of_youtube,
            _ => &nothing,
        };
        ensure!(formula["off_for"] == *expected, "{formula}");
    }
    Ok(())
}

async fn follow(ground: &Ground, account: AccountId) -> anyhow::Result<()> {
    let counts = [("2026-01-01T00:00:00Z", 100), ("2026-01-08T00:00:00Z", 110)];
    let intents = counts.map(|(moment, count)| {
        let values = values(&[(Metric::Followers, count)]);
        metrics(at(moment), values, Cause::Observed)
    });
    let outcome = ground.carry_out(account, intents.into()).await?;
    ground
        .after(&outcome, &format!("/v1/accounts/{account}/velocity"))
        .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn growth_that_is_switched_off_says_so() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let ground = &scene.ground;
    let restricted = Restricted::start(ground)?;
    for account in [scene.instagram, scene.youtube] {
        follow(ground, account).await?;
    }
    let window = "from=2026-01-01&to=2026-01-08";
    let reason = "switched off for this platform";
    for (account, growth, velocity) in [
        (scene.youtube, None, None),
        (scene.instagram, Some(10.0), Some(1.4286)),
    ] {
        let path = format!("/v1/accounts/{account}/growth?{window}");
        let data = restricted.data(&path).await?;
        ensure!(data["percent"].as_f64() == growth, "{data}");
        // What was observed is no derived number, and stays.
        ensure!(
            data["start"]["value"] == 100 && data["end"]["value"] == 110,
            "{data}"
        );
        let said = data["reason"].as_str();
        ensure!(said == growth.is_none().then_some(reason), "{data}");
        let path = format!("/v1/accounts/{account}/velocity?as_of=2026-01-08T00:00:00Z");
        let data = restricted.data(&path).await?;
        ensure!(data["percent_per_day"].as_f64() == velocity, "{data}");
        let said = data["reason"].as_str();
        ensure!(said == velocity.is_none().then_some(reason), "{data}");
    }
    let data = restricted
        .data(&format!("/v1/creators/c/growth?{window}"))
        .await?;
    ensure!(data["accounts"] == 1 && data["sum_end"] == 110, "{data}");
    let left_out = json!({"without_start": 0, "below_minimum": 0, "switched_off": 1, "erased": 0});
    ensure!(data["left_out"] == left_out, "{data}");
    Ok(())
}

/// A setting that is not understood ends the program at its start, by its name.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_list_of_formulas_is_named_at_start() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    for (list, said) in [
        ("instagram", "expected platform:formula@version"),
        (
            "myspace:er_views@1",
            "'myspace' is not a supported platform",
        ),
        ("instagram:er_views@9", "'er_views@9' is not a formula"),
        ("instagram:er_views@1;youtube:growth@1", "is not a formula"),
    ] {
        let output = command(PROGRAM, &ground.ledger.database.url, &["serve"])
            .env("FORMULAS_OFF", list)
            .output()?;
        let stderr = String::from_utf8(output.stderr)?;
        ensure!(
            !output.status.success() && output.stdout.is_empty(),
            "{list}: it started"
        );
        ensure!(
            stderr.contains("FORMULAS_OFF") && stderr.contains(said),
            "{list}: {stderr}"
        );
    }
    Ok(())
}
