//! TikTok: from consent to the end of the grant.

use super::scene::{BACK, Scene, Seen, encoded};
use adapters::platforms::signature::{pkce_challenge, pkce_challenge_tiktok};
use adapters::platforms::{Class, Secret};
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const PLATFORM: Platform = Platform::Tiktok;
const SCOPES: &str = "user.info.basic,user.info.profile,user.info.stats,video.list";
const API: &str = "https://open.tiktokapis.com/v2";
const USER: &str = "open_id,union_id,avatar_url,display_name,bio_description,username,follower_count,following_count,likes_count,video_count";
pub(super) const VIDEO: &str = "id,create_time,cover_image_url,share_url,video_description,title,duration,height,width,like_count,comment_count,share_count,view_count";

fn authorize(scene: &Scene, more: &str) -> String {
    let key = scene.app(PLATFORM).client_id;
    let (back, state) = (encoded(BACK), encoded("s t&te"));
    format!(
        "https://www.tiktok.com/v2/auth/authorize/?client_key={key}&redirect_uri={back}&response_type=code&scope={SCOPES}&state={state}&{more}"
    )
}

async fn redeem(scene: &Scene, code: &str, more: &[(&str, &str)]) -> anyhow::Result<Seen> {
    let app = scene.app(PLATFORM);
    let mut fields = vec![
        ("client_key", app.client_id.as_str()),
        ("client_secret", &app.secret),
        ("grant_type", "authorization_code"),
        ("code", code),
    ];
    let is_named = more.iter().any(|(name, _)| *name == "redirect_uri");
    if !is_named {
        fields.push(("redirect_uri", BACK));
    }
    fields.extend_from_slice(more);
    scene
        .form(PLATFORM, &format!("{API}/oauth/token/"), &fields)
        .await
}

pub(super) async fn refresh(scene: &Scene, token: &str) -> anyhow::Result<Seen> {
    let app = scene.app(PLATFORM);
    let fields = [
        ("client_key", app.client_id.as_str()),
        ("client_secret", &app.secret),
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
    ];
    scene
        .form(PLATFORM, &format!("{API}/oauth/token/"), &fields)
        .await
}

/// Access and refresh token of a creator.
pub(super) async fn tokens(scene: &Scene, creator: u32) -> anyhow::Result<(String, String)> {
    let more = format!("simulate=allow&creator={creator}");
    let (code, _) = scene.code(&authorize(scene, &more)).await?;
    let seen = redeem(scene, &code, &[]).await?;
    Ok((
        seen.text_of("access_token")?,
        seen.text_of("refresh_token")?,
    ))
}

pub(super) async fn user(scene: &Scene, token: &str) -> anyhow::Result<Seen> {
    scene
        .get_as(PLATFORM, &format!("{API}/user/info/?fields={USER}"), token)
        .await
}

pub(super) async fn list(scene: &Scene, token: &str, body: Value) -> anyhow::Result<Seen> {
    let url = format!("{API}/video/list/?fields={VIDEO}");
    let with = |it: reqwest::RequestBuilder| it.bearer_auth(token).json(&body);
    scene.ask(PLATFORM, "POST", &url, with).await
}

#[tokio::test]
async fn a_walk_from_consent_to_the_end() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (code, scopes) = scene
        .code(&authorize(&scene, "simulate=allow&creator=0"))
        .await?;
    ensure!(code.contains('*') && code.contains('!'), "{code}");
    ensure!(scopes.context("scopes")?.len() == 4);
    let seen = redeem(&scene, &code, &[]).await?;
    seen.is(Class::Ok)?;
    let truth = scene.truth(PLATFORM, 0)?;
    ensure!(seen.text_of("open_id")? == truth.account);
    redeem(&scene, &code, &[])
        .await?
        .is(Class::AuthCodeInvalid)?;
    let (access, old) = (
        seen.text_of("access_token")?,
        seen.text_of("refresh_token")?,
    );
    let found = user(&scene, &access).await?.profile()?;
    ensure!(found.text.platform_account_id == truth.account);
    ensure!(found.reading.values.get(Metric::Followers) == Some(truth.followers));
    ensure!(found.reading.values.get(Metric::Likes) == Some(truth.totals.likes));
    videos(&scene, &access).await?;
    // Each refresh gives another refresh token; the one before is dead.
    scene.advance(86_400)?;
    user(&scene, &access).await?.is(Class::AuthExpired)?;
    let renewed = refresh(&scene, &old).await?;
    renewed.is(Class::Ok)?;
    ensure!(renewed.json["refresh_expires_in"] == 31_536_000 - 86_400);
    let new = renewed.text_of("refresh_token")?;
    ensure!(new != old);
    refresh(&scene, &old).await?.is(Class::AuthExpired)?;
    let access = renewed.text_of("access_token")?;
    user(&scene, &access).await?.is(Class::Ok)?;
    let app = scene.app(PLATFORM);
    let fields = [
        ("client_key", app.client_id.as_str()),
        ("client_secret", &app.secret),
        ("token", &access),
    ];
    let url = format!("{API}/oauth/revoke/");
    scene.form(PLATFORM, &url, &fields).await?.is(Class::Ok)?;
    scene
        .form(PLATFORM, &url, &fields)
        .await?
        .is(Class::OkAlreadyRevoked)?;
    user(&scene, &access).await?.is(Class::AuthExpired)?;
    refresh(&scene, &new).await?.is(Class::AuthExpired)
}

async fn videos(scene: &Scene, access: &str) -> anyhow::Result<()> {
    let truth = scene.truth(PLATFORM, 0)?;
    let mut body = json!({"max_count": 20});
    let mut all = Vec::new();
    for _ in 0..100 {
        let found = list(scene, access, body.clone()).await?.posts()?;
        all.extend(found.posts);
        let Some(cursor) = found.next else { break };
        body["cursor"] = json!(cursor.0.parse::<i64>()?);
    }
    let ids: BTreeSet<_> = all
        .iter()
        .map(|it| &it.snapshot.text.platform_post_id)
        .collect();
    ensure!(
        all.len() == truth.posts && ids.len() == all.len(),
        "{} {}",
        all.len(),
        truth.posts
    );
    for (video, known) in all.iter().zip(&truth.newest) {
        let values = &video.snapshot.values;
        ensure!(values.get(Metric::Views) == Some(known.numbers.views));
        ensure!(values.get(Metric::Likes) == Some(known.numbers.likes.min(i64::from(i32::MAX))));
    }
    let too_many = list(scene, access, json!({"max_count": 21})).await?;
    too_many.is(Class::InvalidRequest)?;
    // Ids that are gone are silently left out.
    let id = &truth.newest[3].id;
    let url = format!("{API}/video/query/?fields={VIDEO}");
    let query = json!({"filters": {"video_ids": [id, "7499999999999999999"]}});
    let with = |it: reqwest::RequestBuilder| it.bearer_auth(access).json(&query);
    let found = scene.ask(PLATFORM, "POST", &url, with).await?.posts()?;
    ensure!(found.posts.len() == 1 && found.posts[0].snapshot.text.platform_post_id == *id);
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_an_exchange_is_refused() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let verifier = Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let allow = |challenge: &str| {
        let more = format!("simulate=allow&code_challenge={challenge}&code_challenge_method=S256");
        authorize(&scene, &more)
    };
    let hex = allow(&pkce_challenge_tiktok(&verifier));
    let given = [("code_verifier", verifier.expose())];
    let code = scene.code(&hex).await?.0;
    redeem(&scene, &code, &given).await?.is(Class::Ok)?;
    let code = scene.code(&hex).await?.0;
    redeem(&scene, &code, &[("code_verifier", "other")])
        .await?
        .is(Class::InvalidRequest)?;
    // The way of RFC 7636 is not TikTok's.
    let code = scene.code(&allow(&pkce_challenge(&verifier))).await?.0;
    redeem(&scene, &code, &given)
        .await?
        .is(Class::InvalidRequest)?;
    let code = scene.code(&authorize(&scene, "simulate=allow")).await?.0;
    let elsewhere = [("redirect_uri", "https://ledger.example/other")];
    redeem(&scene, &code, &elsewhere)
        .await?
        .is(Class::ConfigError)?;
    let code = scene.code(&authorize(&scene, "simulate=allow")).await?.0;
    scene.advance(601)?;
    redeem(&scene, &code, &[])
        .await?
        .is(Class::AuthCodeInvalid)?;
    let wrong = [
        ("client_key", "x"),
        ("client_secret", "y"),
        ("grant_type", "refresh_token"),
    ];
    let url = format!("{API}/oauth/token/");
    scene
        .form(PLATFORM, &url, &wrong)
        .await?
        .is(Class::ConfigError)
}

#[tokio::test]
async fn one_field_without_its_scope_fails_the_call() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let more = "simulate=allow&creator=3&scopes=user.info.basic,video.list";
    let (code, scopes) = scene.code(&authorize(&scene, more)).await?;
    ensure!(scopes.context("scopes")?.len() == 2);
    let seen = redeem(&scene, &code, &[]).await?;
    let token = seen.text_of("access_token")?;
    ensure!(seen.text_of("scope")? == "user.info.basic,video.list");
    let refused = user(&scene, &token).await?;
    refused.is(Class::Permission)?;
    ensure!(
        refused.status == 401,
        "the status of a dead token, and not one"
    );
    let url = format!("{API}/user/info/?fields=open_id,display_name");
    scene.get_as(PLATFORM, &url, &token).await?.is(Class::Ok)?;
    list(&scene, &token, json!({})).await?.is(Class::Ok)
}
