//! A simulator in this process, and a client that asks it as it would ask the platforms.

use adapters::platforms::{
    Address, Callback, Class, Consent, Content, Failure, Headers, MAX_BODY_BYTES, NoReply,
    PostsFound, ProfileFound, Reply, Understood, reader,
};
use adapters::simulator::world::AccountKey;
use adapters::simulator::{App, Handle, Options, Simulator, Truth};
use anyhow::{Context, bail, ensure};
use domain::{Platform, Timestamp};
use reqwest::redirect::Policy;
use serde_json::Value;
use std::collections::BTreeSet;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Where people are sent back to.
pub(super) const BACK: &str = "https://ledger.example/callback";

/// The most pages of a list that are read.
const MOST_PAGES: usize = 100;

pub(super) struct Scene {
    pub(super) simulator: Handle,
    pub(super) client: reqwest::Client,
    _stops: DropGuard,
}

/// What came back.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) json: Value,
    pub(super) text: String,
    /// As the readers understand it.
    pub(super) understood: Result<Understood, Failure>,
}

impl Seen {
    pub(super) fn class(&self) -> Class {
        match &self.understood {
            Ok(found) => found.class,
            Err(failure) => failure.class,
        }
    }

    pub(super) fn is(&self, class: Class) -> anyhow::Result<()> {
        ensure!(
            self.class() == class,
            "{:?}: {} {}",
            self.class(),
            self.status,
            self.text
        );
        Ok(())
    }

    pub(super) fn good(self) -> anyhow::Result<Understood> {
        let (status, text) = (self.status, self.text);
        self.understood
            .map_err(|failure| anyhow::anyhow!("{failure}: {status} {text}"))
    }

    pub(super) fn text_of(&self, field: &str) -> anyhow::Result<String> {
        let found = self.json[field].as_str();
        Ok(found
            .with_context(|| format!("no {field} in {}", self.text))?
            .to_owned())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn posts(self) -> anyhow::Result<PostsFound> {
        match self.good()?.content {
            Content::Posts(found) => Ok(found),
            other => bail!("no posts: {other:?}"),
        }
    }

    pub(super) fn profile(self) -> anyhow::Result<Box<ProfileFound>> {
        match self.good()?.content {
            Content::Profile(found) => Ok(found),
            other => bail!("no profile: {other:?}"),
        }
    }
}

/// The moment at which scenes begin, unless they say otherwise.
pub(super) fn start() -> Timestamp {
    "2026-06-01T12:00:00Z".parse().expect("a time")
}

impl Scene {
    pub(super) async fn new() -> anyhow::Result<Self> {
        Self::with(Options::at(start())).await
    }

    pub(super) async fn with(options: Options) -> anyhow::Result<Self> {
        let simulator = Simulator::bind("127.0.0.1:0".parse()?, options).await?;
        let handle = simulator.handle();
        let stopping = CancellationToken::new();
        let stops = stopping.clone().drop_guard();
        tokio::spawn(simulator.run(stopping));
        Ok(Self {
            simulator: handle,
            client: reqwest::Client::builder()
                .redirect(Policy::none())
                .build()?,
            _stops: stops,
        })
    }

    /// The address of `https://...` here.
    pub(super) fn here(&self, url: &str) -> String {
        let rest = url.strip_prefix("https://").unwrap_or(url);
        format!("{}/{rest}", self.simulator.base())
    }

    pub(super) fn app(&self, platform: Platform) -> App {
        self.simulator.apps().of(platform).clone()
    }

    /// Sends a request; the reader is told the platform's own address.
    pub(super) async fn ask(
        &self,
        platform: Platform,
        method: &str,
        url: &str,
        with: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> anyhow::Result<Seen> {
        let request = self.client.request(method.parse()?, self.here(url));
        let (status, headers, body) = match bounded(with(request)).await {
            Ok(answer) => answer,
            Err(reason) => {
                return Ok(Seen {
                    status: 0,
                    headers: reqwest::header::HeaderMap::new(),
                    json: Value::Null,
                    text: format!("{reason:?}"),
                    understood: Err(reason.into()),
                });
            }
        };
        let kept: Headers = headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
            .collect();
        let (json, text) = (
            serde_json::from_slice(&body).unwrap_or_default(),
            String::from_utf8_lossy(&body).chars().take(2_000).collect(),
        );
        let reader = reader(platform);
        let call = reader.call(method, &Address::parse(url));
        let understood = reader.understand(&call, &Reply::new(status, kept, body));
        Ok(Seen {
            status,
            headers,
            json,
            text,
            understood,
        })
    }

    pub(super) async fn get(&self, platform: Platform, url: &str) -> anyhow::Result<Seen> {
        self.ask(platform, "GET", url, |request| request).await
    }

    pub(super) async fn get_as(
        &self,
        platform: Platform,
        url: &str,
        token: &str,
    ) -> anyhow::Result<Seen> {
        self.ask(platform, "GET", url, |it| it.bearer_auth(token))
            .await
    }

    /// A form to a token endpoint. The reader is told which grant it asks for.
    pub(super) async fn form(
        &self,
        platform: Platform,
        url: &str,
        fields: &[(&str, &str)],
    ) -> anyhow::Result<Seen> {
        let grant = fields.iter().find(|(name, _)| *name == "grant_type");
        let url = match grant {
            Some((_, grant)) => format!("{url}?grant_type={grant}"),
            None => url.to_owned(),
        };
        self.ask(platform, "POST", &url, |it| it.form(fields)).await
    }

    /// Where an authorisation address sends the person to.
    pub(super) async fn sent_to(&self, url: &str) -> anyhow::Result<String> {
        let answer = self.client.get(self.here(url)).send().await?;
        let status = answer.status().as_u16();
        let to = answer
            .headers()
            .get("location")
            .and_then(|it| it.to_str().ok());
        let to = to.map(str::to_owned);
        let text = answer.text().await?;
        to.with_context(|| format!("no redirect: {status} {text}"))
    }

    /// The code that a consent brings, with the scopes where the callback has them.
    pub(super) async fn code(
        &self,
        url: &str,
    ) -> anyhow::Result<(String, Option<BTreeSet<String>>)> {
        let back = self.sent_to(url).await?;
        ensure!(back.starts_with(BACK), "{back}");
        let callback = Callback::parse(&back)?;
        let state = callback.state.context("the state")?;
        ensure!(state.expose() == "s t&te", "{back}");
        match callback.consent {
            Consent::Given { code, scopes } => Ok((code.expose().to_owned(), scopes)),
            other => bail!("{other:?}"),
        }
    }

    /// All posts of a list, page by page; `more` gives the address of the page at a cursor.
    pub(super) async fn all_posts(
        &self,
        platform: Platform,
        first: &str,
        more: impl Fn(&str) -> String,
    ) -> anyhow::Result<PostsFound> {
        let mut all = PostsFound::default();
        let mut url = first.to_owned();
        for _ in 0..MOST_PAGES {
            let found = self.get(platform, &url).await?.posts()?;
            all.posts.extend(found.posts);
            match found.next {
                Some(cursor) => url = more(&cursor.0),
                None => return Ok(all),
            }
        }
        bail!("there is no end of {first}")
    }

    pub(super) fn now(&self) -> Timestamp {
        self.simulator.clock().now()
    }

    pub(super) fn advance(&self, seconds: u64) -> anyhow::Result<()> {
        self.simulator.clock().advance(seconds)?;
        Ok(())
    }

    pub(super) fn truth(&self, platform: Platform, creator: u32) -> anyhow::Result<Truth> {
        let key = AccountKey {
            creator,
            platform,
            ordinal: 0,
        };
        let truth = self.simulator.truth(key, self.now(), 2_000);
        truth.context("the account")
    }
}

/// An answer of bounded size, as a client must read it.
async fn bounded(
    request: reqwest::RequestBuilder,
) -> Result<(u16, reqwest::header::HeaderMap, Vec<u8>), NoReply> {
    let unreachable = |_| NoReply::Unreachable;
    let mut answer = request.send().await.map_err(unreachable)?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_BODY_BYTES {
            break;
        }
    }
    Ok((status, headers, body))
}

/// Text as it stands in an address.
pub(super) fn encoded(text: &str) -> String {
    let url = reqwest::Url::parse_with_params("http://x/", [("p", text)]);
    let url = url.expect("an address with one parameter");
    url.query().unwrap_or_default()[2..].to_owned()
}
