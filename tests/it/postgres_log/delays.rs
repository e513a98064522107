//! Slow commits in front of quick ones: a reader sees neither a gap nor an order that changes.

use super::{DELAYED, TRIGGERS, after, append, open, whole};
use adapters::postgres::PostgresLog;
use anyhow::ensure;
use commands::ports::EventLog;
use projections::feed::EventFeed;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::TestDatabase;
use tokio::task::JoinSet;

const WRITERS: usize = 16;
const APPENDS: usize = 30;
/// More than any machine needs.
const MOST_POLLS: usize = 5_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_commit_hides_nothing_from_readers() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    database.connect().await?.batch_execute(TRIGGERS).await?;
    // Two processes' worth: each has a batcher, and neither knows of the other.
    let logs = [open(&database).await?, open(&database).await?];
    let reader = open(&database).await?;
    let delayed = Arc::new(AtomicUsize::new(0));
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        writers.spawn(write(Arc::clone(&logs[n % 2]), n, Arc::clone(&delayed)));
    }

    let mut seen = vec![];
    let mut last = None;
    let mut polls_during_delays = 0;
    for poll in 0.. {
        let total = WRITERS * APPENDS;
        if seen.len() >= total {
            break;
        }
        ensure!(poll < MOST_POLLS, "{} events of {total} came", seen.len());
        let before = delayed.load(Ordering::SeqCst);
        let page = reader.read_all(last, 64).await?;
        if before > 0 && delayed.load(Ordering::SeqCst) > 0 {
            polls_during_delays += 1;
        }
        for event in page {
            let expected = seen.len() as u64 + 1;
            assert_eq!(event.position.commit, expected, "not the next");
            last = Some(event.position);
            seen.push(event);
        }
    }
    while let Some(written) = writers.join_next().await {
        written??;
    }
    assert!(polls_during_delays > 0, "nothing was read during a delay");
    assert_eq!(whole(&*reader).await?, seen);
    for n in 0..WRITERS {
        let name = format!("writer-{n}");
        let own = seen.iter().filter(|event| event.stream.as_str() == name);
        let revisions: Vec<_> = own.map(|event| event.revision).collect();
        assert_eq!(revisions, (0..APPENDS as u64).collect::<Vec<_>>());
    }
    Ok(())
}

/// Appends in a row; a few of some writers are slow to commit.
async fn write(log: Arc<PostgresLog>, n: usize, delayed: Arc<AtomicUsize>) -> anyhow::Result<()> {
    for revision in 0..APPENDS {
        let is_slow = n < 4 && revision % 10 == n;
        let event_type = if is_slow { DELAYED } else { "Quick" };
        let append = append(&format!("writer-{n}"), after(revision as u64), event_type);
        delayed.fetch_add(usize::from(is_slow), Ordering::SeqCst);
        let appended = log.append(append).await?;
        delayed.fetch_sub(usize::from(is_slow), Ordering::SeqCst);
        ensure!(appended.last_revision == revision as u64 && !appended.idempotent);
    }
    Ok(())
}
