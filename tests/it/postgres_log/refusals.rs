//! Batches that the server refuses: their callers learn it, and once it is mended all goes on.

use super::{after, append, open, until_acknowledged, whole};
use commands::ports::{AppendError, EventLog};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tests::TestDatabase;
use tokio::task::JoinSet;

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
            "alter function log_append rename to log_append_away",
            "alter function log_append_away rename to log_append",
        ),
        (
            "alter table log_events add constraint nothing check (event_type = 'A') not valid",
            "alter table log_events drop constraint nothing",
        ),
    ];
    for (revision, (breaks, mends)) in (1..).zip(broken) {
        admin.batch_execute(breaks).await?;
        let append = append("a", after(revision), "Quick");
        // Also on a connection that is made while it is broken.
        for _ in 0..2 {
            let outcome = log.append(append.clone()).await;
            let refused = matches!(
                outcome,
                Err(AppendError::Unavailable(_) | AppendError::OutcomeUnknown(_))
            );
            assert!(refused, "{breaks}: {outcome:?}");
            end_connections(&admin).await?;
        }
        admin.batch_execute(mends).await?;
        let appended = until_acknowledged(&*log, &append).await?;
        assert_eq!(appended.last_revision, revision, "{mends}");
    }
    assert_eq!(whole(&*log).await?.len(), 1 + broken.len());
    Ok(())
}

async fn end_connections(admin: &tokio_postgres::Client) -> anyhow::Result<()> {
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
    const APPENDS: u64 = 60;
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
                anyhow::ensure!(appended.last_revision == revision);
                acknowledged.push((append.events[0].event_id, appended.position));
            }
            Ok(acknowledged)
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
