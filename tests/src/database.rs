//! A database of its own for each test.

use crate::Cluster;
use adapters::postgres::{Endpoint, Pool, migrate::migrate};
use anyhow::Context;
use tokio_postgres::Client;

/// A migrated database that goes when the cluster goes.
pub struct TestDatabase {
    /// How to reach it.
    pub endpoint: Endpoint,
    /// Its connection string, for a child process.
    pub url: String,
}

impl TestDatabase {
    /// Makes an empty database and migrates it.
    pub async fn create() -> anyhow::Result<Self> {
        let database = Self::create_empty().await?;
        migrate(&mut database.connect().await?).await?;
        Ok(database)
    }

    /// Makes an empty database.
    pub async fn create_empty() -> anyhow::Result<Self> {
        Self::create_in(tokio::task::spawn_blocking(Cluster::shared).await?).await
    }

    /// Makes an empty database in a cluster.
    pub async fn create_in(cluster: &Cluster) -> anyhow::Result<Self> {
        let name = format!("test_{}", uuid::Uuid::now_v7().simple());
        let admin = Endpoint::parse(&cluster.connection_string("postgres"))?;
        let admin = admin.connect().await.context("connecting to the cluster")?;
        admin
            .batch_execute(&format!("create database {name}"))
            .await?;
        let url = cluster.connection_string(&name);
        Ok(Self {
            endpoint: Endpoint::parse(&url)?,
            url,
        })
    }

    /// A single connection.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        Ok(self.endpoint.connect().await?)
    }

    /// A pool of connections.
    pub fn pool(&self, size: usize) -> anyhow::Result<Pool> {
        Ok(self.endpoint.pool(size)?)
    }
}
