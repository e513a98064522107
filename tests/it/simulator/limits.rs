//! Limits over HTTP: what is left is said where the platform says it, and who is over it waits.

use super::scene::{Scene, start};
use super::{facebook, instagram, tiktok, youtube};
use adapters::platforms::{Class, Wait};
use adapters::simulator::{Allowances, Bucket, Options};
use anyhow::{Context, ensure};
use domain::Platform;
use serde_json::json;

fn few() -> Allowances {
    Allowances {
        meta_app_an_hour: 8,
        meta_account_a_day_for_100_followers: 1,
        tiktok_a_minute: 3,
        youtube_units_a_day: 5,
        ..Allowances::default()
    }
}

#[tokio::test]
async fn meta_says_how_much_is_used_and_throttles_at_a_hundred_percent() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    // Creator 2 has fewer than a hundred followers, so that one call a day is all there is.
    let tiny = instagram::token(&scene, 2).await?;
    let (page, own) = facebook::page(&scene, 0).await?;
    scene.simulator.limits().allow(few());
    let seen = scene
        .get(Platform::Instagram, &instagram::profile(&tiny))
        .await?;
    seen.is(Class::RateLimited)?;
    ensure!(seen.json["error"]["code"] == 80_002, "{}", seen.text);
    let failure = seen.understood.as_ref().err().context("a failure")?;
    let Some(Wait::For(wait)) = failure.wait else {
        anyhow::bail!("no wait: {failure:?}")
    };
    ensure!(wait.as_secs() > 3_600, "{wait:?}");
    let url = format!("{}/{page}?fields=name&access_token={own}", facebook::GRAPH);
    let mut percents = Vec::new();
    let refused = loop {
        let seen = scene.get(Platform::Facebook, &url).await?;
        let usage = seen.header("x-app-usage").context("a header")?;
        let usage: serde_json::Value = serde_json::from_str(usage)?;
        percents.push(usage["call_count"].as_u64().context("percent")?);
        if seen.status != 200 {
            break seen;
        }
        ensure!(percents.len() < 20, "{percents:?}");
    };
    refused.is(Class::RateLimited)?;
    ensure!(refused.json["error"]["code"] == 4, "{}", refused.text);
    ensure!(
        percents.windows(2).all(|two| two[0] < two[1]),
        "{percents:?}"
    );
    scene.advance(3_660)?;
    scene.get(Platform::Facebook, &url).await?.is(Class::Ok)
}

#[tokio::test]
async fn tiktok_counts_a_sliding_minute_and_says_nothing() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (token, _) = tiktok::tokens(&scene, 0).await?;
    scene.simulator.limits().allow(few());
    for _ in 0..3 {
        tiktok::list(&scene, &token, json!({}))
            .await?
            .is(Class::Ok)?;
        scene.advance(15)?;
    }
    let refused = tiktok::list(&scene, &token, json!({})).await?;
    refused.is(Class::RateLimited)?;
    ensure!(refused.status == 429 && refused.header("retry-after").is_none());
    // Another endpoint has its own minute; and the first call slides out of this one.
    tiktok::user(&scene, &token).await?.is(Class::Ok)?;
    scene.advance(15)?;
    tiktok::list(&scene, &token, json!({}))
        .await?
        .is(Class::Ok)?;
    tiktok::list(&scene, &token, json!({}))
        .await?
        .is(Class::RateLimited)
}

#[tokio::test]
async fn youtubes_units_last_until_midnight_in_california() -> anyhow::Result<()> {
    // Half past eleven in the evening before clocks go forward in California.
    let options = Options {
        start: "2026-03-08T07:30:00Z".parse()?,
        ..Options::at(start())
    };
    let scene = Scene::with(options).await?;
    scene.simulator.limits().allow(few());
    let (mut token, renews) = youtube::tokens(&scene, 0).await?;
    for day in 0..2 {
        for _ in 0..5 {
            youtube::channel(&scene, &token).await?.is(Class::Ok)?;
        }
        ensure!(
            scene
                .simulator
                .limits()
                .youtube_used(Bucket::General, scene.now())
                == 5
        );
        let refused = youtube::channel(&scene, &token).await?;
        refused.is(Class::QuotaUntilMidnightPacific)?;
        let failure = refused.understood.as_ref().err().context("a failure")?;
        let ends = failure.wait.context("a wait")?.ends(scene.now());
        let until = [
            "2026-03-08T08:00:00.000000Z",
            // That day had twenty-three hours.
            "2026-03-09T07:00:00.000000Z",
        ];
        ensure!(ends.to_string() == until[day], "{ends}");
        // What the client waits for is when there are units again, and not a second earlier.
        let left = (ends.micros() - scene.now().micros()) / 1_000_000;
        scene.advance(left as u64 - 1)?;
        token = youtube::refresh(&scene, &renews)
            .await?
            .text_of("access_token")?;
        youtube::channel(&scene, &token)
            .await?
            .is(Class::QuotaUntilMidnightPacific)?;
        scene.advance(1)?;
    }
    youtube::channel(&scene, &token).await?.is(Class::Ok)
}
