//! A platform in a few lines: it answers what it was told to, and remembers what it was asked.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;

/// A call that came in.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) query: String,
    pub(super) body: String,
    pub(super) authorization: String,
}

#[derive(Default)]
struct Told {
    always: HashMap<String, (u16, Value)>,
    once: HashMap<String, VecDeque<(u16, Value)>>,
    seen: Vec<(String, Seen)>,
}

type Shared = Arc<Mutex<Told>>;

/// The platforms, all at one address, each under its own host's name.
pub(super) struct Fake {
    pub(super) base: String,
    told: Shared,
}

fn lock(told: &Shared) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(
    State(told): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().to_owned();
    let header = headers.get("authorization").and_then(|it| it.to_str().ok());
    let seen = Seen {
        method: method.to_string(),
        query: uri.query().unwrap_or_default().to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
        authorization: header.unwrap_or_default().to_owned(),
    };
    let mut told = lock(&told);
    told.seen.push((path.clone(), seen));
    let once = told.once.get_mut(&path).and_then(VecDeque::pop_front);
    let answer = once.or_else(|| told.always.get(&path).cloned());
    let (status, json) = answer.unwrap_or((404, Value::Null));
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::NOT_FOUND);
    (status, axum::Json(json)).into_response()
}

impl Fake {
    pub(super) async fn start() -> anyhow::Result<Self> {
        let told = Shared::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(answer).with_state(Arc::clone(&told));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(Self { base, told })
    }

    /// What it answers from now on at this host and path.
    pub(super) fn answer(&self, place: &str, status: u16, json: Value) {
        lock(&self.told)
            .always
            .insert(format!("/{place}"), (status, json));
    }

    /// What it answers once there, before anything else.
    pub(super) fn once(&self, place: &str, status: u16, json: Value) {
        let mut told = lock(&self.told);
        let answers = told.once.entry(format!("/{place}")).or_default();
        answers.push_back((status, json));
    }

    /// The calls that came in there.
    pub(super) fn seen(&self, place: &str) -> Vec<Seen> {
        let path = format!("/{place}");
        let told = lock(&self.told);
        let there = told.seen.iter().filter(|(at, _)| *at == path);
        there.map(|(_, seen)| seen.clone()).collect()
    }
}
