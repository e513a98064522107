//! A projector and a rebuild while the database is in trouble: they wait, say so, and go on by
//! themselves when it is over; no row is wrong.

mod disk;
mod steps;
mod trouble;

use crate::api_ground::PROGRAM;
use crate::fold::assert_all_versions_equal_the_log;
use crate::histories::random_history;
use adapters::postgres::migrate::migrate;
use anyhow::{Context, bail, ensure};
use projections::feed::EventFeed;
use std::fs::File;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};
use tests::rng::{Rng, seed};
use tests::server::command;
use tests::signal::signal;
use tests::{Cluster, TestDatabase, TestLedger};
use tokio::time::sleep;
use tokio_postgres::Client;

/// Long enough for everything that will ever come.
const PATIENCE: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(20);
/// The read model that is rebuilt: the one with most tables.
const REBUILT: &str = "top_posts";
/// So slow that the fault comes in the middle.
const EVENTS_PER_SECOND: &str = "150";

/// A migrated database in a cluster that may be hurt.
async fn database_in(cluster: &Cluster) -> anyhow::Result<TestDatabase> {
    let database = TestDatabase::create_in(cluster).await?;
    migrate(&mut database.connect().await?).await?;
    Ok(database)
}

/// How often a fault must be met: more often than a failure is tried that lasts.
const TIMES: usize = 5;

/// The program at work, and what it says; killed when dropped.
struct Program {
    child: Child,
    said: tempfile::NamedTempFile,
    /// How much of it was waited for already.
    heard: usize,
}

impl Program {
    fn start(url: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        let said = tempfile::NamedTempFile::new()?;
        let child = command(PROGRAM, url, arguments)
            .stdout(Stdio::null())
            .stderr(File::create(said.path())?)
            .spawn()?;
        Ok(Self {
            child,
            said,
            heard: 0,
        })
    }

    fn said(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.said.path())?)
    }

    fn has_ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until so many lines have all of these words, which it must say while it runs.
    async fn until_says(&mut self, words: &[&str], times: usize) -> anyhow::Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.said()?;
            let has_all = |line: &&str| words.iter().all(|word| line.contains(word));
            if said[self.heard..].lines().filter(has_all).count() >= times {
                self.heard = said.len();
                return Ok(());
            }
            let ended = self.has_ended()?;
            ensure!(
                ended.is_none() && Instant::now() < end,
                "{ended:?}, and it did not say {words:?}:\n{said}"
            );
            sleep(STEP).await;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// A projector that follows, and a rebuild in the middle of its work.
struct AtWork {
    projector: Program,
    rebuild: Program,
    rng: Rng,
}

impl AtWork {
    async fn begin(ledger: &TestLedger, url: &str) -> anyhow::Result<Self> {
        let seed = seed(0xfa117);
        eprintln!("seed {seed}");
        let mut rng = Rng::new(seed);
        random_history(ledger, &mut rng, 600).await?;
        ledger.catch_up().await?;
        let projector = Program::start(url, &["projector"])?;
        let arguments = [
            "projections",
            "rebuild",
            REBUILT,
            "--max-rate",
            EVENTS_PER_SECOND,
        ];
        let mut rebuild = Program::start(url, &arguments)?;
        let client = ledger.database.connect().await?;
        let begun = "select exists (
                select
                from projection_checkpoints
                where version = 2 and events > 0
            ) and exists (select from projection_leases) as have_begun";
        until(&client, begun).await?;
        ensure!(rebuild.has_ended()?.is_none(), "{}", rebuild.said()?);
        Ok(Self {
            projector,
            rebuild,
            rng,
        })
    }

    /// Work for the projector.
    async fn append(&mut self, ledger: &TestLedger) -> anyhow::Result<()> {
        random_history(ledger, &mut self.rng, 200).await
    }

    /// Both wait for the same thing, longer than for what they take for lasting, and say which.
    async fn until_both_say(&mut self, words: &[&str]) -> anyhow::Result<()> {
        self.projector.until_says(words, TIMES).await?;
        self.rebuild.until_says(words, TIMES).await
    }

    /// The fault is over: the rebuild comes to its end, the projector to the head with both
    /// versions, and every version is a fold of the log.
    async fn goes_on(mut self, ledger: &TestLedger) -> anyhow::Result<()> {
        self.append(ledger).await?;
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.rebuild.has_ended()? {
                break status;
            }
            ensure!(Instant::now() < end, "no end:\n{}", self.rebuild.said()?);
            sleep(STEP).await;
        };
        ensure!(status.success(), "{status}:\n{}", self.rebuild.said()?);
        let client = ledger.database.connect().await?;
        let head = ledger.log.head().await?.context("events")?.commit;
        let at_head = format!(
            "select count(distinct (name, version)) = 5 and min(commit_position) = {head}
                 and count(fault) = 0 as all_there
             from projection_checkpoints"
        );
        let came = until(&client, &at_head).await;
        came.with_context(|| self.projector.said().unwrap_or_default())?;
        let ended = self.projector.has_ended()?;
        ensure!(ended.is_none(), "{ended:?}:\n{}", self.projector.said()?);
        signal("-TERM", self.projector.child.id())?;
        ensure!(self.projector.child.wait()?.success());
        ensure!(assert_all_versions_equal_the_log(&client).await? == 5);
        Ok(())
    }
}

/// Waits until a question is answered with yes.
async fn until(client: &Client, question: &str) -> anyhow::Result<()> {
    let end = Instant::now() + PATIENCE;
    while !client
        .query_one(question, &[])
        .await?
        .try_get::<_, bool>(0)?
    {
        if Instant::now() >= end {
            bail!("never: {question}");
        }
        sleep(STEP).await;
    }
    Ok(())
}
