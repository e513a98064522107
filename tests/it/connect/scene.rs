//! The program with a platform of ours before it, and a browser that goes through consent pages.

use super::fake::Fake;
use crate::api_ground::PROGRAM;
use adapters::connect::{Connections, Platforms};
use adapters::platforms::Secret;
use adapters::platforms::client::App;
use adapters::platforms::transport::Transport;
use adapters::vault::credentials::Credentials;
use anyhow::{Context, ensure};
use commands::Ledger;
use commands::ports::Clock;
use domain::Platform;
use serde_json::{Value, json};
use std::sync::Arc;
use tests::TestLedger;
use tests::server::{Server, command, create_key};

/// The origin of the dashboard in these tests.
pub(super) const DASHBOARD: &str = "https://dashboard.example";
/// Where the platforms send people back to, as far as they know.
pub(super) const PUBLIC: &str = "http://127.0.0.1:8099";

pub(super) struct Scene {
    pub(super) fake: Fake,
    pub(super) ledger: TestLedger,
    pub(super) server: Server,
    pub(super) logs: tempfile::NamedTempFile,
}

/// A page as a browser has it.
pub(super) struct Page {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) html: String,
    /// What the opener is told.
    pub(super) message: Value,
}

impl Page {
    pub(super) fn ensure(&self, status: u16, outcome: &str) -> anyhow::Result<()> {
        let fits = self.status == status && self.message["outcome"] == outcome;
        ensure!(
            fits,
            "{} {} (expected {status} {outcome})",
            self.status,
            self.message
        );
        Ok(())
    }
}

/// The parameters of an address.
pub(super) fn params(url: &str) -> anyhow::Result<Vec<(String, String)>> {
    let url = reqwest::Url::parse(url)?;
    let pairs = url.query_pairs();
    Ok(pairs
        .map(|(k, v)| (k.into_owned(), v.into_owned()))
        .collect())
}

pub(super) fn param(url: &str, name: &str) -> anyhow::Result<String> {
    let found = params(url)?.into_iter().find(|(known, _)| known == name);
    Ok(found.with_context(|| format!("{name} in {url}"))?.1)
}

impl Scene {
    /// Before the platform that each test tells what to answer.
    pub(super) async fn new() -> anyhow::Result<Self> {
        let fake = Fake::start().await?;
        let base = fake.base.clone();
        let app = |platform: Platform| {
            let secret = "canary-app-secret".to_owned();
            (format!("{platform}-app"), secret)
        };
        Self::before(fake, &base, app).await
    }

    /// Before platforms at this address, with these client ids and secrets.
    pub(super) async fn before(
        fake: Fake,
        base: &str,
        app: impl Fn(Platform) -> (String, String),
    ) -> anyhow::Result<Self> {
        let ledger = TestLedger::create().await?;
        let url = &ledger.database.url;
        let key = create_key(PROGRAM, url, "admin", &[])?;
        let logs = tempfile::NamedTempFile::new()?;
        let mut serve = command(PROGRAM, url, &["serve"]);
        serve
            .env("PLATFORMS_BASE_URL", base)
            .env("PUBLIC_URL", PUBLIC)
            .env("DASHBOARD_ORIGIN", DASHBOARD)
            .env("WEBHOOK_SECRET", "canary-webhook-secret")
            .env("LOG", "debug")
            .stderr(logs.reopen()?)
            .env("ERASURE_LOG", &ledger.erasure_log);
        for platform in Platform::ALL {
            let (id, secret) = app(platform);
            let name = platform.name().to_uppercase();
            serve
                .env(format!("{name}_CLIENT_ID"), id)
                .env(format!("{name}_CLIENT_SECRET"), secret);
        }
        let server = Server::run(serve, key)?;
        Ok(Self {
            fake,
            ledger,
            server,
            logs,
        })
    }

    pub(super) async fn post(
        &self,
        key: &str,
        path: &str,
        body: Value,
    ) -> anyhow::Result<(u16, Value)> {
        let url = format!("{}{path}", self.server.base);
        let request = self.server.client.post(url).bearer_auth(key).json(&body);
        let answer = request.send().await?;
        let status = answer.status().as_u16();
        Ok((status, answer.json().await?))
    }

    /// Starts a connection for `cafe` and returns the consent page's address.
    pub(super) async fn start(&self, platform: &str, body: Value) -> anyhow::Result<String> {
        let path = format!("/v1/creators/cafe/connections/{platform}");
        let (status, answer) = self.post(&self.server.key, &path, body).await?;
        ensure!(status == 200, "{status} {answer}");
        Ok(answer["authorize_url"]
            .as_str()
            .context("an address")?
            .to_owned())
    }

    /// What a browser gets that comes back with this query.
    pub(super) async fn come_back(&self, platform: &str, query: &str) -> anyhow::Result<Page> {
        let url = format!("{}/oauth/{platform}/callback?{query}", self.server.base);
        let answer = self.server.client.get(url).send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let html = answer.text().await?;
        let script = html
            .split("const message = ")
            .nth(1)
            .with_context(|| html.clone())?;
        let text = script.split(", origin = ").next().context("a message")?;
        let message = serde_json::from_str(text)?;
        Ok(Page {
            status,
            headers,
            html,
            message,
        })
    }

    /// What the server wrote to its log, everything down to `debug`.
    pub(super) fn log_lines(&self) -> anyhow::Result<String> {
        Ok(std::fs::read_to_string(self.logs.path())?)
    }

    /// The whole way through a consent.
    pub(super) async fn connect(&self, platform: &str) -> anyhow::Result<Page> {
        let url = self
            .start(platform, json!({"consent_version": "2026-05"}))
            .await?;
        let state = param(&url, "state")?;
        self.come_back(platform, &format!("code=c0de&state={state}"))
            .await
    }

    /// An account of YouTube that is connected.
    pub(super) async fn connected(&self) -> anyhow::Result<String> {
        self.prepare_youtube("UCcafe");
        let page = self.connect("youtube").await?;
        page.ensure(200, "connected")?;
        let account = page.message["account_ids"][0].as_str();
        Ok(account.context("an account")?.to_owned())
    }

    /// A YouTube channel that consents to everything.
    pub(super) fn prepare_youtube(&self, channel: &str) {
        self.fake
            .answer("oauth2.googleapis.com/token", 200, google_token(channel));
        self.fake
            .answer("oauth2.googleapis.com/revoke", 200, json!({}));
        self.fake.answer(
            "www.googleapis.com/youtube/v3/channels",
            200,
            self::channel(channel),
        );
    }

    /// The events of an account's stream, by type.
    pub(super) async fn events(&self, account: &str) -> anyhow::Result<Vec<(String, Value)>> {
        let client = self.ledger.database.connect().await?;
        let rows = client
            .query(
                "select event_type as type, convert_from(data, 'UTF8') as data
                 from log_events where stream = $1 order by revision",
                &[&format!("account-{account}")],
            )
            .await?;
        let read = |row: &tokio_postgres::Row| {
            let data = serde_json::from_str(row.get("data"))?;
            Ok((row.get("type"), data))
        };
        rows.iter().map(read).collect()
    }

    pub(super) async fn count(&self, sql: &str) -> anyhow::Result<i64> {
        let client = self.ledger.database.connect().await?;
        Ok(client.query_one(sql, &[]).await?.get(0))
    }

    /// Whether nothing of a consent was kept.
    pub(super) async fn ensure_nothing_stored(&self) -> anyhow::Result<()> {
        for table in [
            "credentials.grants",
            "credentials.connections",
            "credentials.choices",
            "log_events",
        ] {
            let rows = self.count(&format!("select count(*) from {table}")).await?;
            ensure!(rows == 0, "{rows} rows in {table}");
        }
        Ok(())
    }

    /// The connections as another process has them, with this write side and this clock.
    pub(super) fn connections(
        &self,
        ledger: Arc<Ledger>,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Connections> {
        let app = |platform: Platform| {
            let app = App {
                client_id: format!("{platform}-app"),
                client_secret: Secret::new("canary-app-secret"),
                redirect_uri: format!("{PUBLIC}/oauth/{platform}/callback"),
            };
            (platform, app)
        };
        let apps = Platform::ALL.map(app).into();
        let transport = Transport::new(Some(&self.fake.base))?;
        let credentials = Credentials::new(Arc::clone(&self.ledger.vault));
        let platforms = Platforms::new(apps, &transport);
        Ok(Connections::new(credentials, ledger, clock, platforms))
    }
}

pub(super) fn google_token(name: &str) -> Value {
    json!({
        "access_token": format!("canary-access-{name}"),
        "refresh_token": format!("canary-refresh-{name}"),
        "expires_in": 3599,
        "token_type": "Bearer",
        "scope": "https://www.googleapis.com/auth/youtube.readonly \
                  https://www.googleapis.com/auth/yt-analytics.readonly",
    })
}

pub(super) fn channel(id: &str) -> Value {
    json!({"items": [{
        "id": id,
        "snippet": {"title": format!("Title of {id}"), "customUrl": "@handle"},
        "statistics": {"subscriberCount": "1230", "viewCount": "5", "videoCount": "2"},
    }]})
}
