//! Facebook: one consent, several Pages, of which the person chooses.

use super::scene::{Scene, param};
use crate::api_ground::PROGRAM;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::server::create_key;

const TOKEN: &str = "graph.facebook.com/v25.0/oauth/access_token";
const PERMISSIONS: &str = "graph.facebook.com/v25.0/me/permissions";

pub(super) fn prepare(scene: &Scene, pages: &[&str]) {
    let fake = &scene.fake;
    fake.answer(
        TOKEN,
        200,
        json!({"access_token": "canary-long", "token_type": "bearer"}),
    );
    let short =
        json!({"access_token": "canary-short", "token_type": "bearer", "expires_in": 5_000});
    fake.once(TOKEN, 200, short);
    let scopes = [
        "pages_show_list",
        "pages_read_engagement",
        "pages_read_user_content",
        "read_insights",
    ];
    let scopes = scopes.map(|it| json!({"permission": it, "status": "granted"}));
    fake.answer(PERMISSIONS, 200, json!({"data": scopes}));
    fake.answer(
        "graph.facebook.com/v25.0/me",
        200,
        json!({"id": "person-1"}),
    );
    let listed = |id: &&str| json!({"id": id, "name": format!("Page {id}"), "access_token": format!("canary-{id}")});
    let (first, rest) = pages.split_at(pages.len().min(1));
    let first: Vec<Value> = first.iter().map(listed).collect();
    let rest: Vec<Value> = rest.iter().map(listed).collect();
    // The list itself comes in two pages.
    let paging = json!({"cursors": {"after": "next"}, "next": "https://x.example/?after=next"});
    let list = "graph.facebook.com/v25.0/me/accounts";
    fake.once(list, 200, json!({"data": first, "paging": paging}));
    fake.answer(list, 200, json!({"data": rest}));
    for id in pages {
        let profile = json!({"id": id, "name": format!("Page {id}"), "followers_count": 7});
        fake.answer(&format!("graph.facebook.com/v25.0/{id}"), 200, profile);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_chooses_among_pages_and_the_last_ends_the_grant() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    prepare(&scene, &["101", "102", "103"]);
    let page = scene.connect("facebook").await?;
    page.ensure(200, "choose")?;
    ensure!(scene.count("select count(*) from log_events").await? == 0);
    let asked = scene.fake.seen(TOKEN);
    let exchanged = param(
        &format!("http://x.example/?{}", asked[1].query),
        "fb_exchange_token",
    )?;
    ensure!(asked.len() == 2 && exchanged == "canary-short", "{asked:?}");

    let choice = page.message["choice_id"].as_str().context("a choice")?;
    let path = format!("/v1/connections/choices/{choice}");
    let shown = scene.server.ok(&path).await?;
    let ids: Vec<_> = shown["accounts"]
        .as_array()
        .context("accounts")?
        .iter()
        .map(|it| it["platform_account_id"].as_str().unwrap_or_default())
        .collect();
    ensure!(ids == ["101", "102", "103"], "{shown}");
    ensure!(!shown.to_string().contains("canary"), "{shown}");

    let url = &scene.ledger.database.url;
    let other = create_key(PROGRAM, url, "creator", &["another"])?;
    let (status, _) = scene.server.get_as(&other, &path).await?;
    ensure!(status == 404, "another creator's key: {status}");
    let body = json!({"platform_account_ids": ["101"]});
    let (status, _) = scene.post(&other, &path, body).await?;
    ensure!(status == 404, "another creator's key: {status}");
    for wrong in [json!(["999"]), json!(["101", "999"]), json!([])] {
        let body = json!({"platform_account_ids": wrong});
        let (status, problem) = scene.post(&scene.server.key, &path, body).await?;
        ensure!(
            status == 400 && problem["field"] == "platform_account_ids",
            "{problem}"
        );
    }
    scene.ensure_no_grant().await?;

    let body = json!({"platform_account_ids": ["101", "103"]});
    let (status, made) = scene.post(&scene.server.key, &path, body.clone()).await?;
    ensure!(
        status == 200 && made["outcome"] == "connected",
        "{status} {made}"
    );
    let (status, _) = scene.post(&scene.server.key, &path, body).await?;
    ensure!(status == 404, "a choice is made once: {status}");
    let secrets = [
        "canary-short",
        "canary-long",
        "canary-101",
        "canary-102",
        "person-1",
    ];
    crate::canary::assert_absent(&scene.ledger.database, &secrets.map(str::to_owned)).await?;

    let accounts: Vec<&str> = made["account_ids"]
        .as_array()
        .context("accounts")?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    ensure!(accounts.len() == 2, "{made}");
    let store = super::another(&scene.ledger).await?;
    let first = store
        .connection(accounts[0].parse()?)
        .await?
        .context("a connection")?;
    let token = first.access.access.context("a Page's token")?;
    ensure!(token.expose() == "canary-101", "each Page has its own");

    scene.disconnect(accounts[0]).await?;
    let revoked = || {
        scene
            .fake
            .seen(PERMISSIONS)
            .iter()
            .filter(|it| it.method == "DELETE")
            .count()
    };
    ensure!(revoked() == 0, "the other Page still uses the grant");
    scene.fake.once(PERMISSIONS, 200, json!({"success": true}));
    scene.disconnect(accounts[1]).await?;
    ensure!(revoked() == 1);
    scene.ensure_no_grant().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_without_pages_is_told_so() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    prepare(&scene, &[]);
    let page = scene.connect("facebook").await?;
    page.ensure(400, "no_accounts")?;
    scene.ensure_nothing_stored().await
}

impl Scene {
    pub(super) async fn disconnect(&self, account: &str) -> anyhow::Result<Value> {
        let path = format!("/v1/accounts/{account}/disconnect");
        // The read model that finds the account follows the log.
        loop {
            let (status, body) = self.post(&self.server.key, &path, json!({})).await?;
            match status {
                404 | 503 => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                200 => return Ok(body),
                _ => anyhow::bail!("{status} {body}"),
            }
        }
    }

    pub(super) async fn ensure_no_grant(&self) -> anyhow::Result<()> {
        for table in ["credentials.grants", "credentials.connections"] {
            let rows = self.count(&format!("select count(*) from {table}")).await?;
            ensure!(rows == 0, "{rows} rows in {table}");
        }
        Ok(())
    }
}
