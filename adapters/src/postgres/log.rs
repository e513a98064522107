//! The event log in Postgres: the embedded default, in the database of the read models.
//!
//! One batcher per process commits many waiting appends at once (`batcher`); the SQL function
//! `log_append` orders batches of all processes under one row lock. Readers need no care: a
//! visible position means that all before it are visible.

mod batch;
mod batcher;
mod feed;
mod listener;
pub(crate) mod measure;

use super::connect::{Endpoint, Pool, describe_pool};
use async_trait::async_trait;
use batcher::Batcher;
use commands::ports::{Append, AppendError, Appended, EventLog, ReadError};
use domain::{EventId, Position, RecordedEvent, StreamName};
use std::collections::HashSet;
use tokio::sync::watch;
use tokio_postgres::{Row, types::Type};
use uuid::Uuid;

/// The event log of one database.
pub struct PostgresLog {
    log_id: Uuid,
    pool: Pool,
    batcher: Batcher,
    heads: watch::Receiver<u64>,
}

/// Why the log could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("the event log cannot be opened: {0}")]
pub struct OpenError(String);

impl PostgresLog {
    /// Opens the log of a migrated database. Must be called within a tokio runtime; the log's
    /// tasks end when it is dropped.
    pub async fn open(endpoint: Endpoint, pool: Pool) -> Result<Self, OpenError> {
        let client = pool.get().await.map_err(|e| OpenError(e.to_string()))?;
        let row = client
            .query_one("select log_id from log_head", &[])
            .await
            .map_err(|e| OpenError(super::describe(&e)))?;
        let log_id = row.get("log_id");
        let batcher = Batcher::start(endpoint.clone(), log_id);
        let heads = listener::start(endpoint);
        Ok(Self {
            log_id,
            pool,
            batcher,
            heads,
        })
    }

    async fn client(&self) -> Result<deadpool_postgres::Object, ReadError> {
        self.pool
            .get()
            .await
            .map_err(|e| ReadError::Unavailable(describe_pool(&e)))
    }
}

#[async_trait]
impl EventLog for PostgresLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.batcher.append(append).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let Ok(from) = i64::try_from(from_revision) else {
            return Ok(vec![]);
        };
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let client = self.client().await?;
        let statement = client
            .prepare_typed_cached(
                "select position, stream, revision, event_id, event_type, metadata, data
                 from log_events
                 where stream = $1 and revision >= $2
                 order by revision
                 limit $3",
                &[Type::TEXT, Type::INT8, Type::INT8],
            )
            .await
            .map_err(unavailable)?;
        let rows = client
            .query(&statement, &[&stream.as_str(), &from, &limit])
            .await
            .map_err(unavailable)?;
        rows.iter().map(|row| recorded(self.log_id, row)).collect()
    }

    async fn recorded(
        &self,
        stream: &StreamName,
        ids: &[EventId],
    ) -> Result<HashSet<EventId>, ReadError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "select event_id from log_events where event_id = any($2) and stream = $1",
            )
            .await
            .map_err(unavailable)?;
        let rows = client
            .query(&statement, &[&stream.as_str(), &ids])
            .await
            .map_err(unavailable)?;
        Ok(rows
            .iter()
            .map(|row| EventId::from_uuid(row.get("event_id")))
            .collect())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn unavailable(error: tokio_postgres::Error) -> ReadError {
    ReadError::Unavailable(super::describe(&error))
}

fn number(row: &Row, column: &str) -> Result<u64, ReadError> {
    let value: i64 = row
        .try_get(column)
        .map_err(|e| ReadError::Corrupt(e.to_string()))?;
    u64::try_from(value).map_err(|_| ReadError::Corrupt(format!("{column} is {value}")))
}

fn recorded(log_id: Uuid, row: &Row) -> Result<RecordedEvent, ReadError> {
    let corrupt = |e: tokio_postgres::Error| ReadError::Corrupt(e.to_string());
    let commit = number(row, "position")?;
    Ok(RecordedEvent {
        stream: StreamName::new(row.try_get::<_, String>("stream").map_err(corrupt)?),
        revision: number(row, "revision")?,
        position: Position {
            log: log_id,
            commit,
            prepare: commit,
        },
        event_id: EventId::from_uuid(row.try_get("event_id").map_err(corrupt)?),
        event_type: row.try_get("event_type").map_err(corrupt)?,
        metadata: row.try_get("metadata").map_err(corrupt)?,
        data: row.try_get("data").map_err(corrupt)?,
    })
}
