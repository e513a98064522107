//! Connecting over HTTP, platform by platform.

use super::scene::{DASHBOARD, PUBLIC, Scene, google_token, param, params};
use adapters::platforms::Secret;
use adapters::platforms::signature::{pkce_challenge, pkce_challenge_tiktok};
use anyhow::{Context, ensure};
use serde_json::{Value, json};

fn field(form: &str, name: &str) -> anyhow::Result<String> {
    param(&format!("http://x.example/?{form}"), name)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_youtube_channel_is_connected() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.prepare_youtube("UCcafe");
    let url = scene
        .start("youtube", json!({"consent_version": "2026-05"}))
        .await?;
    let page = format!("{}/accounts.google.com/o/oauth2/v2/auth?", scene.fake.base);
    ensure!(url.starts_with(&page), "{url}");
    for (name, value) in [
        ("client_id", "youtube-app"),
        ("response_type", "code"),
        ("redirect_uri", &format!("{PUBLIC}/oauth/youtube/callback")),
        ("access_type", "offline"),
        ("prompt", "consent"),
        ("code_challenge_method", "S256"),
    ] {
        ensure!(param(&url, name)? == value, "{name} in {url}");
    }
    ensure!(!url.contains("canary"), "{url}");
    let state = param(&url, "state")?;
    let page = scene
        .come_back("youtube", &format!("code=c0de&state={state}"))
        .await?;
    page.ensure(200, "connected")?;
    let account = page.message["account_ids"][0]
        .as_str()
        .context("an account")?;

    let asked = scene.fake.seen("oauth2.googleapis.com/token");
    ensure!(
        asked.len() == 1 && field(&asked[0].body, "code")? == "c0de",
        "{asked:?}"
    );
    let verifier = Secret::new(field(&asked[0].body, "code_verifier")?);
    ensure!(pkce_challenge(&verifier) == param(&url, "code_challenge")?);
    let asked = scene.fake.seen("www.googleapis.com/youtube/v3/channels");
    ensure!(
        asked[0].authorization == "Bearer canary-access-UCcafe",
        "{asked:?}"
    );

    let events = scene.events(account).await?;
    ensure!(
        events.len() == 1 && events[0].0 == "AccountConnected",
        "{events:?}"
    );
    let said = &events[0].1;
    ensure!(
        said["creator"] == "cafe" && said["platform"] == "youtube",
        "{said}"
    );
    // The base address of a simulator is set, so no platform was asked.
    ensure!(said["route"] == "simulated", "{said}");
    ensure!(said["consent"]["text_version"] == "2026-05", "{said}");
    ensure!(
        said["scopes"].as_array().is_some_and(|it| it.len() == 2),
        "{said}"
    );
    let secrets = [
        "canary-access",
        "canary-refresh",
        "canary-app-secret",
        "UCcafe",
        "c0de",
    ];
    let secrets = secrets.map(|it| {
        if it == "c0de" {
            state.clone()
        } else {
            it.to_owned()
        }
    });
    crate::canary::assert_absent(&scene.ledger.database, &secrets).await?;

    let logged = scene.log_lines()?;
    ensure!(
        logged.contains("a consent ended") && logged.contains("called"),
        "{logged}"
    );
    for secret in ["canary", &state, "c0de", "UCcafe", verifier.expose()] {
        ensure!(!logged.contains(secret), "'{secret}' is in the log");
    }

    let listed = loop {
        let answer = scene.server.ok("/v1/creators/cafe/connections").await?;
        if let Some(entry) = answer["data"].get(0) {
            break entry.clone();
        }
    };
    ensure!(
        listed["account_id"] == account && listed["phase"] == "connected",
        "{listed}"
    );
    ensure!(
        listed["handle"] == "handle" && listed["followers"].is_null(),
        "{listed}"
    );
    let facts = &listed["credentials"];
    ensure!(
        facts["needs_person"] == false && facts["access_expires_at"].is_string(),
        "{facts}"
    );
    ensure!(!listed.to_string().contains("canary"), "{listed}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_popup_tells_one_origin_and_holds_no_secret() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.prepare_youtube("UCcafe");
    let page = scene.connect("youtube").await?;
    ensure!(
        page.html.contains(&format!("origin = \"{DASHBOARD}\"")),
        "{}",
        page.html
    );
    ensure!(
        !page.html.contains("canary") && !page.html.contains("c0de"),
        "{}",
        page.html
    );
    let header = |name: &str| page.headers[name].to_str().unwrap_or_default().to_owned();
    let policy = header("content-security-policy");
    let nonce = policy
        .split("'nonce-")
        .nth(1)
        .and_then(|it| it.split('\'').next());
    let nonce = nonce.context("a nonce")?;
    ensure!(
        policy.starts_with("default-src 'none'; ") && nonce.len() > 20,
        "{policy}"
    );
    ensure!(
        page.html.contains(&format!("<script nonce=\"{nonce}\">")),
        "{}",
        page.html
    );
    ensure!(page.html.matches("<script").count() == 1, "{}", page.html);
    ensure!(header("cache-control") == "no-store" && header("referrer-policy") == "no-referrer");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn instagram_gives_a_long_token_for_a_short_one() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let short = json!({
        "access_token": "canary-short", "user_id": 17_841_405_793_187_218_u64,
        "permissions": ["instagram_business_basic", "instagram_business_manage_insights"],
    });
    let long =
        json!({"access_token": "canary-long", "token_type": "bearer", "expires_in": 5_183_944});
    let me = json!({"id": "1234567", "user_id": "17841405793187218", "username": "cafe.luna"});
    scene
        .fake
        .answer("api.instagram.com/oauth/access_token", 200, short);
    scene
        .fake
        .answer("graph.instagram.com/access_token", 200, long);
    scene.fake.answer("graph.instagram.com/v25.0/me", 200, me);
    let url = scene
        .start("instagram", json!({"consent_version": "1"}))
        .await?;
    let scope = param(&url, "scope")?;
    ensure!(
        scope == "instagram_business_basic,instagram_business_manage_insights",
        "{scope}"
    );
    ensure!(
        params(&url)?
            .iter()
            .all(|(name, _)| name != "code_challenge"),
        "{url}"
    );
    let query = format!("code=AQ%2Ac0de&state={}#_", param(&url, "state")?);
    scene
        .come_back("instagram", &query)
        .await?
        .ensure(200, "connected")?;
    let asked = scene.fake.seen("api.instagram.com/oauth/access_token");
    ensure!(
        asked[0].body.contains("name=\"code\"\r\n\r\nAQ*c0de\r\n"),
        "{asked:?}"
    );
    let asked = scene.fake.seen("graph.instagram.com/access_token");
    ensure!(
        field(&asked[0].query, "access_token")? == "canary-short",
        "{asked:?}"
    );
    let asked = scene.fake.seen("graph.instagram.com/v25.0/me");
    ensure!(
        field(&asked[0].query, "access_token")? == "canary-long",
        "{asked:?}"
    );
    let secrets = [
        "canary-short",
        "canary-long",
        "17841405793187218",
        "1234567",
        "cafe.luna",
    ];
    crate::canary::assert_absent(&scene.ledger.database, &secrets.map(str::to_owned)).await
}

fn tiktok_token(scope: &str) -> Value {
    json!({
        "access_token": "act.canary", "expires_in": 86_400, "open_id": "open-1",
        "refresh_expires_in": 31_536_000, "refresh_token": "rft.canary", "scope": scope,
        "token_type": "Bearer",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn tiktok_may_grant_less_and_is_asked_for_no_more() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let token = "open.tiktokapis.com/v2/oauth/token/";
    scene
        .fake
        .answer(token, 200, tiktok_token("user.info.basic,user.info.stats"));
    let user = json!({"data": {"user": {"open_id": "open-1", "display_name": "Luna"}},
        "error": {"code": "ok", "message": "", "log_id": "1"}});
    scene
        .fake
        .answer("open.tiktokapis.com/v2/user/info/", 200, user);
    let url = scene
        .start("tiktok", json!({"consent_version": "1"}))
        .await?;
    ensure!(param(&url, "client_key")? == "tiktok-app", "{url}");
    ensure!(
        param(&url, "scope")?.contains("user.info.basic,user.info.profile,"),
        "{url}"
    );
    let state = param(&url, "state")?;
    let page = scene
        .come_back("tiktok", &format!("code=c0de&state={state}"))
        .await?;
    page.ensure(200, "connected_with_less")?;
    let missing = json!(["user.info.profile", "video.list"]);
    ensure!(
        page.message["missing_scopes"] == missing,
        "{}",
        page.message
    );
    let asked = scene.fake.seen("open.tiktokapis.com/v2/user/info/");
    let fields = field(&asked[0].query, "fields")?;
    ensure!(
        fields.contains("follower_count") && !fields.contains("username"),
        "{fields}"
    );
    // An app that comes back to this machine is a desktop's: its challenge is in hex.
    let asked = scene.fake.seen(token);
    let verifier = Secret::new(field(&asked[0].body, "code_verifier")?);
    ensure!(pkce_challenge_tiktok(&verifier) == param(&url, "code_challenge")?);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconnect_meets_its_history_and_keeps_the_refresh_token() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.prepare_youtube("UCcafe");
    let first = scene.connect("youtube").await?;
    let account = first.message["account_ids"][0].clone();
    let mut token = google_token("second");
    token
        .as_object_mut()
        .context("an object")?
        .remove("refresh_token");
    scene.fake.answer("oauth2.googleapis.com/token", 200, token);
    let second = scene.connect("youtube").await?;
    ensure!(
        second.message["account_ids"][0] == account,
        "{}",
        second.message
    );
    let account: domain::AccountId = account.as_str().context("an account")?.parse()?;
    let store = super::another(&scene.ledger).await?;
    let found = store.connection(account).await?.context("a connection")?;
    ensure!(found.grant.tokens.access.expose() == "canary-access-second");
    let refresh = found.grant.tokens.refresh.context("a refresh token")?;
    ensure!(refresh.expose() == "canary-refresh-UCcafe");
    ensure!(
        scene.fake.seen("oauth2.googleapis.com/revoke").is_empty(),
        "nothing is revoked"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_without_an_app_says_so() -> anyhow::Result<()> {
    let ground = crate::api_ground::Ground::new().await?;
    let url = format!("{}/v1/creators/cafe/connections/tiktok", ground.server.base);
    let body = json!({"consent_version": "1"});
    let request = ground
        .server
        .client
        .post(url)
        .bearer_auth(&ground.server.key);
    let answer = request.json(&body).send().await?;
    let status = answer.status().as_u16();
    let problem: Value = answer.json().await?;
    ensure!(
        status == 409 && problem["code"] == "platform_not_configured",
        "{status} {problem}"
    );
    ensure!(
        problem["detail"]
            .as_str()
            .is_some_and(|it| it.contains("tiktok")),
        "{problem}"
    );
    Ok(())
}
