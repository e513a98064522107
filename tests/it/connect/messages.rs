//! What platforms send us: believed for its signature, acted on once, answered at once.

use super::scene::{PUBLIC, Scene};
use adapters::clock::SystemClock;
use anyhow::{Context, ensure};
use commands::ports::Clock;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

const SECRET: &str = "canary-app-secret";

fn mac(text: &[u8]) -> Vec<u8> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn now() -> i64 {
    SystemClock.now().micros() / 1_000_000
}

fn signed_request(person: &str, issued_at: i64) -> String {
    let payload = json!({"algorithm": "HMAC-SHA256", "issued_at": issued_at, "user_id": person});
    let payload = BASE64URL_NOPAD.encode(payload.to_string().as_bytes());
    format!(
        "{}.{payload}",
        BASE64URL_NOPAD.encode(&mac(payload.as_bytes()))
    )
}

impl Scene {
    async fn send(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: String,
    ) -> anyhow::Result<(u16, String)> {
        let mut request = self
            .server
            .client
            .post(format!("{}{path}", self.server.base))
            .body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }

    async fn connect_page(&self) -> anyhow::Result<String> {
        super::pages::prepare(self, &["101"]);
        let page = self.connect("facebook").await?;
        page.ensure(200, "connected")?;
        Ok(page.message["account_ids"][0]
            .as_str()
            .context("an account")?
            .to_owned())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removed_app_ends_the_connection_and_an_old_message_does_not() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = scene.connect_page().await?;
    let path = "/webhooks/facebook/deauthorize";
    let old = format!(
        "signed_request={}",
        signed_request("person-1", now() - 3_600)
    );
    let (status, text) = scene.send(path, &[], old).await?;
    ensure!(status == 200, "{status} {text}");
    ensure!(
        scene.events(&account).await?.len() == 1,
        "it is older than the connection"
    );

    let fresh = signed_request("person-1", now() + 1);
    let mut forged = fresh.clone();
    forged.replace_range(0..1, if fresh.starts_with('A') { "B" } else { "A" });
    let (status, text) = scene
        .send(path, &[], format!("signed_request={forged}"))
        .await?;
    ensure!(
        status == 403 && text.contains("signature_invalid"),
        "{status} {text}"
    );
    let (status, _) = scene.send(path, &[], "other=1".to_owned()).await?;
    ensure!(status == 400);
    ensure!(scene.events(&account).await?.len() == 1, "nothing changed");

    for _ in 0..2 {
        let (status, text) = scene
            .send(path, &[], format!("signed_request={fresh}"))
            .await?;
        ensure!(status == 200, "{status} {text}");
    }
    let events = scene.events(&account).await?;
    ensure!(
        events.len() == 2 && events[1].1["reason"] == "deauthorized",
        "{events:?}"
    );
    scene.ensure_no_grant().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_deletion_is_carried_out_also_after_the_connection_ended()
-> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let account = scene.connect_page().await?;
    let fresh = signed_request("person-1", now() + 1);
    let removed = format!("signed_request={fresh}");
    let (status, _) = scene
        .send("/webhooks/facebook/deauthorize", &[], removed.clone())
        .await?;
    ensure!(status == 200);
    let (status, text) = scene
        .send("/webhooks/facebook/delete", &[], removed)
        .await?;
    let answer: Value = serde_json::from_str(&text)?;
    ensure!(status == 200, "{status} {text}");
    let code = answer["confirmation_code"].as_str().context("a code")?;
    ensure!(code.chars().all(|it| it.is_ascii_alphanumeric()), "{code}");
    ensure!(
        answer["url"] == format!("{PUBLIC}/deletions/{code}"),
        "{answer}"
    );
    let page = format!("{}/deletions/{code}", scene.server.base);
    loop {
        let answer = scene.server.client.get(&page).send().await?;
        ensure!(answer.status().as_u16() == 200);
        let html = answer.text().await?;
        ensure!(
            !html.contains("person-1") && !html.contains(&account),
            "{html}"
        );
        if html.contains("It was carried out on ") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let events = scene.events(&account).await?;
    let last = events.last().context("an event")?;
    ensure!(
        last.0 == "AccountErased" && last.1["reason"] == "data_deletion_callback",
        "{last:?}"
    );
    ensure!(
        scene
            .count("select count(*) from credentials.names")
            .await?
            == 0
    );
    let unknown = format!("{}/deletions/0000", scene.server.base);
    ensure!(
        scene
            .server
            .client
            .get(unknown)
            .send()
            .await?
            .status()
            .as_u16()
            == 404
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_believed_for_its_bytes_and_says_it_once() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.connect_page().await?;
    // As Meta writes it: slashes and letters escaped, which counts for the signature.
    let body = r#"{"object":"page","entry":[{"id":"101","time":1,"changes":[{"field":"feed","value":{"item":"post","verb":"add","post_id":"101_7","message":"caf\u00e9 \/ bar"}}]}]}"#;
    let signature = format!("sha256={}", HEXLOWER.encode(&mac(body.as_bytes())));
    let header = [("x-hub-signature-256", signature.as_str())];
    for _ in 0..2 {
        let (status, text) = scene
            .send("/webhooks/facebook", &header, body.to_owned())
            .await?;
        ensure!(status == 200, "{status} {text}");
    }
    let kept = "select count(*) from credentials.notices where what = 'post_changed'";
    ensure!(scene.count(kept).await? == 1);
    for (path, header, body) in [
        ("/webhooks/facebook", &header[..], body.replace("\\/", "/")),
        ("/webhooks/facebook", &[], body.to_owned()),
        (
            "/webhooks/tiktok",
            &[("tiktok-signature", "t=1,s=ab")],
            "{}".to_owned(),
        ),
    ] {
        let (status, text) = scene.send(path, header, body).await?;
        ensure!(
            status == 403 && text.contains("signature_invalid"),
            "{path}: {status} {text}"
        );
    }
    ensure!(scene.count(kept).await? == 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tiktok_says_that_a_person_took_their_consent_back() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let token = json!({
        "access_token": "act.canary", "expires_in": 86_400, "open_id": "open-1",
        "refresh_token": "rft.canary", "token_type": "Bearer",
        "scope": "user.info.basic,user.info.profile,user.info.stats,video.list",
    });
    scene
        .fake
        .answer("open.tiktokapis.com/v2/oauth/token/", 200, token);
    let user = json!({"data": {"user": {"open_id": "open-1"}}, "error": {"code": "ok"}});
    scene
        .fake
        .answer("open.tiktokapis.com/v2/user/info/", 200, user);
    let page = scene.connect("tiktok").await?;
    let account = page.message["account_ids"][0]
        .as_str()
        .context("an account")?;
    let time = now() + 1;
    let body = json!({
        "client_key": "tiktok-app", "event": "authorization.removed", "create_time": time,
        "user_openid": "open-1", "content": "{\"reason\": 1}",
    });
    let body = body.to_string();
    let sign = |time: i64| {
        let signature = HEXLOWER.encode(&mac(format!("{time}.{body}").as_bytes()));
        format!("t={time},s={signature}")
    };
    let stale = sign(time - 3_600);
    let header = [("tiktok-signature", stale.as_str())];
    let (status, _) = scene
        .send("/webhooks/tiktok", &header, body.clone())
        .await?;
    ensure!(status == 403, "{status}");
    let fresh = sign(time);
    let header = [("tiktok-signature", fresh.as_str())];
    let (status, text) = scene
        .send("/webhooks/tiktok", &header, body.clone())
        .await?;
    ensure!(status == 200, "{status} {text}");
    let events = scene.events(account).await?;
    ensure!(
        events.len() == 2 && events[1].1["reason"] == "deauthorized",
        "{events:?}"
    );
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_shown_to_be_ours_by_the_secret_alone() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let ask = async |token: &str| {
        let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
        let url = format!("{}/webhooks/instagram?{query}", scene.server.base);
        let answer = scene.server.client.get(url).send().await?;
        anyhow::Ok((answer.status().as_u16(), answer.text().await?))
    };
    ensure!(ask("canary-webhook-secret").await? == (200, "1158201444".to_owned()));
    let (status, text) = ask("guess").await?;
    ensure!(
        status == 403 && !text.contains("1158201444"),
        "{status} {text}"
    );
    Ok(())
}
