//! The query API of this process, and a client that asks it over HTTP.

use crate::plain::Plain;
use adapters::api_keys::{ApiKeys, Role, SecretText};
use adapters::http::serve;
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
        let services = ledger.services(ledger.pool.clone())?;
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
