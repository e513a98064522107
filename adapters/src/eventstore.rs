//! The event log in EventStoreDB (KurrentDB), a single node or a cluster, over the official client.
//!
//! The client gives up for ever after some failures, waits for ever after others and may spin on
//! a stream that ended. Everything here that looks roundabout is a rule against one of these;
//! `docs/eventstore.md` lists them with their tests.

mod append;
mod connection;
mod failure;
mod feed;
mod follower;
mod identity;
mod known;
mod lookup;
mod pipe;
mod read;
mod thread;
mod tripwire;
mod url;

pub use url::{EventStoreUrl, UrlError};

use async_trait::async_trait;
use commands::ports::{Append, AppendError, Appended, EventLog, ReadError};
use connection::Connection;
use domain::{EventId, RecordedEvent, StreamName};
use identity::LogId;
use known::{Ids, Tips};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long a call waits for a server that cannot be reached before it says so.
const PATIENCE: Duration = Duration::from_secs(20);

/// The event log of an EventStoreDB server or cluster.
pub struct EventStoreLog {
    connection: Arc<Connection>,
    log_id: Arc<LogId>,
    tips: Tips,
    ids: Ids,
    hints: watch::Sender<u64>,
}

impl EventStoreLog {
    /// A handle that connects when it is first used: the server need not be there yet.
    pub fn new(url: EventStoreUrl) -> Self {
        Self::with_patience(url, PATIENCE)
    }

    /// The same, with another limit on waiting for a server that cannot be reached.
    pub fn with_patience(url: EventStoreUrl, patience: Duration) -> Self {
        Self {
            connection: Arc::new(Connection::new(url, patience)),
            log_id: Arc::default(),
            tips: Tips::default(),
            ids: Ids::default(),
            hints: watch::Sender::new(0),
        }
    }

    /// How many connections were built so far. One, as long as nothing goes wrong.
    pub fn connections_built(&self) -> u64 {
        self.connection.built()
    }
}

#[async_trait]
impl EventLog for EventStoreLog {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.append_once(append).await
    }

    async fn read_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.page(stream, from_revision, limit).await
    }

    async fn recorded(
        &self,
        stream: &StreamName,
        ids: &[EventId],
    ) -> Result<HashSet<EventId>, ReadError> {
        self.look_up(stream, ids).await
    }

    fn tells_repetitions(&self) -> bool {
        // The server answers an append that it recognised exactly like one that it wrote.
        false
    }
}
