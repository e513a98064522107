//! What the API says of an erased account, by whom it can be erased, and that a rebuild agrees.

use super::{PROGRAM, Scene};
use crate::api_ground::NOBODY;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::server::{Server, create_key};
use tokio_postgres::Client;

async fn post(
    server: &Server,
    key: &str,
    account: &str,
    body: &str,
) -> anyhow::Result<(u16, Value)> {
    let url = format!("{}/v1/accounts/{account}/erase", server.base);
    let request = server
        .client
        .post(url)
        .bearer_auth(key)
        .body(body.to_owned());
    let answer = request.send().await?;
    Ok((answer.status().as_u16(), answer.json().await?))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_erases_and_every_answer_says_so() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let url = scene.ledger.database.url.clone();
    let key = |role: &str, creators: &[&str]| create_key(PROGRAM, &url, role, creators);
    let server = Server::run(scene.program(&["serve"]), key("admin", &[])?)?;
    let account = scene.account.to_string();
    let posts = server.all(&format!("/v1/accounts/{account}/posts")).await?;
    let one_post = posts[0]["post"].as_str().context("a post")?.to_owned();

    let good = r#"{"reason": "data_deletion_callback"}"#;
    for (role, creators) in [
        ("creator", vec!["erasing"]),
        ("analyst", vec![]),
        ("auditor", vec![]),
    ] {
        let key = key(role, &creators)?;
        let (status, body) = post(&server, &key, &account, good).await?;
        ensure!(
            status == 403 && body["code"] == "role_not_allowed",
            "{role}: {body}"
        );
    }
    let stranger = key("admin", &["somebody-else"])?;
    let auditor = key("auditor", &["erasing"])?;
    for (key, account) in [(&stranger, account.as_str()), (&server.key, NOBODY)] {
        let (status, body) = post(&server, key, account, good).await?;
        ensure!(status == 404 && body["code"] == "not_found", "{body}");
    }
    for (wrong, field) in [
        ("", "body"),
        ("{}", "body"),
        (r#"{"reason": "requested", "force": true}"#, "body"),
        (r#"{"reason": "bored"}"#, "reason"),
    ] {
        let (status, body) = post(&server, &server.key, &account, wrong).await?;
        ensure!(status == 400 && body["field"] == field, "{wrong}: {body}");
    }
    let receipt_path = format!("/v1/accounts/{account}/erase");
    let (status, body) = server.get(&receipt_path).await?;
    ensure!(
        status == 404 && body["detail"].to_string().contains("not erased"),
        "{body}"
    );

    let (status, receipt) = post(&server, &server.key, &account, good).await?;
    ensure!(
        status == 200 && receipt["key_destroyed"] == true,
        "{receipt}"
    );
    ensure!(
        receipt["requested_by"].to_string().starts_with("\"key:"),
        "{receipt}"
    );
    let (status, again) =
        post(&server, &server.key, &account, r#"{"reason": "requested"}"#).await?;
    ensure!(status == 200 && again == receipt, "{again}");
    ensure!(server.get_as(&auditor, &receipt_path).await? == (200, receipt.clone()));

    let position = receipt["position"].as_str().context("a position")?;
    server
        .ok(&format!("/v1/accounts/{account}/posts?wait_for={position}"))
        .await?;
    server
        .ok(&format!(
            "/v1/accounts/{account}/metrics/followers?wait_for={position}"
        ))
        .await?;
    answers(&server, &account, &one_post).await?;

    drop(server);
    scene.ensure_erased("over HTTP").await?;
    rebuild_agrees(&scene).await
}

/// No number, now or at any time, and the state `erased` everywhere.
async fn answers(server: &Server, account: &str, one_post: &str) -> anyhow::Result<()> {
    let base = format!("/v1/accounts/{account}");
    let window = "from=2026-01-01&to=2026-01-20";
    for axes in [
        "",
        "as_of=2026-01-15T00:00:00Z",
        "known_at=2026-12-31T00:00:00Z",
        "as_of=2026-01-15T00:00:00Z&known_at=2026-12-31T00:00:00Z",
    ] {
        let value = server
            .ok(&format!("{base}/metrics/followers?{axes}"))
            .await?;
        ensure!(
            value["state"]["state"] == "erased" && value["data"]["value"].is_null(),
            "{value}"
        );
        let raw = server
            .ok(&format!(
                "{base}/trends/followers?interval=raw&{window}&{axes}"
            ))
            .await?;
        ensure!(
            raw["state"]["state"] == "erased" && raw["data"]["points"] == json!([]),
            "{raw}"
        );
        let days = server
            .ok(&format!("{base}/trends/followers?{window}&{axes}"))
            .await?;
        let points = days["data"]["points"].as_array().context("points")?;
        let is_gap = |point: &Value| point["value"].is_null() && point["gap"]["cause"] == "erased";
        ensure!(points.len() == 19 && points.iter().all(is_gap), "{days}");
        let velocity = server.ok(&format!("{base}/velocity?{axes}")).await?;
        ensure!(
            velocity["data"]["reason"] == "the account was erased",
            "{velocity}"
        );
        ensure!(velocity["data"]["end"].is_null(), "{velocity}");
        let top = server
            .ok(&format!("/v1/top-posts?account={account}&{axes}"))
            .await?;
        ensure!(
            top["state"]["state"] == "erased" && top["data"]["posts"] == json!([]),
            "{top}"
        );
        let audited = server.ok(&format!("{base}/audit/state?{axes}")).await?;
        ensure!(audited["state"]["phase"] == "erased", "{audited}");
        ensure!(audited["state"]["metrics.followers"].is_null(), "{audited}");
        for path in ["/history", "/metrics/views"] {
            let path = format!("{base}/posts/{one_post}{path}?{axes}");
            let (status, body) = server.get(&path).await?;
            ensure!(status == 410 && body["code"] == "erased", "{path}: {body}");
        }
        let top = server
            .ok(&format!(
                "/v1/top-posts?creator=erasing&by=views&limit=50&{axes}"
            ))
            .await?;
        let ranked = top["data"]["posts"].as_array().context("posts")?;
        ensure!(ranked.len() == 3, "the neighbour's alone: {top}");
    }
    let (status, body) = server.get(&format!("{base}/posts/{one_post}")).await?;
    ensure!(status == 410 && body["code"] == "erased", "{body}");
    let growth = server.ok(&format!("{base}/growth?{window}")).await?;
    ensure!(
        growth["data"]["reason"] == "the account was erased",
        "{growth}"
    );
    ensure!(
        growth["data"]["start"].is_null() && growth["data"]["delta"].is_null(),
        "{growth}"
    );
    let growth = server
        .ok("/v1/creators/erasing/growth?from=2026-01-05&to=2026-01-20")
        .await?;
    ensure!(
        growth["data"]["accounts"] == 1 && growth["data"]["left_out"]["erased"] == 1,
        "{growth}"
    );
    let found = server.ok(&base).await?;
    let expected = json!({"phase": "erased", "reason": "data_deletion_callback"});
    for (name, value) in expected.as_object().context("fields")? {
        ensure!(found["data"][name] == *value, "{found}");
    }
    ensure!(
        found["data"]["health"]["badge"]["word"] == "erased",
        "{found}"
    );
    ensure!(found["data"]["profile"]["handle"].is_null(), "{found}");
    let health = server.ok(&format!("{base}/sync-health")).await?;
    ensure!(health["data"]["state"]["state"] == "erased", "{health}");
    let listed = server.all("/v1/creators/erasing/accounts").await?;
    ensure!(listed.len() == 2, "{listed:?}");
    let by_id = "/v1/creators/erasing/accounts?platform=tiktok&platform_account_id=";
    let by_id = server
        .all(&format!("{by_id}canary-gone-platformid"))
        .await?;
    ensure!(by_id.is_empty(), "{by_id:?}");
    // The log is what it was, and one event longer.
    let events = server.all_events(&base).await?;
    let last = events.last().context("events")?;
    ensure!(
        events.len() == 7 && last["type"] == "AccountErased",
        "{events:?}"
    );
    Ok(())
}

trait Events {
    async fn all_events(&self, base: &str) -> anyhow::Result<Vec<Value>>;
}

impl Events for Server {
    async fn all_events(&self, base: &str) -> anyhow::Result<Vec<Value>> {
        let page = self.ok(&format!("{base}/events?limit=500")).await?;
        Ok(page["data"].as_array().context("a list")?.clone())
    }
}

const TABLES: [&str; 7] = [
    "accounts_v1",
    "follower_trends_v1",
    "top_posts_v1",
    "top_posts_v1_text",
    "top_posts_v1_history",
    "sync_health_v1",
    "sync_health_v1_syncs",
];

async fn read_models(client: &Client) -> anyhow::Result<BTreeMap<&'static str, Vec<String>>> {
    let mut found = BTreeMap::new();
    for table in TABLES {
        let whole = format!("select t::text as whole from {table} t order by 1");
        let rows = client.query(&whole, &[]).await?;
        found.insert(table, rows.iter().map(|row| row.get("whole")).collect());
    }
    Ok(found)
}

/// The log read again from its first event, in one batch, makes the same rows.
async fn rebuild_agrees(scene: &Scene) -> anyhow::Result<()> {
    let client = scene.ledger.database.connect().await?;
    let followed = read_models(&client).await?;
    for table in TABLES {
        client.batch_execute(&format!("truncate {table}")).await?;
    }
    client
        .batch_execute(
            "update projection_checkpoints set commit_position = 0, prepare_position = 0",
        )
        .await?;
    scene.ledger.catch_up().await?;
    let rebuilt = read_models(&client).await?;
    ensure!(rebuilt == followed, "{rebuilt:?}\n{followed:?}");
    Ok(())
}
