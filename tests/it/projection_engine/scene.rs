//! An account of which the ledger learns at times that a test sets: both time axes in hand.

use crate::doubles::{SetClock, ledger_with, states};
use crate::histories::import;
use commands::ports::{EventLog, Vault};
use commands::{Intent, Ledger};
use domain::{AccountId, CreatorId, Platform, PostKey, Timestamp};
use projections::sql::Reader;
use std::sync::Arc;
use tests::TestLedger;
use tests::ledger::{at, context, first_versions, profile};
use tokio_postgres::Client;

/// Noon of a day in January: when something was observed.
pub(super) fn day(n: i64) -> Timestamp {
    at(&format!("2026-01-{n:02}T12:00:00Z"))
}

/// A day in February: when the ledger learned it.
pub(super) fn learned(n: i64) -> Timestamp {
    at(&format!("2026-02-{n:02}T00:00:00Z"))
}

pub(super) struct Scene {
    pub(super) account: AccountId,
    pub(super) client: Reader<Client>,
    ledger: TestLedger,
    clock: Arc<SetClock>,
    writer: Ledger,
}

impl Scene {
    /// An imported account; the import is its event 0.
    pub(super) async fn new() -> anyhow::Result<Self> {
        let ledger = TestLedger::create().await?;
        let clock = Arc::new(SetClock::new(at("2026-01-31T00:00:00Z")));
        let log = Arc::clone(&ledger.log) as Arc<dyn EventLog>;
        let writer = ledger_with(&ledger, log, clock.clone(), states(&ledger));
        let creator: CreatorId = "creator".parse()?;
        let platform = Platform::Tiktok;
        let account = ledger.vault.find_or_create(&creator, platform, "1").await?;
        let intent = import("creator", platform, profile(day(1), "1"))?;
        writer.execute(account, intent, &context()).await?;
        let client = ledger.database.connect().await?;
        Ok(Self {
            account,
            client: first_versions(client),
            ledger,
            clock,
            writer,
        })
    }

    /// The ledger learns something on a day: one more event, which the read models show.
    pub(super) async fn learn(&self, n: i64, intent: Intent) -> anyhow::Result<()> {
        self.clock.set(learned(n));
        let outcome = self
            .writer
            .execute(self.account, intent, &context())
            .await?;
        assert_eq!(outcome.events, 1, "day {n}");
        self.ledger.catch_up().await
    }

    /// The posts once more, from the log's first event on, in one batch.
    pub(super) async fn project_posts_anew(&self) -> anyhow::Result<()> {
        let client = self.ledger.database.connect().await?;
        client
            .batch_execute(
                "truncate top_posts_v1, top_posts_v1_text, top_posts_v1_history;
                 update projection_checkpoints set commit_position = 0, prepare_position = 0
                 where name = 'top_posts'",
            )
            .await?;
        self.ledger.catch_up().await
    }

    /// The name of a post in the plain part of events.
    pub(super) async fn post_key(&self, id: &str) -> anyhow::Result<PostKey> {
        Ok(self.ledger.vault.key(self.account).await?.post_key(id))
    }
}
