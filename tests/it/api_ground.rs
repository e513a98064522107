//! What the tests of the API share: a ledger and a server over one database, answers with their
//! headers, and what every error answer looks like.

use anyhow::{Context, ensure};
use commands::{Intent, IntentOutcome, Outcome};
use domain::{AccountId, Platform};
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde_json::Value;
use tests::TestLedger;
use tests::ledger::context;
use tests::server::Server;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_program");

/// A well-formed id that nothing has.
pub(crate) const NOBODY: &str = "01900000-0000-7000-8000-000000000000";

/// A server, and the write side over the same database in this process.
pub(crate) struct Ground {
    pub(crate) server: Server,
    pub(crate) ledger: TestLedger,
}

impl Ground {
    pub(crate) async fn new() -> anyhow::Result<Self> {
        let ledger = TestLedger::create().await?;
        let server = Server::start(PROGRAM, &ledger.database.url)?;
        Ok(Self { server, ledger })
    }

    /// An account that is known from a file.
    pub(crate) async fn import(
        &self,
        creator: &str,
        platform: Platform,
        id: &str,
    ) -> anyhow::Result<AccountId> {
        self.ledger.import(creator, platform, id).await
    }

    /// Carries intents out in one append; none may be refused.
    pub(crate) async fn carry_out(
        &self,
        account: AccountId,
        intents: Vec<Intent>,
    ) -> anyhow::Result<Outcome> {
        let outcome = self
            .ledger
            .ledger
            .execute_all(account, intents, &context())
            .await?;
        let is_refused = |intent: &&IntentOutcome| matches!(intent, IntentOutcome::Rejected(_));
        let refused: Vec<_> = outcome.intents.iter().filter(is_refused).collect();
        ensure!(refused.is_empty(), "{refused:?}");
        Ok(outcome)
    }

    /// A good answer that shows what a command led to.
    pub(crate) async fn after(&self, outcome: &Outcome, path: &str) -> anyhow::Result<Value> {
        let position = outcome.position.context("a position")?;
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("{path}{joint}wait_for={position}");
        self.server.ok(&path).await
    }

    /// The answer's `data` alone.
    pub(crate) async fn data(&self, path: &str) -> anyhow::Result<Value> {
        let mut body = self.server.ok(path).await?;
        Ok(body["data"].take())
    }

    /// The ids that the API gives to an account's posts, by the platform's own ids.
    pub(crate) async fn post(&self, account: AccountId, id: &str) -> anyhow::Result<String> {
        let path = format!("/v1/accounts/{account}/posts?platform_post_id={id}");
        let found = self.data(&path).await?;
        let post = found[0]["post"].as_str();
        Ok(post.with_context(|| format!("post {id}"))?.to_owned())
    }
}

/// An answer with its headers.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Reply {
    /// The answer to a request with this header of authorisation, or without one.
    pub(crate) async fn to(
        server: &Server,
        method: Method,
        path: &str,
        authorization: Option<&str>,
    ) -> anyhow::Result<Self> {
        let url = format!("{}{path}", server.base);
        let mut request = server.client.request(method, url);
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let answer = request.send().await.with_context(|| path.to_owned())?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await?;
        let kind = headers
            .get(CONTENT_TYPE)
            .map_or(&b""[..], |kind| kind.as_bytes());
        let body = match kind {
            b"application/x-ndjson" => text.lines().map(serde_json::from_str::<Value>).collect(),
            // Metrics: no JSON.
            _ if kind.starts_with(b"application/openmetrics-text;") => Ok(text.clone().into()),
            _ => serde_json::from_str(&text),
        };
        let body = body.with_context(|| format!("{path}: {text}"))?;
        Ok(Self {
            status,
            headers,
            text,
            body,
        })
    }

    /// The answer to a `GET` with the server's own key.
    pub(crate) async fn get(server: &Server, path: &str) -> anyhow::Result<Self> {
        let bearer = format!("Bearer {}", server.key);
        Self::to(server, Method::GET, path, Some(&bearer)).await
    }

    pub(crate) fn content_type(&self) -> &str {
        self.header(CONTENT_TYPE.as_str())
    }

    /// A header's text; blank where it is missing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Fails unless this is the problem that was expected, whole and well-formed.
    pub(crate) fn ensure_problem(
        &self,
        what: &str,
        (status, code, field): (u16, &str, Option<&str>),
    ) -> anyhow::Result<()> {
        let text = &self.text;
        ensure!(self.status == status, "{what}: {} {text}", self.status);
        ensure!(
            self.body["code"] == code && self.body["field"].as_str() == field,
            "{what}: expected {code} on {field:?}: {text}"
        );
        self.ensure_some_problem(what)
    }

    /// Fails unless this is some problem, whole and well-formed.
    pub(crate) fn ensure_some_problem(&self, what: &str) -> anyhow::Result<()> {
        let Self { body, text, .. } = self;
        let media_type = self.content_type();
        ensure!(
            media_type == "application/problem+json",
            "{what}: {media_type} {text}"
        );
        ensure!(body["status"] == self.status, "{what}: {text}");
        for name in ["type", "title", "detail", "code", "request_id"] {
            let said = body[name].as_str().unwrap_or("");
            ensure!(!said.is_empty(), "{what}: no {name}: {text}");
        }
        let code = body["code"].as_str().unwrap_or("");
        let kind = format!("urn:social-ledger:problem:{code}");
        ensure!(body["type"] == kind, "{what}: {text}");
        let request_id = self.header("x-request-id");
        ensure!(body["request_id"] == request_id, "{what}: {text}");
        // What was given wrongly is shown, and not at any length.
        ensure!(self.text.len() < 1_500, "{what}: {} bytes", self.text.len());
        Ok(())
    }
}

/// The items of a list.
pub(crate) fn list(value: &Value) -> anyhow::Result<&Vec<Value>> {
    value
        .as_array()
        .with_context(|| format!("not a list: {value}"))
}

/// One field of every item of a list.
pub(crate) fn column(items: &Value, name: &str) -> anyhow::Result<Vec<Value>> {
    Ok(list(items)?.iter().map(|item| item[name].clone()).collect())
}
