//! A schema change as it really happens, which ARCHITECTURE.md tells: a column more in
//! `follower_trends`, a formula `er_views@2` beside `er_views@1` for all of history, and an event
//! of an old shape that the new program has learned to read.

use super::standing;
use crate::histories::random_history;
use anyhow::{Context, ensure};
use async_trait::async_trait;
use commands::ports::{Append, EventLog, ExpectedRevision, NewEvent};
use domain::account::Event;
use domain::{EventId, Metric, Platform, Position, RecordedEvent, StreamName};
use projections::feed::{EventFeed, FeedError, Follower, Subscription};
use projections::follower_trends::FollowerTrends;
use projections::top_posts::TopPosts;
use projections::{Administration, Applied, Engine, Projection, ProjectionError, Tables, registry};
use std::sync::Arc;
use tests::TestLedger;
use tests::rng::{Rng, seed};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// `follower_trends` with the source that each value came from.
struct WithSource;

#[async_trait]
impl Projection for WithSource {
    fn name(&self) -> &'static str {
        FollowerTrends.name()
    }

    fn contract(&self) -> i32 {
        2
    }

    fn tables(&self) -> &'static str {
        concat!(
            include_str!("../../../projections/src/follower_trends/tables.sql"),
            "alter table follower_trends_vN add column source text collate \"C\";"
        )
    }

    fn is_sharded(&self) -> bool {
        true
    }

    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
        FollowerTrends.apply(tables, events).await?;
        for applied in events {
            if let Event::MetricsObserved(observed) = &applied.event {
                tables
                    .execute(
                        "update follower_trends_vN
                         set source = $3
                         where account_id = $1 and revision = $2",
                        &[
                            &applied.account.uuid(),
                            &applied.revision,
                            &observed.provenance.source,
                        ],
                    )
                    .await?;
            }
        }
        Ok(())
    }
}

/// `top_posts` with a second formula to rank by, in which a save counts twice.
struct WithSecondFormula;

#[async_trait]
impl Projection for WithSecondFormula {
    fn name(&self) -> &'static str {
        TopPosts.name()
    }

    fn contract(&self) -> i32 {
        2
    }

    fn tables(&self) -> &'static str {
        concat!(
            include_str!("../../../projections/src/top_posts/tables.sql"),
            "alter table top_posts_vN add column er_views_2 bigint;"
        )
    }

    fn indexes(&self) -> &'static str {
        concat!(
            include_str!("../../../projections/src/top_posts/indexes.sql"),
            "create index top_posts_vN_by_er_views_2
                 on top_posts_vN (account_id, er_views_2 desc, post)
                 where er_views_2 is not null;"
        )
    }

    fn is_sharded(&self) -> bool {
        true
    }

    fn account_of_row(&self) -> &'static str {
        TopPosts.account_of_row()
    }

    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
        TopPosts.apply(tables, events).await?;
        let mut accounts: Vec<Uuid> = events.iter().map(|event| event.account.uuid()).collect();
        accounts.sort_unstable();
        accounts.dedup();
        tables
            .execute(
                "update top_posts_vN
                 set er_views_2 = (
                     coalesce(likes, 0) + coalesce(comments, 0) + coalesce(shares, 0)
                         + 2 * coalesce(saves, 0)
                 ) * 1000000000::numeric / views
                 where account_id = any($1) and views > 0",
                &[&accounts],
            )
            .await?;
        Ok(())
    }
}

/// The log as the new program reads it: what an old program wrote as `at` is `observed_at` now.
/// (In the program itself this is an arm of `codec::decode`; the log's bytes stay what they are.)
struct Lifting(Arc<dyn EventFeed>);

fn lift(mut event: RecordedEvent) -> RecordedEvent {
    let is_old = String::from_utf8_lossy(&event.metadata).contains("\"schema\":0");
    if is_old {
        let new = |bytes: &[u8], old: &str, new: &str| {
            String::from_utf8_lossy(bytes)
                .replace(old, new)
                .into_bytes()
        };
        event.data = new(&event.data, "\"at\":", "\"observed_at\":");
        event.metadata = new(&event.metadata, "\"schema\":0", "\"schema\":1");
    }
    event
}

#[async_trait]
impl EventFeed for Lifting {
    async fn log_id(&self) -> Result<Uuid, FeedError> {
        self.0.log_id().await
    }

    async fn read_all(
        &self,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        let events = self.0.read_all(after, limit).await?;
        Ok(events.into_iter().map(lift).collect())
    }

    async fn of_stream(
        &self,
        stream: &StreamName,
        from_revision: u64,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, FeedError> {
        let events = self.0.of_stream(stream, from_revision, limit).await?;
        Ok(events.into_iter().map(lift).collect())
    }

    async fn head(&self) -> Result<Option<Position>, FeedError> {
        self.0.head().await
    }

    fn hints(&self) -> watch::Receiver<u64> {
        self.0.hints()
    }

    fn follow(self: Arc<Self>, after: Option<Position>) -> Box<dyn Follower> {
        Box::new(Subscription::new(self, after))
    }
}

/// An account with an event that an old program wrote.
async fn old_event(ledger: &TestLedger) -> anyhow::Result<Uuid> {
    let account = ledger.import("old", Platform::Youtube, "old").await?;
    let model = ledger
        .observe(account, "2026-01-02T00:00:00Z", &[(Metric::Followers, 7)])
        .await?;
    let events = ledger.log.read_all(None, 10_000).await?;
    let last = events
        .iter()
        .rfind(|event| event.stream.account() == Some(account));
    let last = last.context("the observation")?;
    ensure!(Some(last.position) == model.position);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let data = text(&last.data)
        .replace("\"observed_at\":", "\"at\":")
        .replace("2026-01-02", "2026-01-03");
    let metadata = text(&last.metadata).replace("\"schema\":1", "\"schema\":0");
    ensure!(data != text(&last.data) && metadata != text(&last.metadata));
    let event = NewEvent {
        event_id: EventId::from_uuid(Uuid::now_v7()),
        event_type: "MetricsObserved".into(),
        metadata: metadata.into_bytes(),
        data: data.into_bytes(),
    };
    let append = Append {
        stream: last.stream.clone(),
        expected: ExpectedRevision::Exact(last.revision),
        events: Arc::from([event]),
    };
    ledger.log.append(append).await?;
    Ok(account.uuid())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_changes_under_readers_and_can_go_back() -> anyhow::Result<()> {
    let seed = seed(0x5c4e);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    random_history(&ledger, &mut rng, 250).await?;
    let account = old_event(&ledger).await?;
    // The old program: it counts the event that it cannot read.
    ledger.catch_up().await?;
    assert_eq!(standing(&ledger, "follower_trends", 1).await?.skipped, 1);

    // The new program holds the code of both contracts, and starts.
    let mut projections = registry();
    projections.push(Arc::new(WithSource));
    projections.push(Arc::new(WithSecondFormula));
    let feed: Arc<dyn EventFeed> = Arc::new(Lifting(Arc::clone(&ledger.log) as Arc<_>));
    let database = Arc::new(ledger.database.endpoint.clone());
    let engine = Engine::new(Arc::clone(&feed), database.clone(), projections.clone());
    let administration = Administration::new(feed, database, projections);
    let advice = engine.check().await?;
    assert_eq!(advice.len(), 2, "{advice:?}");
    let cancel = CancellationToken::new();
    for name in ["follower_trends", "top_posts"] {
        let rebuild = administration.begin_rebuild(name).await?;
        assert_eq!(rebuild.version.projection.contract(), 2);
        ensure!(rebuild.run(None, &cancel, |_| {}).await?);
        let diff = administration.diff(name, None).await?;
        let with_more: Vec<_> = diff
            .tables
            .iter()
            .flat_map(|table| &table.columns_only_there)
            .collect();
        let expected = if name == "top_posts" {
            "er_views_2"
        } else {
            "source"
        };
        assert_eq!(with_more, [expected]);
        // All that both have is the same, but for what the old program could not read.
        let only_there: i64 = diff.tables.iter().map(|table| table.only_there).sum();
        let rest: i64 = diff.tables.iter().map(|t| t.only_here + t.different).sum();
        assert_eq!(
            (only_there, rest),
            (i64::from(name == "follower_trends"), 0),
            "{diff:?}"
        );
        administration.switch(name, None).await?;
    }
    assert_eq!(engine.check().await?, Vec::<String>::new());

    // Both contracts are kept, each by its code.
    random_history(&ledger, &mut rng, 80).await?;
    engine.catch_up(&cancel, |_| {}).await?;
    let row = client
        .query_one(
            "select count(*) filter (where source is null) as without,
                 count(*) filter (where account_id = $1) as lifted,
                 count(*) as values
             from follower_trends_v2",
            &[&account],
        )
        .await?;
    assert_eq!(
        (row.get::<_, i64>("without"), row.get::<_, i64>("lifted")),
        (0, 2)
    );
    assert!(row.get::<_, i64>("values") > 50);
    // The second formula holds for all of history, and the first one is what it was.
    let row = client
        .query_one(
            "select count(*) filter (where v2.views > 0) as defined,
                 count(*) filter (where v2.er_views_2 is distinct from (
                     case when v1.views > 0 then trunc((
                         coalesce(v1.likes, 0) + coalesce(v1.comments, 0)
                             + coalesce(v1.shares, 0) + 2 * coalesce(v1.saves, 0)
                     ) * 1000000000::numeric / v1.views + 0.5) end
                 )) as wrong,
                 count(*) filter (where v2.er_views is distinct from v1.er_views) as changed
             from top_posts_v1 v1
             full join top_posts_v2 v2 using (post)",
            &[],
        )
        .await?;
    let count = |name: &str| row.get::<_, i64>(name);
    assert!(count("defined") > 10, "{}", count("defined"));
    assert_eq!((count("wrong"), count("changed")), (0, 0));

    // Something is wrong with it after all: back, and nothing is stale.
    for name in ["follower_trends", "top_posts"] {
        administration.rollback(name).await?;
    }
    let head = ledger.log.head().await?.map(|head| head.to_string());
    for name in ["follower_trends", "top_posts"] {
        let back = standing(&ledger, name, 1).await?;
        assert!(back.live);
        assert_eq!(back.position, head);
    }
    Ok(())
}
