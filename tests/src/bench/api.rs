//! The query API of this process, and a client that asks it over HTTP.

use adapters::api_keys::{ApiKeys, Role, SecretText};
use adapters::clock::SystemClock;
use adapters::http::{Services, serve};
use domain::formula::FormulaPolicy;
use std::sync::Arc;
use tests::TestLedger;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub(crate) struct Api {
    base: String,
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
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}/v1", listener.local_addr()?);
        let stop = CancellationToken::new();
        let server = tokio::spawn(serve(listener, Arc::new(services), stop.clone()));
        Ok(Self {
            base,
            secret,
            client: reqwest::Client::new(),
            stop,
            server,
        })
    }

    /// Reads an answer to its end.
    pub(crate) async fn ask(&self, path: &str) -> anyhow::Result<()> {
        let request = self.client.get(format!("{}{path}", self.base));
        let request = request.bearer_auth(self.secret.expose());
        request.send().await?.error_for_status()?.bytes().await?;
        Ok(())
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.stop.cancel();
        Ok(self.server.await??)
    }
}
