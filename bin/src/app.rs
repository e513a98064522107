//! Puts the program together: database, migrations, log, vault, write side, engine.

use crate::config::{Config, DatabaseChoice, LogChoice, MasterKeyChoice};
use crate::output;
use adapters::audit::{Auditor, watch};
use adapters::clock::SystemClock;
use adapters::eventstore::{EventStoreLog, EventStoreUrl};
use adapters::postgres::private::{PrivateOptions, PrivatePostgres};
use adapters::postgres::{Endpoint, Pool, PostgresLog, migrate, states::PostgresStates};
use adapters::vault::{MasterKey, PostgresVault, Signer};
use anyhow::Context;
use commands::Ledger;
use commands::ports::{Clock, EventLog};
use projections::engine::EngineError;
use projections::feed::EventFeed;
use projections::{Administration, Engine};
use std::sync::Arc;
use std::time::Duration;

/// How long a start waits for the event log before it goes on without.
const LOG_WAIT: Duration = Duration::from_secs(3);

/// The parts that subcommands use.
pub struct App {
    /// Connections.
    pub pool: Pool,
    /// The event log's write side.
    pub log: Arc<dyn EventLog>,
    /// Its read side.
    pub feed: Arc<dyn EventFeed>,
    /// Keys and registry.
    pub vault: Arc<PostgresVault>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The write side.
    pub ledger: Arc<Ledger>,
    /// The read side's engine.
    pub engine: Arc<Engine>,
    /// The read models' versions in the hands of an administrator.
    pub administration: Administration,
    /// Verifies, exports and tells states.
    pub auditor: Auditor,
    private: Option<PrivatePostgres>,
}

/// A database that is there, and migrated.
struct Ready {
    endpoint: Endpoint,
    private: Option<PrivatePostgres>,
    applied: Vec<&'static str>,
}

async fn database(config: &Config) -> anyhow::Result<Ready> {
    let (endpoint, private) = match &config.database {
        DatabaseChoice::Url(url) => (Endpoint::parse(url)?, None),
        DatabaseChoice::Private => {
            let options = PrivateOptions {
                data_dir: config.data_dir.clone(),
                settings: vec![],
            };
            let private = tokio::task::spawn_blocking(move || PrivatePostgres::start(&options))
                .await?
                .context("the private Postgres does not start")?;
            (
                Endpoint::parse(&private.connection_string())?,
                Some(private),
            )
        }
    };
    let mut client = endpoint.connect().await.map_err(|error| {
        anyhow::anyhow!(
            "the database is not reached: {}",
            adapters::postgres::describe(&error)
        )
    })?;
    let applied = migrate::migrate(&mut client).await?;
    for name in &applied {
        tracing::info!(migration = name, "migrated");
    }
    Ok(Ready {
        endpoint,
        private,
        applied,
    })
}

/// The subcommand `migrate`.
pub(crate) async fn migrate(config: &Config) -> anyhow::Result<()> {
    let ready = database(config).await?;
    match ready.applied.as_slice() {
        [] => output::line("The database is up to date."),
        applied => output::line(format!("Applied {}.", applied.join(", "))),
    }
    leave(ready.private).await
}

async fn leave(private: Option<PrivatePostgres>) -> anyhow::Result<()> {
    if let Some(private) = private {
        tokio::task::spawn_blocking(move || private.leave()).await??;
    }
    Ok(())
}

type Log = (Arc<dyn EventLog>, Arc<dyn EventFeed>);

async fn open_log(config: &Config, endpoint: &Endpoint, pool: &Pool) -> anyhow::Result<Log> {
    Ok(match &config.event_log {
        LogChoice::Postgres => {
            let log = Arc::new(PostgresLog::open(endpoint.clone(), pool.clone()).await?);
            (Arc::clone(&log) as Arc<dyn EventLog>, log)
        }
        LogChoice::EventStore(url) => {
            let log = Arc::new(EventStoreLog::new(EventStoreUrl::clone(url)));
            (Arc::clone(&log) as Arc<dyn EventLog>, log)
        }
    })
}

impl App {
    /// Starts or joins the database and puts everything together.
    pub async fn build(config: &Config) -> anyhow::Result<Self> {
        let Ready {
            endpoint, private, ..
        } = database(config).await?;
        let pool = endpoint.pool(config.pool_size)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (vault, signer) = match &config.master_key {
            MasterKeyChoice::Given(key) => (
                PostgresVault::open(pool.clone(), Arc::clone(&clock), key).await?,
                Signer::of(key),
            ),
            MasterKeyChoice::File(path) => {
                let is_made = PostgresVault::is_made(&pool).await?;
                let (key, made) = if is_made {
                    // A new key would open nothing.
                    (
                        MasterKey::read(path).context("the vault's master key is needed")?,
                        false,
                    )
                } else {
                    MasterKey::read_or_create(path)?
                };
                if made {
                    tracing::warn!(
                        path = %path.display(),
                        "a master key was made: keep a copy elsewhere, without it sealed data stay closed"
                    );
                }
                let opened = PostgresVault::open(pool.clone(), Arc::clone(&clock), &key).await;
                let vault =
                    opened.with_context(|| format!("the key file is {}", path.display()))?;
                (vault, Signer::of(&key))
            }
        };
        let vault = Arc::new(vault);
        let (log, feed) = open_log(config, &endpoint, &pool).await?;
        let states = Arc::new(PostgresStates::new(pool.clone()));
        let ledger = Arc::new(Ledger::new(
            log.clone(),
            vault.clone(),
            Arc::clone(&clock),
            states,
        ));
        let database: Arc<dyn projections::engine::Database> = Arc::new(endpoint);
        let engine = Arc::new(Engine::new(
            Arc::clone(&feed),
            Arc::clone(&database),
            projections::registry(),
        ));
        let administration =
            Administration::new(Arc::clone(&feed), database, projections::registry());
        // The log may come later than we do. Whoever follows it waits, and installs then.
        match tokio::time::timeout(LOG_WAIT, feed.log_id()).await {
            Ok(Ok(_)) => match engine.install().await {
                // Whoever serves or projects is told by `check`; whoever mends it must start.
                Ok(()) | Err(EngineError::Disagreement(_)) => {}
                Err(error) => return Err(error.into()),
            },
            _ => tracing::warn!("the event log is not there yet"),
        }
        let auditor = Auditor {
            log: log.clone(),
            feed: feed.clone(),
            pool: pool.clone(),
            signer: Arc::new(signer),
        };
        Ok(Self {
            auditor,
            pool,
            log,
            feed,
            vault,
            clock,
            ledger,
            engine,
            administration,
            private,
        })
    }

    /// Fails if code and live tables disagree, and says what to run.
    pub async fn check(&self) -> anyhow::Result<()> {
        for advice in self.engine.check().await? {
            tracing::warn!("{advice}");
        }
        Ok(())
    }

    /// Follows the log for the audit.
    pub fn watch(&self, config: &Config) -> watch::Watch {
        let clock = Arc::clone(&self.clock);
        watch::Watch::new(self.auditor.clone(), clock, config.audit.clone())
    }

    /// Keeps what would be folded again, and stops the database if nobody else uses it.
    pub async fn close(self) -> anyhow::Result<()> {
        if let Err(error) = self.ledger.keep_all().await {
            tracing::warn!(%error, "folded states were not kept; the next start reads more");
        }
        let Self {
            pool,
            log,
            feed,
            vault,
            ledger,
            engine,
            administration,
            auditor,
            private,
            ..
        } = self;
        drop((ledger, engine, administration, auditor, vault, log, feed));
        pool.close();
        leave(private).await
    }
}
