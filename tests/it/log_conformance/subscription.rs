//! The step from catching up to following, where other logs lost events: taken hundreds of times.

use super::subject::{Subject, new_ids};
use anyhow::{Context, bail};
use commands::ports::ExpectedRevision;
use domain::EventId;
use projections::feed::Follower;
use std::sync::Arc;
use std::time::Duration;
use tests::rng::{Rng, seed};
use tokio::time::timeout;

/// A subscription that waits for so long has lost something.
const PATIENCE: Duration = Duration::from_secs(10);

/// The ids of the next events, until there are so many.
async fn next(
    subject: &Subject,
    subscription: &mut Box<dyn Follower>,
    count: usize,
) -> anyhow::Result<Vec<EventId>> {
    let mut found = vec![];
    while found.len() < count {
        let batch = timeout(PATIENCE, subscription.next_batch(50))
            .await
            .with_context(|| format!("{}: {} of {count} came", subject.name, found.len()))??;
        let ours = batch.events.iter().filter(|event| subject.owns(event));
        found.extend(ours.map(|event| event.event_id));
    }
    Ok(found)
}

/// Appends and reads at the same moment, from where the last round ended.
pub(super) async fn catching_up_meets_what_is_new(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("boundary");
    let mut expected = ExpectedRevision::NoStream;
    let mut followed = Arc::clone(&subject.feed).follow(subject.origin);
    let mut after = subject.origin;
    for n in 0..200_usize {
        let ids = new_ids(1 + n % 3);
        // One subscription lives through all rounds, another starts at the boundary each time.
        let mut fresh = Arc::clone(&subject.feed).follow(after);
        let (appended, followed_ids, fresh_ids) = if n.is_multiple_of(2) {
            tokio::join!(
                subject.append(&stream, expected, &ids),
                next(&subject, &mut followed, ids.len()),
                next(&subject, &mut fresh, ids.len()),
            )
        } else {
            let (fresh_ids, appended, followed_ids) = tokio::join!(
                next(&subject, &mut fresh, ids.len()),
                subject.append(&stream, expected, &ids),
                next(&subject, &mut followed, ids.len()),
            );
            (appended, followed_ids, fresh_ids)
        };
        let appended = appended?;
        assert_eq!(followed_ids?, ids, "round {n}");
        assert_eq!(fresh_ids?, ids, "round {n}");
        expected = ExpectedRevision::Exact(appended.last_revision);
        after = Some(appended.position);
    }
    Ok(())
}

/// The hint itself, which an idle reader's own look every now and then would hide.
pub(super) async fn an_append_gives_a_hint(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("hint");
    let mut expected = ExpectedRevision::NoStream;
    let mut hints = subject.feed.hints();
    // A log may take a moment until it hears of appends; then it hears of them all.
    for _ in 0..100 {
        hints.mark_unchanged();
        let appended = subject.append(&stream, expected, &new_ids(1)).await?;
        expected = ExpectedRevision::Exact(appended.last_revision);
        let hint = timeout(PATIENCE / 100, hints.changed()).await;
        if let Ok(changed) = hint {
            changed.context("the log gives no more hints")?;
            return Ok(());
        }
    }
    bail!("{}: a hundred appends and not one hint", subject.name)
}

pub(super) async fn an_idle_subscription_wakes(subject: Subject) -> anyhow::Result<()> {
    let stream = subject.stream("idle");
    let mut expected = ExpectedRevision::NoStream;
    let mut subscription = Arc::clone(&subject.feed).follow(subject.origin);
    for n in 0..10 {
        let ids = new_ids(2);
        let append = async {
            // Long enough to be waited for, on either side of the reader's own look.
            tokio::time::sleep(Duration::from_millis(n * 40)).await;
            subject.append(&stream, expected, &ids).await
        };
        let (appended, found) = tokio::join!(append, next(&subject, &mut subscription, 2));
        assert_eq!(found?, ids);
        expected = ExpectedRevision::Exact(appended?.last_revision);
    }
    Ok(())
}

/// Whoever waits for events and for something else drops the wait again and again.
pub(super) async fn a_dropped_wait_loses_nothing(subject: Subject) -> anyhow::Result<()> {
    const ROUNDS: usize = 1_000;
    let seed = seed(0xd209);
    eprintln!("{}: seed {seed}", subject.name);
    let mut rng = Rng::new(seed);
    let stream = subject.stream("dropped");
    let mut expected = ExpectedRevision::NoStream;
    let mut subscription = Arc::clone(&subject.feed).follow(subject.origin);
    let (mut given, mut found) = (vec![], vec![]);
    let mut dropped = 0;
    for round in 0..ROUNDS {
        if round.is_multiple_of(4) {
            let ids = new_ids(1 + rng.below(5) as usize);
            let appended = subject.append(&stream, expected, &ids).await?;
            expected = ExpectedRevision::Exact(appended.last_revision);
            given.extend(ids);
        }
        let batch = if round.is_multiple_of(2) {
            tokio::select! {
                // Ready at once: the wait is dropped before or after its first step.
                () = std::future::ready(()) => None,
                batch = subscription.next_batch(3) => Some(batch?),
            }
        } else {
            let moment = Duration::from_micros(rng.below(2_000));
            timeout(moment, subscription.next_batch(3))
                .await
                .ok()
                .transpose()?
        };
        match batch {
            Some(batch) => found.extend(
                batch
                    .events
                    .iter()
                    .filter(|event| subject.owns(event))
                    .map(|event| event.event_id),
            ),
            None => dropped += 1,
        }
    }
    let left = given.len().saturating_sub(found.len());
    found.extend(next(&subject, &mut subscription, left).await?);
    assert_eq!(found, given);
    assert!(dropped > ROUNDS / 10, "only {dropped} waits were dropped");
    Ok(())
}
