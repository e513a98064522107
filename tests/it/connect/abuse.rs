//! What goes wrong in a consent, by mistake or on purpose: each has its own code, and nothing is
//! stored.

use super::scene::{Scene, channel, google_token, param};
use crate::api_ground::PROGRAM;
use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tests::server::create_key;

#[tokio::test(flavor = "multi_thread")]
async fn every_trick_with_a_callback_is_refused_by_its_own_code() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.prepare_youtube("UCcafe");
    let state = async |platform: &str| {
        let url = scene
            .start(platform, json!({"consent_version": "1"}))
            .await?;
        param(&url, "state")
    };
    let forged = "f".repeat(43);
    let (denied, foreign, twice) = (
        state("youtube").await?,
        state("tiktok").await?,
        state("youtube").await?,
    );
    let failed = state("youtube").await?;
    for (query, outcome) in [
        (format!("error=access_denied&state={denied}"), "denied"),
        (format!("code=c0de&state={denied}"), "state_used"),
        ("code=c0de".to_owned(), "state_missing"),
        (format!("code=c0de&state={forged}"), "state_unknown"),
        (format!("code=c0de&state={foreign}"), "state_foreign"),
        (format!("state={twice}"), "callback_malformed"),
        (format!("code=a&code=b&state={twice}"), "callback_malformed"),
        (
            format!("code=a&error=b&state={twice}"),
            "callback_malformed",
        ),
        (String::new(), "callback_malformed"),
    ] {
        let page = scene.come_back("youtube", &query).await?;
        page.ensure(400, outcome).with_context(|| query)?;
    }
    let query = format!("error=admin_policy_enforced&state={failed}");
    scene
        .come_back("youtube", &query)
        .await?
        .ensure(502, "platform_misconfigured")?;
    ensure!(
        scene.fake.seen("oauth2.googleapis.com/token").is_empty(),
        "no code was redeemed"
    );
    scene.ensure_nothing_stored().await?;

    let client = scene.ledger.database.connect().await?;
    let expire = "update credentials.oauth_states set expires_at = now() - interval '1 second'
                  where used_at is null";
    client.execute(expire, &[]).await?;
    let page = scene
        .come_back("youtube", &format!("code=c0de&state={twice}"))
        .await?;
    page.ensure(400, "state_expired")?;
    scene.ensure_nothing_stored().await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_platform_refuses_is_told_apart() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let token = "oauth2.googleapis.com/token";
    let error = |code: &str| json!({"error": code, "error_description": "canary description"});
    for (status, reply, expected, outcome) in [
        (400, error("invalid_grant"), 400, "code_invalid"),
        (401, error("invalid_client"), 502, "platform_misconfigured"),
        (503, json!("busy"), 502, "platform_unavailable"),
        (400, error("access_denied"), 502, "platform_refused"),
    ] {
        scene.fake.answer(token, status, reply);
        let page = scene.connect("youtube").await?;
        page.ensure(expected, outcome)?;
        ensure!(!page.html.contains("canary"), "{}", page.html);
    }
    ensure!(scene.fake.seen(token).len() == 4, "a code is redeemed once");
    let mut less = google_token("UCcafe");
    less["scope"] = json!("https://www.googleapis.com/auth/yt-analytics.readonly");
    scene.fake.answer(token, 200, less);
    scene
        .connect("youtube")
        .await?
        .ensure(400, "scopes_missing")?;
    scene.fake.answer(token, 200, google_token("UCcafe"));
    scene.fake.answer(
        "www.googleapis.com/youtube/v3/channels",
        200,
        json!({"items": []}),
    );
    scene.connect("youtube").await?.ensure(400, "no_accounts")?;
    scene.ensure_nothing_stored().await
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_than_the_one_to_be_connected_again_is_refused() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = &*scene.connected().await?;
    scene.fake.answer(
        "www.googleapis.com/youtube/v3/channels",
        200,
        channel("UCother"),
    );
    scene
        .fake
        .answer("oauth2.googleapis.com/token", 200, google_token("other"));
    let again = json!({"consent_version": "1", "account_id": account});
    let url = scene.start("youtube", again.clone()).await?;
    let state = param(&url, "state")?;
    let page = scene
        .come_back("youtube", &format!("code=c0de&state={state}"))
        .await?;
    page.ensure(400, "wrong_account")?;
    let store = super::another(&scene.ledger).await?;
    let kept = store
        .connection(account.parse()?)
        .await?
        .context("a connection")?;
    ensure!(
        kept.grant.tokens.access.expose() == "canary-access-UCcafe",
        "the good one is kept"
    );
    ensure!(
        scene
            .count("select count(*) from credentials.connections")
            .await?
            == 1
    );

    let refused = async |path: &str, body: Value| {
        let (status, problem) = scene.post(&scene.server.key, path, body).await?;
        ensure!(
            status == 404 && problem["field"] == "account_id",
            "{status} {problem}"
        );
        Ok(())
    };
    refused("/v1/creators/another/connections/youtube", again.clone()).await?;
    refused("/v1/creators/cafe/connections/tiktok", again).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_needs_the_role_the_scope_and_a_sound_body() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let url = &scene.ledger.database.url;
    let path = "/v1/creators/cafe/connections/youtube";
    let body = json!({"consent_version": "1"});
    let theirs = create_key(PROGRAM, url, "creator", &["cafe"])?;
    let (status, answer) = scene.post(&theirs, path, body.clone()).await?;
    ensure!(status == 200, "{answer}");
    let foreign = create_key(PROGRAM, url, "creator", &["another"])?;
    let (status, problem) = scene.post(&foreign, path, body.clone()).await?;
    ensure!(status == 404 && problem["code"] == "not_found", "{problem}");
    let analyst = create_key(PROGRAM, url, "analyst", &["cafe"])?;
    let (status, problem) = scene.post(&analyst, path, body).await?;
    ensure!(
        status == 403 && problem["code"] == "role_not_allowed",
        "{problem}"
    );
    for (body, field) in [
        (json!({}), "body"),
        (json!({"consent_version": ""}), "consent_version"),
        (json!({"consent_version": "a b"}), "consent_version"),
        (json!({"consent_version": "1", "scope": "all"}), "body"),
        (json!({"consent_version": "1", "account_id": "x"}), "body"),
    ] {
        let (status, problem) = scene.post(&theirs, path, body.clone()).await?;
        ensure!(
            status == 400 && problem["field"] == field,
            "{body}: {status} {problem}"
        );
    }
    Ok(())
}

/// Browsers and platforms show a state, a signature or a code, and no key.
#[tokio::test(flavor = "multi_thread")]
async fn an_open_route_tells_nothing_to_who_shows_nothing() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    for (method, path, status) in [
        ("GET", "/deletions/0123456789abcdef0123456789abcdef", 404),
        ("GET", "/oauth/myspace/callback?code=c0de", 404),
        ("GET", "/webhooks/facebook", 403),
        ("GET", "/webhooks/myspace", 404),
        ("POST", "/webhooks/facebook", 403),
        ("POST", "/webhooks/instagram/deauthorize", 400),
        ("POST", "/webhooks/facebook/delete?signed_request=a.b", 400),
        ("POST", "/webhooks/tiktok/deauthorize", 404),
        ("DELETE", "/webhooks/tiktok", 405),
    ] {
        let url = format!("{}{path}", scene.server.base);
        let answer = scene
            .server
            .client
            .request(method.parse()?, url)
            .send()
            .await?;
        let kind = answer.headers()["content-type"].clone();
        let (found, text) = (answer.status().as_u16(), answer.text().await?);
        ensure!(found == status, "{method} {path}: {found} {text}");
        ensure!(
            kind == "application/problem+json",
            "{method} {path}: {text}"
        );
    }
    scene.ensure_nothing_stored().await
}
