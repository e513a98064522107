//! The control API: time, orders, truth and counts; and what is wrong changes nothing.

use super::instagram;
use super::scene::Scene;
use adapters::platforms::Class;
use anyhow::ensure;
use domain::Platform;
use serde_json::{Value, json};

impl Scene {
    async fn control(&self, method: &str, path: &str, body: Value) -> anyhow::Result<(u16, Value)> {
        let url = format!("{}/_simulator/{path}", self.simulator.base());
        let mut request = self.client.request(method.parse()?, url);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        Ok((answer.status().as_u16(), answer.json().await?))
    }
}

#[tokio::test]
async fn time_is_moved_and_told() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (status, state) = scene.control("GET", "state", Value::Null).await?;
    ensure!(
        status == 200 && state["now"] == "2026-06-01T12:00:00.000000Z",
        "{state}"
    );
    ensure!(!state.to_string().contains("secret"), "{state}");
    let (_, moved) = scene
        .control("POST", "clock", json!({"advance_seconds": 86_400}))
        .await?;
    ensure!(moved["now"] == "2026-06-02T12:00:00.000000Z", "{moved}");
    for wrong in [
        json!({"speed": -1}),
        json!({"advance_seconds": u64::MAX}),
        json!({"sped": 1}),
    ] {
        let (status, answer) = scene.control("POST", "clock", wrong).await?;
        ensure!(status == 400 && answer["error"].is_string(), "{answer}");
    }
    ensure!(scene.now().to_string() == "2026-06-02T12:00:00.000000Z");
    scene
        .control("POST", "clock", json!({"speed": 1_000_000}))
        .await?;
    let then = scene.now();
    while scene.now() <= then {
        tokio::task::yield_now().await;
    }
    Ok(())
}

#[tokio::test]
async fn what_is_ordered_is_seen() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let token = instagram::token(&scene, 0).await?;
    let newest = scene.truth(Platform::Instagram, 0)?.newest.remove(0).id;
    let post = json!({"platform": "instagram", "id": newest});
    let (status, _) = scene.control("POST", "posts/delete", post.clone()).await?;
    ensure!(status == 200);
    let url = format!("https://graph.instagram.com/v25.0/{newest}?access_token={token}");
    scene
        .get(Platform::Instagram, &url)
        .await?
        .is(Class::NotFoundOrPermission)?;
    ensure!(scene.truth(Platform::Instagram, 0)?.newest[0].id != newest);
    let rename = json!({"platform": "instagram", "creator": 0, "handle": "pip.now"});
    scene.control("POST", "accounts/rename", rename).await?;
    let found = scene
        .get(Platform::Instagram, &instagram::profile(&token))
        .await?
        .profile()?;
    ensure!(found.text.handle.as_deref() == Some("pip.now"));
    let end = json!({"platform": "instagram", "creator": 0, "how": "password_changed"});
    scene.control("POST", "grants/end", end).await?;
    let refused = scene
        .get(Platform::Instagram, &instagram::profile(&token))
        .await?;
    ensure!(
        refused.json["error"]["error_subcode"] == 460,
        "{}",
        refused.text
    );
    for (path, wrong) in [
        ("posts/delete", json!({"platform": "instagram", "id": "1"})),
        (
            "accounts/rename",
            json!({"platform": "instagram", "creator": 6, "handle": "x"}),
        ),
        (
            "accounts/rename",
            json!({"platform": "instagram", "creator": 0, "handle": "<b>"}),
        ),
        (
            "accounts/rename",
            json!({"platform": "youtube", "creator": 2, "handle": "x"}),
        ),
        ("grants/end", json!({"platform": "myspace", "creator": 0})),
        ("faults", json!({"error": "no such fault"})),
        (
            "faults",
            json!({"error": "transient", "endpoint": "nowhere"}),
        ),
        (
            "faults",
            json!({"error": "backend_error", "platform": "instagram"}),
        ),
        (
            "messages",
            json!({"platform": "tiktok", "message": "comment", "url": "http://127.0.0.1:1"}),
        ),
        ("nowhere", Value::Null),
    ] {
        let (status, answer) = scene.control("POST", path, wrong).await?;
        ensure!(
            (400..500).contains(&status) && answer["error"].is_string(),
            "{path}: {answer}"
        );
    }
    ensure!(scene.simulator.faults().list().is_empty());
    Ok(())
}

#[tokio::test]
async fn truth_and_counts_are_told() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let token = instagram::token(&scene, 3).await?;
    for _ in 0..3 {
        scene
            .get(Platform::Instagram, &instagram::profile(&token))
            .await?;
    }
    let asked = "counts?platform=instagram&endpoint=profile&creator=3";
    let (_, counts) = scene.control("GET", asked, Value::Null).await?;
    ensure!(
        counts["calls"] == 3 && counts["counts"][0]["grant"].is_string(),
        "{counts}"
    );
    ensure!(!counts.to_string().contains("IGAA"), "{counts}");
    let (_, all) = scene.control("GET", "counts", Value::Null).await?;
    ensure!(all["calls"].as_u64() > Some(5), "{all}");
    scene.control("DELETE", "counts", Value::Null).await?;
    ensure!(scene.simulator.counts().calls(|_| true) == 0);
    let asked = "truth?platform=instagram&creator=3&at=2026-01-01T00:00:00Z&posts=2";
    let (_, told) = scene.control("GET", asked, Value::Null).await?;
    let then = "2026-01-01T00:00:00Z".parse()?;
    let key = adapters::simulator::world::AccountKey {
        creator: 3,
        platform: Platform::Instagram,
        ordinal: 0,
    };
    ensure!(told == json!(scene.simulator.truth(key, then, 2)), "{told}");
    ensure!(told["newest"].as_array().map(Vec::len) == Some(2), "{told}");
    let (_, listed) = scene
        .control("GET", "creators?from=4&limit=5", Value::Null)
        .await?;
    ensure!(
        listed["creators"].as_array().map(Vec::len) == Some(2),
        "{listed}"
    );
    let (status, _) = scene
        .control("GET", "truth?platform=youtube&creator=2", Value::Null)
        .await?;
    ensure!(status == 404);
    Ok(())
}

#[tokio::test]
async fn faults_and_plans_are_ordered_and_taken_back() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let token = instagram::token(&scene, 0).await?;
    let fault = json!({"error": "rate_app", "platform": "instagram", "creator": 0, "after": 1});
    let (_, ordered) = scene.control("POST", "faults", fault).await?;
    let ask = || {
        scene.get(
            Platform::Instagram,
            "https://graph.instagram.com/v25.0/me?fields=id",
        )
    };
    let mine = format!("https://graph.instagram.com/v25.0/me?fields=id&access_token={token}");
    // Without a token nobody knows whose it is.
    ask().await?.is(Class::InvalidRequest)?;
    scene.get(Platform::Instagram, &mine).await?.is(Class::Ok)?;
    scene
        .get(Platform::Instagram, &mine)
        .await?
        .is(Class::RateLimited)?;
    let (_, listed) = scene.control("GET", "faults", Value::Null).await?;
    ensure!(
        listed["waiting"][0]["number"] == ordered["number"],
        "{listed}"
    );
    let path = format!("faults/{}", ordered["number"]);
    ensure!(scene.control("DELETE", &path, Value::Null).await?.0 == 200);
    ensure!(scene.control("DELETE", &path, Value::Null).await?.0 == 404);
    scene.get(Platform::Instagram, &mine).await?.is(Class::Ok)?;
    let plan = json!({"seed": 3, "passing": 1_000, "limited": 0, "line": 0, "twisted": 0});
    ensure!(scene.control("PUT", "plan", plan).await?.0 == 200);
    scene
        .get(Platform::Instagram, &mine)
        .await?
        .is(Class::Transient)?;
    scene.control("DELETE", "plan", Value::Null).await?;
    scene.get(Platform::Instagram, &mine).await?.is(Class::Ok)?;
    let limits = json!({"meta_app_an_hour": 1});
    ensure!(scene.control("PUT", "limits", limits).await?.0 == 200);
    scene
        .get(Platform::Instagram, &mine)
        .await?
        .is(Class::RateLimited)
}
