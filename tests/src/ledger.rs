//! The whole program within a test: log, vault, write side and engine over a test's database.

use crate::TestDatabase;
use adapters::audit::Auditor;
use adapters::clock::SystemClock;
use adapters::connect::{Connections, Deletions, Platforms};
use adapters::http::Services;
use adapters::monitoring::Monitor;
use adapters::platforms::transport::Transport;
use adapters::postgres::{Pool, PostgresLog, states::PostgresStates};
use adapters::vault::credentials::Credentials;
use adapters::vault::{ErasureFile, MasterKey, PostgresVault, Signer};
use commands::ports::{Clock, EventLog, Vault};
use commands::text::{PostText, ProfileText};
use commands::{Context, Erasures, Intent, Ledger, Outcome, PostSnapshot, Profile};
use domain::formula::FormulaPolicy;
use domain::observation::{Cause, Provenance};
use domain::{AccountId, CreatorId, Metric, Platform, Timestamp, Values};
use projections::sql::{Connection, Reader};
use projections::{Administration, Engine, Versions, feed::EventFeed};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The master key of all tests: 32 zero bytes.
pub const MASTER_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/// Everything over one database.
pub struct TestLedger {
    /// The database.
    pub database: TestDatabase,
    /// Connections.
    pub pool: Pool,
    /// The log.
    pub log: Arc<PostgresLog>,
    /// The vault.
    pub vault: Arc<PostgresVault>,
    /// The write side.
    pub ledger: Arc<Ledger>,
    /// The read side.
    pub engine: Engine,
    /// Connects accounts, at no platform.
    pub connections: Connections,
    /// Erases accounts.
    pub erasures: Arc<Erasures>,
    /// Where the record of erasures is.
    pub erasure_log: PathBuf,
    _folder: Option<tempfile::TempDir>,
}

/// A moment written as RFC 3339.
pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time in RFC 3339")
}

/// Asks the first version of every read model.
pub fn first_versions<C: Connection>(connection: C) -> Reader<C> {
    let names = projections::registry().into_iter();
    let versions = names.fold(Versions::default(), |versions, projection| {
        versions.with(projection.name(), 1, projection.contract())
    });
    Reader::new(connection, versions)
}

/// Known values.
pub fn values(known: &[(Metric, i64)]) -> Values {
    let mut values = Values::new();
    for (metric, value) in known {
        values
            .insert(*metric, *value)
            .expect("values that can be observed");
    }
    values
}

/// Where test observations come from.
pub fn provenance() -> Provenance {
    Provenance {
        cause: Cause::Imported,
        source: "test".to_owned(),
        api_version: None,
        names: [].into(),
        precision: [].into(),
    }
}

/// Who asks in tests.
pub fn context() -> Context {
    Context {
        actor: "test".to_owned(),
        correlation_id: uuid::Uuid::nil(),
        causation_id: None,
    }
}

/// The profile that a platform id alone makes.
pub fn profile(observed_at: Timestamp, platform_account_id: &str) -> Profile {
    let text = ProfileText {
        platform_account_id: platform_account_id.to_owned(),
        ..ProfileText::default()
    };
    Profile { observed_at, text }
}

/// A post's numbers under a title.
pub fn post(id: &str, title: &str, known: &[(Metric, i64)]) -> PostSnapshot {
    let text = PostText {
        platform_post_id: id.to_owned(),
        title: Some(title.to_owned()),
        ..PostText::default()
    };
    PostSnapshot {
        text,
        published_at: None,
        values: values(known),
    }
}

impl TestLedger {
    /// Over a new database.
    pub async fn create() -> anyhow::Result<Self> {
        Self::over(TestDatabase::create().await?).await
    }

    /// Over a database that is there, as a restarted program finds it.
    pub async fn over(database: TestDatabase) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let erasure_log = folder.path().join("erasures.log");
        let made = Self::over_with(database, erasure_log).await?;
        Ok(Self {
            _folder: Some(folder),
            ..made
        })
    }

    /// The same with this record of erasures.
    pub async fn over_with(database: TestDatabase, erasure_log: PathBuf) -> anyhow::Result<Self> {
        let pool = database.pool(16)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let master = MasterKey::parse(MASTER_KEY, "a test")?;
        let vault = Arc::new(PostgresVault::open(pool.clone(), Arc::clone(&clock), &master).await?);
        let log = Arc::new(PostgresLog::open(database.endpoint.clone(), pool.clone()).await?);
        let states = Arc::new(PostgresStates::new(pool.clone()));
        let ledger = Arc::new(Ledger::new(
            Arc::clone(&log) as Arc<dyn EventLog>,
            Arc::clone(&vault) as Arc<dyn Vault>,
            clock,
            states,
        ));
        let engine = Engine::new(
            Arc::clone(&log) as Arc<dyn EventFeed>,
            Arc::new(database.endpoint.clone()),
            projections::registry(),
        );
        engine.install().await?;
        let record = ErasureFile::new(erasure_log.clone(), &master, pool.clone());
        let connections = Connections::new(
            Credentials::new(Arc::clone(&vault)),
            Arc::clone(&ledger),
            Arc::new(SystemClock),
            Platforms::new([].into(), &Transport::new(None)?),
        );
        let erasures = Arc::new(Erasures::new(
            Arc::clone(&ledger),
            Arc::clone(&log) as Arc<dyn EventLog>,
            Arc::clone(&vault) as Arc<_>,
            Arc::new(connections.clone()),
            Arc::new(record),
        ));
        Ok(Self {
            database,
            pool,
            log,
            vault,
            ledger,
            engine,
            connections,
            erasures,
            erasure_log,
            _folder: None,
        })
    }

    /// The read models' versions in the hands of an administrator.
    pub fn administration(&self) -> Administration {
        Administration::new(
            Arc::clone(&self.log) as Arc<dyn EventFeed>,
            Arc::new(self.database.endpoint.clone()),
            projections::registry(),
        )
    }

    /// What audits need, over the same log, with the key that signs in tests.
    pub fn auditor(&self) -> anyhow::Result<Auditor> {
        Ok(Auditor {
            log: Arc::clone(&self.log) as Arc<dyn EventLog>,
            feed: Arc::clone(&self.log) as Arc<dyn EventFeed>,
            pool: self.pool.clone(),
            signer: Arc::new(Signer::of(&MasterKey::parse(MASTER_KEY, "a test")?)),
        })
    }

    /// What an API of this process needs, with these connections to the database.
    pub fn services(&self, pool: Pool) -> anyhow::Result<Services> {
        let monitor = Monitor::new(self.administration(), pool.clone());
        Ok(Services {
            pool,
            log: Arc::clone(&self.log) as Arc<_>,
            vault: Arc::clone(&self.vault) as Arc<_>,
            clock: Arc::new(SystemClock),
            formulas: FormulaPolicy::default(),
            auditor: self.auditor()?,
            administration: self.administration(),
            stopping: CancellationToken::new(),
            erasures: Arc::clone(&self.erasures),
            connections: self.connections.clone(),
            deletions: Deletions::new(self.connections.clone(), Arc::clone(&self.erasures)),
            public_url: "http://127.0.0.1".to_owned(),
            dashboard_origin: None,
            backup_retention_days: 35,
            monitor: Arc::new(monitor),
            shows_metrics: true,
            ready_max_lag: None,
        })
    }

    /// An imported account.
    pub async fn import(
        &self,
        creator: &str,
        platform: Platform,
        id: &str,
    ) -> anyhow::Result<AccountId> {
        let creator: CreatorId = creator.parse()?;
        let account = self.vault.find_or_create(&creator, platform, id).await?;
        let profile = profile(at("2026-01-01T00:00:00Z"), id);
        let source = "test".to_owned();
        let intent = Intent::Import {
            creator,
            platform,
            source,
            profile,
        };
        self.ledger.execute(account, intent, &context()).await?;
        Ok(account)
    }

    /// Records an account's metrics.
    pub async fn observe(
        &self,
        account: AccountId,
        observed_at: &str,
        known: &[(Metric, i64)],
    ) -> anyhow::Result<Outcome> {
        let intent = Intent::SnapshotAccount {
            observed_at: at(observed_at),
            period: None,
            values: values(known),
            provenance: provenance(),
            profile: None,
        };
        Ok(self.ledger.execute(account, intent, &context()).await?)
    }

    /// Records a page of posts.
    pub async fn observe_posts(
        &self,
        account: AccountId,
        observed_at: &str,
        posts: Vec<PostSnapshot>,
    ) -> anyhow::Result<Outcome> {
        let observed_at = at(observed_at);
        let intent = Intent::SnapshotPosts {
            observed_at,
            provenance: provenance(),
            posts,
        };
        Ok(self.ledger.execute(account, intent, &context()).await?)
    }

    /// Brings the read models to the log's head.
    pub async fn catch_up(&self) -> anyhow::Result<()> {
        self.engine
            .catch_up(&CancellationToken::new(), |_| {})
            .await?;
        Ok(())
    }
}
