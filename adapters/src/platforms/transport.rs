//! How calls reach the platforms: one HTTP client, bounded in time and size, that follows no
//! redirect and lets no address out, since tokens stand in addresses.

use super::call::Call;
use super::failure::Failure;
use super::reader;
use super::reply::{Headers, MAX_BODY_BYTES, NoReply, Reply};
use super::secret::Secret;
use super::understood::Understood;
use domain::Platform;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, Url};
use serde_json::Value;
use std::fmt;
use std::time::{Duration, Instant};

/// For how long one call may take, the whole reply included.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// For how long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a question that changes nothing is asked, where the answer is that it may pass.
const ASK_ATTEMPTS: u32 = 3;
const ASK_PAUSE: Duration = Duration::from_millis(250);

/// The body of a call.
#[derive(Clone, Default)]
pub enum Body {
    /// None.
    #[default]
    None,
    /// A form, percent-encoded.
    Form(Vec<(&'static str, String)>),
    /// A form in parts, which Instagram's token endpoint asks for (its documentation's `curl -F`).
    Multipart(Vec<(&'static str, String)>),
    /// JSON.
    Json(Value),
}

/// A call to a platform: what the reader is told of it, and how it goes over the network. It holds
/// tokens, so it does not print.
#[derive(Clone)]
pub struct Request {
    /// The question.
    pub call: Call,
    method: Method,
    host: &'static str,
    path: String,
    query: Vec<(&'static str, String)>,
    bearer: Option<Secret>,
    body: Body,
}

impl Request {
    fn new(method: Method, call: Call, host: &'static str, path: impl Into<String>) -> Self {
        Self {
            call,
            method,
            host,
            path: path.into(),
            query: vec![],
            bearer: None,
            body: Body::None,
        }
    }

    /// A question.
    pub fn get(call: Call, host: &'static str, path: impl Into<String>) -> Self {
        Self::new(Method::GET, call, host, path)
    }

    /// A question or an order with a body.
    pub fn post(call: Call, host: &'static str, path: impl Into<String>, body: Body) -> Self {
        let request = Self::new(Method::POST, call, host, path);
        Self { body, ..request }
    }

    /// An order to remove something.
    pub fn delete(call: Call, host: &'static str, path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, call, host, path)
    }

    /// Adds a parameter to the address.
    #[must_use]
    pub fn param(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Asks for these fields, and tells the reader so: one that is missing is then hidden.
    #[must_use]
    pub fn fields(mut self, fields: &[&str]) -> Self {
        self.call.fields = Some(fields.iter().map(|&field| field.to_owned()).collect());
        self.param("fields", fields.join(","))
    }

    /// Sends a token in the header.
    #[must_use]
    pub fn bearer(mut self, token: &Secret) -> Self {
        self.bearer = Some(token.clone());
        self
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("endpoint", &self.call.endpoint)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// Why no calls can be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The base address is none.
    #[error("PLATFORMS_BASE_URL is '{0}': expected an address such as http://127.0.0.1:9090")]
    Base(String),
    /// The HTTP client could not be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}

/// The HTTP client for all platforms. Copies share its connections.
#[derive(Clone)]
pub struct Transport {
    client: Client,
    base: Option<String>,
}

impl Transport {
    /// Calls the platforms themselves, or where a base is given `{base}/{host}{path}` in their
    /// place: a simulator's address.
    pub fn new(base: Option<&str>) -> Result<Self, TransportError> {
        let base = base.map(|base| base.trim_end_matches('/').to_owned());
        if let Some(base) = &base {
            let url = Url::parse(base).map_err(|_| TransportError::Base(base.clone()))?;
            if !["http", "https"].contains(&url.scheme()) || url.query().is_some() {
                return Err(TransportError::Base(base.clone()));
            }
        }
        let client = Client::builder()
            .redirect(Policy::none())
            .timeout(CALL_TIMEOUT)
            .connect_timeout(CONNECT_TIMEOUT)
            .https_only(base.is_none())
            .user_agent(concat!("social-ledger/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| TransportError::Client(e.without_url().to_string()))?;
        Ok(Self { client, base })
    }

    /// Whether a simulator stands in for the platforms.
    pub fn is_simulated(&self) -> bool {
        self.base.is_some()
    }

    /// The address of something at a platform, as a browser is to open it too.
    pub fn address(&self, host: &str, path: &str) -> String {
        match &self.base {
            Some(base) => format!("{base}/{host}{path}"),
            None => format!("https://{host}{path}"),
        }
    }

    /// Makes a call once, and reads what came back.
    pub async fn ask(&self, platform: Platform, request: Request) -> Result<Understood, Failure> {
        let call = request.call.clone();
        let started = Instant::now();
        let sent = self.send(request).await;
        let found = match &sent {
            Ok(reply) => reader(platform).understand(&call, reply),
            Err(none) => Err((*none).into()),
        };
        let class = found.as_ref().map_or_else(|it| it.class, |it| it.class);
        let status = sent.as_ref().map_or(0, Reply::status);
        let latency_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::debug!(%platform, endpoint = ?call.endpoint, status, %class, latency_ms, "called");
        found
    }

    /// The same for a question that changes nothing: asked again, a few times, where it may pass.
    pub async fn look(&self, platform: Platform, request: Request) -> Result<Understood, Failure> {
        let mut pause = ASK_PAUSE;
        for _ in 1..ASK_ATTEMPTS {
            match self.ask(platform, request.clone()).await {
                Err(failure) if failure.class == super::Class::Transient => {}
                found => return found,
            }
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
        self.ask(platform, request).await
    }

    async fn send(&self, request: Request) -> Result<Reply, NoReply> {
        let address = self.address(request.host, &request.path);
        let mut builder = self
            .client
            .request(request.method, address)
            .query(&request.query);
        if let Some(token) = &request.bearer {
            let value = HeaderValue::from_str(&format!("Bearer {}", token.expose()));
            let mut value = value.map_err(|_| NoReply::Unreachable)?;
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        builder = match request.body {
            Body::None => builder,
            Body::Form(fields) => builder.form(&fields),
            Body::Json(json) => builder.json(&json),
            Body::Multipart(fields) => {
                let parts = reqwest::multipart::Form::new();
                let parts = fields
                    .into_iter()
                    .fold(parts, |parts, (name, value)| parts.text(name, value));
                builder.multipart(parts)
            }
        };
        // The error itself names the whole address: only its kind goes on.
        let mut response = builder.send().await.map_err(|e| kind_of(&e))?;
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers: Headers = headers
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| kind_of(&e))? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_BODY_BYTES {
                break;
            }
        }
        Ok(Reply::new(status, headers, body))
    }
}

fn kind_of(error: &reqwest::Error) -> NoReply {
    match error.is_timeout() {
        true => NoReply::TooSlow,
        false => NoReply::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::{Class, Endpoint};

    #[test]
    fn a_simulator_stands_in_by_host_and_path() {
        let at =
            |base| Transport::new(base).map(|it| it.address("graph.instagram.com", "/v25.0/me"));
        let real = at(None).expect("an address");
        assert_eq!(real, "https://graph.instagram.com/v25.0/me");
        let simulated = at(Some("http://127.0.0.1:9/")).expect("an address");
        assert_eq!(simulated, "http://127.0.0.1:9/graph.instagram.com/v25.0/me");
        for wrong in [
            "",
            "127.0.0.1:9",
            "ftp://x.example",
            "http://x.example/?a=b",
        ] {
            assert!(Transport::new(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_failed_call_names_no_token() {
        let transport = Transport::new(Some("http://127.0.0.1:1")).expect("a client");
        let request = Request::get(Call::to(Endpoint::Profile), "graph.instagram.com", "/me")
            .param("access_token", "canary-token")
            .bearer(&Secret::new("canary-token"));
        assert!(!format!("{request:?}").contains("canary"));
        let failure = transport.ask(Platform::Instagram, request).await;
        let failure = failure.expect_err("nobody listens there");
        assert_eq!(failure.class, Class::Transient);
        assert!(!format!("{failure:?}").contains("canary"));
    }
}
