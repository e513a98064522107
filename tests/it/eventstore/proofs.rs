//! Two processes that append the very same ids: the server acknowledges both alike, and yet the
//! chain of hashes must stay whole.

use super::scene::{Scene, new_stream, open};
use crate::histories::{ensure_sound, followers, import, minute, stream_of};
use commands::ports::{EventLog, Vault};
use domain::{AccountId, Platform};
use std::sync::Arc;
use tests::ledger::{context, profile};
use tests::standin::StandIn;

async fn account(scene: &Scene) -> anyhow::Result<AccountId> {
    let creator = "creator".parse()?;
    Ok(scene
        .vault
        .find_or_create(&creator, Platform::Youtube, "1")
        .await?)
}

/// Both stand at the same revision when both carry the same command out, each at a time of its
/// own. What the second holds in memory is not what the log holds.
#[tokio::test(flavor = "multi_thread")]
async fn the_second_of_two_equal_appends_does_not_build_on_its_own_bytes() -> anyhow::Result<()> {
    let (scene, server) = (Scene::new().await?, StandIn::start().await?);
    let account = account(&scene).await?;
    let log: Arc<dyn EventLog> = open(&server.url())?;
    let first = scene.ledger(Arc::clone(&log), "2026-03-02T00:00:00Z");
    let second = scene.ledger(open(&server.url())?, "2026-03-03T00:00:00Z");
    let opening = import("creator", Platform::Youtube, profile(minute(0), "1"))?;
    first.execute(account, opening, &context()).await?;
    second.load(account).await?;
    for writer in [&first, &second] {
        let outcome = writer
            .execute(account, followers(1, 10), &context())
            .await?;
        assert_eq!(outcome.events, 1, "both believe that they wrote it");
    }
    second
        .execute(account, followers(2, 11), &context())
        .await?;
    let events = stream_of(&*log, account).await?;
    assert_eq!(events.len(), 3);
    ensure_sound(&events)
}

/// Nor is it kept for a later start.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_proven_is_not_kept() -> anyhow::Result<()> {
    let (scene, server) = (Scene::new().await?, StandIn::start().await?);
    let account = account(&scene).await?;
    let log: Arc<dyn EventLog> = open(&server.url())?;
    let first = scene.ledger(Arc::clone(&log), "2026-03-02T00:00:00Z");
    let second = scene.ledger(open(&server.url())?, "2026-03-03T00:00:00Z");
    let opening = import("creator", Platform::Youtube, profile(minute(0), "1"))?;
    first.execute(account, opening, &context()).await?;
    second.load(account).await?;
    for writer in [&first, &second] {
        writer
            .execute(account, followers(1, 10), &context())
            .await?;
    }
    second.keep_all().await?;
    let third = scene.ledger(open(&server.url())?, "2026-03-04T00:00:00Z");
    third.execute(account, followers(2, 11), &context()).await?;
    let events = stream_of(&*log, account).await?;
    assert_eq!(events.len(), 3);
    ensure_sound(&events)
}

/// The ids of a stream are read once; from then on only what was added is.
#[tokio::test(flavor = "multi_thread")]
async fn ids_are_looked_up_in_what_was_added_only() -> anyhow::Result<()> {
    let server = StandIn::start().await?;
    let (ours, theirs) = (open(&server.url())?, open(&server.url())?);
    let stream = new_stream();
    let first = super::scene::append(&stream, None, 600);
    ours.append(first.clone()).await?;
    let known = super::scene::ids(&first);
    assert_eq!(ours.recorded(&stream, &known).await?.len(), 600);
    // Another process appends: it is found all the same.
    let second = super::scene::append(&stream, Some(599), 2);
    theirs.append(second.clone()).await?;
    let asked = [&known[..3], &super::scene::ids(&second)].concat();
    let before = server.counts().reads;
    assert_eq!(ours.recorded(&stream, &asked).await?.len(), 5);
    assert_eq!(
        server.counts().reads,
        before + 1,
        "one page behind what is known"
    );
    Ok(())
}
