//! Instagram: from consent to the end of the grant.

use super::scene::{BACK, Scene, encoded};
use adapters::platforms::{Class, Content, Form};
use adapters::simulator::End;
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use std::collections::BTreeSet;

pub(super) const PLATFORM: Platform = Platform::Instagram;
const SCOPES: &str = "instagram_business_basic,instagram_business_manage_insights";
pub(super) const GRAPH: &str = "https://graph.instagram.com/v25.0";
const PROFILE: &str = "id,user_id,username,name,account_type,profile_picture_url,followers_count,follows_count,media_count,biography,website";
pub(super) const MEDIA: &str = "id,caption,media_type,media_product_type,media_url,thumbnail_url,permalink,shortcode,timestamp,username,like_count,comments_count,children{id,media_type,media_url,thumbnail_url}";

pub(super) fn authorize(scene: &Scene, more: &str) -> String {
    let id = scene.app(PLATFORM).client_id;
    let (back, state) = (encoded(BACK), encoded("s t&te"));
    format!(
        "https://www.instagram.com/oauth/authorize?client_id={id}&redirect_uri={back}&response_type=code&scope={SCOPES}&state={state}&{more}"
    )
}

/// The reply to a code, sent as a multipart form.
pub(super) async fn redeem(
    scene: &Scene,
    code: &str,
    back: &str,
    secret: &str,
) -> anyhow::Result<super::scene::Seen> {
    let form = reqwest::multipart::Form::new()
        .text("client_id", scene.app(PLATFORM).client_id)
        .text("client_secret", secret.to_owned())
        .text("grant_type", "authorization_code")
        .text("redirect_uri", back.to_owned())
        .text("code", code.to_owned());
    let url = "https://api.instagram.com/oauth/access_token";
    scene
        .ask(PLATFORM, "POST", url, |it| it.multipart(form))
        .await
}

/// A long token of a creator.
pub(super) async fn token(scene: &Scene, creator: u32) -> anyhow::Result<String> {
    let more = format!("simulate=allow&creator={creator}");
    let (code, _) = scene.code(&authorize(scene, &more)).await?;
    let secret = scene.app(PLATFORM).secret;
    let short = redeem(scene, &code, BACK, &secret)
        .await?
        .text_of("access_token")?;
    long(scene, &short).await?.text_of("access_token")
}

async fn long(scene: &Scene, short: &str) -> anyhow::Result<super::scene::Seen> {
    let secret = scene.app(PLATFORM).secret;
    let url = format!(
        "https://graph.instagram.com/access_token?grant_type=ig_exchange_token&client_secret={secret}&access_token={short}"
    );
    scene.get(PLATFORM, &url).await
}

async fn refresh(scene: &Scene, token: &str) -> anyhow::Result<super::scene::Seen> {
    let url = format!(
        "https://graph.instagram.com/refresh_access_token?grant_type=ig_refresh_token&access_token={token}"
    );
    scene.get(PLATFORM, &url).await
}

pub(super) fn profile(token: &str) -> String {
    format!("{GRAPH}/me?fields={PROFILE}&access_token={token}")
}

#[tokio::test]
async fn a_walk_from_consent_to_the_end() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let back = scene
        .sent_to(&authorize(&scene, "simulate=allow&creator=0"))
        .await?;
    ensure!(back.ends_with("#_"), "{back}");
    let (code, _) = scene
        .code(&authorize(&scene, "simulate=allow&creator=0"))
        .await?;
    let secret = scene.app(PLATFORM).secret;
    let short = redeem(&scene, &code, BACK, &secret).await?;
    short.is(Class::Ok)?;
    let truth = scene.truth(PLATFORM, 0)?;
    ensure!(short.json["user_id"].as_i64().map(|it| it.to_string()) == Some(truth.account.clone()));
    // A code works once.
    redeem(&scene, &code, BACK, &secret)
        .await?
        .is(Class::AuthCodeInvalid)?;
    let long = long(&scene, &short.text_of("access_token")?).await?;
    long.is(Class::Ok)?;
    ensure!(long.json["expires_in"] == 5_183_944);
    let token = long.text_of("access_token")?;
    let seen = scene.get(PLATFORM, &profile(&token)).await?;
    ensure!(
        seen.header("x-app-usage")
            .is_some_and(|it| it.contains("call_count"))
    );
    let usage = seen
        .header("x-business-use-case-usage")
        .context("a header")?;
    ensure!(
        usage.contains(&truth.account) && usage.contains("instagram"),
        "{usage}"
    );
    let found = seen.profile()?;
    ensure!(found.text.platform_account_id == truth.account);
    ensure!(found.other_id.context("another id")?.0 != truth.account);
    ensure!(found.reading.values.get(Metric::Followers) == Some(truth.followers));
    ensure!(found.reading.values.get(Metric::Posts) == Some(truth.posts as i64));
    walk_media(&scene, &token).await?;
    account(&scene, &token, &truth.account).await?;
    // Renewing: not on the first day, then yes.
    let young = self::token(&scene, 0).await?;
    refresh(&scene, &young).await?.is(Class::RefreshTooEarly)?;
    scene.advance(25 * 3_600)?;
    let renewed = refresh(&scene, &token).await?;
    renewed.is(Class::Ok)?;
    let renewed = renewed.text_of("access_token")?;
    scene
        .get(PLATFORM, &profile(&renewed))
        .await?
        .is(Class::Ok)?;
    // The person takes it back; after that nothing works but a new consent.
    scene.simulator.end_grants(PLATFORM, 0, End::Revoked);
    let refused = scene.get(PLATFORM, &profile(&renewed)).await?;
    refused.is(Class::AuthExpired)?;
    ensure!(
        refused.json["error"]["error_subcode"] == 458,
        "{}",
        refused.text
    );
    refresh(&scene, &renewed).await?.is(Class::AuthExpired)?;
    let again = self::token(&scene, 0).await?;
    scene.get(PLATFORM, &profile(&again)).await?.is(Class::Ok)
}

async fn walk_media(scene: &Scene, token: &str) -> anyhow::Result<()> {
    let truth = scene.truth(PLATFORM, 0)?;
    let first = format!("{GRAPH}/me/media?fields={MEDIA}&limit=50&access_token={token}");
    let all = scene.all_posts(PLATFORM, &first, |after| format!("{first}&after={after}"));
    let all = all.await?.posts;
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
    let mut hidden = 0;
    for (post, known) in all.iter().zip(&truth.newest) {
        let values = &post.snapshot.values;
        ensure!(post.snapshot.text.platform_post_id == known.id);
        ensure!(values.get(Metric::Comments) == Some(known.numbers.comments));
        match known.likes_are_hidden {
            true => ensure!(values.is_hidden(Metric::Likes), "{}", known.id),
            false => ensure!(values.get(Metric::Likes) == Some(known.numbers.likes)),
        }
        hidden += usize::from(known.likes_are_hidden);
    }
    ensure!(
        hidden > 0 && hidden < all.len(),
        "{hidden} of {}",
        all.len()
    );
    // Links within replies lead back here.
    let page = scene.get(PLATFORM, &first).await?;
    let next = page.json["paging"]["next"]
        .as_str()
        .context("a next page")?;
    ensure!(
        next.starts_with(&format!("{}/graph.instagram.com/", scene.simulator.base())),
        "{next}"
    );
    ensure!(reqwest::get(next).await?.status().is_success());
    for form in [Form::Feed, Form::Reel] {
        let old = all
            .iter()
            .filter(|it| it.form == form)
            .nth(4)
            .context("a post")?;
        insights(scene, token, &old.snapshot.text.platform_post_id, form).await?;
    }
    // What nobody has been told yet is unknown, not zero. A post is told of after two days at most.
    scene.advance(30 * 86_400)?;
    let newest = scene.get(PLATFORM, &first).await?.posts()?.posts.remove(0);
    let id = newest.snapshot.text.platform_post_id;
    let url = format!("{GRAPH}/{id}/insights?metric=views&access_token={token}");
    let late = scene.get(PLATFORM, &url).await?;
    let age = scene.now().micros() - newest.snapshot.published_at.context("a time")?.micros();
    if age < 86_400_000_000 {
        late.is(Class::OkNoData)?;
    } else if age > 2 * 86_400_000_000 {
        late.is(Class::Ok)?;
    }
    Ok(())
}

async fn insights(scene: &Scene, token: &str, id: &str, form: Form) -> anyhow::Result<()> {
    let metrics = match form {
        Form::Reel => "views,reach,likes,comments,saved,shares,ig_reels_video_view_total_time",
        _ => "views,reach,likes,comments,saved,shares",
    };
    let url = format!("{GRAPH}/{id}/insights?metric={metrics}&access_token={token}");
    let Content::Insights(found) = scene.get(PLATFORM, &url).await?.good()?.content else {
        anyhow::bail!("insights of {id}")
    };
    let told = found.lifetime().values;
    let truth = scene.truth(PLATFORM, 0)?;
    let now = truth
        .newest
        .iter()
        .find(|it| it.id == id)
        .context("the post")?;
    let views = told.get(Metric::Views).context("views")?;
    ensure!(
        views > 0 && views <= now.numbers.views,
        "{views} {}",
        now.numbers.views
    );
    // One metric that the product does not have fails the whole call, and is named by its place.
    let url = format!("{GRAPH}/{id}/insights?metric=views,impressions&access_token={token}");
    let bad = scene.get(PLATFORM, &url).await?;
    bad.is(Class::InvalidRequest)?;
    ensure!(bad.text.contains("metric[1]"), "{}", bad.text);
    Ok(())
}

async fn account(scene: &Scene, token: &str, id: &str) -> anyhow::Result<()> {
    let url = |more: &str| format!("{GRAPH}/{id}/insights?access_token={token}&{more}");
    let day = "metric=views,reach,saves,total_interactions&period=day&metric_type=total_value";
    let found = scene.get(PLATFORM, &url(day)).await?;
    found.is(Class::Ok)?;
    ensure!(found.json["paging"]["next"].is_string());
    let series =
        "metric=reach&period=day&metric_type=time_series&since=1779300000&until=1779900000";
    let found = scene.get(PLATFORM, &url(series)).await?;
    found.is(Class::Ok)?;
    let values = found.json["data"][0]["values"]
        .as_array()
        .context("values")?;
    ensure!(values.len() == 6 || values.len() == 7, "{}", values.len());
    let ends = values.iter().all(|it| {
        it["end_time"]
            .as_str()
            .is_some_and(|it| it.ends_with("T07:00:00+0000"))
    });
    ensure!(ends, "{values:?}");
    let who =
        "metric=follower_demographics&period=lifetime&metric_type=total_value&breakdown=age,gender";
    scene.get(PLATFORM, &url(who)).await?.is(Class::Ok)?;
    let other = "metric=views&period=day&metric_type=time_series";
    scene
        .get(PLATFORM, &url(other))
        .await?
        .is(Class::InvalidRequest)?;
    let odd = "metric=likes&period=day&metric_type=total_value&breakdown=city";
    scene
        .get(PLATFORM, &url(odd))
        .await?
        .is(Class::TransientOrInvalid)
}

#[tokio::test]
async fn what_is_wrong_with_an_exchange_is_refused() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let secret = scene.app(PLATFORM).secret;
    let allow = authorize(&scene, "simulate=allow");
    let code = scene.code(&allow).await?.0;
    redeem(&scene, &code, BACK, "not it")
        .await?
        .is(Class::ConfigError)?;
    redeem(&scene, &code, "https://ledger.example/other", &secret)
        .await?
        .is(Class::ConfigError)?;
    let code = scene.code(&allow).await?.0;
    scene.advance(3_601)?;
    redeem(&scene, &code, BACK, &secret)
        .await?
        .is(Class::AuthCodeInvalid)?;
    // A urlencoded form alone is not read.
    let app = scene.app(PLATFORM);
    let code = scene.code(&allow).await?.0;
    let fields = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", &app.secret),
        ("grant_type", "authorization_code"),
        ("redirect_uri", BACK),
        ("code", &code),
    ];
    let url = "https://api.instagram.com/oauth/access_token";
    let plain = scene
        .ask(PLATFORM, "POST", url, |it| it.form(&fields))
        .await?;
    plain.is(Class::ConfigError)?;
    redeem(&scene, &code, BACK, &secret).await?.is(Class::Ok)
}

#[tokio::test]
async fn tokens_end_and_scopes_bind() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let more = "simulate=allow&creator=1&scopes=instagram_business_basic";
    let code = scene.code(&authorize(&scene, more)).await?.0;
    let secret = scene.app(PLATFORM).secret;
    let short = redeem(&scene, &code, BACK, &secret).await?;
    short.is(Class::OkReducedScope)?;
    let short = short.text_of("access_token")?;
    let id = scene.truth(PLATFORM, 1)?.account;
    let url = format!("{GRAPH}/{id}/insights?metric=views&period=day&access_token={short}");
    scene.get(PLATFORM, &url).await?.is(Class::Permission)?;
    // Somebody else's account is not there.
    let other = scene.truth(PLATFORM, 2)?.account;
    let url = format!("{GRAPH}/{other}?fields=username&access_token={short}");
    scene
        .get(PLATFORM, &url)
        .await?
        .is(Class::NotFoundOrPermission)?;
    scene.advance(3_600)?;
    let expired = scene.get(PLATFORM, &profile(&short)).await?;
    expired.is(Class::AuthExpired)?;
    ensure!(
        expired.json["error"]["error_subcode"] == 463,
        "{}",
        expired.text
    );
    let header = expired.header("www-authenticate").context("a header")?;
    ensure!(header.contains("invalid_token"), "{header}");
    // A token that is dead, or none, is answered at the exchange as if by mistake.
    long(&scene, &short).await?.is(Class::AuthExpired)?;
    let unknown = scene.get(PLATFORM, &profile("IGAAnonsense")).await?;
    unknown.is(Class::AuthExpired)?;
    ensure!(unknown.json["error"]["type"] == "IGApiException");
    let token = token(&scene, 1).await?;
    scene.advance(5_183_944)?;
    refresh(&scene, &token).await?.is(Class::AuthExpired)
}

#[tokio::test]
async fn stories_and_small_or_late_accounts() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    // In the EU replies to stories are withheld, and shown as zero.
    let token_of_eu = token(&scene, 1).await?;
    let mut story = None;
    for _ in 0..10 {
        let url = format!("{GRAPH}/me/stories?fields={MEDIA}&access_token={token_of_eu}");
        let seen = scene.get(PLATFORM, &url).await?;
        story = seen.posts()?.posts.into_iter().next_back();
        if story.is_some() {
            break;
        }
        scene.advance(7 * 3_600)?;
    }
    let id = story
        .context("a story in three days")?
        .snapshot
        .text
        .platform_post_id;
    scene.advance(3_600)?;
    let url = format!("{GRAPH}/{id}/insights?metric=views,replies&access_token={token_of_eu}");
    let seen = scene.get(PLATFORM, &url).await?;
    seen.is(Class::Ok)?;
    ensure!(
        seen.json["data"][1]["values"][0]["value"] == 0,
        "{}",
        seen.text
    );
    scene.advance(86_400)?;
    scene
        .get(PLATFORM, &url)
        .await?
        .is(Class::NotFoundOrPermission)?;
    // Under a hundred followers there are no demographics.
    let tiny = token(&scene, 2).await?;
    let id = scene.truth(PLATFORM, 2)?.account;
    let who = format!(
        "{GRAPH}/{id}/insights?metric=follower_demographics&period=lifetime&breakdown=country&access_token={tiny}"
    );
    scene.get(PLATFORM, &who).await?.is(Class::OkNoData)?;
    // The oldest media of creator 5 are from before the account was a business's.
    let late = token(&scene, 5).await?;
    let oldest = scene.truth(PLATFORM, 5)?.newest.pop().context("a post")?.id;
    let url = format!("{GRAPH}/{oldest}/insights?metric=reach&access_token={late}");
    let seen = scene.get(PLATFORM, &url).await?;
    seen.is(Class::OkNoData)?;
    ensure!(seen.json["error"]["error_subcode"] == 2_108_006);
    Ok(())
}
