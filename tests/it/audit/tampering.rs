//! Every way to spoil a stored history, on every log, and what a verification names.

use super::scene::{Kind, Scene, relink};
use anyhow::{Context, ensure};
use domain::{EventId, RecordedEvent};
use std::path::Path;
use tests::rng::{Rng, seed};
use uuid::Uuid;

const INTENTS: usize = 60;
/// Bytes that are flipped in a test, one at a time.
const FLIPS: usize = 60;

macro_rules! on_every_log {
    ($($case:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() -> anyhow::Result<()> {
                super::$case(super::Kind::Postgres).await
            })+
        }
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() -> anyhow::Result<()> {
                super::$case(super::Kind::Memory).await
            })+
        }
        mod eventstore {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() -> anyhow::Result<()> {
                super::$case(super::Kind::EventStore).await
            })+
        }
    };
}

on_every_log! {
    a_sound_history_holds,
    any_one_byte_is_named,
    a_deleted_event_is_named,
    two_swapped_events_are_named,
    a_history_rewritten_with_its_whole_chain_is_named_by_a_checkpoint,
    a_tail_that_was_cut_off_is_named_by_a_checkpoint,
    a_stream_that_vanished_is_named_by_a_checkpoint,
    without_a_checkpoint_it_says_what_would_not_show,
    the_noted_tips_show_what_a_chain_alone_does_not,
    it_needs_no_key,
}

/// The places of a stream's events among all.
fn places(events: &[RecordedEvent], stream: &str) -> Vec<usize> {
    let of_stream = |(_, event): &(usize, &RecordedEvent)| event.stream.as_str() == stream;
    let places = events.iter().enumerate().filter(of_stream);
    places.map(|(place, _)| place).collect()
}

/// The stream with the most events.
fn longest(events: &[RecordedEvent]) -> anyhow::Result<String> {
    let names = events.iter().map(|event| event.stream.as_str());
    let longest = names.max_by_key(|name| places(events, name).len());
    Ok(longest.context("a stream")?.to_owned())
}

/// Both verifications name this stream, and one of these revisions of it, first.
async fn ensure_named(
    scene: &Scene,
    checkpoint: Option<&Path>,
    (stream, revisions): (&str, &[u64]),
    what: &str,
) -> anyhow::Result<()> {
    let all = scene.verify_all(checkpoint).await?;
    let account = domain::StreamName::new(stream)
        .account()
        .context("an account")?;
    let one = scene.verify(account, checkpoint).await?;
    for report in [all, one] {
        ensure!(!report.holds, "{what}: {}", report.sentence);
        ensure!(report.broken == 1, "{what}: {:?}", report.findings);
        let first = report.findings.first().context("a finding")?;
        ensure!(first.stream == stream, "{what}: {first:?}");
        ensure!(revisions.contains(&first.revision), "{what}: {first:?}");
        ensure!(
            report.sentence.contains(&first.reason),
            "{}",
            report.sentence
        );
    }
    Ok(())
}

async fn a_sound_history_holds(kind: Kind) -> anyhow::Result<()> {
    let scene = Scene::new(kind, INTENTS).await?;
    let count = scene.events().await?.len() as u64;
    let accounts = scene.accounts().await?;
    let checkpoint = scene.checkpoint().await?;
    let report = scene.verify_all(Some(&checkpoint)).await?;
    ensure!(report.holds, "{}", report.sentence);
    ensure!(report.noted, "{}", report.sentence);
    ensure!(
        (report.events, report.covered) == (count, count),
        "{report:?}"
    );
    ensure!(report.streams == accounts.len() as u64, "{report:?}");
    let mut events = 0;
    for account in accounts {
        let report = scene.verify(account, Some(&checkpoint)).await?;
        ensure!(report.holds, "{}", report.sentence);
        events += report.events;
    }
    ensure!(events == count, "{events} of {count}");
    Ok(())
}

async fn any_one_byte_is_named(kind: Kind) -> anyhow::Result<()> {
    let seed = seed(7);
    let mut rng = Rng::new(seed);
    let scene = Scene::new(kind, INTENTS).await?;
    let checkpoint = scene.checkpoint().await?;
    let sound = scene.events().await?;
    for flip in 0..FLIPS {
        let mut events = sound.clone();
        let at = rng.below(events.len() as u64) as usize;
        let event = &mut events[at];
        let mut any = |bytes: &mut [u8]| {
            let byte = rng.below(bytes.len() as u64) as usize;
            bytes[byte] ^= 1;
            byte
        };
        let (field, byte) = match flip % 4 {
            0 => {
                let mut id = event.event_id.uuid().into_bytes();
                let byte = any(&mut id);
                event.event_id = EventId::from_uuid(Uuid::from_bytes(id));
                ("id", byte)
            }
            1 => {
                let mut name = event.event_type.clone().into_bytes();
                let byte = any(&mut name);
                event.event_type = String::from_utf8(name)?;
                ("type", byte)
            }
            2 => ("metadata", any(&mut event.metadata)),
            _ => ("data", any(&mut event.data)),
        };
        let (stream, revision) = (event.stream.to_string(), event.revision);
        let what = format!("seed {seed}: byte {byte} of the {field} of {revision} of {stream}");
        scene.replace(events).await?;
        ensure_named(&scene, Some(&checkpoint), (&stream, &[revision]), &what).await?;
    }
    scene.replace(sound).await?;
    ensure!(scene.verify_all(Some(&checkpoint)).await?.holds, "mended");
    Ok(())
}

async fn a_deleted_event_is_named(kind: Kind) -> anyhow::Result<()> {
    let scene = Scene::new(kind, INTENTS).await?;
    let checkpoint = scene.checkpoint().await?;
    let sound = scene.events().await?;
    let stream = longest(&sound)?;
    let places = places(&sound, &stream);
    for place in [
        places[0],
        places[places.len() / 2],
        places[places.len() - 1],
    ] {
        let mut events = sound.clone();
        let gone = events.remove(place);
        scene.replace(events).await?;
        let what = format!("without {}", gone.revision);
        let named = (stream.as_str(), [gone.revision]);
        ensure_named(&scene, Some(&checkpoint), (named.0, &named.1), &what).await?;
    }
    Ok(())
}

async fn two_swapped_events_are_named(kind: Kind) -> anyhow::Result<()> {
    let scene = Scene::new(kind, INTENTS).await?;
    let sound = scene.events().await?;
    let stream = longest(&sound)?;
    let places = places(&sound, &stream);
    for (first, second) in [(0, 1), (4, 5), (3, places.len() - 2)] {
        let (a, b) = (places[first], places[second]);
        let mut events = sound.clone();
        // Each in the other's place, with that place's revision.
        events.swap(a, b);
        let (moved, other) = (events[a].clone(), events[b].clone());
        (events[a].revision, events[a].position) = (other.revision, other.position);
        (events[b].revision, events[b].position) = (moved.revision, moved.position);
        scene.replace(events).await?;
        let revision = sound[a].revision;
        let what = format!("{first} and {second}");
        ensure_named(&scene, None, (&stream, &[revision]), &what).await?;
    }
    Ok(())
}

/// Changes an event in the middle of the longest stream and links everything after it anew.
async fn rewrite(scene: &Scene) -> anyhow::Result<(String, u64)> {
    let mut events = scene.events().await?;
    let stream = longest(&events)?;
    let places = places(&events, &stream);
    let middle = places[places.len() / 2];
    let event = &mut events[middle];
    let digit = event.data.iter_mut().rfind(|byte| byte.is_ascii_digit());
    let digit = digit.context("a digit")?;
    *digit = if *digit == b'9' { b'8' } else { *digit + 1 };
    relink(&mut events, &stream)?;
    scene.replace(events).await?;
    Ok((stream, places.len() as u64 - 1))
}

async fn a_history_rewritten_with_its_whole_chain_is_named_by_a_checkpoint(
    kind: Kind,
) -> anyhow::Result<()> {
    let scene = Scene::new(kind, INTENTS).await?;
    let checkpoint = scene.checkpoint().await?;
    let (stream, last) = rewrite(&scene).await?;
    scene.forget_tips().await?;
    let alone = scene.verify_all(None).await?;
    ensure!(
        alone.holds,
        "the chain alone cannot know: {}",
        alone.sentence
    );
    let said = "No signed checkpoint was compared";
    ensure!(alone.sentence.contains(said), "{}", alone.sentence);
    ensure_named(&scene, Some(&checkpoint), (&stream, &[last]), "rewritten").await
}

async fn a_tail_that_was_cut_off_is_named_by_a_checkpoint(kind: Kind) -> anyhow::Result<()> {
    let scene = Scene::new(kind, INTENTS).await?;
    let checkpoint = scene.checkpoint().await?;
    let sound = scene.events().await?;
    let stream = longest(&sound)?;
    let places = places(&sound, &stream);
    scene.forget_tips().await?;
    for cut in [1, 3, places.len() - 1] {
        let mut events = sound.clone();
        let first = places[places.len() - cut];
        let revision = sound[first].revision;
        events.retain(|event| event.stream.as_str() != stream || event.revision < revision);
        scene.replace(events).await?;
        ensure!(scene.verify_all(None).await?.holds, "the chain cannot know");
        let what = format!("cut by {cut}");
        ensure_named(&scene, Some(&checkpoint), (&stream, &[revision]), &what).await?;
    }
    Ok(())
}

async fn a_stream_that_vanished_is_named_by_a_checkpoint(kind: Kind) -> anyhow::Result<()> {
    let scene = Scene::new(kind, INTENTS).await?;
    let checkpoint = scene.checkpoint().await?;
    let mut events = scene.events().await?;
    let stream = longest(&events)?;
    events.retain(|event| event.stream.as_str() != stream);
    scene.replace(events).await?;
    scene.forget_tips().await?;
    ensure!(
        scene.verify_all(None).await?.holds,
        "nothing is left to tell"
    );
    ensure_named(&scene, Some(&checkpoint), (&stream, &[0]), "vanished").await
}

async fn without_a_checkpoint_it_says_what_would_not_show(kind: Kind) -> anyhow::Result<()> {
    let scene = Scene::new(kind, 10).await?;
    let report = scene.verify_all(None).await?;
    ensure!(report.holds && !report.noted, "{}", report.sentence);
    for said in [
        "every event names the hash of the one before it",
        "No signed checkpoint was compared",
        "would not show",
    ] {
        ensure!(report.sentence.contains(said), "{}", report.sentence);
    }
    // Of a checkpoint it says up to where it speaks.
    let checkpoint = scene.checkpoint().await?;
    let account = scene.accounts().await?[0];
    let later = "2026-05-01T00:00:00Z";
    if kind == Kind::Postgres {
        let values = [(domain::Metric::Followers, 5)];
        scene.ledger.observe(account, later, &values).await?;
        let report = scene.verify_all(Some(&checkpoint)).await?;
        ensure!(report.holds, "{}", report.sentence);
        ensure!(report.events - report.covered == 1, "{report:?}");
        ensure!(
            report.sentence.contains("for the 1 after it"),
            "{}",
            report.sentence
        );
    }
    Ok(())
}

async fn the_noted_tips_show_what_a_chain_alone_does_not(kind: Kind) -> anyhow::Result<()> {
    let scene = Scene::new(kind, INTENTS).await?;
    scene.watch().catch_up().await?;
    let sound = scene.events().await?;
    let stream = longest(&sound)?;
    let places = places(&sound, &stream);
    let last = *places.last().context("an event")?;
    let revision = sound[last].revision;
    let mut changed = sound.clone();
    changed[last].data[3] ^= 1;
    scene.replace(changed).await?;
    ensure_named(&scene, None, (&stream, &[revision]), "the last one changed").await?;
    let mut cut = sound;
    cut.remove(last);
    scene.replace(cut).await?;
    ensure_named(&scene, None, (&stream, &[revision]), "the last one removed").await
}

/// After an erasure the keys are gone, and the chain still proves what was there.
async fn it_needs_no_key(kind: Kind) -> anyhow::Result<()> {
    let scene = Scene::new(kind, INTENTS).await?;
    let checkpoint = scene.checkpoint().await?;
    let client = scene.ledger.database.connect().await?;
    let gone = client.execute("delete from vault.accounts", &[]).await?;
    ensure!(gone == 4, "{gone} keys");
    let report = scene.verify_all(Some(&checkpoint)).await?;
    ensure!(report.holds, "{}", report.sentence);
    for account in scene.accounts().await? {
        ensure!(
            scene.verify(account, Some(&checkpoint)).await?.holds,
            "{account}"
        );
        let mut export = scene.auditor.export(account, 0..=u64::MAX).await?;
        while export.next_piece().await?.is_some() {}
        ensure!(export.manifest().is_some(), "{account}");
    }
    Ok(())
}
