//! A storm over either log: writers append and readers ask, while projectors, rebuilds, switches
//! and roll backs are killed at random instants. No question fails, no answer lacks what an
//! earlier one had, and afterwards every version is a fold of the log, switched to or gone back to.

mod answers;

use crate::api_ground::PROGRAM;
use crate::fold::assert_all_versions_equal;
use crate::histories::write_history;
use adapters::clock::SystemClock;
use adapters::eventstore::EventStoreLog;
use adapters::postgres::{PostgresLog, states::PostgresStates};
use adapters::vault::{MasterKey, PostgresVault};
use answers::Steady;
use anyhow::{Context, bail, ensure};
use commands::Ledger;
use commands::ports::{EventLog, Vault};
use projections::feed::EventFeed;
use projections::registry;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::ledger::MASTER_KEY;
use tests::rng::{Rng, seed};
use tests::server::{Place, Server, command, create_key, run};
use tests::{StandIn, TestDatabase};
use tokio::task::{block_in_place, spawn_blocking};
use tokio::time::sleep;
use tokio_postgres::Client;

/// With the fifty over a Postgres that is killed too: a hundred over Postgres.
const KILLS: usize = 50;
/// The longest pause between two kills, in milliseconds.
const LONGEST_PAUSE: u64 = 300;
/// Between two groups of commands, and between two questions: the machine has other work too.
const WRITERS_PAUSE: Duration = Duration::from_millis(60);
const READERS_PAUSE: Duration = Duration::from_millis(15);
/// A rebuild so slow that it is killed in the middle.
const EVENTS_PER_SECOND: &str = "1500";
/// Of one read model no more versions are made than this.
const MOST_VERSIONS: i64 = 3;
const PATIENCE: Duration = Duration::from_secs(120);

/// A log, and everything over it but a projector.
struct Ground {
    place: Place,
    database: TestDatabase,
    feed: Arc<dyn EventFeed>,
    ledger: Ledger,
    vault: Arc<PostgresVault>,
    is_over: AtomicBool,
}

impl Ground {
    async fn over<L: EventLog + EventFeed + 'static>(
        database: TestDatabase,
        log: Arc<L>,
        place: Place,
    ) -> anyhow::Result<Self> {
        let pool = database.pool(8)?;
        let clock = Arc::new(SystemClock);
        let master = MasterKey::parse(MASTER_KEY, "a test")?;
        let vault = Arc::new(PostgresVault::open(pool.clone(), clock.clone(), &master).await?);
        let ledger = Ledger::new(
            Arc::clone(&log) as Arc<dyn EventLog>,
            Arc::clone(&vault) as Arc<dyn Vault>,
            clock,
            Arc::new(PostgresStates::new(pool)),
        );
        Ok(Self {
            place,
            database,
            feed: log,
            ledger,
            vault,
            is_over: AtomicBool::new(false),
        })
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
    }

    async fn write(&self, mut rng: Rng) -> anyhow::Result<()> {
        while !self.is_over() {
            write_history(&self.ledger, &*self.vault, &mut rng, 10).await?;
            sleep(WRITERS_PAUSE).await;
        }
        Ok(())
    }

    fn program(&self, arguments: &[&str]) -> anyhow::Result<Killed> {
        let child = command(PROGRAM, self.place.clone(), arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Killed(child))
    }

    /// What an administrator does with some read model; much of it is refused or killed.
    async fn administer(&self, client: &Client, rng: &mut Rng) -> anyhow::Result<Killed> {
        let name = registry()[rng.below(registry().len() as u64) as usize].name();
        let sql = "select count(*) as made from projection_versions where name = $1";
        let row = client.query_one(sql, &[&name]).await?;
        let verbs: &[&str] = match row.try_get::<_, i64>("made")? {
            0..MOST_VERSIONS => &["rebuild", "rebuild", "switch", "rollback"],
            _ => &["switch", "rollback"],
        };
        match *rng.pick(verbs) {
            "rebuild" => self.program(&[
                "projections",
                "rebuild",
                name,
                "--max-rate",
                EVENTS_PER_SECOND,
            ]),
            verb => self.program(&["projections", verb, name]),
        }
    }

    /// Two projectors and an administrator, one of whom is killed again and again; then everything
    /// is rebuilt, switched, taken back and switched once more. How many were killed at work.
    async fn rage(&self, rng: &mut Rng) -> anyhow::Result<usize> {
        let client = self.database.connect().await?;
        let mut projectors = [self.program(&["projector"])?, self.program(&["projector"])?];
        let mut administrator = self.administer(&client, rng).await?;
        let mut at_work = 0;
        for _ in 0..KILLS {
            sleep(Duration::from_millis(rng.below(LONGEST_PAUSE))).await;
            if let which @ 0..2 = rng.below(3) {
                let projector = &mut projectors[which as usize];
                at_work += usize::from(projector.end()?);
                *projector = self.program(&["projector"])?;
                // As if its lease had ended, and the other one's too.
                client
                    .execute(
                        "update projectors set seen_at = seen_at - interval '8 s'",
                        &[],
                    )
                    .await?;
            } else {
                at_work += usize::from(administrator.end()?);
                administrator = self.administer(&client, rng).await?;
            }
        }
        drop(administrator);
        for verb in ["rebuild", "switch", "rollback", "switch"] {
            for projection in registry() {
                self.carry_out(&["projections", verb, projection.name()])
                    .await?;
            }
        }
        Ok(at_work)
    }

    /// A command that must be carried out in the end: a killed one's lock may outlive it by a
    /// moment, and a projector takes a moment to bring a version along.
    async fn carry_out(&self, arguments: &[&'static str]) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let (place, arguments) = (self.place.clone(), arguments.to_vec());
            let running = spawn_blocking(move || run(PROGRAM, place, &arguments));
            match running.await? {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() >= end => bail!(error),
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    }
}

/// A process that ends with this, at once.
struct Killed(Child);

impl Killed {
    /// Kills it. Says whether it was still at work.
    fn end(&mut self) -> anyhow::Result<bool> {
        let is_at_work = self.0.try_wait()?.is_none();
        self.0.kill()?;
        self.0.wait()?;
        Ok(is_at_work)
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _gone = self.end();
    }
}

/// Waits until every filled version has the whole log, and compares each with a fold of it.
async fn all_equal_the_log(ground: &Ground, client: &Client) -> anyhow::Result<usize> {
    let events = ground.feed.read_all(None, usize::MAX >> 1).await?;
    let head = events.last().context("events")?.position;
    let sql =
        "select coalesce(bool_and((c.commit_position, c.prepare_position) >= ($1, $2)), false)
                   as are_there
               from projection_checkpoints c
               join projection_versions v using (name, version)
               where v.filled_at is not null";
    let (commit, prepare) = (head.commit.cast_signed(), head.prepare.cast_signed());
    let end = Instant::now() + PATIENCE;
    loop {
        let row = client.query_one(sql, &[&commit, &prepare]).await?;
        if row.try_get("are_there")? {
            return assert_all_versions_equal(client, &events).await;
        }
        ensure!(Instant::now() < end, "the versions never came to {head}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn storm(ground: Ground) -> anyhow::Result<()> {
    let seed = seed(0x0057_0a11);
    eprintln!("storm: TEST_SEED={seed}");
    let mut rng = Rng::new(seed);
    write_history(&ground.ledger, &*ground.vault, &mut rng, 300).await?;
    let steady = Steady::record(&ground).await?;
    run(PROGRAM, ground.place.clone(), &["projector", "--once"])?;
    let key = create_key(PROGRAM, ground.place.clone(), "admin", &[])?;
    let serve = command(PROGRAM, ground.place.clone(), &["serve", "--role", "api"]);
    let server = block_in_place(|| Server::run(serve, key))?;

    let killing = async {
        let killed = ground.rage(&mut rng).await;
        ground.is_over.store(true, Ordering::SeqCst);
        killed
    };
    let reading = async {
        tokio::try_join!(
            steady.read(&ground, &server, 0),
            steady.read(&ground, &server, 3)
        )
    };
    let (killed, read, written) = tokio::join!(
        killing,
        reading,
        ground.write(Rng::new(seed.wrapping_add(1)))
    );
    let (one, other) = read?;
    written?;
    eprintln!(
        "storm: {KILLS} kills, {} of them at work, {} answers",
        killed?,
        one + other
    );
    ensure!(one + other > 50, "{one} and {other} answers");

    let _projectors = [
        ground.program(&["projector"])?,
        ground.program(&["projector"])?,
    ];
    let client = ground.database.connect().await?;
    let models = registry().len();
    let versions = all_equal_the_log(&ground, &client).await?;
    eprintln!("storm: {versions} versions of {models} read models");
    ensure!(versions >= 2 * models, "{versions}");
    // The live ones are those switched to; now those gone back to.
    for projection in registry() {
        ground
            .carry_out(&["projections", "rollback", projection.name()])
            .await?;
    }
    write_history(&ground.ledger, &*ground.vault, &mut rng, 20).await?;
    ensure!(all_equal_the_log(&ground, &client).await? == versions);
    steady.ask_all(&server).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_postgres_is_noticed_by_nobody() -> anyhow::Result<()> {
    let database = TestDatabase::create().await?;
    let log = PostgresLog::open(database.endpoint.clone(), database.pool(8)?).await?;
    let place = Place::from(&database.url);
    storm(Ground::over(database, Arc::new(log), place).await?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_over_an_event_store_is_noticed_by_nobody() -> anyhow::Result<()> {
    let (database, store) = (TestDatabase::create().await?, StandIn::start().await?);
    let log = EventStoreLog::new(store.url().parse()?);
    let place = Place::with_log(&database.url, &store.url());
    storm(Ground::over(database, Arc::new(log), place).await?).await
}
