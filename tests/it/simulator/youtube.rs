//! YouTube: from consent to the end of the grant.

use super::scene::{BACK, Scene, Seen, encoded};
use adapters::platforms::signature::{pkce_challenge, pkce_challenge_tiktok};
use adapters::platforms::{Class, Secret};
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use std::collections::BTreeSet;

pub(super) const PLATFORM: Platform = Platform::Youtube;
const READ: &str = "https://www.googleapis.com/auth/youtube.readonly";
const ANALYTICS: &str = "https://www.googleapis.com/auth/yt-analytics.readonly";
pub(super) const DATA: &str = "https://www.googleapis.com/youtube/v3";
pub(super) const REPORTS: &str = "https://youtubeanalytics.googleapis.com/v2/reports";
const TOKEN: &str = "https://oauth2.googleapis.com/token";
pub(super) const CHANNEL: &str = "part=id,snippet,contentDetails,statistics&mine=true";

fn authorize(scene: &Scene, more: &str) -> String {
    let id = scene.app(PLATFORM).client_id;
    let (back, state) = (encoded(BACK), encoded("s t&te"));
    let scope = encoded(&format!("{READ} {ANALYTICS}"));
    format!(
        "https://accounts.google.com/o/oauth2/v2/auth?client_id={id}&redirect_uri={back}&response_type=code&scope={scope}&state={state}&access_type=offline&{more}"
    )
}

async fn redeem(scene: &Scene, code: &str, more: &[(&str, &str)]) -> anyhow::Result<Seen> {
    let app = scene.app(PLATFORM);
    let mut fields = vec![
        ("client_id", app.client_id.as_str()),
        ("client_secret", &app.secret),
        ("grant_type", "authorization_code"),
        ("redirect_uri", BACK),
        ("code", code),
    ];
    fields.extend_from_slice(more);
    scene.form(PLATFORM, TOKEN, &fields).await
}

pub(super) async fn refresh(scene: &Scene, token: &str) -> anyhow::Result<Seen> {
    let app = scene.app(PLATFORM);
    let fields = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", &app.secret),
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
    ];
    scene.form(PLATFORM, TOKEN, &fields).await
}

/// Access and refresh token of a creator.
pub(super) async fn tokens(scene: &Scene, creator: u32) -> anyhow::Result<(String, String)> {
    let more = format!("prompt=consent&simulate=allow&creator={creator}");
    let (code, _) = scene.code(&authorize(scene, &more)).await?;
    let seen = redeem(scene, &code, &[]).await?;
    Ok((
        seen.text_of("access_token")?,
        seen.text_of("refresh_token")?,
    ))
}

pub(super) async fn channel(scene: &Scene, token: &str) -> anyhow::Result<Seen> {
    scene
        .get_as(PLATFORM, &format!("{DATA}/channels?{CHANNEL}"), token)
        .await
}

#[tokio::test]
async fn a_walk_from_consent_to_the_end() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (code, scopes) = scene
        .code(&authorize(&scene, "simulate=allow&creator=0"))
        .await?;
    ensure!(scopes.context("scopes")?.len() == 2);
    let seen = redeem(&scene, &code, &[]).await?;
    seen.is(Class::Ok)?;
    redeem(&scene, &code, &[])
        .await?
        .is(Class::AuthCodeInvalid)?;
    let (access, renews) = (
        seen.text_of("access_token")?,
        seen.text_of("refresh_token")?,
    );
    // Who has agreed before gets no second refresh token, unless asked anew.
    let again = scene
        .code(&authorize(&scene, "simulate=allow&creator=0"))
        .await?
        .0;
    redeem(&scene, &again, &[])
        .await?
        .is(Class::OkKeepOldRefreshToken)?;
    tokens(&scene, 0).await?;
    let truth = scene.truth(PLATFORM, 0)?;
    let found = channel(&scene, &access).await?.profile()?;
    ensure!(found.text.platform_account_id == truth.account);
    let shown = found
        .reading
        .values
        .get(Metric::Followers)
        .context("subscribers")?;
    ensure!(
        shown <= truth.followers && shown * 1_000 >= truth.followers * 990,
        "{shown}"
    );
    ensure!(
        shown % 1_000 == 0,
        "three digits of {}: {shown}",
        truth.followers
    );
    let uploads = found.posts_list.context("a list")?.0;
    videos(&scene, &access, &uploads).await?;
    analytics(&scene, &access).await?;
    scene.advance(3_600)?;
    channel(&scene, &access).await?.is(Class::AuthExpired)?;
    let renewed = refresh(&scene, &renews).await?;
    renewed.is(Class::OkKeepOldRefreshToken)?;
    let access = renewed.text_of("access_token")?;
    channel(&scene, &access).await?.is(Class::Ok)?;
    // Revoking one token ends all that the person has granted to the project.
    let (other, _) = tokens(&scene, 0).await?;
    let url = "https://oauth2.googleapis.com/revoke";
    scene
        .form(PLATFORM, url, &[("token", &access)])
        .await?
        .is(Class::Ok)?;
    scene
        .form(PLATFORM, url, &[("token", &access)])
        .await?
        .is(Class::OkAlreadyRevoked)?;
    channel(&scene, &other).await?.is(Class::AuthExpired)?;
    refresh(&scene, &renews).await?.is(Class::AuthExpired)
}

async fn videos(scene: &Scene, access: &str, uploads: &str) -> anyhow::Result<()> {
    let truth = scene.truth(PLATFORM, 0)?;
    let first = format!(
        "{DATA}/playlistItems?part=snippet,contentDetails,status&playlistId={uploads}&maxResults=50&access_token={access}"
    );
    let more = |token: &str| format!("{first}&pageToken={token}");
    let named = scene.all_posts(PLATFORM, &first, more).await?.posts;
    let ids: Vec<_> = named
        .iter()
        .map(|it| it.snapshot.text.platform_post_id.clone())
        .collect();
    let public: BTreeSet<_> = truth.newest.iter().map(|it| it.id.clone()).collect();
    // Stones are passed over; the rest are the public videos, each once.
    ensure!(ids.len() == public.len() && ids.iter().all(|id| public.contains(id)));
    let page = scene.get(PLATFORM, &first).await?;
    ensure!(page.json["pageInfo"]["totalResults"].as_u64() >= Some(ids.len() as u64));
    let mut hidden = 0;
    for fifty in ids.chunks(50) {
        let url = format!(
            "{DATA}/videos?part=snippet,contentDetails,statistics,status&id={}&access_token={access}",
            fifty.join(",")
        );
        let found = scene.get(PLATFORM, &url).await?.posts()?.posts;
        ensure!(found.len() == fifty.len());
        for video in &found {
            let text = &video.snapshot.text;
            let known = truth
                .newest
                .iter()
                .find(|it| it.id == text.platform_post_id);
            let known = known.context("a video that there is")?;
            let values = &video.snapshot.values;
            ensure!(
                values.get(Metric::Views) == Some(known.numbers.views),
                "{}",
                known.id
            );
            ensure!(
                values.is_hidden(Metric::Likes) == known.likes_are_hidden,
                "{}",
                known.id
            );
            hidden += usize::from(values.is_hidden(Metric::Likes));
        }
    }
    ensure!(hidden > 0, "some hide their likes");
    let gone = format!("{DATA}/videos?part=statistics&id=dQw4w9WgXcQ&access_token={access}");
    scene.get(PLATFORM, &gone).await?.is(Class::NotFound)?;
    let batch = format!(
        "{DATA}/videos:batchGetStats?part=id,snippet,statistics,contentDetails&id={},dQw4w9WgXcQ&access_token={access}",
        ids[0]
    );
    let seen = scene.get(PLATFORM, &batch).await?;
    seen.is(Class::Partial)?;
    ensure!(seen.json["summary"]["failedVideoIds"][0] == "dQw4w9WgXcQ");
    let lost = format!("{DATA}/playlistItems?part=snippet&playlistId=UUx&access_token={access}");
    scene.get(PLATFORM, &lost).await?.is(Class::NotFound)
}

async fn analytics(scene: &Scene, access: &str) -> anyhow::Result<()> {
    let report = |more: &str| {
        format!(
            "{REPORTS}?ids=channel==MINE&startDate=2026-05-20&endDate=2026-06-01&{more}&access_token={access}"
        )
    };
    let daily = "metrics=views,likes,estimatedMinutesWatched,subscribersGained,subscribersLost&dimensions=day";
    let seen = scene.get(PLATFORM, &report(daily)).await?;
    seen.is(Class::Ok)?;
    let rows = seen.json["rows"].as_array().context("rows")?;
    // The newest days are not told yet.
    ensure!((9..=11).contains(&rows.len()), "{}", rows.len());
    ensure!(
        rows[0][0] == "2026-05-20" && rows[0][1].as_i64() > Some(0),
        "{}",
        seen.text
    );
    let who = "metrics=viewerPercentage&dimensions=ageGroup,gender";
    scene.get(PLATFORM, &report(who)).await?.is(Class::Ok)?;
    let from = "metrics=views&dimensions=insightTrafficSourceType";
    scene.get(PLATFORM, &report(from)).await?.is(Class::Ok)?;
    let odd = "metrics=views&dimensions=ageGroup";
    scene
        .get(PLATFORM, &report(odd))
        .await?
        .is(Class::InvalidRequest)?;
    let money = "metrics=estimatedRevenue&dimensions=day";
    scene
        .get(PLATFORM, &report(money))
        .await?
        .is(Class::Permission)
}

#[tokio::test]
async fn gains_and_losses_of_days_are_what_subscribers_moved_by() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (access, _) = tokens(&scene, 1).await?;
    let url = format!(
        "{REPORTS}?ids=channel==MINE&startDate=2026-05-01&endDate=2026-05-20&metrics=subscribersGained,subscribersLost&dimensions=day&access_token={access}"
    );
    let seen = scene.get(PLATFORM, &url).await?;
    let rows = seen.json["rows"].as_array().context("rows")?;
    let net: i64 = rows
        .iter()
        .filter_map(|row| Some(row[1].as_i64()? - row[2].as_i64()?))
        .sum();
    let key = adapters::simulator::world::AccountKey {
        creator: 1,
        platform: PLATFORM,
        ordinal: 0,
    };
    // Days of California, which was seven hours behind.
    let followers = |at: &str| -> anyhow::Result<i64> {
        let truth = scene.simulator.truth(key, at.parse()?, 0);
        Ok(truth.context("the account")?.followers)
    };
    let moved = followers("2026-05-21T07:00:00Z")? - followers("2026-05-01T07:00:00Z")?;
    ensure!(rows.len() == 20 && net == moved, "{net} {moved}");
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
    let right = allow(&pkce_challenge(&verifier));
    let given = [("code_verifier", verifier.expose())];
    let code = scene.code(&right).await?.0;
    redeem(&scene, &code, &given)
        .await?
        .is(Class::OkKeepOldRefreshToken)
        .ok();
    let code = scene.code(&right).await?.0;
    redeem(&scene, &code, &[("code_verifier", "other")])
        .await?
        .is(Class::AuthCodeInvalid)?;
    let code = scene
        .code(&allow(&pkce_challenge_tiktok(&verifier)))
        .await?
        .0;
    redeem(&scene, &code, &given)
        .await?
        .is(Class::AuthCodeInvalid)?;
    let app = scene.app(PLATFORM);
    let code = scene.code(&authorize(&scene, "simulate=allow")).await?.0;
    let fields = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", "not it"),
        ("grant_type", "authorization_code"),
        ("redirect_uri", BACK),
        ("code", &code),
    ];
    scene
        .form(PLATFORM, TOKEN, &fields)
        .await?
        .is(Class::ConfigError)?;
    let mut elsewhere = fields;
    elsewhere[1].1 = &app.secret;
    elsewhere[3].1 = "https://ledger.example/other";
    scene
        .form(PLATFORM, TOKEN, &elsewhere)
        .await?
        .is(Class::ConfigError)
}

#[tokio::test]
async fn channels_that_are_hidden_missing_or_chosen() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (hidden, _) = tokens(&scene, 3).await?;
    let found = channel(&scene, &hidden).await?.profile()?;
    ensure!(found.reading.values.is_hidden(Metric::Followers));
    let (none, _) = tokens(&scene, 2).await?;
    let seen = channel(&scene, &none).await?;
    seen.is(Class::NoChannel)?;
    ensure!(
        seen.status == 401,
        "the status of a dead token, and not one"
    );
    let more = "prompt=consent&simulate=allow&creator=4&account=4-1";
    let code = scene.code(&authorize(&scene, more)).await?.0;
    let second = redeem(&scene, &code, &[]).await?.text_of("access_token")?;
    let second = channel(&scene, &second).await?.profile()?;
    let (first, _) = tokens(&scene, 4).await?;
    let first = channel(&scene, &first).await?.profile()?;
    ensure!(first.text.platform_account_id != second.text.platform_account_id);
    // Less than was asked for, and what it cannot do.
    let more = format!("prompt=consent&simulate=allow&scopes={}", encoded(READ));
    let code = scene.code(&authorize(&scene, &more)).await?.0;
    let seen = redeem(&scene, &code, &[]).await?;
    ensure!(seen.text_of("scope")? == READ);
    let token = seen.text_of("access_token")?;
    let url = format!(
        "{REPORTS}?ids=channel==MINE&startDate=2026-05-20&endDate=2026-05-21&metrics=views&access_token={token}"
    );
    scene.get(PLATFORM, &url).await?.is(Class::Permission)?;
    // A refresh token that nobody uses for half a year dies.
    let (_, renews) = tokens(&scene, 1).await?;
    scene.advance(184 * 86_400)?;
    refresh(&scene, &renews).await?.is(Class::AuthExpired)
}
