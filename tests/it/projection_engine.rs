//! The projection engine: rows that are the same however often, by whom and through how many
//! deaths the log was projected.

mod kills;
mod late_corrections;
mod late_metrics;
mod late_posts;
mod parking;
mod parking_program;
mod replay;
mod rivals;
mod scene;
mod shards;
mod sharing;
mod strange_events;

use anyhow::bail;
use async_trait::async_trait;
use domain::codec::decode_recorded;
use domain::{Position, RecordedEvent, StreamName};
use projections::engine::checkpoints;
use projections::feed::{EventFeed, FeedError, Follower, Subscription};
use projections::{Applied, Engine, Projection, ProjectionError, Tables};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tests::TestLedger;
use tokio::sync::{Notify, watch};
use tokio_postgres::Client;
use uuid::Uuid;

/// Each table of the read models: how many rows, and a digest of them all.
type Dump = BTreeMap<String, (i64, String)>;

/// Tables that a random history fills.
const FILLED: [&str; 7] = [
    "accounts_v1",
    "follower_trends_v1",
    "sync_health_v1",
    "sync_health_v1_syncs",
    "top_posts_v1",
    "top_posts_v1_history",
    "top_posts_v1_text",
];

/// The tables of all read models; their names carry a version.
async fn tables(client: &Client) -> anyhow::Result<Vec<String>> {
    let rows = client
        .query(
            "select table_name::text as name
             from information_schema.tables
             where table_schema = 'public' and table_name ~ '_v[0-9]+(_|$)'
             order by 1",
            &[],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get("name")?)).collect()
}

async fn dump(client: &Client) -> anyhow::Result<Dump> {
    let mut dump = Dump::new();
    for table in tables(client).await? {
        let sql = format!(
            "select count(*) as rows,
                 coalesce(md5(string_agg(t::text, '|' order by t::text)), '') as digest
             from {table} t"
        );
        let row = client.query_one(&sql, &[]).await?;
        dump.insert(table, (row.try_get("rows")?, row.try_get("digest")?));
    }
    for table in FILLED {
        assert!(dump.contains_key(table), "{table} is not there");
    }
    Ok(dump)
}

/// What a random history leads to: every table has rows.
async fn filled_dump(client: &Client) -> anyhow::Result<Dump> {
    let dump = dump(client).await?;
    for table in FILLED {
        assert!(dump[table].0 > 0, "{table} is empty");
    }
    Ok(dump)
}

/// Sets every checkpoint back to the beginning and leaves the rows.
async fn rewind(client: &Client) -> anyhow::Result<()> {
    client
        .batch_execute(
            "update projection_checkpoints
             set commit_position = 0, prepare_position = 0, events = 0, skipped = 0",
        )
        .await?;
    Ok(())
}

/// Makes every read model as new.
async fn erase(client: &Client) -> anyhow::Result<()> {
    let tables = tables(client).await?.join(", ");
    client.batch_execute(&format!("truncate {tables}")).await?;
    rewind(client).await
}

/// The whole log.
async fn whole(ledger: &TestLedger) -> anyhow::Result<Vec<RecordedEvent>> {
    Ok(ledger.log.read_all(None, 1_000_000).await?)
}

/// The whole log as read models are given it.
async fn applied(ledger: &TestLedger) -> anyhow::Result<Vec<Applied>> {
    let mut events = vec![];
    for recorded in whole(ledger).await? {
        let decoded = decode_recorded(&recorded)?;
        if let (Some(account), Some(event)) = (recorded.stream.account(), decoded.event) {
            events.push(Applied {
                account,
                revision: recorded.revision.cast_signed(),
                position: recorded.position,
                event_id: recorded.event_id,
                metadata: decoded.metadata,
                event,
            });
        }
    }
    Ok(events)
}

/// Every read model stands at the head, and counted each event of the log once.
async fn assert_at_head(ledger: &TestLedger, client: &Client) -> anyhow::Result<()> {
    let log = whole(ledger).await?;
    let head = log.last().map(|event| event.position);
    let held = checkpoints(client).await?;
    assert!(held.len() >= projections::registry().len());
    for checkpoint in held {
        let name = checkpoint.name;
        assert_eq!(checkpoint.position, head, "{name}");
        assert_eq!(
            checkpoint.events + checkpoint.skipped,
            log.len() as i64,
            "{name}"
        );
    }
    Ok(())
}

/// Waits until every read model has seen what is the end of the log now.
async fn until_at_head(ledger: &TestLedger, client: &Client) -> anyhow::Result<()> {
    let head = ledger.log.head().await?;
    for _ in 0..3_000 {
        let held = checkpoints(client).await?;
        if held.iter().all(|held| held.position == head) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    bail!("the read models never came to {head:?}")
}

/// A feed that gives less at a time, so that there are more moments between.
struct SmallPages {
    feed: Arc<dyn EventFeed>,
    most: usize,
}

#[async_trait]
impl EventFeed for SmallPages {
    async fn log_id(&self) -> Result<Uuid, FeedError> {
        self.feed.log_id().await
    }

    async fn read_all(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        self.feed.read_all(after, limit.min(self.most)).await
    }

    async fn of_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        self.feed.of_stream(stream, from_revision, limit).await
    }

    async fn head(&self) -> Result<Option<Position>, FeedError> {
        self.feed.head().await
    }

    fn hints(&self) -> watch::Receiver<u64> {
        self.feed.hints()
    }

    fn follow(self: Arc<Self>, after: Option<Position>) -> Box<dyn Follower> {
        Box::new(Subscription::new(self, after))
    }
}

/// Another process' engine over the same log and tables, with batches of at most so many events.
fn engine(ledger: &TestLedger, most: usize, projections: Vec<Arc<dyn Projection>>) -> Engine {
    let feed = Arc::new(SmallPages {
        feed: Arc::clone(&ledger.log) as Arc<dyn EventFeed>,
        most,
    });
    Engine::new(
        feed,
        Arc::new(ledger.database.endpoint.clone()),
        projections,
    )
}

/// Where a projector stops: after so many batches were applied, before the last is committed.
struct Gate {
    left: AtomicI64,
    reached: Notify,
    released: Notify,
}

impl Gate {
    fn after(batches: i64) -> Arc<Self> {
        Arc::new(Self {
            left: AtomicI64::new(batches),
            reached: Notify::new(),
            released: Notify::new(),
        })
    }

    /// The read models, each of which stops at this gate.
    fn before(self: &Arc<Self>, projections: Vec<Arc<dyn Projection>>) -> Vec<Arc<dyn Projection>> {
        let stalling = |inner| {
            Arc::new(Stalling {
                inner,
                gate: Arc::clone(self),
            }) as Arc<dyn Projection>
        };
        projections.into_iter().map(stalling).collect()
    }
}

/// A read model that stops at a gate between applying and committing.
struct Stalling {
    inner: Arc<dyn Projection>,
    gate: Arc<Gate>,
}

#[async_trait]
impl Projection for Stalling {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn contract(&self) -> i32 {
        self.inner.contract()
    }

    fn tables(&self) -> &'static str {
        self.inner.tables()
    }

    fn indexes(&self) -> &'static str {
        self.inner.indexes()
    }

    fn is_sharded(&self) -> bool {
        self.inner.is_sharded()
    }

    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
        self.inner.apply(tables, events).await?;
        if self.gate.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.gate.reached.notify_one();
            self.gate.released.notified().await;
        }
        Ok(())
    }
}
