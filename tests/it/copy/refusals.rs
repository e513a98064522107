//! What a copy refuses, and that it names the stream: foreign targets, a source that moves, a
//! history that does not hold.

use super::scene::{copy, events, eventstore, held, ledger, postgres, side, wide};
use crate::histories::random_history;
use adapters::copy::{Copier, CopyError, Watched};
use anyhow::{Context, ensure};
use domain::{Metric, Platform};
use std::sync::Arc;
use tests::memory_log::MemoryLog;
use tests::rng::Rng;
use tests::{StandIn, TestDatabase, TestLedger};

/// The copy fails, and its error has all of these words.
fn ensure_refused<T>(outcome: Result<T, CopyError>, words: &[&str]) -> anyhow::Result<()> {
    let error = outcome.err().context("it was not refused")?.to_string();
    for word in words {
        ensure!(error.contains(word), "{word} is not in: {error}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_log_under_two_names_is_refused() -> anyhow::Result<()> {
    let ledger = ledger(9, 10).await?;
    let again = postgres(&ledger.database).await?;
    ensure_refused(
        copy(&side(&ledger.log), &side(&again)).await,
        &["both are the log", "expected two different ones"],
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_another_stream_is_refused_before_anything_is_written() -> anyhow::Result<()>
{
    let (ours, theirs) = (ledger(10, 40).await?, ledger(11, 40).await?);
    let store = StandIn::start().await?;
    let to = side(&eventstore(&store.url())?);
    copy(&side(&theirs.log), &to).await?;
    let (before, first) = (store.events(), events(&*to.feed).await?[0].stream.clone());
    ensure_refused(
        copy(&side(&ours.log), &to).await,
        &[first.as_str(), "revision 0", "expected an empty log"],
    )?;
    ensure!(store.events() == before, "nothing was written");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_foreign_event_in_the_target_is_named() -> anyhow::Result<()> {
    let ledger = ledger(12, 200).await?;
    let from = side(&ledger.log);
    let all = events(&*from.feed).await?;
    let last = |stream: &str| {
        let of_stream = all.iter().filter(|event| event.stream.as_str() == stream);
        of_stream.map(|event| event.revision).max().unwrap_or(0)
    };
    let middle = all.iter().find(|event| event.revision == 7);
    let middle = middle.context("an event")?;
    let stream = middle.stream.as_str();
    let beyond = last(stream) + 1;
    // Another id, another byte, and one event more than the source has.
    for (what, revision) in [("id", 7), ("data", 7), ("more", beyond)] {
        let store = StandIn::start().await?;
        let to = side(&eventstore(&store.url())?);
        copy(&from, &to).await?;
        store.tamper(|events| {
            let of_stream = |event: &&mut tests::standin::Stored| *event.stream == *stream;
            let mut found = events.iter_mut().filter(of_stream);
            let place = if what == "more" { beyond - 1 } else { 7 };
            let Some(found) = found.find(|event| event.revision == place) else {
                return;
            };
            match what {
                "id" => found.id = uuid::Uuid::nil(),
                "data" => found.data = [found.data.as_ref(), b" "].concat().into(),
                _ => {
                    let mut more = found.clone();
                    more.revision += 1;
                    more.commit += 1_000_000;
                    more.prepare = more.commit;
                    events.push(more);
                }
            }
        });
        let before = store.events();
        let named = format!("revision {revision} of {stream}");
        ensure_refused(copy(&from, &to).await, &[&named, "the target holds"])?;
        ensure!(store.events() == before, "{what}: nothing was written");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_grows_is_told_and_the_next_run_ends() -> anyhow::Result<()> {
    let (ledger, store) = (wide(120, 3).await?, StandIn::start().await?);
    let (from, to) = (side(&ledger.log), side(&eventstore(&store.url())?));
    to.feed.log_id().await?;
    // Nothing is appended before the source has grown, and then it has been looked at.
    let hang = &store.faults().hang_appends;
    hang.until_cleared(None);
    let growing = async {
        hang.wait_fired(1).await;
        let grown = random_history(&ledger, &mut Rng::new(14), 20).await;
        hang.clear();
        grown
    };
    let (copied, grown) = tokio::join!(copy(&from, &to), growing);
    grown?;
    ensure_refused(
        copied,
        &["the source was written to meanwhile", "run this again"],
    )?;
    copy(&from, &to).await?;
    ensure!(held(&*from.feed).await? == held(&*to.feed).await?);
    Ok(())
}

/// What is wrong with the source itself is said, and where.
#[tokio::test(flavor = "multi_thread")]
async fn a_history_that_does_not_hold_is_named() -> anyhow::Result<()> {
    let ledger = ledger(15, 100).await?;
    let sound = events(&*side(&ledger.log).feed).await?;
    let place = sound.iter().position(|event| event.revision == 5);
    let place = place.context("an event")?;
    let stream = sound[place].stream.to_string();
    let (mut without, mut changed) = (sound.clone(), sound.clone());
    without.remove(place);
    changed[place].data[2] ^= 1;
    for (events, words) in [
        (without, ["revision 6", "does not follow in the target"]),
        (changed, ["revision 6", "does not hold"]),
    ] {
        let source = Arc::new(MemoryLog::default());
        source.replace(events);
        let target = Arc::new(MemoryLog::default());
        let refused = copy(&side(&source), &side(&target)).await;
        ensure_refused(refused, &[&stream, words[0], words[1], "audit verify"])?;
    }
    Ok(())
}

/// An event that no append of the target takes is named with its size.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_target_does_not_take_is_named() -> anyhow::Result<()> {
    let (ledger, store) = (TestLedger::create().await?, StandIn::start().await?);
    let account = ledger.import("creator", Platform::Youtube, "1").await?;
    let values = [(Metric::Followers, 1)];
    ledger
        .observe(account, "2026-02-01T00:00:00Z", &values)
        .await?;
    store.faults().set_max_append_size(300);
    let stream = format!("account-{account}");
    let (from, to) = (side(&ledger.log), side(&eventstore(&store.url())?));
    ensure_refused(
        copy(&from, &to).await,
        &[&stream, "was not appended", "bytes"],
    )
}

/// Two copies at once do not harm each other.
#[tokio::test(flavor = "multi_thread")]
async fn two_copies_at_once_write_everything_once() -> anyhow::Result<()> {
    let ledger = wide(120, 3).await?;
    let from = side(&ledger.log);
    let expected = held(&*from.feed).await?;
    for _ in 0..3 {
        let database = TestDatabase::create().await?;
        let (one, two) = (postgres(&database).await?, postgres(&database).await?);
        let watched = Watched::default();
        let copier = |log: &Arc<adapters::postgres::PostgresLog>| Copier {
            from: from.clone(),
            to: side(log),
        };
        let (first, second) = (copier(&one), copier(&two));
        let (first, second) = tokio::join!(first.run(&watched), second.run(&watched));
        // Each may find that somebody else writes; what is there is whole all the same.
        let told = |outcome: Result<_, CopyError>| match outcome {
            Ok(_) | Err(CopyError::TargetMoved | CopyError::Unequal | CopyError::Incomplete(_)) => {
                Ok(())
            }
            Err(error) => Err(error),
        };
        told(first)?;
        told(second)?;
        copy(&from, &side(&one)).await?;
        ensure!(held(&*one).await? == expected);
        ensure!(events(&*one).await?.len() == expected.len(), "twice");
    }
    Ok(())
}
