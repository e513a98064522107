//! The query API of this process, and a client that asks it over HTTP.

use crate::plain::Plain;
use adapters::api_keys::{ApiKeys, Role, SecretText};
use adapters::clock::SystemClock;
use adapters::http::{Services, serve};
use adapters::monitoring::Monitor;
use domain::formula::FormulaPolicy;
use std::sync::Arc;
use tests::TestLedger;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct Api {
    address: String,
    secret: SecretText,
    client: reqwest::Client,
    stop: CancellationToken,
    server: JoinHandle<std::io::Result<()>>,
}

impl Api {
    pub(crate) async fn start(ledger: &TestLedger) -> anyhow::Result<Self> {
        let keys = ApiKeys::new(ledger.pool.clone());
        let (_, secret) = keys.create("bench", Role::Admin, None).await?;
        let services = Services {
            pool: ledger.pool.clone(),
            log: Arc::clone(&ledger.log) as Arc<_>,
            vault: Arc::clone(&ledger.vault) as Arc<_>,
            clock: Arc::new(SystemClock),
            formulas: FormulaPolicy::default(),
            auditor: ledger.auditor()?,
            administration: ledger.administration(),
            stopping: CancellationToken::new(),
            erasures: Arc::clone(&ledger.erasures),
            backup_retention_days: 35,
            monitor: Arc::new(Monitor::new(ledger.administration(), ledger.pool.clone())),
            shows_metrics: true,
            ready_max_lag: None,
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, Arc::new(services), stop.clone()));
        Ok(Self {
            address,
            secret,
            client: reqwest::Client::new(),
            stop,
            server,
        })
    }

    /// A client that costs little itself.
    pub(crate) fn plain(&self) -> anyhow::Result<Plain> {
        Plain::connect(&self.address, self.secret.expose())
    }

    /// Reads an answer to its end.
    pub(crate) async fn ask(&self, path: &str) -> anyhow::Result<()> {
        let request = self.client.get(format!("http://{}/v1{path}", self.address));
        let request = request.bearer_auth(self.secret.expose());
        request.send().await?.error_for_status()?.bytes().await?;
        Ok(())
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.server.await??)
    }
}
