//! Batches that the server refuses: their callers learn it, and once it is mended all goes on.

use super::{after, append, open, until_acknowledged, whole};
use anyhow::ensure;
use commands::ports::{Append, AppendError, EventLog};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tests::TestDatabase;
use tokio::task::JoinSet;
use tokio_postgres::Client;

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_batch_is_told_and_mended() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let admin = database.connect().await?;
    let log = open(&database).await?;
    log.append(append("a", after(0), "Quick")).await?;
    let broken = [
        (
            "alter table log_events rename to log_events_away",
            "alter table log_events_away rename to log_events",
        ),
        (
            "alter table log_events add constraint nothing check (event_type = 'A') not valid",
            "alter table log_events drop constraint nothing",
        ),
    ];
    for (revision, (breaks, mends)) in (1..).zip(broken) {
        admin.batch_execute(breaks).await?;
        let append = append("a", after(revision), "Quick");
        assert_not_acknowledged(&*log, &append).await;
        // Also on a connection that is made while it is broken.
        end_connections(&admin).await?;
        assert_not_acknowledged(&*log, &append).await;
        admin.batch_execute(mends).await?;
        let appended = until_acknowledged(&*log, &append).await?;
        assert_eq!(appended.last_revision, revision, "{mends}");
    }
    let again = open(&database).await?;
    assert_eq!(whole(&*again).await?.len(), 1 + broken.len());
    Ok(())
}

/// What a batch needs is not there when the connection is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_reached_is_tried_again() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let admin = database.connect().await?;
    let log = open(&database).await?;
    log.append(append("a", after(0), "Quick")).await?;
    admin
        .batch_execute("alter function log_append rename to log_append_away")
        .await?;
    end_connections(&admin).await?;
    let append = append("a", after(1), "Quick");
    for _ in 0..3 {
        assert_not_acknowledged(&*log, &append).await;
    }
    admin
        .batch_execute("alter function log_append_away rename to log_append")
        .await?;
    let appended = until_acknowledged(&*log, &append).await?;
    assert_eq!((appended.last_revision, appended.idempotent), (1, false));
    let again = open(&database).await?;
    assert_eq!(whole(&*again).await?.len(), 2);
    Ok(())
}

async fn assert_not_acknowledged(log: &dyn EventLog, append: &Append) {
    let outcome = log.append(append.clone()).await;
    let unclear = matches!(
        outcome,
        Err(AppendError::Unavailable(_) | AppendError::OutcomeUnknown(_))
    );
    assert!(unclear, "{outcome:?}");
}

async fn end_connections(admin: &Client) -> anyhow::Result<()> {
    admin
        .execute(
            "select pg_terminate_backend(pid)
             from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()
                 and backend_type = 'client backend'",
            &[],
        )
        .await?;
    Ok(())
}

/// The table is gone for moments while many write: what was acknowledged is there, once.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_between_refusals() -> anyhow::Result<()> {
    const WRITERS: usize = 8;
    const APPENDS: u64 = 150;
    let database = TestDatabase::create().await?;
    let log = open(&database).await?;
    let mut writers = JoinSet::new();
    for n in 0..WRITERS {
        let log = Arc::clone(&log);
        writers.spawn(async move {
            let mut acknowledged = vec![];
            for revision in 0..APPENDS {
                let append = append(&format!("writer-{n}"), after(revision), "Quick");
                let appended = until_acknowledged(&*log, &append).await?;
                ensure!(appended.last_revision == revision);
                acknowledged.push((append.events[0].event_id, appended.position));
            }
            anyhow::Ok(acknowledged)
        });
    }
    let admin = database.connect().await?;
    for _ in 0..15 {
        admin
            .batch_execute("alter table log_events rename to log_events_away")
            .await?;
        tokio::time::sleep(Duration::from_millis(10)).await;
        admin
            .batch_execute("alter table log_events_away rename to log_events")
            .await?;
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
    let mut acknowledged = HashSet::new();
    while let Some(written) = writers.join_next().await {
        acknowledged.extend(written??);
    }
    let written: Vec<_> = whole(&*log).await?;
    let found: HashSet<_> = written
        .iter()
        .map(|event| (event.event_id, event.position))
        .collect();
    assert_eq!(written.len(), WRITERS * APPENDS as usize);
    assert_eq!(found, acknowledged);
    Ok(())
}
