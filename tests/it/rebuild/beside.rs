//! Every read model is rebuilt, switched and taken back over HTTP, while writers append and readers
//! ask: no question fails, no answer goes back in time, and both versions equal a fold of the log.

use super::{all_at, both_equal_the_log, live, names, rebuild};
use crate::api_ground::Ground;
use crate::fold::assert_read_models_equal_the_log;
use crate::histories::random_history;
use anyhow::{Context, bail, ensure};
use domain::{Metric, Platform};
use projections::accounts;
use projections::engine::checkpoints;
use projections::feed::EventFeed;
use projections::sql::Reader;
use projections::{Scope, Versions};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tests::TestLedger;
use tests::ledger::post;
use tests::rng::{Rng, seed};
use tokio::time::sleep;

/// Followers and views of an account whose history has ended: every answer must show them.
const FOLLOWERS: i64 = 4_711;
const VIEWS: i64 = 815;

struct Storm {
    ground: Ground,
    account: String,
    stop: AtomicBool,
    answers: AtomicU64,
}

impl Storm {
    fn is_over(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Asks for what is known, and for at least as much as the answer before showed.
    async fn read(&self, number: usize) -> anyhow::Result<()> {
        let account = &self.account;
        let paths = [
            format!("/v1/accounts/{account}/metrics/followers"),
            format!("/v1/top-posts?account={account}&by=views"),
            format!("/v1/accounts/{account}/posts"),
            format!("/v1/accounts/{account}"),
            format!("/v1/accounts/{account}/sync-health"),
            "/v1/creators/steady/accounts".to_owned(),
        ];
        let mut position = vec![None::<String>; paths.len()];
        let mut turn = number;
        while !self.is_over() {
            let place = turn % paths.len();
            let path = &paths[place];
            let joint = if path.contains('?') { '&' } else { '?' };
            let asked = match &position[place] {
                Some(position) => format!("{path}{joint}wait_for={position}"),
                None => path.clone(),
            };
            let body = self.ground.server.ok(&asked).await?;
            let data = &body["data"];
            let shown: &Value = match place {
                0 => &data["value"],
                1 => &data["posts"][0]["views"],
                2 => &data[0]["metrics"]["views"],
                _ => data,
            };
            match place {
                0 => ensure!(*shown == FOLLOWERS, "{asked}: {body}"),
                1 => ensure!(
                    data["posts"].as_array().is_some_and(|p| p.len() == 1),
                    "{body}"
                ),
                2 => ensure!(
                    data.as_array().is_some_and(|p| p.len() == 1),
                    "{asked}: {body}"
                ),
                5 => ensure!(
                    data.as_array().is_some_and(|p| p.len() == 1),
                    "{asked}: {body}"
                ),
                _ => ensure!(data["account_id"] == account.as_str(), "{asked}: {body}"),
            }
            position[place] = body["position"].as_str().map(str::to_owned);
            self.answers.fetch_add(1, Ordering::SeqCst);
            turn += 1;
        }
        Ok(())
    }

    async fn write(&self, mut rng: Rng) -> anyhow::Result<()> {
        while !self.is_over() {
            random_history(&self.ground.ledger, &mut rng, 10).await?;
        }
        Ok(())
    }

    async fn admin(&self, method: reqwest::Method, path: &str) -> anyhow::Result<(u16, Value)> {
        let server = &self.ground.server;
        let url = format!("{}/v1/admin/projections{path}", server.base);
        let request = server.client.request(method, url).bearer_auth(&server.key);
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await?))
    }

    async fn switch(&self, path: &str) -> anyhow::Result<()> {
        // The projector finds a version within a second, and must have brought it along.
        for _ in 0..200 {
            let (status, body) = self.admin(reqwest::Method::POST, path).await?;
            match status {
                200 => return Ok(()),
                409 => sleep(Duration::from_millis(50)).await,
                _ => bail!("{path}: {status} {body}"),
            }
        }
        bail!("{path} was refused to the end")
    }

    /// Rebuilds everything, one after the other, and goes there and back again.
    async fn administer(&self) -> anyhow::Result<()> {
        for name in names() {
            let (status, body) = self
                .admin(reqwest::Method::POST, &format!("/{name}/rebuild"))
                .await?;
            ensure!(
                status == 202 && body["version"] == 2,
                "{name}: {status} {body}"
            );
        }
        for name in names() {
            for round in 0.. {
                let (status, body) = self.admin(reqwest::Method::GET, "").await?;
                ensure!(status == 200 && round < 1_000, "{status} {body}");
                let versions = body["data"].as_array().context("a list")?;
                let is_ready =
                    |v: &&Value| v["name"] == name && v["version"] == 2 && v["state"] == "ready";
                if versions.iter().any(|version| is_ready(&version)) {
                    break;
                }
                sleep(Duration::from_millis(50)).await;
            }
            let path = format!("/{name}/diff");
            let (status, body) = self.admin(reqwest::Method::GET, &path).await?;
            ensure!(
                status == 200 && body["same"] == true,
                "{name}: {status} {body}"
            );
            self.switch(&format!("/{name}/switch")).await?;
            sleep(Duration::from_millis(200)).await;
            self.switch(&format!("/{name}/rollback")).await?;
            sleep(Duration::from_millis(200)).await;
            self.switch(&format!("/{name}/switch")).await?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_a_rebuild_of_everything() -> anyhow::Result<()> {
    let seed = seed(0xbe51de);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ground = Ground::new().await?;
    let account = ground.import("steady", Platform::Tiktok, "one").await?;
    let ledger = &ground.ledger;
    let at = "2026-01-02T12:00:00Z";
    ledger
        .observe(account, at, &[(Metric::Followers, FOLLOWERS)])
        .await?;
    let posts = vec![post("p", "a title", &[(Metric::Views, VIEWS)])];
    ledger.observe_posts(account, at, posts).await?;
    random_history(ledger, &mut rng, 400).await?;
    let head = ledger.log.head().await?.context("events")?;
    ground
        .server
        .ok(&format!(
            "/v1/top-posts?account={account}&by=views&wait_for={head}"
        ))
        .await?;
    let storm = Storm {
        ground,
        account: account.to_string(),
        stop: AtomicBool::new(false),
        answers: AtomicU64::new(0),
    };
    let administering = async {
        let done = storm.administer().await;
        storm.stop.store(true, Ordering::SeqCst);
        done
    };
    let reading = async { tokio::try_join!(storm.read(0), storm.read(2), storm.read(4)) };
    let (administered, read, written) =
        tokio::join!(administering, reading, storm.write(Rng::new(seed + 1)));
    administered?;
    read?;
    written?;
    let answers = storm.answers.load(Ordering::SeqCst);
    eprintln!("{answers} answers");
    ensure!(answers > 100, "{answers} answers");
    let client = storm.ground.ledger.database.connect().await?;
    until_both_at_head(&storm.ground.ledger, &client).await?;
    ensure!(format!("{:?}", live(&client).await?) == format!("{:?}", all_at(2)));
    both_equal_the_log(&client).await
}

/// The server's projector keeps the live versions and those that were switched from.
async fn until_both_at_head(
    ledger: &TestLedger,
    client: &tokio_postgres::Client,
) -> anyhow::Result<()> {
    let head = ledger
        .log
        .head()
        .await?
        .context("events")?
        .commit
        .cast_signed();
    for _ in 0..1_500 {
        let row = client
            .query_one(
                "select count(distinct (name, version)) as versions, min(commit_position) as least
                 from projection_checkpoints",
                &[],
            )
            .await?;
        if (row.get::<_, i64>("versions"), row.get::<_, i64>("least")) == (8, head) {
            return Ok(());
        }
        sleep(Duration::from_millis(20)).await;
    }
    bail!("the versions never came to {head}")
}

/// An answer that began before a switch is taken from the version that was live then, to its end.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_from_one_version() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    let account = ledger.import("creator", Platform::Youtube, "one").await?;
    ledger.catch_up().await?;
    rebuild(&ledger, "accounts").await?;
    // So that it can be told which version a row is of.
    client
        .batch_execute("update accounts_v2 set simulated = true")
        .await?;
    let begun = Versions::live(&checkpoints(&client).await?);
    ledger.administration().switch("accounts", None).await?;
    let began_later = Versions::live(&checkpoints(&client).await?);
    for (versions, of_second) in [(begun, false), (began_later, true)] {
        let reader = Reader::new(ledger.database.connect().await?, versions);
        let found = accounts::find(&reader, &Scope::AllCreators, account).await?;
        ensure!(found.context("the account")?.simulated == of_second);
    }
    client
        .batch_execute("update accounts_v2 set simulated = false")
        .await?;
    assert_read_models_equal_the_log(&client).await
}
