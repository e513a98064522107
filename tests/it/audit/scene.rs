//! A random history on a log that a test may spoil as only its owner could.

use crate::histories::random_history;
use adapters::audit::watch::{Settings, Watch};
use adapters::audit::{Auditor, Checkpoint, Report};
use adapters::clock::SystemClock;
use adapters::copy::{Copier, Side, Watched};
use adapters::eventstore::EventStoreLog;
use anyhow::Context;
use commands::ports::Clock;
use domain::chain::ChainHash;
use domain::{AccountId, RecordedEvent, StreamName};
use projections::feed::EventFeed;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tests::memory_log::MemoryLog;
use tests::rng::Rng;
use tests::standin::Stored;
use tests::{StandIn, TestLedger};

/// Which log a scene is on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Postgres,
    Memory,
    EventStore,
}

/// A history, its audit, and the way to spoil it.
pub(super) struct Scene {
    pub(super) ledger: TestLedger,
    pub(super) auditor: Auditor,
    pub(super) folder: TempDir,
    memory: Option<Arc<MemoryLog>>,
    store: Option<StandIn>,
}

impl Scene {
    pub(super) async fn new(kind: Kind, intents: usize) -> anyhow::Result<Self> {
        let ledger = TestLedger::create().await?;
        random_history(&ledger, &mut Rng::new(41), intents).await?;
        let folder = tempfile::tempdir()?;
        let memory = (kind == Kind::Memory).then(|| Arc::new(MemoryLog::default()));
        let store = match kind {
            Kind::EventStore => Some(StandIn::start().await?),
            Kind::Postgres | Kind::Memory => None,
        };
        let mut auditor = ledger.auditor()?;
        if let Some(store) = &store {
            let log = Arc::new(EventStoreLog::new(store.url().parse()?));
            auditor.log = log.clone();
            auditor.feed = log.clone();
            let side = |log, feed| Side { log, feed };
            let from = side(ledger.log.clone() as Arc<_>, ledger.log.clone() as Arc<_>);
            let to = side(log.clone() as Arc<_>, log as Arc<_>);
            Copier { from, to }.run(&Watched::default()).await?;
        }
        if let Some(memory) = &memory {
            memory.replace(ledger.log.read_all(None, 1_000_000).await?);
            auditor.log = memory.clone();
            auditor.feed = memory.clone();
        }
        Ok(Self {
            ledger,
            auditor,
            folder,
            memory,
            store,
        })
    }

    /// Everything in the log's order.
    pub(super) async fn events(&self) -> anyhow::Result<Vec<RecordedEvent>> {
        Ok(self.auditor.feed.read_all(None, 1_000_000).await?)
    }

    /// The accounts in the order of their first events.
    pub(super) async fn accounts(&self) -> anyhow::Result<Vec<AccountId>> {
        let mut accounts = vec![];
        for event in self.events().await? {
            let account = event.stream.account().context("an account's stream")?;
            if !accounts.contains(&account) {
                accounts.push(account);
            }
        }
        Ok(accounts)
    }

    /// Writes these events in the place of all.
    pub(super) async fn replace(&self, events: Vec<RecordedEvent>) -> anyhow::Result<()> {
        if let Some(memory) = &self.memory {
            memory.replace(events);
            return Ok(());
        }
        if let Some(store) = &self.store {
            store.tamper(|stored| replace_accounts(stored, events));
            return Ok(());
        }
        let mut client = self.ledger.database.connect().await?;
        let transaction = client.transaction().await?;
        transaction.batch_execute("delete from log_events").await?;
        let insert = transaction
            .prepare(
                "insert into log_events
                     (position, stream, revision, event_id, event_type, metadata, data)
                 values ($1, $2, $3, $4, $5, $6, $7)",
            )
            .await?;
        for event in &events {
            transaction
                .execute(
                    &insert,
                    &[
                        &(event.position.commit as i64),
                        &event.stream.as_str(),
                        &(event.revision as i64),
                        &event.event_id.uuid(),
                        &event.event_type,
                        &event.metadata,
                        &event.data,
                    ],
                )
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// A follower that makes checkpoints in this test's folder.
    pub(super) fn watch(&self) -> Watch {
        self.watch_with(Arc::new(SystemClock), u64::MAX, Duration::from_secs(3_600))
    }

    pub(super) fn watch_with(
        &self,
        clock: Arc<dyn Clock>,
        every_events: u64,
        every: Duration,
    ) -> Watch {
        let settings = Settings {
            every_events,
            every,
            folder: self.folder.path().to_owned(),
        };
        Watch::new(self.auditor.clone(), clock, settings)
    }

    /// Signs a checkpoint of everything and returns its file.
    pub(super) async fn checkpoint(&self) -> anyhow::Result<PathBuf> {
        let watch = self.watch();
        watch.catch_up().await?;
        Ok(watch.checkpoint().await?.path)
    }

    /// What the follower noted in the database is gone, as a forger would have it.
    pub(super) async fn forget_tips(&self) -> anyhow::Result<()> {
        let client = self.ledger.database.connect().await?;
        client.batch_execute("delete from audit_tips").await?;
        Ok(())
    }

    pub(super) async fn verify_all(&self, checkpoint: Option<&Path>) -> anyhow::Result<Report> {
        let checkpoint = checkpoint.map(Checkpoint::read).transpose()?.map(Arc::new);
        Ok(self.auditor.verify_all(checkpoint, Arc::default()).await?)
    }

    pub(super) async fn verify(
        &self,
        account: AccountId,
        checkpoint: Option<&Path>,
    ) -> anyhow::Result<Report> {
        let checkpoint = checkpoint.map(Checkpoint::read).transpose()?;
        let verifying = self.auditor.verify_account(account, checkpoint.as_ref());
        Ok(verifying.await?)
    }
}

/// Leaves what is no account's, and gives places anew, in the order of the events.
fn replace_accounts(stored: &mut Vec<Stored>, events: Vec<RecordedEvent>) {
    stored.retain(|event| !event.stream.starts_with(StreamName::ACCOUNT_PREFIX));
    let first = stored.iter().map(|event| event.commit).max().unwrap_or(0) + 1;
    stored.extend(
        events
            .into_iter()
            .zip(first..)
            .map(|(event, commit)| Stored {
                stream: event.stream.as_str().into(),
                revision: event.revision,
                commit,
                prepare: commit,
                id: event.event_id.uuid(),
                event_type: event.event_type.into(),
                is_json: true,
                data: event.data.into(),
                metadata: event.metadata.into(),
                created: 0,
            }),
    );
}

/// Makes every event of a stream from this place on name the hash of the one before it: what
/// somebody does who rewrites history with its whole chain.
pub(super) fn relink(events: &mut [RecordedEvent], stream: &str) -> anyhow::Result<()> {
    let mut prev = ChainHash::GENESIS;
    for event in events
        .iter_mut()
        .filter(|event| event.stream.as_str() == stream)
    {
        let named = domain::chain::verify::prev_of(&event.metadata).map_err(anyhow::Error::msg)?;
        let metadata = String::from_utf8(event.metadata.clone())?;
        let metadata = metadata.replace(&named.to_string(), &prev.to_string());
        event.metadata = metadata.into_bytes();
        prev = ChainHash::of_recorded(event);
    }
    Ok(())
}
