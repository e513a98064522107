//! Facebook Pages: from consent to the end of the grant.

use super::scene::{BACK, Scene, Seen, encoded};
use adapters::platforms::{Class, Content};
use adapters::simulator::world::AccountKey;
use anyhow::{Context, bail, ensure};
use domain::{Metric, Platform};
use std::collections::BTreeSet;

pub(super) const PLATFORM: Platform = Platform::Facebook;
const SCOPES: &str = "pages_show_list,pages_read_engagement,read_insights";
pub(super) const GRAPH: &str = "https://graph.facebook.com/v25.0";
pub(super) const PAGE: &str = "id,name,username,about,category,followers_count,fan_count,link,picture{url},verification_status,website,is_published,has_transitioned_to_new_page_experience,instagram_business_account";
pub(super) const POST: &str = "id,message,story,created_time,permalink_url,full_picture,status_type,attachments{media_type,media,url},shares,reactions.limit(0).summary(total_count),comments.limit(0).summary(true)";

fn authorize(scene: &Scene, more: &str) -> String {
    let id = scene.app(PLATFORM).client_id;
    let (back, state) = (encoded(BACK), encoded("s t&te"));
    let scope = if more.contains("config_id") {
        String::new()
    } else {
        format!("&scope={SCOPES}")
    };
    format!(
        "https://www.facebook.com/v25.0/dialog/oauth?client_id={id}&redirect_uri={back}&response_type=code{scope}&state={state}&{more}"
    )
}

async fn ask_token(scene: &Scene, more: &str) -> anyhow::Result<Seen> {
    let app = scene.app(PLATFORM);
    let (id, secret) = (app.client_id, app.secret);
    let url = format!("{GRAPH}/oauth/access_token?client_id={id}&client_secret={secret}&{more}");
    scene.get(PLATFORM, &url).await
}

async fn redeem(scene: &Scene, code: &str) -> anyhow::Result<Seen> {
    let back = encoded(BACK);
    ask_token(scene, &format!("redirect_uri={back}&code={code}")).await
}

/// A long token of a creator.
pub(super) async fn token(scene: &Scene, more: &str) -> anyhow::Result<String> {
    let (code, _) = scene.code(&authorize(scene, more)).await?;
    let short = redeem(scene, &code).await?.text_of("access_token")?;
    let exchange = format!("grant_type=fb_exchange_token&fb_exchange_token={short}");
    ask_token(scene, &exchange).await?.text_of("access_token")
}

/// The Pages of a person: id and token.
async fn pages(scene: &Scene, token: &str) -> anyhow::Result<Vec<(String, String)>> {
    let url = format!("{GRAPH}/me/accounts?fields=id,name,access_token&access_token={token}");
    let Content::Accounts(found) = scene.get(PLATFORM, &url).await?.good()?.content else {
        bail!("no list of Pages")
    };
    let of =
        |it: adapters::platforms::ManagedAccount| Some((it.id, it.access?.expose().to_owned()));
    Ok(found.accounts.into_iter().filter_map(of).collect())
}

/// The first Page of a creator: id and token.
pub(super) async fn page(scene: &Scene, creator: u32) -> anyhow::Result<(String, String)> {
    let user = token(scene, &format!("simulate=allow&creator={creator}")).await?;
    let pages = pages(scene, &user).await?;
    pages.into_iter().next_back().context("a Page")
}

#[tokio::test]
async fn a_walk_from_consent_to_the_end() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let (code, _) = scene
        .code(&authorize(&scene, "simulate=allow&creator=0"))
        .await?;
    redeem(&scene, &code).await?.is(Class::Ok)?;
    redeem(&scene, &code).await?.is(Class::AuthCodeInvalid)?;
    let user = token(&scene, "simulate=allow&creator=0").await?;
    let list = pages(&scene, &user).await?;
    ensure!(list.len() == 2, "{}", list.len());
    let (page, page_token) = page(&scene, 0).await?;
    let truth = scene.truth(PLATFORM, 0)?;
    ensure!(page == truth.account || list.iter().any(|(id, _)| *id == truth.account));
    let (_, own) = list
        .iter()
        .find(|(id, _)| *id == truth.account)
        .context("the Page")?;
    let url = format!("{GRAPH}/{}?fields={PAGE}&access_token={own}", truth.account);
    let seen = scene.get(PLATFORM, &url).await?;
    let usage = seen
        .header("x-business-use-case-usage")
        .context("a header")?;
    ensure!(
        usage.contains("pages") && usage.contains(&truth.account),
        "{usage}"
    );
    let found = seen.profile()?;
    ensure!(found.reading.values.get(Metric::Followers) == Some(truth.followers));
    ensure!(found.reading.values.get(Metric::PageLikes) < Some(truth.followers));
    posts(&scene, own, &truth.account).await?;
    insights(&scene, own, &truth.account).await?;
    facts(&scene, &user, own).await?;
    // A person's token is of the wrong kind for content.
    let url = format!(
        "{GRAPH}/{}/published_posts?access_token={user}",
        truth.account
    );
    scene.get(PLATFORM, &url).await?.is(Class::ConfigError)?;
    // Months later the Page's token still works, and the person's does not.
    scene.advance(70 * 86_400)?;
    let me = format!("{GRAPH}/me?fields=id&access_token={user}");
    scene.get(PLATFORM, &me).await?.is(Class::AuthExpired)?;
    let url = format!("{GRAPH}/{page}?fields=name&access_token={page_token}");
    scene.get(PLATFORM, &url).await?.is(Class::Ok)?;
    let user = token(&scene, "simulate=allow&creator=0").await?;
    let gone = format!("{GRAPH}/me/permissions?access_token={user}");
    let revoke = || scene.ask(PLATFORM, "DELETE", &gone, |it| it);
    revoke().await?.is(Class::Ok)?;
    revoke().await?.is(Class::OkAlreadyRevoked)?;
    let refused = scene.get(PLATFORM, &url).await?;
    refused.is(Class::AuthExpired)?;
    ensure!(
        refused.json["error"]["error_subcode"] == 458,
        "{}",
        refused.text
    );
    Ok(())
}

async fn posts(scene: &Scene, token: &str, page: &str) -> anyhow::Result<()> {
    let truth = scene.truth(PLATFORM, 0)?;
    let first =
        format!("{GRAPH}/{page}/published_posts?fields={POST}&limit=100&access_token={token}");
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
    let times: Vec<_> = all
        .iter()
        .filter_map(|it| it.snapshot.published_at)
        .collect();
    ensure!(
        times.windows(2).any(|two| two[0] < two[1]),
        "ranked, not in the order of time"
    );
    for post in &all {
        let text = &post.snapshot.text;
        let known = truth
            .newest
            .iter()
            .find(|it| it.id == text.platform_post_id);
        let known = known.context("a post that there is")?;
        let values = &post.snapshot.values;
        ensure!(
            values.get(Metric::Likes) == Some(known.numbers.likes),
            "{}",
            known.id
        );
        ensure!(
            values.get(Metric::Shares) == Some(known.numbers.shares),
            "{}",
            known.id
        );
    }
    let too_many = format!("{GRAPH}/{page}/published_posts?limit=101&access_token={token}");
    scene
        .get(PLATFORM, &too_many)
        .await?
        .is(Class::InvalidRequest)?;
    // A metric comes a second time, by day, and says zero: only the total of its life counts.
    let old = &truth.newest[20];
    let url = format!(
        "{GRAPH}/{}/insights?metric=post_media_view,post_total_media_view_unique,post_reactions_by_type_total&access_token={token}",
        old.id
    );
    let seen = scene.get(PLATFORM, &url).await?;
    ensure!(seen.text.contains("\"period\":\"day\""), "{}", seen.text);
    let Content::Insights(found) = seen.good()?.content else {
        bail!("insights")
    };
    let values = found.lifetime().values;
    ensure!(values.get(Metric::Reach) > Some(0));
    ensure!(values.get(Metric::Likes) > Some(0));
    ensure!(values.get(Metric::Views) <= Some(old.numbers.views));
    Ok(())
}

async fn insights(scene: &Scene, token: &str, page: &str) -> anyhow::Result<()> {
    let url = |more: &str| format!("{GRAPH}/{page}/insights?access_token={token}&{more}");
    let days = "metric=page_follows,page_daily_follows_unique,page_daily_unfollows_unique,page_media_view&period=day&since=1779300000&until=1779900000";
    let seen = scene.get(PLATFORM, &url(days)).await?;
    seen.is(Class::Ok)?;
    let series = |at: usize| -> anyhow::Result<Vec<i64>> {
        let values = seen.json["data"][at]["values"]
            .as_array()
            .context("values")?;
        Ok(values
            .iter()
            .filter_map(|it| it["value"].as_i64())
            .collect())
    };
    let (follows, more, less) = (series(0)?, series(1)?, series(2)?);
    ensure!(follows.len() >= 6, "{}", seen.text);
    // What a day brought is what the running total moved by.
    for day in 1..follows.len() {
        ensure!(
            follows[day] - follows[day - 1] == more[day] - less[day],
            "{day}"
        );
    }
    let end = seen.json["data"][0]["values"][0]["end_time"].as_str();
    ensure!(
        end.is_some_and(|it| it.ends_with("T07:00:00+0000")),
        "{end:?}"
    );
    let parts =
        "metric=page_media_view&period=day&breakdown=is_from_ads&since=1779300000&until=1779500000";
    let seen = scene.get(PLATFORM, &url(parts)).await?;
    seen.is(Class::Ok)?;
    ensure!(
        seen.json["data"][0]["values"][0]["value"].is_object(),
        "{}",
        seen.text
    );
    scene
        .get(PLATFORM, &url("metric=page_impressions&period=day"))
        .await?
        .is(Class::InvalidRequest)?;
    scene
        .get(PLATFORM, &url("period=day"))
        .await?
        .is(Class::InvalidRequest)
}

async fn facts(scene: &Scene, user: &str, page: &str) -> anyhow::Result<()> {
    let app = scene.app(PLATFORM);
    let own = encoded(&format!("{}|{}", app.client_id, app.secret));
    let url = |token: &str| format!("{GRAPH}/debug_token?input_token={token}&access_token={own}");
    let Content::TokenFacts(facts) = scene.get(PLATFORM, &url(page)).await?.good()?.content else {
        bail!("facts")
    };
    ensure!(facts.expires_at.is_none() && facts.scopes.contains("read_insights"));
    let dead = scene.get(PLATFORM, &url("EAAnonsense")).await?;
    ensure!(
        dead.status == 200 && dead.json["data"]["is_valid"] == false,
        "{}",
        dead.text
    );
    dead.is(Class::AuthExpired)?;
    let url = format!("{GRAPH}/me/permissions?access_token={user}");
    scene.get(PLATFORM, &url).await?.is(Class::Ok)
}

#[tokio::test]
async fn pages_scopes_and_proofs() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    // One of two Pages, and less than was asked for.
    let user = token(
        &scene,
        "simulate=allow&creator=0&account=0-1&scopes=pages_show_list",
    )
    .await?;
    let list = pages(&scene, &user).await?;
    ensure!(list.len() == 1, "{}", list.len());
    let (id, own) = &list[0];
    let url = format!("{GRAPH}/{id}/published_posts?access_token={own}");
    scene.get(PLATFORM, &url).await?.is(Class::Permission)?;
    let url = format!("{GRAPH}/{id}/insights?metric=page_follows&period=day&access_token={own}");
    scene
        .get(PLATFORM, &url)
        .await?
        .is(Class::PermissionSuspected)?;
    let url = format!("{GRAPH}/me/permissions?access_token={user}");
    scene.get(PLATFORM, &url).await?.is(Class::OkReducedScope)?;
    let other = scene.truth(PLATFORM, 1)?.account;
    let url = format!("{GRAPH}/{other}?fields=name&access_token={own}");
    scene
        .get(PLATFORM, &url)
        .await?
        .is(Class::NotFoundOrPermission)?;
    // Nobody to connect; and a configuration, of which nothing can be unticked.
    let none = token(&scene, "simulate=allow&creator=5").await?;
    let url = format!("{GRAPH}/me/accounts?access_token={none}");
    scene.get(PLATFORM, &url).await?.is(Class::OkNoPages)?;
    let all = token(
        &scene,
        "config_id=1&simulate=allow&creator=1&scopes=pages_show_list",
    )
    .await?;
    let url = format!("{GRAPH}/me/permissions?access_token={all}");
    let seen = scene.get(PLATFORM, &url).await?;
    ensure!(
        !seen.text.contains("declined") && seen.text.contains("read_insights"),
        "{}",
        seen.text
    );
    // A proof that comes along must be right.
    use adapters::platforms::{Secret, signature::meta_appsecret_proof};
    let secret = Secret::new(scene.app(PLATFORM).secret);
    let proof = meta_appsecret_proof(&secret, &Secret::new(all.clone()));
    let url = format!("{GRAPH}/me?fields=id&access_token={all}&appsecret_proof=");
    scene
        .get(PLATFORM, &format!("{url}{proof}"))
        .await?
        .is(Class::Ok)?;
    scene
        .get(PLATFORM, &format!("{url}00"))
        .await?
        .is(Class::InvalidRequest)?;
    // Too few followers for insights.
    let (tiny, own) = page(&scene, 2).await?;
    let url = format!("{GRAPH}/{tiny}/insights?metric=page_follows&period=day&access_token={own}");
    let seen = scene.get(PLATFORM, &url).await?;
    seen.is(Class::OkNoData)?;
    ensure!(seen.json["error"]["error_subcode"] == 2_874_008);
    let key = AccountKey {
        creator: 2,
        platform: PLATFORM,
        ordinal: 0,
    };
    let truth = scene
        .simulator
        .truth(key, scene.now(), 0)
        .context("the Page")?;
    ensure!(truth.followers < 100);
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_with_an_exchange_is_refused() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let allow = authorize(&scene, "simulate=allow");
    let code = scene.code(&allow).await?.0;
    let elsewhere = encoded("https://ledger.example/other");
    let seen = ask_token(&scene, &format!("redirect_uri={elsewhere}&code={code}")).await?;
    seen.is(Class::ConfigError)?;
    let code = scene.code(&allow).await?.0;
    scene.advance(601)?;
    redeem(&scene, &code).await?.is(Class::AuthCodeInvalid)?;
    let app = scene.app(PLATFORM);
    let url = format!(
        "{GRAPH}/oauth/access_token?client_id={}&client_secret=x&code=y",
        app.client_id
    );
    scene.get(PLATFORM, &url).await?.is(Class::ConfigError)
}
