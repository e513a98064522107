//! How connections to Postgres are made: one endpoint, a pool of it, and single ones.

use super::describe;
use async_trait::async_trait;
use deadpool::managed::QueueMode;
use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, PoolError, RecyclingMethod,
};
use projections::engine::{Database, DatabaseError};
use projections::sql;
use std::{ffi::OsString, os::unix::ffi::OsStringExt, str::FromStr, time::Duration};
use tokio_postgres::config::Host;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Connection, NoTls, Row, Socket, tls::NoTlsStream};

/// A pool of connections.
pub use deadpool_postgres::Pool;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const POOL_WAIT: Duration = Duration::from_secs(10);
/// Every statement over a pooled connection is prepared, planned once, and fetches few rows by a
/// key. Left to itself the server often finds a plan for these very arguments cheaper by a little,
/// and then plans anew each time, which takes longer than the statement itself. And where it
/// expects that few rows fit, it collects all of a post's by a bitmap and sorts them, instead of
/// following the index from the newest on.
const PLAN_ONCE: &str = "set plan_cache_mode = force_generic_plan; set enable_bitmapscan = off";

/// Where the database is. Its debug output shows no password.
#[derive(Clone, Debug)]
pub struct Endpoint {
    config: Config,
}

/// Why an endpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The text is no connection string. The text itself may hold a password and is not shown.
    #[error("DATABASE_URL is not a Postgres connection string: {0}")]
    Invalid(String),
    /// The pool could not be made.
    #[error("no pool of connections: {0}")]
    Pool(String),
}

impl Endpoint {
    /// Reads a connection string: a URL or `key=value` pairs.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let mut config =
            Config::from_str(text).map_err(|e| EndpointError::Invalid(describe(&e)))?;
        config.connect_timeout(CONNECT_TIMEOUT);
        Ok(Self { config })
    }

    /// The same endpoint as variables for Postgres' own programs: a password on their command line
    /// would be there for everybody to see.
    pub(crate) fn environment(&self) -> Vec<(&'static str, OsString)> {
        let hosts = self.config.get_hosts().iter().map(|host| match host {
            Host::Tcp(name) => name.clone().into(),
            Host::Unix(folder) => folder.clone().into_os_string(),
        });
        let ports = self.config.get_ports().iter();
        let ports = ports.map(|port| port.to_string().into());
        let hosts: Vec<OsString> = hosts.collect();
        let ports: Vec<OsString> = ports.collect();
        let text = |text: &str| OsString::from(text);
        let given = [
            ("PGHOST", Some(hosts.join(",".as_ref()))),
            ("PGPORT", Some(ports.join(",".as_ref()))),
            ("PGUSER", self.config.get_user().map(text)),
            ("PGDATABASE", self.config.get_dbname().map(text)),
            ("PGOPTIONS", self.config.get_options().map(text)),
            (
                "PGPASSWORD",
                self.config
                    .get_password()
                    .map(|bytes| OsString::from_vec(bytes.to_vec())),
            ),
        ];
        let given = given.into_iter();
        given
            .filter_map(|(name, value)| Some((name, value.filter(|value| !value.is_empty())?)))
            .collect()
    }

    /// A pool with at most so many connections.
    pub fn pool(&self, size: usize) -> Result<Pool, EndpointError> {
        let recycling = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = Manager::from_config(self.config.clone(), NoTls, recycling);
        let plan_once = Hook::async_fn(|client, _| {
            Box::pin(async move {
                let set = client.batch_execute(PLAN_ONCE).await;
                set.map_err(HookError::Backend)
            })
        });
        Pool::builder(manager)
            .max_size(size)
            // The connection that was used last: its backend has everything at hand.
            .queue_mode(QueueMode::Lifo)
            .post_create(plan_once)
            .runtime(deadpool_postgres::Runtime::Tokio1)
            .wait_timeout(Some(POOL_WAIT))
            .create_timeout(Some(CONNECT_TIMEOUT))
            .build()
            .map_err(|e| EndpointError::Pool(e.to_string()))
    }

    /// A connection whose messages the caller drives.
    pub async fn open(
        &self,
    ) -> Result<(Client, Connection<Socket, NoTlsStream>), tokio_postgres::Error> {
        self.config.connect(NoTls).await
    }

    /// A connection driven by a task of its own.
    pub async fn connect(&self) -> Result<Client, tokio_postgres::Error> {
        let (client, connection) = self.open().await?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = describe(&error), "a database connection ended");
            }
        });
        Ok(client)
    }
}

#[async_trait]
impl Database for Endpoint {
    async fn connect(&self) -> Result<Client, DatabaseError> {
        Self::connect(self)
            .await
            .map_err(|e| DatabaseError(describe(&e)))
    }
}

/// Why no connection came out of the pool, in one line.
pub fn describe_pool(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => describe(error),
        other => other.to_string(),
    }
}

/// A connection out of the pool that reads with prepared statements, kept from request to request.
pub struct Connected(Object);

impl Connected {
    /// Takes a connection out of the pool.
    pub async fn from_pool(pool: &Pool) -> Result<Self, PoolError> {
        pool.get().await.map(Self)
    }
}

impl sql::Connection for Connected {
    async fn query(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let statement = self.0.prepare_cached(sql).await?;
        self.0.query(&statement, arguments).await
    }

    async fn query_opt(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Option<Row>, tokio_postgres::Error> {
        let statement = self.0.prepare_cached(sql).await?;
        self.0.query_opt(&statement, arguments).await
    }

    async fn query_one(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Row, tokio_postgres::Error> {
        let statement = self.0.prepare_cached(sql).await?;
        self.0.query_one(&statement, arguments).await
    }
}
