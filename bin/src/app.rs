//! Puts the program together: database, migrations, log, vault, write side, engine.

use crate::config::{Config, DatabaseChoice, LogChoice, MasterKeyChoice};
use crate::output;
use adapters::audit::{Auditor, watch};
use adapters::clock::SystemClock;
use adapters::connect::{Connections, Platforms};
use adapters::eventstore::{EventStoreLog, EventStoreUrl};
use adapters::monitoring::Monitor;
use adapters::postgres::private::{PrivateOptions, PrivatePostgres};
use adapters::postgres::{Endpoint, Pool, PostgresLog, migrate, states::PostgresStates};
use adapters::vault::credentials::Credentials;
use adapters::vault::{ErasureFile, MasterKey, MasterKeys, PostgresVault, Signer};
use anyhow::Context;
use commands::ports::{Clock, EventLog};
use commands::{Erasures, Ledger};
use projections::engine::EngineError;
use projections::feed::EventFeed;
use projections::{Administration, Engine};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long a start waits for the event log before it goes on without.
const LOG_WAIT: Duration = Duration::from_secs(3);

/// The pause between attempts to finish erasures once the log is there.
const RESUME_PAUSE: Duration = Duration::from_secs(5);

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
    /// Connects accounts and keeps their credentials.
    pub connections: Connections,
    /// Erases accounts.
    pub erasures: Arc<Erasures>,
    /// The read side's engine.
    pub engine: Arc<Engine>,
    /// The read models' versions in the hands of an administrator.
    pub administration: Administration,
    /// Shows how the process and the read models fare.
    pub monitor: Arc<Monitor>,
    /// Verifies, exports and tells states.
    pub auditor: Auditor,
    erasures_are_done: bool,
    private: Option<PrivatePostgres>,
}

/// A database that is there, and migrated.
pub(crate) struct Ready {
    pub(crate) endpoint: Endpoint,
    pub(crate) private: Option<PrivatePostgres>,
    applied: Vec<&'static str>,
}

/// Starts or joins the database.
pub(crate) async fn start(config: &Config) -> anyhow::Result<(Endpoint, Option<PrivatePostgres>)> {
    Ok(match &config.database {
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
    })
}

/// Starts or joins the database, and migrates it.
pub(crate) async fn database(config: &Config) -> anyhow::Result<Ready> {
    let (endpoint, private) = start(config).await?;
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

/// Ends this process's use of the database.
pub(crate) async fn leave(private: Option<PrivatePostgres>) -> anyhow::Result<()> {
    if let Some(private) = private {
        tokio::task::spawn_blocking(move || private.leave()).await??;
    }
    Ok(())
}

async fn open_vault(
    config: &Config,
    pool: &Pool,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<PostgresVault> {
    let open = |keys| PostgresVault::open_with(pool.clone(), Arc::clone(clock), keys);
    match &config.master_key {
        MasterKeyChoice::Given { current, next } => Ok(open(MasterKeys::Given {
            current: current.clone(),
            next: next.clone(),
        })
        .await?),
        MasterKeyChoice::File(path) => {
            if PostgresVault::is_made(pool).await? {
                // A new key would open nothing.
                MasterKey::read(path).context("the vault's master key is needed")?;
            } else if MasterKey::read_or_create(path)?.1 {
                tracing::warn!(
                    path = %path.display(),
                    "a master key was made: keep a copy elsewhere, without it sealed data stay closed"
                );
            }
            let opened = open(MasterKeys::File(path.clone())).await;
            opened.with_context(|| format!("the key file is {}", path.display()))
        }
    }
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

/// Before anything is served: what the record of erasures names stays erased.
async fn resume(erasures: &Erasures) -> anyhow::Result<()> {
    let context = commands::Context {
        actor: "erasure log".to_owned(),
        correlation_id: uuid::Uuid::now_v7(),
        causation_id: None,
    };
    let resumed = erasures.resume(&context).await?;
    for account in &resumed {
        tracing::warn!(%account, "an erasure was finished, or done again after a restored backup");
    }
    Ok(())
}

impl App {
    /// Starts or joins the database and puts everything together.
    pub async fn build(config: &Config) -> anyhow::Result<Self> {
        let Ready {
            endpoint, private, ..
        } = database(config).await?;
        let pool = endpoint.pool(config.pool_size)?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let vault = open_vault(config, &pool, &clock).await?;
        let record = ErasureFile::new(config.erasure_log.clone(), vault.root(), pool.clone());
        let signer = Signer::of(vault.root());
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
        let engine = Engine::new(
            Arc::clone(&feed),
            Arc::clone(&database),
            projections::registry(),
        );
        let engine = Arc::new(engine.on_fault(config.on_fault));
        let administration =
            Administration::new(Arc::clone(&feed), database, projections::registry());
        let connections = Connections::new(
            Credentials::new(vault.clone()),
            ledger.clone(),
            Arc::clone(&clock),
            Platforms::new(config.connect.apps.clone(), &config.connect.transport),
        )
        .with_webhook_secret(config.connect.webhook_secret.clone());
        let erasures = Arc::new(Erasures::new(
            ledger.clone(),
            log.clone(),
            vault.clone(),
            Arc::new(connections.clone()),
            Arc::new(record),
        ));
        // The log may come later than we do. Whoever follows it waits, and installs then.
        let log_is_there = matches!(
            tokio::time::timeout(LOG_WAIT, feed.log_id()).await,
            Ok(Ok(_))
        );
        if log_is_there {
            match engine.ensure_log().await {
                Err(error @ EngineError::ForeignCheckpoint(_)) => {
                    // Or a history that was moved and what it was moved from would part.
                    tracing::warn!(%error, "nothing is written to this log");
                    erasures.destroy_keys().await?;
                }
                Err(error) => return Err(error.into()),
                Ok(()) => resume(&erasures).await?,
            }
        } else {
            tracing::warn!("the event log is not there yet");
            erasures.destroy_keys().await?;
        }
        let auditor = Auditor {
            log: log.clone(),
            feed: feed.clone(),
            pool: pool.clone(),
            signer: Arc::new(signer),
        };
        let monitor = Arc::new(Monitor::new(administration.clone(), pool.clone()));
        Ok(Self {
            auditor,
            monitor,
            pool,
            log,
            feed,
            vault,
            clock,
            ledger,
            connections,
            erasures,
            engine,
            administration,
            erasures_are_done: log_is_there,
            private,
        })
    }

    /// Refuses a log that the read models do not belong to. One that is not there yet is not
    /// asked: whoever follows it finds out when it comes.
    pub async fn ensure_log(&self) -> anyhow::Result<()> {
        match tokio::time::timeout(LOG_WAIT, self.feed.log_id()).await {
            Ok(Ok(_)) => Ok(self.engine.ensure_log().await?),
            _ => Ok(()),
        }
    }

    /// Fails if code and live tables disagree, and says what to run.
    pub async fn check(&self) -> anyhow::Result<()> {
        for advice in self.engine.check().await? {
            tracing::warn!("{advice}");
        }
        Ok(())
    }

    /// Finishes the erasures that a start without the log had to leave open.
    pub async fn finish_erasures(&self, cancel: &CancellationToken) {
        if self.erasures_are_done {
            return;
        }
        let finishing = async {
            let attempt = async || {
                self.engine.ensure_log().await?;
                resume(&self.erasures).await
            };
            while let Err(error) = attempt().await {
                tracing::warn!(%error, "erasures are not finished yet");
                tokio::time::sleep(RESUME_PAUSE).await;
            }
        };
        // What is cut short here, the next start finishes.
        cancel.run_until_cancelled(finishing).await;
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
            connections,
            erasures,
            engine,
            administration,
            auditor,
            monitor,
            private,
            ..
        } = self;
        drop((
            ledger,
            connections,
            erasures,
            engine,
            administration,
            auditor,
            monitor,
            vault,
            log,
            feed,
        ));
        pool.close();
        leave(private).await
    }
}
