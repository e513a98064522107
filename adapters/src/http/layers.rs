//! What every request passes on its way in and out: an id, a span, limits, a net for panics.

use super::measure;
use super::problem::{self, Code, Problem};
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use std::any::Any;
use std::time::{Duration, Instant};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, field};
use uuid::Uuid;

/// The largest body that is read.
pub(super) const MAX_BODY_BYTES: usize = 64 * 1024;
/// How long an answer may take.
pub(super) const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest request id that is taken over from a caller.
const MAX_REQUEST_ID: usize = 64;
const REQUEST_ID: &str = "x-request-id";

/// All layers around routes, from the innermost to the outermost.
pub(super) fn around<S: Clone + Send + Sync + 'static>(router: Router<S>) -> Router<S> {
    router
        .layer(from_fn(limit_body))
        .layer(from_fn(limit_time))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(from_fn(observe))
}

/// The outermost layer: gives the request an id and a span, and problems their body.
///
/// The span holds the route's template and not the path, and no query: those name people.
async fn observe(request: Request, next: Next) -> Response {
    let request_id = request_id(request.headers());
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "unmatched".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        %route,
        %request_id,
        key_id = field::Empty,
        status = field::Empty,
        latency_ms = field::Empty,
    );
    let method = request.method().clone();
    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    // The cause of a failure was logged within the span; this only tells how it ended.
    let mut response = span.in_scope(|| problem::render(response, &request_id));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let took = started.elapsed();
    measure::answered(route, &method, response.status(), took);
    let latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.record("status", response.status().as_u16());
    span.record("latency_ms", latency_ms);
    span.in_scope(|| tracing::info!("answered"));
    response
}

/// The caller's id of the request if it is harmless to log, else one of ours.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|text| is_sane(text))
        .map_or_else(|| Uuid::now_v7().simple().to_string(), str::to_owned)
}

fn is_sane(text: &str) -> bool {
    (1..=MAX_REQUEST_ID).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Answers for a handler that panicked. Its message may hold anything, so it goes nowhere: the
/// process-wide panic hook has already written it where faults are read.
fn answer_panic(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}

/// Ends what takes too long.
async fn limit_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(
            Code::Timeout,
            format!(
                "no answer within {} seconds; ask for less",
                REQUEST_TIMEOUT.as_secs()
            ),
        )
        .into_response(),
    }
}

/// Reads bodies up to a limit, whatever the method: one that says it is larger is not read at all.
async fn limit_body(request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = if body.is_end_stream() {
        Body::empty()
    } else {
        Body::from(read_body(&parts.headers, body).await?)
    };
    Ok(next.run(Request::from_parts(parts, body)).await)
}

async fn read_body(headers: &HeaderMap, body: Body) -> Result<Bytes, Problem> {
    let declared = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<u64>().ok());
    if declared.is_some_and(|length| length > MAX_BODY_BYTES as u64) {
        return Err(too_large());
    }
    let mut read = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| {
            Problem::new(Code::InvalidParameter, "the body broke off before its end").on("body")
        })?;
        if read.len() + chunk.len() > MAX_BODY_BYTES {
            return Err(too_large());
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.into())
}

fn too_large() -> Problem {
    Problem::new(
        Code::BodyTooLarge,
        format!("a body may have at most {MAX_BODY_BYTES} bytes"),
    )
    .on("body")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_request_ids_are_taken_over() {
        let taken = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(text).unwrap());
            request_id(&headers)
        };
        assert_eq!(taken("a-1"), "a-1");
        assert_ne!(taken("a b"), "a b");
        assert_ne!(taken(&"a".repeat(65)), "a".repeat(65));
        assert_eq!(request_id(&HeaderMap::new()).len(), 32);
    }
}
