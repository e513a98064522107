//! The server: requests in, answers out, and lines that break on purpose.

use super::answer::{Answer, Body as Content, Broken};
use super::control;
use super::play::Core;
use super::request::Asked;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use futures_util::stream::{self, StreamExt};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The largest body of a request, in bytes.
const MAX_BODY_BYTES: usize = 1024 * 1024;
/// For how long an answer hangs that never comes.
const HANG: Duration = Duration::from_secs(600);
/// How fast an answer drips: a byte in so long.
const DRIP: Duration = Duration::from_millis(500);
/// How large an answer without measure is: so many pieces of so many bytes, 100 MB together.
const HUGE_PIECES: usize = 1_600;
const HUGE_PIECE: usize = 64 * 1024;
/// How deep an answer is nested.
const DEPTH: usize = 100_000;

/// All routes.
pub(super) fn router(core: Arc<Core>, stopping: CancellationToken) -> Router {
    let state = (Arc::clone(&core), stopping);
    control::routes(core).merge(Router::new().fallback(platforms).with_state(state))
}

async fn platforms(
    State((core, stopping)): State<(Arc<Core>, CancellationToken)>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large");
    };
    let asked = Asked::new(&parts, &body, &core.base);
    let answer = core.answer(&asked);
    let hangs = matches!(answer.body, Content::Broken(Broken::Hang));
    if hangs {
        // A server that stops does not wait for it.
        let sleep = tokio::time::sleep(HANG);
        stopping.run_until_cancelled(sleep).await;
    }
    respond(answer)
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response
}

/// An answer as it goes over the wire.
pub(super) fn respond(answer: Answer) -> Response {
    let (kind, body) = match answer.body {
        Content::Json(json) => (
            "application/json; charset=UTF-8",
            Body::from(json.to_string()),
        ),
        Content::Html(page) => ("text/html; charset=utf-8", Body::from(page)),
        Content::Empty => ("", Body::empty()),
        Content::Broken(broken) => ("application/json", broken_body(broken)),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !kind.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    for (name, value) in answer.headers {
        // Values are texts of ours; one that no header can hold is left out.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    response
}

fn broken_body(broken: Broken) -> Body {
    let half = r#"{"data":[{"id":"17841405793187218","followers_cou"#;
    match broken {
        Broken::Hang => Body::empty(),
        Broken::Truncated => Body::from(half),
        Broken::NotUtf8 => Body::from(&b"{\"data\":[\"\xff\xfe\"]}"[..]),
        Broken::Nested => Body::from("[".repeat(DEPTH)),
        Broken::Drip => {
            let bytes = half.repeat(100).into_bytes();
            Body::from_stream(stream::iter(bytes).then(|byte| async move {
                tokio::time::sleep(DRIP).await;
                Ok::<_, Infallible>(Bytes::from(vec![byte]))
            }))
        }
        Broken::CutOff => {
            let first = Ok(Bytes::from_static(half.as_bytes()));
            Body::from_stream(stream::iter([first, Err(broke())]))
        }
        Broken::Reset => Body::from_stream(stream::iter([Err::<Bytes, _>(broke())])),
        Broken::Huge => {
            let piece = Bytes::from(vec![b' '; HUGE_PIECE]);
            let pieces = stream::iter(std::iter::repeat_n(piece, HUGE_PIECES));
            let first = stream::iter([Bytes::from_static(b"{\"data\":[")]);
            Body::from_stream(first.chain(pieces).map(Ok::<_, Infallible>))
        }
    }
}

fn broke() -> io::Error {
    io::Error::from(io::ErrorKind::ConnectionReset)
}
