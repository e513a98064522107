//! A stream that a read model cannot apply: it halts its shard or waits alone, and is whole again
//! once the cause is mended.

use super::{engine, erase};
use anyhow::{Context, ensure};
use async_trait::async_trait;
use domain::account::ErasureReason;
use domain::{AccountId, Metric, Platform};
use projections::admin::{AdminError, ParkedStream};
use projections::engine::{EngineError, MOST_PARKED, OnFault};
use projections::feed::EventFeed;
use projections::follower_trends::FollowerTrends;
use projections::{Administration, Applied, Engine, Projection, ProjectionError, Tables};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tests::TestLedger;
use tests::ledger::{at, context};
use tokio_postgres::Client;
use tokio_util::sync::CancellationToken;

/// Follower trends by code with a fault: until it is mended it fails on one account's events from
/// a revision on.
struct Faulty {
    account: AccountId,
    from: i64,
    mended: AtomicBool,
}

#[async_trait]
impl Projection for Faulty {
    fn name(&self) -> &'static str {
        FollowerTrends.name()
    }

    fn contract(&self) -> i32 {
        FollowerTrends.contract()
    }

    fn tables(&self) -> &'static str {
        FollowerTrends.tables()
    }

    fn indexes(&self) -> &'static str {
        FollowerTrends.indexes()
    }

    fn is_sharded(&self) -> bool {
        FollowerTrends.is_sharded()
    }

    fn takes(&self, event_type: &str) -> bool {
        FollowerTrends.takes(event_type)
    }

    async fn apply(&self, tables: &Tables<'_>, events: &[Applied]) -> Result<(), ProjectionError> {
        let fails = |event: &Applied| event.account == self.account && event.revision >= self.from;
        if !self.mended.load(Ordering::SeqCst) && events.iter().any(fails) {
            tables.execute("select 1 / 0", &[]).await?;
        }
        FollowerTrends.apply(tables, events).await
    }
}

struct Scene {
    ledger: TestLedger,
    client: Client,
    /// Of one shard, the first of which is faulty from its third observation on.
    accounts: [AccountId; 2],
    code: Arc<Faulty>,
}

/// Another account of the same shard.
pub(super) async fn neighbour(ledger: &TestLedger, of: AccountId) -> anyhow::Result<AccountId> {
    for n in 0..200 {
        let id = format!("neighbour-{n}");
        let account = ledger.import("creator", Platform::Tiktok, &id).await?;
        if account.uuid().as_bytes()[15] % 4 == of.uuid().as_bytes()[15] % 4 {
            return Ok(account);
        }
    }
    anyhow::bail!("no account of the same shard in 200")
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        let ledger = TestLedger::create().await?;
        let faulty = ledger.import("creator", Platform::Tiktok, "faulty").await?;
        let sound = neighbour(&ledger, faulty).await?;
        let code = Faulty {
            account: faulty,
            from: 3,
            mended: AtomicBool::new(false),
        };
        let scene = Self {
            client: ledger.database.connect().await?,
            ledger,
            accounts: [faulty, sound],
            code: Arc::new(code),
        };
        for day in 1..=5 {
            scene.observe(day).await?;
        }
        Ok(scene)
    }

    async fn observe(&self, day: i64) -> anyhow::Result<()> {
        for account in self.accounts {
            let at = format!("2026-01-{day:02}T12:00:00Z");
            let known = [(Metric::Followers, 100 + day)];
            self.ledger.observe(account, &at, &known).await?;
        }
        Ok(())
    }

    fn engine(&self, on_fault: OnFault) -> Engine {
        let code = vec![Arc::clone(&self.code) as Arc<dyn Projection>];
        engine(&self.ledger, 4_000, code).on_fault(on_fault)
    }

    fn administration(&self) -> Administration {
        Administration::new(
            Arc::clone(&self.ledger.log) as Arc<dyn EventFeed>,
            Arc::new(self.ledger.database.endpoint.clone()),
            vec![Arc::clone(&self.code) as Arc<dyn Projection>],
        )
    }

    async fn catch_up(&self, on_fault: OnFault) -> Result<(), EngineError> {
        let cancel = CancellationToken::new();
        self.engine(on_fault).catch_up(&cancel, |_| {}).await?;
        Ok(())
    }

    /// How many observations the read model has of each of the two.
    async fn rows(&self) -> anyhow::Result<[i64; 2]> {
        let mut counted = [0; 2];
        for (account, count) in self.accounts.iter().zip(&mut counted) {
            let sql = "select count(*) as rows from follower_trends_v1 where account_id = $1";
            let row = self.client.query_one(sql, &[&account.uuid()]).await?;
            *count = row.try_get("rows")?;
        }
        Ok(counted)
    }

    async fn parked(&self) -> anyhow::Result<Vec<ParkedStream>> {
        Ok(self.administration().parked().await?)
    }

    async fn fault(&self) -> anyhow::Result<Option<String>> {
        let listed = self.administration().list().await?;
        Ok(listed.into_iter().find_map(|one| one.fault))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_halted_shard_goes_on_without_the_parked_stream_which_comes_back_whole()
-> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let refused = scene.catch_up(OnFault::Halt).await;
    ensure!(
        matches!(refused, Err(EngineError::Projection { .. })),
        "{refused:?}"
    );
    ensure!(scene.fault().await?.context("a fault")?.contains("zero"));
    // The batch that holds the event is not applied in part.
    ensure!(scene.rows().await? == [0, 0]);

    let administration = scene.administration();
    let parked = administration.park("follower_trends", None).await?;
    let [one] = &parked[..] else {
        anyhow::bail!("{parked:?}");
    };
    ensure!((one.account, one.revision) == (scene.accounts[0], 3));
    ensure!(one.error.contains("zero"), "{}", one.error);
    ensure!(scene.fault().await?.is_none());
    let again = administration.park("follower_trends", None).await;
    ensure!(matches!(again, Err(AdminError::NothingToPark { .. })));

    // The others of its shard go on; all its events that are not applied wait.
    scene.catch_up(OnFault::Halt).await?;
    scene.observe(6).await?;
    scene.catch_up(OnFault::Halt).await?;
    ensure!(scene.rows().await? == [2, 6], "{:?}", scene.rows().await?);

    // Trying again before anything is mended changes nothing but the reason.
    let before = dump_of_trends(&scene.client).await?;
    let retried = administration.retry("follower_trends", None).await?;
    ensure!(retried[0].error.is_some() && retried[0].events == 0);
    ensure!(dump_of_trends(&scene.client).await? == before);
    ensure!(scene.parked().await?.len() == 1);

    scene.code.mended.store(true, Ordering::SeqCst);
    let account = Some(scene.accounts[0]);
    let retried = administration.retry("follower_trends", account).await?;
    ensure!(retried[0].error.is_none(), "{retried:?}");
    ensure!(scene.rows().await? == [6, 6], "{:?}", scene.rows().await?);
    ensure!(scene.parked().await?.is_empty());
    let none_left = administration.retry("follower_trends", account).await;
    ensure!(matches!(none_left, Err(AdminError::NothingParked { .. })));
    scene.observe(7).await?;
    scene.catch_up(OnFault::Halt).await?;

    // As if nothing had ever been wrong.
    let mended = dump_of_trends(&scene.client).await?;
    erase(&scene.client).await?;
    scene.catch_up(OnFault::Halt).await?;
    ensure!(dump_of_trends(&scene.client).await? == mended);
    Ok(())
}

async fn dump_of_trends(client: &Client) -> anyhow::Result<String> {
    let sql = "select coalesce(string_agg(t::text, '|' order by t::text), '') as rows
               from follower_trends_v1 t";
    Ok(client.query_one(sql, &[]).await?.try_get("rows")?)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_may_park_by_itself() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.catch_up(OnFault::Park).await?;
    // What came before the fault in the same batch is there.
    let parked = scene.parked().await?;
    ensure!(parked.len() == 1 && parked[0].account == scene.accounts[0]);
    ensure!(scene.rows().await? == [2, 5], "{:?}", scene.rows().await?);
    scene.code.mended.store(true, Ordering::SeqCst);
    let administration = scene.administration();
    administration.retry("follower_trends", None).await?;
    ensure!(scene.rows().await? == [5, 5], "{:?}", scene.rows().await?);
    Ok(())
}

/// If very many streams fail it is not the streams that are at fault.
#[tokio::test(flavor = "multi_thread")]
async fn not_everything_is_parked() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.engine(OnFault::Park).install().await?;
    scene
        .client
        .execute(
            "insert into projection_parked (name, version, account_id, revision, error)
             select 'follower_trends', 1, gen_random_uuid(), 0, 'a test'
             from generate_series(1, $1::bigint)",
            &[&MOST_PARKED],
        )
        .await?;
    let halted = scene.catch_up(OnFault::Park).await;
    ensure!(
        matches!(halted, Err(EngineError::Projection { .. })),
        "{halted:?}"
    );
    ensure!(scene.fault().await?.is_some());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erased_account_waits_for_nothing() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    // Some of it is in the read model before it is parked.
    scene.code.mended.store(true, Ordering::SeqCst);
    scene.catch_up(OnFault::Park).await?;
    scene.code.mended.store(false, Ordering::SeqCst);
    scene.observe(6).await?;
    scene.catch_up(OnFault::Park).await?;
    ensure!(scene.parked().await?.len() == 1);
    ensure!(scene.rows().await? == [5, 6]);
    let now = at("2026-06-01T09:00:00Z");
    let erasures = &scene.ledger.erasures;
    let reason = ErasureReason::Requested;
    erasures
        .erase(scene.accounts[0], reason, now, &context())
        .await?;
    // The fault is not in what an erasure does.
    scene.code.mended.store(true, Ordering::SeqCst);
    scene.catch_up(OnFault::Park).await?;
    ensure!(scene.rows().await? == [0, 6], "{:?}", scene.rows().await?);
    ensure!(scene.parked().await?.is_empty());
    Ok(())
}

/// Whoever follows takes notice of what an administrator parks and takes back.
#[tokio::test(flavor = "multi_thread")]
async fn a_projector_at_work_takes_notice() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let cancel = CancellationToken::new();
    let engine = scene.engine(OnFault::Halt);
    let administering = async {
        let done = administer(&scene).await;
        cancel.cancel();
        done
    };
    let (followed, administered) = tokio::join!(engine.follow(&cancel), administering);
    followed?;
    administered
}

async fn administer(scene: &Scene) -> anyhow::Result<()> {
    let until = async |rows: [i64; 2]| -> anyhow::Result<()> {
        for _ in 0..1_200 {
            if matches!(scene.rows().await, Ok(found) if found == rows) {
                return Ok(());
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        anyhow::bail!("never came to {rows:?}: {:?}", scene.rows().await)
    };
    let administration = scene.administration();
    let mut parked = administration.park("follower_trends", None).await;
    while matches!(parked, Err(AdminError::NothingToPark { .. })) {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        parked = administration.park("follower_trends", None).await;
    }
    ensure!(parked?.len() == 1);
    until([2, 5]).await?;
    scene.code.mended.store(true, Ordering::SeqCst);
    administration.retry("follower_trends", None).await?;
    scene.observe(6).await?;
    until([6, 6]).await
}

/// A version that lacks a stream which the live one has does not go live.
#[tokio::test(flavor = "multi_thread")]
async fn a_version_with_parked_streams_is_not_switched_to() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.code.mended.store(true, Ordering::SeqCst);
    scene.catch_up(OnFault::Halt).await?;
    scene.code.mended.store(false, Ordering::SeqCst);
    let administration = scene.administration();
    let cancel = CancellationToken::new();
    let fill = async || -> Result<bool, AdminError> {
        let rebuild = administration.begin_rebuild("follower_trends").await?;
        rebuild.run(None, &cancel, |_| {}).await
    };
    ensure!(fill().await.is_err(), "a rebuild halts too");
    administration.park("follower_trends", Some(2)).await?;
    ensure!(fill().await?, "it goes on without the stream");
    let refused = administration.switch("follower_trends", None).await;
    ensure!(
        matches!(refused, Err(AdminError::Lacks { streams: 1, .. })),
        "{refused:?}"
    );
    scene.code.mended.store(true, Ordering::SeqCst);
    administration.retry("follower_trends", None).await?;
    administration.switch("follower_trends", None).await?;
    ensure!(administration.diff("follower_trends", Some(1)).await?.same);
    Ok(())
}

/// An event that cannot be read is dealt with the same way, for every read model that takes it.
#[tokio::test(flavor = "multi_thread")]
async fn an_unreadable_event_is_parked_and_counts_as_applied_by_no_one() -> anyhow::Result<()> {
    let ledger = TestLedger::create().await?;
    let client = ledger.database.connect().await?;
    let poisoned = ledger.import("creator", Platform::Tiktok, "one").await?;
    super::strange_events::poison(&ledger, poisoned).await?;
    let sound = neighbour(&ledger, poisoned).await?;
    ledger
        .observe(sound, "2026-01-03T00:00:00Z", &[(Metric::Followers, 2)])
        .await?;
    let cancel = CancellationToken::new();
    let parking = engine(&ledger, 4_000, projections::registry()).on_fault(OnFault::Park);
    parking.catch_up(&cancel, |_| {}).await?;
    let parked = ledger.administration().parked().await?;
    // One for each read model that looks at such events, and for no other.
    let names: Vec<_> = parked.iter().map(|it| it.name.as_str()).collect();
    ensure!(names == ["accounts", "follower_trends"], "{names:?}");
    ensure!(
        parked
            .iter()
            .all(|it| it.account == poisoned && it.revision == 1)
    );
    let sql = "select count(*) as rows from accounts_v1 where account_id = any ($1)";
    let both = [poisoned.uuid(), sound.uuid()];
    let row = client.query_one(sql, &[&both.as_slice()]).await?;
    // What came before the event that cannot be read is there.
    ensure!(row.try_get::<_, i64>("rows")? == 2);
    let retried = ledger.administration().retry("accounts", None).await?;
    let reason = retried[0].error.as_deref().context("it is parked still")?;
    ensure!(reason.contains("cannot be read"), "{reason}");
    Ok(())
}
