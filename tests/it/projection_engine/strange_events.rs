//! What no projector expects: events of a newer program, of somebody else, and of nobody sane.

use super::{assert_at_head, dump, engine, erase, filled_dump, rewind, whole};
use crate::histories::{minute, random_history};
use async_trait::async_trait;
use commands::ports::{Append, Appended, EventLog, ExpectedRevision, NewEvent};
use domain::chain::ChainHash;
use domain::codec::Metadata;
use domain::{CommandId, EventId, Metric, Platform, Position, StreamName, Timestamp};
use projections::engine::{EngineError, checkpoints};
use projections::feed::EventFeed;
use projections::follower_trends::metric_as_of;
use projections::{Applied, Projection, ProjectionError, Tables, registry};
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::first_versions;
use tests::rng::{Rng, seed};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

const LAST: Timestamp = Timestamp::MAX;

fn metadata(schema: u16) -> anyhow::Result<Vec<u8>> {
    let metadata = Metadata {
        schema,
        recorded_at: minute(0),
        actor: "test".to_owned(),
        command_id: CommandId::from_uuid(Uuid::nil()),
        correlation_id: Uuid::nil(),
        causation_id: None,
        prev: ChainHash::GENESIS,
    };
    Ok(serde_json::to_vec(&metadata)?)
}

/// Appends an event past the write side, behind whatever the stream holds.
async fn append(
    ledger: &TestLedger,
    stream: &StreamName,
    event_type: &'static str,
    metadata: Vec<u8>,
    data: &[u8],
) -> anyhow::Result<Appended> {
    let held = ledger.log.read_stream(stream, 0, 1_000_000).await?;
    let event = NewEvent {
        event_id: EventId::from_uuid(Uuid::now_v7()),
        event_type: event_type.into(),
        metadata,
        data: data.to_vec(),
    };
    let append = Append {
        stream: stream.clone(),
        expected: match held.last() {
            Some(last) => ExpectedRevision::Exact(last.revision),
            None => ExpectedRevision::NoStream,
        },
        events: Arc::new([event]),
    };
    Ok(ledger.log.append(append).await?)
}

/// Appends an event to an account that nobody can read.
pub(super) async fn poison(
    ledger: &TestLedger,
    account: domain::AccountId,
) -> anyhow::Result<Appended> {
    let stream = StreamName::of_account(account);
    let data = br#"{"nonsense":true}"#;
    append(ledger, &stream, "MetricsObserved", metadata(1)?, data).await
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_events_are_skipped_and_counted() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let account = ledger.import("creator", Platform::Youtube, "1").await?;
    let stream = StreamName::of_account(account);
    let followers = |count| [(Metric::Followers, count)];
    ledger
        .observe(account, "2026-01-02T00:00:00Z", &followers(1))
        .await?;
    append(&ledger, &stream, "InventedLater", metadata(1)?, b"{}").await?;
    let data = br#"{"of":"a shape to come"}"#;
    append(&ledger, &stream, "MetricsObserved", metadata(99)?, data).await?;
    let elsewhere = StreamName::new("somebody-elses");
    append(&ledger, &elsewhere, "MetricsObserved", b"?".to_vec(), b"?").await?;
    // The write side, too, goes on behind what it does not know.
    ledger
        .observe(account, "2026-01-03T00:00:00Z", &followers(2))
        .await?;

    let client = ledger.database.connect().await?;
    for _ in 0..2 {
        ledger.catch_up().await?;
        assert_at_head(&ledger, &client).await?;
        for held in checkpoints(&client).await? {
            assert_eq!((held.events, held.skipped), (3, 3), "{}", held.name);
        }
        let point = metric_as_of(
            &first_versions(&client),
            account,
            Metric::Followers,
            LAST,
            LAST,
        )
        .await?;
        assert_eq!(point.map(|point| point.value), Some(2));
        rewind(&client).await?;
    }
    // One by one as well: a batch may hold nothing but strangers.
    let engine = engine(&ledger, 1, registry());
    engine.catch_up(&CancellationToken::new(), |_| {}).await?;
    assert_at_head(&ledger, &client).await?;
    for held in checkpoints(&client).await? {
        assert_eq!((held.events, held.skipped), (3, 3), "{}", held.name);
    }
    Ok(())
}

/// Whether a read model looks at events of this type.
fn takes(name: &str, event_type: &str) -> bool {
    let models = registry();
    let mut models = models.iter().filter(|model| model.name() == name);
    models.any(|model| model.takes(event_type))
}

/// Of the shards of accounts that are not the event's, each goes on, and so does a read model that
/// does not look at such events.
async fn assert_others_go_on(
    ledger: &TestLedger,
    client: &Client,
    event_type: &str,
) -> anyhow::Result<()> {
    let head = ledger
        .log
        .head()
        .await?
        .map(|head| head.commit.cast_signed());
    let sql = "select count(*) as shards
               from projection_checkpoints
               where name in ('follower_trends', 'top_posts') and commit_position = $1";
    let row = client.query_one(sql, &[&head]).await?;
    let halted = ["follower_trends", "top_posts"].map(|name| i64::from(takes(name, event_type)));
    let expected = 2 * 4 - halted.iter().sum::<i64>();
    assert_eq!(row.try_get::<_, i64>("shards")?, expected);
    Ok(())
}

/// Runs the engine twice: it halts at this position each time.
async fn assert_halts_at(ledger: &TestLedger, position: Position) -> anyhow::Result<()> {
    for most in [4_000, 1] {
        let engine = engine(ledger, most, registry());
        let outcome = engine.catch_up(&CancellationToken::new(), |_| {}).await;
        let named = match &outcome {
            Err(EngineError::Undecodable { position, .. }) => Some(*position),
            _ => None,
        };
        assert_eq!(named, Some(position), "{outcome:?}");
        let message = outcome.err().map(|error| error.to_string());
        let message = message.unwrap_or_default();
        assert!(message.contains(&position.to_string()), "{message}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undecodable_event_halts_its_shard_and_nothing_behind_it_is_applied()
-> anyhow::Result<()> {
    let seed = seed(0xbad);
    eprintln!("seed {seed}");
    let mut rng = Rng::new(seed);
    let bad: [(_, Vec<u8>, &[u8]); 3] = [
        ("MetricsObserved", metadata(1)?, br#"{"nonsense":true}"#),
        ("PostsObserved", metadata(1)?, b"\x00"),
        ("InventedLater", b"no metadata".to_vec(), b"{}"),
    ];
    for (event_type, metadata, data) in bad {
        let ledger = TestLedger::create().await?;
        random_history(&ledger, &mut rng, 60).await?;
        ledger.catch_up().await?;
        let client = ledger.database.connect().await?;
        let before = dump(&client).await?;
        let head = ledger.log.head().await?;

        let poisoned = ledger
            .import("creator", Platform::Tiktok, "poisoned")
            .await?;
        let last_sound = ledger.log.head().await?;
        let stream = StreamName::of_account(poisoned);
        let poison = append(&ledger, &stream, event_type, metadata, data).await?;
        let behind = super::parking::neighbour(&ledger, poisoned).await?;
        ledger
            .observe(behind, "2026-01-03T00:00:00Z", &[(Metric::Followers, 2)])
            .await?;

        assert_halts_at(&ledger, poison.position).await?;
        assert_others_go_on(&ledger, &client, event_type).await?;
        let row = client
            .query_one(
                "select count(*) as applied from accounts_v1 where account_id = $1",
                &[&behind.uuid()],
            )
            .await?;
        assert_eq!(row.try_get::<_, i64>("applied")?, 0);
        let point = metric_as_of(
            &first_versions(&client),
            behind,
            Metric::Followers,
            LAST,
            LAST,
        )
        .await?;
        assert_eq!(point.is_none(), takes("follower_trends", event_type));
        for held in checkpoints(&client).await? {
            if !takes(&held.name, event_type) {
                assert_eq!(held.position, ledger.log.head().await?, "{}", held.name);
                continue;
            }
            // At what was caught up before, or at the last sound event; never behind the poison.
            assert!(held.position >= head, "{}", held.name);
            assert!(held.position <= last_sound, "{}", held.name);
        }
        let after = dump(&client).await?;
        for (table, name) in [
            ("follower_trends_v1", "follower_trends"),
            ("top_posts_v1_history", "top_posts"),
            ("sync_health_v1_syncs", "sync_health"),
        ] {
            if takes(name, event_type) {
                assert_eq!(after[table], before[table], "{table}");
            }
        }
    }
    Ok(())
}

/// A read model that can do nothing.
struct Broken;

#[async_trait]
impl Projection for Broken {
    fn name(&self) -> &'static str {
        "broken"
    }

    fn contract(&self) -> i32 {
        1
    }

    fn tables(&self) -> &'static str {
        "create table broken_vN (nothing int)"
    }

    async fn apply(&self, tables: &Tables<'_>, _: &[Applied]) -> Result<(), ProjectionError> {
        tables
            .execute("insert into broken_vN (nothing) values (1 / 0)", &[])
            .await?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_read_model_halts_alone() -> anyhow::Result<()> {
    let seed = seed(0xb40);
    eprintln!("seed {seed}");
    let ledger = TestLedger::create().await?;
    random_history(&ledger, &mut Rng::new(seed), 300).await?;
    ledger.catch_up().await?;
    let client = ledger.database.connect().await?;
    let whole_dump = filled_dump(&client).await?;
    erase(&client).await?;
    let mut projections = registry();
    projections.insert(0, Arc::new(Broken));
    let engine = engine(&ledger, 30, projections);
    engine.install().await?;
    let outcome = engine.catch_up(&CancellationToken::new(), |_| {}).await;
    let halted = matches!(
        &outcome,
        Err(EngineError::Projection { name: "broken", .. })
    );
    assert!(halted, "{outcome:?}");
    let mut found = dump(&client).await?;
    assert_eq!(found.remove("broken_v1"), Some((0, String::new())));
    assert_eq!(found, whole_dump);
    // Whoever lists the read models is told why.
    let listed = ledger.administration().list().await?;
    let faults = listed
        .iter()
        .filter_map(|one| Some((one.name.as_str(), one.fault.as_deref()?)));
    let faults: Vec<_> = faults.collect();
    assert!(matches!(&faults[..], [("broken", fault)] if fault.contains("division by zero")));
    let head = ledger.log.head().await?;
    for held in checkpoints(&client).await? {
        let expected = match held.name.as_str() {
            "broken" => None,
            _ => head,
        };
        assert_eq!(held.position, expected, "{}", held.name);
    }
    Ok(())
}

/// A read model of another log is not gone on with.
#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_of_another_log_is_refused() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    ledger.import("creator", Platform::Youtube, "1").await?;
    let client = ledger.database.connect().await?;
    client
        .batch_execute(
            "update projection_checkpoints set log_id = gen_random_uuid() where name = 'accounts'",
        )
        .await?;
    let before = dump(&client).await?;
    let outcome = ledger
        .engine
        .catch_up(&CancellationToken::new(), |_| {})
        .await;
    let refused = matches!(&outcome, Err(EngineError::ForeignCheckpoint("accounts")));
    assert!(refused, "{outcome:?}");
    assert_eq!(dump(&client).await?, before);
    assert_eq!(whole(&ledger).await?.len(), 1);
    Ok(())
}
