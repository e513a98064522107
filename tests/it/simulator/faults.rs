//! Every fault by its name: the readers class it as the platforms' documents say, and no name is
//! passed over. Trouble on the line ends no connection; a twisted answer makes up no number.

mod expected;

use super::scene::{Scene, Seen};
use super::{facebook, instagram, tiktok, youtube};
use adapters::platforms::Class;
use adapters::simulator::Fault;
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use expected::{Asked, EXPECTED, LINE};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;

/// For how long an answer that hangs is waited for.
const PATIENCE: Duration = Duration::from_millis(300);

/// Tokens of creator 0 on each platform, and what else questions need.
struct Ground {
    scene: Scene,
    instagram: String,
    page: (String, String),
    tiktok: (String, String),
    youtube: (String, String),
    video: String,
}

impl Ground {
    async fn new() -> anyhow::Result<Self> {
        let scene = Scene::new().await?;
        Ok(Self {
            instagram: instagram::token(&scene, 0).await?,
            page: facebook::page(&scene, 0).await?,
            tiktok: tiktok::tokens(&scene, 0).await?,
            youtube: youtube::tokens(&scene, 0).await?,
            video: scene.truth(Platform::Youtube, 0)?.newest[5].id.clone(),
            scene,
        })
    }

    /// Asks one question of a platform.
    async fn ask(&self, platform: Platform, asked: Asked) -> anyhow::Result<Seen> {
        let scene = &self.scene;
        let get = async |url: String| scene.get(platform, &url).await;
        let (token, (page, own)) = (&self.instagram, &self.page);
        let graph = instagram::GRAPH;
        match (platform, asked) {
            (Platform::Instagram, Asked::Posts) => {
                get(format!("{graph}/me/media?fields={}&limit=3&access_token={token}", instagram::MEDIA)).await
            }
            (Platform::Instagram, Asked::Profile) => get(instagram::profile(token)).await,
            (Platform::Instagram, Asked::Insights) => {
                let id = &scene.truth(platform, 0)?.newest[9].id;
                get(format!("{graph}/{id}/insights?metric=views&access_token={token}")).await
            }
            (Platform::Instagram, Asked::Refresh) => {
                get(format!("https://graph.instagram.com/refresh_access_token?grant_type=ig_refresh_token&access_token={token}")).await
            }
            (Platform::Instagram, Asked::Token) => {
                instagram::redeem(scene, "x", "y", "z").await
            }
            (Platform::Facebook, Asked::Posts) => {
                let fields = facebook::POST;
                get(format!("{}/{page}/published_posts?fields={fields}&limit=3&access_token={own}", facebook::GRAPH)).await
            }
            (Platform::Facebook, Asked::Profile) => {
                let fields = facebook::PAGE;
                get(format!("{}/{page}?fields={fields}&access_token={own}", facebook::GRAPH)).await
            }
            (Platform::Facebook, Asked::Insights) => {
                get(format!("{}/{page}/insights?metric=page_follows&period=day&access_token={own}", facebook::GRAPH)).await
            }
            (Platform::Facebook, Asked::Refresh | Asked::Token) => {
                get(format!("{}/oauth/access_token?client_id=x&redirect_uri=y&client_secret=z&code=c", facebook::GRAPH)).await
            }
            (Platform::Tiktok, Asked::Posts | Asked::Insights) => {
                tiktok::list(scene, &self.tiktok.0, json!({"max_count": 3})).await
            }
            (Platform::Tiktok, Asked::Profile) => tiktok::user(scene, &self.tiktok.0).await,
            (Platform::Tiktok, Asked::Refresh) => tiktok::refresh(scene, "rft.x").await,
            (Platform::Tiktok, Asked::Token) => {
                let fields = [("grant_type", "authorization_code"), ("code", "x")];
                scene.form(platform, "https://open.tiktokapis.com/v2/oauth/token/", &fields).await
            }
            (Platform::Youtube, Asked::Posts) => {
                let part = "part=snippet,contentDetails,statistics,status";
                let (data, id, access) = (youtube::DATA, &self.video, &self.youtube.0);
                get(format!("{data}/videos?{part}&id={id}&access_token={access}")).await
            }
            (Platform::Youtube, Asked::Profile) => youtube::channel(scene, &self.youtube.0).await,
            (Platform::Youtube, Asked::Insights) => {
                let (reports, access) = (youtube::REPORTS, &self.youtube.0);
                get(format!("{reports}?ids=channel==MINE&startDate=2026-05-20&endDate=2026-05-21&metrics=views&access_token={access}")).await
            }
            (Platform::Youtube, Asked::Refresh) => youtube::refresh(scene, "1//0x").await,
            (Platform::Youtube, Asked::Token) => {
                let fields = [("grant_type", "authorization_code"), ("code", "x")];
                scene.form(platform, "https://oauth2.googleapis.com/token", &fields).await
            }
        }
    }

    /// Asks with a fault that comes once.
    async fn with(&self, platform: Platform, error: &str, asked: Asked) -> anyhow::Result<Seen> {
        self.scene.simulator.order(Fault {
            error: error.to_owned(),
            platform: Some(platform),
            endpoint: None,
            creator: None,
            after: 0,
            times: Some(1),
        })?;
        let seen = self.ask(platform, asked).await?;
        ensure!(
            self.scene.simulator.faults().list().is_empty(),
            "{error} did not come"
        );
        Ok(seen)
    }
}

#[tokio::test]
async fn every_error_has_the_class_that_the_documents_give_it() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    for platform in Platform::ALL {
        let known: BTreeSet<_> = EXPECTED
            .iter()
            .filter(|(of, ..)| of.contains(&platform))
            .map(|(_, name, ..)| *name)
            .collect();
        let all = ground.scene.simulator.fault_names(Some(platform));
        let common: BTreeSet<_> = LINE.iter().map(|(name, _)| *name).chain(TWISTS).collect();
        let own: BTreeSet<_> = all
            .into_iter()
            .filter(|name| !common.contains(name))
            .collect();
        ensure!(
            own == known,
            "{platform}: {:?}",
            own.symmetric_difference(&known)
        );
    }
    for (platforms, name, asked, class) in EXPECTED {
        for platform in *platforms {
            let seen = ground.with(*platform, name, *asked).await?;
            seen.is(*class)
                .with_context(|| format!("{platform} {name}"))?;
        }
    }
    // After all of them everything is as before.
    for platform in Platform::ALL {
        ground.ask(platform, Asked::Profile).await?.is(Class::Ok)?;
    }
    Ok(())
}

#[tokio::test]
async fn trouble_on_the_line_passes_and_leads_nobody_elsewhere() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    for platform in Platform::ALL {
        for (name, is_answered) in LINE {
            let asking = ground.with(platform, name, Asked::Profile);
            if *is_answered {
                asking
                    .await?
                    .is(Class::Transient)
                    .with_context(|| format!("{platform} {name}"))?;
            } else {
                let answered = tokio::time::timeout(PATIENCE, asking).await;
                ensure!(answered.is_err(), "{name} came to an end");
            }
        }
        ground.ask(platform, Asked::Profile).await?.is(Class::Ok)?;
    }
    ensure!(ground.scene.simulator.counts().marked("elsewhere") == 0);
    Ok(())
}

const TWISTS: [&str; 9] = [
    "empty_page",
    "endless_pages",
    "no_data",
    "wrong_types",
    "negative_counts",
    "missing_counts",
    "null_counts",
    "fractional_counts",
    "unknown_fields",
];

#[tokio::test]
async fn a_twisted_answer_makes_up_no_number() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    for platform in Platform::ALL {
        for name in ["wrong_types", "negative_counts", "fractional_counts"] {
            let seen = ground.with(platform, name, Asked::Posts).await?;
            seen.is(Class::Partial)
                .with_context(|| format!("{platform} {name}"))?;
            for post in seen.posts()?.posts {
                ensure!(
                    post.snapshot.values.get(Metric::Likes).is_none(),
                    "{platform} {name}"
                );
            }
        }
        for name in ["missing_counts", "null_counts"] {
            let seen = ground.with(platform, name, Asked::Posts).await?;
            for post in seen.posts()?.posts {
                ensure!(
                    post.snapshot.values.get(Metric::Likes).is_none(),
                    "{platform} {name}"
                );
            }
        }
        let plain = ground.ask(platform, Asked::Posts).await?.posts()?;
        let more = ground
            .with(platform, "unknown_fields", Asked::Posts)
            .await?
            .posts()?;
        let values = |found: &adapters::platforms::PostsFound| -> Vec<_> {
            found
                .posts
                .iter()
                .map(|it| it.snapshot.values.clone())
                .collect()
        };
        ensure!(values(&plain) == values(&more), "{platform}");
    }
    let seen = ground
        .with(Platform::Instagram, "no_data", Asked::Insights)
        .await?;
    seen.is(Class::OkNoData)
}

#[tokio::test]
async fn pages_that_are_empty_or_never_end_say_that_there_is_more() -> anyhow::Result<()> {
    let ground = Ground::new().await?;
    for platform in [Platform::Facebook, Platform::Instagram, Platform::Tiktok] {
        let empty = ground
            .with(platform, "empty_page", Asked::Posts)
            .await?
            .posts()?;
        ensure!(empty.posts.is_empty() && empty.next.is_some(), "{platform}");
        let mut cursors = BTreeSet::new();
        for _ in 0..3 {
            let page = ground
                .with(platform, "endless_pages", Asked::Posts)
                .await?
                .posts()?;
            cursors.insert(page.next.context("more")?.0);
        }
        ensure!(cursors.len() == 3, "{platform}: {cursors:?}");
    }
    let data = youtube::DATA;
    let uploads = scene_uploads(&ground).await?;
    let url = format!(
        "{data}/playlistItems?part=snippet&playlistId={uploads}&access_token={}",
        ground.youtube.0
    );
    let endless = Fault {
        error: "endless_pages".to_owned(),
        platform: Some(Platform::Youtube),
        endpoint: Some("posts".to_owned()),
        creator: Some(0),
        after: 0,
        times: None,
    };
    ground.scene.simulator.order(endless)?;
    let more = |token: &str| format!("{url}&pageToken={token}");
    let walked = ground.scene.all_posts(Platform::Youtube, &url, more).await;
    ensure!(walked.is_err(), "the walk is bounded, the pages are not");
    Ok(())
}

async fn scene_uploads(ground: &Ground) -> anyhow::Result<String> {
    let found = ground
        .ask(Platform::Youtube, Asked::Profile)
        .await?
        .profile()?;
    Ok(found.posts_list.context("a list")?.0)
}
