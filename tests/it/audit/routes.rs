//! Audits over HTTP: who may ask, what is bounded, and that answers are those of the command line.

use crate::api_ground::{Ground, NOBODY, PROGRAM, Reply, list};
use crate::histories::{connect, followers, minute, page, sync};
use anyhow::{Context, ensure};
use domain::account::ErrorClass;
use domain::{AccountId, Metric, Platform};
use reqwest::Method;
use serde_json::{Value, json};
use tests::ledger::post;
use tests::server::{create_key, run};

const PARTS: [&str; 4] = ["state", "history", "export", "verify"];

struct Scene {
    ground: Ground,
    account: AccountId,
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let ground = Ground::new().await?;
        let who = ("creator", Platform::Instagram, "platform-id-one");
        let account = ground.import(who.0, who.1, who.2).await?;
        let views = post("p1", "a title", &[(Metric::Views, 7)]);
        let intents = vec![
            connect(who, 1, 0)?,
            followers(1, 100),
            followers(2, 90),
            page(minute(3), vec![views]),
            sync(4, Some(ErrorClass::AuthExpired)),
        ];
        let outcome = ground.carry_out(account, intents).await?;
        ground
            .after(&outcome, &format!("/v1/accounts/{account}"))
            .await?;
        Ok(Self { ground, account })
    }

    fn path(&self, part: &str) -> String {
        format!("/v1/accounts/{}/audit/{part}", self.account)
    }

    async fn ok(&self, part: &str) -> anyhow::Result<Value> {
        self.ground.server.ok(&self.path(part)).await
    }

    /// An answer that is no JSON, as it came.
    async fn text(&self, part: &str) -> anyhow::Result<(u16, String, String)> {
        let server = &self.ground.server;
        let url = format!("{}{}", server.base, self.path(part));
        let answer = server
            .client
            .get(url)
            .bearer_auth(&server.key)
            .send()
            .await?;
        let kind = answer.headers()["content-type"].to_str()?.to_owned();
        Ok((answer.status().as_u16(), kind, answer.text().await?))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_auditors_and_administrators_within_their_scope() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let url = &scene.ground.ledger.database.url;
    let cases = [
        ("creator", vec!["creator"], Some((403, "role_not_allowed"))),
        ("analyst", vec![], Some((403, "role_not_allowed"))),
        ("auditor", vec!["somebody-else"], Some((404, "not_found"))),
        ("auditor", vec!["creator"], None),
        ("admin", vec![], None),
    ];
    for (role, creators, refused) in cases {
        let key = create_key(PROGRAM, url, role, &creators)?;
        for part in PARTS {
            let path = scene.path(part);
            let what = format!("{role} {creators:?}: {path}");
            let server = &scene.ground.server;
            match refused {
                Some((status, code)) => {
                    let bearer = format!("Bearer {key}");
                    let reply = Reply::to(server, Method::GET, &path, Some(&bearer)).await?;
                    reply.ensure_problem(&what, (status, code, None))?;
                }
                None => {
                    let url = format!("{}{path}", server.base);
                    let answer = server.client.get(url).bearer_auth(&key).send().await?;
                    ensure!(answer.status() == 200, "{what}: {}", answer.status());
                }
            }
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_accounts_and_wrong_parameters_are_refused() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let server = &scene.ground.server;
    for part in PARTS {
        let path = format!("/v1/accounts/{NOBODY}/audit/{part}");
        let reply = Reply::get(server, &path).await?;
        reply.ensure_problem(&path, (404, "not_found", None))?;
        let path = format!("/v1/accounts/x/audit/{part}");
        let reply = Reply::get(server, &path).await?;
        reply.ensure_problem(&path, (400, "invalid_parameter", Some("account_id")))?;
    }
    for (query, field) in [
        ("state?as_of=yesterday", "as_of"),
        ("state?known_at=2026", "known_at"),
        ("state?from=1", "from"),
        ("history?limit=501", "limit"),
        ("history?limit=0", "limit"),
        ("history?after_revision=-1", "after_revision"),
        ("export?to_revision=100000", "to_revision"),
        ("export?from_revision=5&to_revision=4", "to_revision"),
        ("export?from_revision=-1", "from_revision"),
        ("verify?limit=3", "limit"),
    ] {
        let path = scene.path(query);
        let reply = Reply::get(server, &path).await?;
        reply.ensure_problem(query, (400, "invalid_parameter", Some(field)))?;
    }
    let path = scene.path("export?from_revision=7");
    let reply = Reply::get(server, &path).await?;
    reply.ensure_problem(&path, (404, "not_found", None))?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_is_as_of_and_known_at() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let now = scene.ok("state").await?;
    ensure!(now["state"]["phase"] == "needs_reauthorization", "{now}");
    ensure!(now["revision"] == 6 && now["newest_revision"] == 6, "{now}");
    ensure!(now["known_at"].is_null(), "{now}");
    let followers = &now["state"]["metrics.followers"];
    ensure!(followers["value"] == 90, "{now}");
    let then = scene.ok(&format!("state?as_of={}", minute(1))).await?;
    ensure!(then["state"]["phase"] == "connected", "{then}");
    ensure!(then["state"]["metrics.followers"]["value"] == 100, "{then}");
    // Nothing of it was recorded by then.
    let unknown = scene.ok("state?known_at=2026-01-01T00:00:00Z").await?;
    ensure!(unknown["state"] == json!({"phase": "absent"}), "{unknown}");
    ensure!(unknown["revision"].is_null(), "{unknown}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_tells_what_each_event_changed() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let whole = scene.ok("history").await?;
    ensure!(whole["next_after_revision"].is_null(), "{whole}");
    let steps = list(&whole["data"])?;
    ensure!(steps.len() == 7, "{} steps", steps.len());
    let change = |step: usize, fact: &str| {
        let changes = steps[step]["changes"].as_array().into_iter().flatten();
        let mut of_fact = changes.filter(|change| change["fact"] == fact);
        of_fact.next().cloned()
    };
    let phase = change(1, "phase").context("a change of phase")?;
    ensure!(
        phase["before"] == "imported" && phase["after"] == "connected",
        "{phase}"
    );
    let fell = change(3, "metrics.followers").context("a change of followers")?;
    ensure!(
        fell["before"]["value"] == 100 && fell["after"]["value"] == 90,
        "{fell}"
    );
    ensure!(change(4, "newest_posts").is_some(), "{whole}");
    ensure!(change(4, "phase").is_none(), "{whole}");
    // Page by page it is the same, whatever the page.
    for limit in [1, 3, 7] {
        let (mut joined, mut after) = (vec![], String::new());
        loop {
            let part = scene.ok(&format!("history?limit={limit}{after}")).await?;
            joined.extend(list(&part["data"])?.iter().cloned());
            match part["next_after_revision"].as_u64() {
                Some(revision) => after = format!("&after_revision={revision}"),
                None => break,
            }
        }
        ensure!(&joined == steps, "limit {limit}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_the_one_of_the_command_line() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = scene.account.to_string();
    let url = &scene.ground.ledger.database.url;
    let (status, kind, text) = scene.text("export").await?;
    ensure!(
        status == 200 && kind == "application/x-ndjson",
        "{status} {kind}"
    );
    let printed = run(PROGRAM, url, &["audit", "export", &account])?;
    ensure!(text == printed, "{text}\n{printed}");
    ensure!(text.lines().count() == 9, "{text}");
    let (_, _, part) = scene.text("export?from_revision=2&to_revision=3").await?;
    ensure!(part.lines().count() == 4, "{part}");
    let manifest: Value = serde_json::from_str(part.lines().nth(2).context("a manifest")?)?;
    ensure!(
        manifest["first_revision"] == 2 && manifest["last_revision"] == 3,
        "{manifest}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verification_names_what_does_not_hold() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let sound = scene.ok("verify").await?;
    ensure!(sound["holds"] == true && sound["events"] == 7, "{sound}");
    ensure!(sound["checked"] == "account", "{sound}");
    let client = scene.ground.ledger.database.connect().await?;
    let changed = client
        .execute(
            "update log_events set data = set_byte(data, 5, get_byte(data, 5) # 1)
             where stream = $1 and revision = 3",
            &[&format!("account-{}", scene.account)],
        )
        .await?;
    ensure!(changed == 1, "{changed}");
    let spoilt = scene.ok("verify").await?;
    ensure!(spoilt["holds"] == false, "{spoilt}");
    ensure!(spoilt["findings"][0]["revision"] == 3, "{spoilt}");
    Ok(())
}
