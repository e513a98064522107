//! Puts the program together: database, migrations, log, vault, write side, engine.

use crate::config::{Config, DatabaseChoice, MasterKeyChoice};
use crate::output;
use adapters::clock::SystemClock;
use adapters::postgres::private::{PrivateOptions, PrivatePostgres};
use adapters::postgres::{Endpoint, Pool, PostgresLog, migrate, states::PostgresStates};
use adapters::vault::{ErasureFile, MasterKey, PostgresVault};
use anyhow::Context;
use commands::ports::Clock;
use commands::{Erasures, Ledger};
use projections::Engine;
use std::sync::Arc;

/// The parts that subcommands use.
pub struct App {
    /// Connections.
    pub pool: Pool,
    /// The event log.
    pub log: Arc<PostgresLog>,
    /// Keys and registry.
    pub vault: Arc<PostgresVault>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The write side.
    pub ledger: Arc<Ledger>,
    /// Erases accounts.
    pub erasures: Arc<Erasures>,
    /// The read side's engine.
    pub engine: Arc<Engine>,
    private: Option<PrivatePostgres>,
}

/// A database that is there, and migrated.
struct Ready {
    endpoint: Endpoint,
    private: Option<PrivatePostgres>,
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

async fn database(config: &Config) -> anyhow::Result<Ready> {
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
        let record =
            |key: &MasterKey| ErasureFile::new(config.erasure_log.clone(), key, pool.clone());
        let (vault, record) = match &config.master_key {
            MasterKeyChoice::Given(key) => {
                let opened = PostgresVault::open(pool.clone(), Arc::clone(&clock), key).await?;
                (opened, record(key))
            }
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
                let opened =
                    opened.with_context(|| format!("the key file is {}", path.display()))?;
                (opened, record(&key))
            }
        };
        let vault = Arc::new(vault);
        let log = Arc::new(PostgresLog::open(endpoint.clone(), pool.clone()).await?);
        let states = Arc::new(PostgresStates::new(pool.clone()));
        let ledger = Arc::new(Ledger::new(
            log.clone(),
            vault.clone(),
            Arc::clone(&clock),
            states,
        ));
        let engine = Arc::new(Engine::new(
            log.clone(),
            Arc::new(endpoint),
            projections::registry(),
        ));
        engine.install().await?;
        let erasures = Arc::new(Erasures::new(
            ledger.clone(),
            log.clone(),
            vault.clone(),
            Arc::new(record),
        ));
        resume(&erasures).await?;
        Ok(Self {
            pool,
            log,
            vault,
            clock,
            ledger,
            erasures,
            engine,
            private,
        })
    }

    /// Keeps what would be folded again, and stops the database if nobody else uses it.
    pub async fn close(self) -> anyhow::Result<()> {
        if let Err(error) = self.ledger.keep_all().await {
            tracing::warn!(%error, "folded states were not kept; the next start reads more");
        }
        let Self {
            pool,
            log,
            vault,
            ledger,
            erasures,
            engine,
            private,
            ..
        } = self;
        drop((ledger, erasures, engine, vault, log));
        pool.close();
        leave(private).await
    }
}
