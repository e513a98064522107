//! The log in Postgres where it is most likely to break: slow commits, lost answers, refusals.

mod delays;
mod lost_answers;
mod neighbours;
mod refusals;
mod storms;

use adapters::postgres::PostgresLog;
use anyhow::bail;
use commands::ports::{Append, AppendError, Appended, EventLog, ExpectedRevision, NewEvent};
use domain::{EventId, RecordedEvent, StreamName};
use projections::feed::EventFeed;
use std::sync::Arc;
use std::time::Duration;
use tests::TestDatabase;
use tokio_postgres::Client;
use uuid::Uuid;

/// An event of this type takes its time to commit.
const DELAYED: &str = "Delayed";
/// An event of this type does not commit while [`HOLD`] is held by somebody.
const HELD: &str = "Held";
/// An advisory lock.
const HOLD: i64 = 4_711;

/// Makes some commits slow: the triggers run when everything is written and nothing is visible.
const TRIGGERS: &str = "
    create function delay_commit() returns trigger language plpgsql as $$
    begin
        perform pg_sleep(0.3);
        return null;
    end
    $$;

    create constraint trigger delay_commit
        after insert on log_events
        deferrable initially deferred
        for each row when (new.event_type = 'Delayed')
        execute function delay_commit();

    create function hold_commit() returns trigger language plpgsql as $$
    begin
        perform pg_advisory_xact_lock_shared(4711);
        return null;
    end
    $$;

    create constraint trigger hold_commit
        after insert on log_events
        deferrable initially deferred
        for each row when (new.event_type = 'Held')
        execute function hold_commit();
";

async fn open(database: &TestDatabase) -> anyhow::Result<Arc<PostgresLog>> {
    let log = PostgresLog::open(database.endpoint.clone(), database.pool(4)?).await?;
    Ok(Arc::new(log))
}

/// An append of one event with an id of its own.
fn append(stream: &str, expected: ExpectedRevision, event_type: &'static str) -> Append {
    let event = NewEvent {
        event_id: EventId::from_uuid(Uuid::now_v7()),
        event_type: event_type.into(),
        metadata: b"{}".to_vec(),
        data: b"{}".to_vec(),
    };
    Append {
        stream: StreamName::new(stream),
        expected,
        events: Arc::new([event]),
    }
}

/// What to expect of a stream that holds so many events.
const fn after(events: u64) -> ExpectedRevision {
    match events {
        0 => ExpectedRevision::NoStream,
        _ => ExpectedRevision::Exact(events - 1),
    }
}

/// Tries the same append until it is acknowledged, and fails at once if it is refused.
async fn until_acknowledged(log: &dyn EventLog, append: &Append) -> anyhow::Result<Appended> {
    for _ in 0..200 {
        match log.append(append.clone()).await {
            Ok(appended) => return Ok(appended),
            Err(AppendError::OutcomeUnknown(_) | AppendError::Unavailable(_)) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(refused) => return Err(refused.into()),
        }
    }
    bail!("{} was never acknowledged", append.stream)
}

/// The whole log; its positions are 1, 2, 3...
async fn whole(log: &dyn EventFeed) -> anyhow::Result<Vec<RecordedEvent>> {
    let events = log.read_all(None, 1_000_000).await?;
    for (event, position) in events.iter().zip(1..) {
        assert_eq!(event.position.commit, position, "a gap");
    }
    Ok(events)
}

/// The process of the backend that is held in the commit of a batch.
async fn held_backend(client: &Client) -> anyhow::Result<i32> {
    for _ in 0..500 {
        let row = client
            .query_opt(
                "select pid
                 from pg_stat_activity
                 where datname = current_database() and pid <> pg_backend_pid()
                     and query like '%log_append%'
                     and wait_event_type = 'Lock' and wait_event = 'advisory'",
                &[],
            )
            .await?;
        if let Some(row) = row {
            return Ok(row.try_get("pid")?);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("no append is held in its commit")
}
