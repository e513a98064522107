//! The simulator's bodies have the shape of the kept samples: the same keys, the same JSON types.

use super::scene::Scene;
use super::{facebook, instagram, tiktok, youtube};
use adapters::simulator::Fault;
use anyhow::{Context, ensure};
use domain::Platform;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Which types stand at each path; entries of a list share one path.
type Shape = BTreeMap<String, BTreeSet<&'static str>>;

fn shape(value: &Value, path: &str, into: &mut Shape) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    };
    into.entry(path.to_owned()).or_default().insert(kind);
    match value {
        Value::Array(entries) => {
            for entry in entries {
                shape(entry, &format!("{path}[]"), into);
            }
        }
        Value::Object(fields) => {
            for (name, value) in fields {
                shape(value, &format!("{path}.{name}"), into);
            }
        }
        _ => {}
    }
}

/// Every path of the sample is there, but for those that end like one of `but`; and where both have
/// a path, the answer's types are among the sample's.
fn fits(file: &str, live: &Value, but: &[&str]) -> anyhow::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/platforms/samples");
    let sample: Value = serde_json::from_slice(&std::fs::read(folder.join(file))?)?;
    let (mut expected, mut found) = (Shape::new(), Shape::new());
    shape(&sample, "", &mut expected);
    shape(live, "", &mut found);
    for (path, types) in &expected {
        if but.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        let seen = found.get(path);
        let seen = seen.with_context(|| format!("{file}: no {path} in {live}"))?;
        ensure!(
            seen.is_subset(types),
            "{file}: {path} is {seen:?} and not {types:?}"
        );
    }
    Ok(())
}

fn once(error: &str, platform: Platform) -> Fault {
    Fault {
        error: error.to_owned(),
        platform: Some(platform),
        endpoint: None,
        creator: None,
        after: 0,
        times: Some(1),
    }
}

#[test]
fn a_shape_that_differs_is_told() {
    let file = "tiktok/oauth_token--refresh_rotated.json";
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/platforms/samples");
    let bytes = std::fs::read(folder.join(file)).expect("the sample");
    let mut live: Value = serde_json::from_slice(&bytes).expect("JSON");
    assert!(fits(file, &live, &[]).is_ok());
    live["expires_in"] = json!("86400");
    assert!(fits(file, &live, &[]).is_err());
    live["expires_in"] = json!(86_400);
    live["more"] = json!(1);
    assert!(fits(file, &live, &[]).is_ok());
    live.as_object_mut().expect("an object").remove("scope");
    assert!(fits(file, &live, &[]).is_err());
}

#[tokio::test]
async fn instagrams_bodies() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let platform = Platform::Instagram;
    let code = scene
        .code(&instagram::authorize(&scene, "simulate=allow"))
        .await?
        .0;
    let secret = scene.app(platform).secret;
    let back = super::scene::BACK;
    let seen = instagram::redeem(&scene, &code, back, &secret).await?;
    fits("instagram/oauth_access_token--flat.json", &seen.json, &[])?;
    let token = instagram::token(&scene, 0).await?;
    let get = async |url: String| anyhow::Ok(scene.get(platform, &url).await?.json);
    let graph = instagram::GRAPH;
    let me = get(instagram::profile(&token)).await?;
    fits("instagram/me--profile.json", &me, &[])?;
    let list = format!(
        "{graph}/me/media?fields={}&limit=100&access_token={token}",
        instagram::MEDIA
    );
    // A caption that is null is a defence of the readers, and no reply's.
    fits(
        "instagram/media_list--edge_captions.json",
        &get(list.clone()).await?,
        &[],
    )?;
    scene.simulator.order(once("empty_page", platform))?;
    fits(
        "instagram/media_list--empty_page_with_next.json",
        &get(list.clone()).await?,
        &[],
    )?;
    let truth = scene.truth(platform, 0)?;
    for post in truth.newest.iter().skip(5).take(12) {
        let of = |metrics: &str| {
            format!(
                "{graph}/{}/insights?metric={metrics}&access_token={token}",
                post.id
            )
        };
        let views = get(of("views,reach,likes,comments,saved,shares")).await?;
        fits("instagram/media_insights--feed_current.json", &views, &[])?;
        let total = get(of("views") + "&metric_type=total_value").await?;
        fits(
            "instagram/media_insights--total_value_shape.json",
            &total,
            &[],
        )?;
    }
    let id = &truth.account;
    let of = |more: &str| format!("{graph}/{id}/insights?access_token={token}&{more}");
    let totals = get(of(
        "metric=views,likes,saves&period=day&metric_type=total_value",
    ))
    .await?;
    fits("instagram/account_insights--totals.json", &totals, &[])?;
    let cities = get(of(
        "metric=follower_demographics&period=lifetime&breakdown=city",
    ))
    .await?;
    fits(
        "instagram/account_insights--demographics_city_nonascii.json",
        &cities,
        &[],
    )?;
    for (error, file) in [
        ("refresh_too_young", "oauth_refresh--error_too_young.json"),
        ("password_changed", "error--password_changed_190_460.json"),
        ("permission_200", "error--permission_200.json"),
        (
            "invalid_metric",
            "media_insights--error_invalid_metric.json",
        ),
        (
            "unsupported_breakdown",
            "media_insights--error_breakdown_unsupported.json",
        ),
        ("rate_business", "error--buc_80002.json"),
    ] {
        scene.simulator.order(once(error, platform))?;
        let but = [".is_transient"];
        fits(
            &format!("instagram/{file}"),
            &get(list.clone()).await?,
            &but,
        )?;
    }
    Ok(())
}

#[tokio::test]
async fn facebooks_bodies() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let platform = Platform::Facebook;
    let graph = facebook::GRAPH;
    let get = async |url: String| anyhow::Ok(scene.get(platform, &url).await?.json);
    let user = facebook::token(&scene, "simulate=allow&creator=0&scopes=pages_show_list").await?;
    let permissions = get(format!("{graph}/me/permissions?access_token={user}")).await?;
    fits("facebook/me_permissions.json", &permissions, &[])?;
    let user = facebook::token(&scene, "simulate=allow&creator=0").await?;
    let app = scene.app(platform);
    let own = super::scene::encoded(&format!("{}|{}", app.client_id, app.secret));
    let (page, token) = facebook::page(&scene, 1).await?;
    let facts = get(format!(
        "{graph}/debug_token?input_token={token}&access_token={own}"
    ))
    .await?;
    fits("facebook/debug_token--valid_page.json", &facts, &[])?;
    let exchange = format!(
        "{graph}/oauth/access_token?grant_type=fb_exchange_token&client_id={}&client_secret={}&fb_exchange_token={user}",
        app.client_id, app.secret
    );
    // Of one creator in four the reply does not say how long the token lives.
    let reply = get(exchange).await?;
    fits(
        "facebook/oauth_access_token--no_expires_in.json",
        &reply,
        &[],
    )?;
    ensure!(reply.get("expires_in").is_none(), "{reply}");
    let fields = facebook::PAGE;
    let profile = get(format!(
        "{graph}/{page}?fields={fields}&access_token={token}"
    ))
    .await?;
    fits("facebook/page_profile.json", &profile, &[])?;
    let fields = facebook::POST;
    let list =
        format!("{graph}/{page}/published_posts?fields={fields}&limit=100&access_token={token}");
    fits(
        "facebook/page_posts--page1.json",
        &get(list.clone()).await?,
        &[],
    )?;
    scene.simulator.order(once("empty_page", platform))?;
    fits(
        "facebook/page_posts--empty_with_next.json",
        &get(list.clone()).await?,
        &[],
    )?;
    let of = |more: &str| {
        format!(
            "{graph}/{page}/insights?access_token={token}&period=day&since=1779300000&until=1779900000&{more}"
        )
    };
    let days = get(of("metric=page_follows,page_daily_follows_unique")).await?;
    fits("facebook/page_insights--day_current.json", &days, &[])?;
    let parts = get(of("metric=page_media_view&breakdown=is_from_ads")).await?;
    // A title may be null; ours has words.
    let kind = parts["data"][0]["title"].clone();
    ensure!(kind.is_string());
    let mut parts = parts;
    parts["data"][0]["title"] = Value::Null;
    fits(
        "facebook/page_insights--breakdown_object_value.json",
        &parts,
        &[],
    )?;
    for (error, file) in [
        (
            "page_token_needed",
            "error--page_token_needed_190_2069032.json",
        ),
        ("permission_200", "error--permission_200.json"),
        (
            "permission_10",
            "error--permission_10_pages_read_engagement.json",
        ),
        (
            "few_followers",
            "page_insights--error_too_few_followers.json",
        ),
    ] {
        scene.simulator.order(once(error, platform))?;
        fits(&format!("facebook/{file}"), &get(list.clone()).await?, &[])?;
    }
    Ok(())
}

#[tokio::test]
async fn tiktoks_and_youtubes_bodies() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (access, renews) = tiktok::tokens(&scene, 0).await?;
    let reply = tiktok::refresh(&scene, &renews).await?.json;
    fits("tiktok/oauth_token--refresh_rotated.json", &reply, &[])?;
    let list = tiktok::list(&scene, &access, json!({})).await?.json;
    fits("tiktok/video_list--edge.json", &list, &[])?;
    let dead = tiktok::refresh(&scene, &renews).await?.json;
    fits("tiktok/oauth_token--error_invalid_grant.json", &dead, &[])?;
    let platform = Platform::Youtube;
    let (access, _) = youtube::tokens(&scene, 3).await?;
    let hidden = youtube::channel(&scene, &access).await?.json;
    fits(
        "youtube/channels_list--hidden_subscribers.json",
        &hidden,
        &[],
    )?;
    let get = async |url: String| anyhow::Ok(scene.get(platform, &url).await?.json);
    let (data, reports) = (youtube::DATA, youtube::REPORTS);
    let uploads = hidden["items"][0]["contentDetails"]["relatedPlaylists"]["uploads"].as_str();
    let uploads = uploads.context("a list")?;
    let url = format!(
        "{data}/playlistItems?part=snippet,contentDetails,status&playlistId={uploads}&maxResults=20&access_token={access}"
    );
    fits("youtube/playlist_items--page1.json", &get(url).await?, &[])?;
    let id = &scene.truth(platform, 3)?.newest[3].id;
    let url = format!(
        "{data}/videos?part=snippet,contentDetails,status,statistics&id={id}&access_token={access}"
    );
    let but = [".likeCount", ".commentCount"];
    fits(
        "youtube/videos_list--huge_and_long.json",
        &get(url).await?,
        &but,
    )?;
    let report = |more: &str| {
        format!(
            "{reports}?ids=channel==MINE&startDate=2026-05-20&endDate=2026-05-21&{more}&access_token={access}"
        )
    };
    let who = get(report(
        "metrics=viewerPercentage&dimensions=ageGroup,gender",
    ))
    .await?;
    fits("youtube/analytics_reports--demographics.json", &who, &[])?;
    let none = get(report("metrics=views&dimensions=day").replace("2026-05", "2027-05")).await?;
    fits("youtube/analytics_reports--empty_rows.json", &none, &[])?;
    ensure!(none["rows"] == json!([]), "{none}");
    for (error, file) in [
        (
            "signup_required",
            "channels_list--error_signup_required.json",
        ),
        (
            "insufficient_permissions",
            "error--insufficient_scopes.json",
        ),
        (
            "permission_denied_bare",
            "error--bare_error_no_errors_array.json",
        ),
        ("forbidden", "analytics_reports--error_forbidden.json"),
        (
            "upload_limit_exceeded",
            "videos_insert--error_upload_limit.json",
        ),
    ] {
        scene.simulator.order(once(error, platform))?;
        let seen = youtube::channel(&scene, &access).await?.json;
        fits(&format!("youtube/{file}"), &seen, &[])?;
    }
    Ok(())
}
