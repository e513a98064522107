//! HTTP itself: methods, paths, bodies and bytes that no client should send.

use super::{ROUTES, Scene};
use crate::api_ground::{Ground, Reply};
use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::Value;
use tests::server::Server;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_a_route_does_not_have() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let server = &scene.ground.server;
    let bearer = format!("Bearer {}", server.key);
    for route in ROUTES.iter().chain(&["/healthz", "/metrics", "/readyz"]) {
        let path = scene.path(route);
        for method in [
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
            Method::OPTIONS,
        ] {
            let reply = Reply::to(server, method, &path, Some(&bearer)).await?;
            reply.ensure_problem(route, (405, "method_not_allowed", None))?;
            ensure!(
                reply.header("allow").contains("GET"),
                "{route}: {:?}",
                reply.headers
            );
        }
        let head = server.client.head(format!("{}{path}", server.base));
        let answer = head.bearer_auth(&server.key).send().await?;
        ensure!(answer.status() == 200, "HEAD {route}: {}", answer.status());
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_that_no_route_has() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let long = format!("/{}", "a".repeat(10_000));
    let deep = "/v1".repeat(2_000);
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v2/metrics",
        "/V1/metrics",
        "/v1/metrics/",
        "/v1//metrics",
        "/v1/accounts",
        "/v1/accounts/{account}/",
        "/v1/accounts/{account}/trends",
        "/v1/accounts/{account}/metrics",
        "/v1/accounts/{account}/posts/{post}/metrics",
        "/v1/creators/creator",
        "/%00",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/%6Detrics%FF",
        "/metrics%zz",
        &long,
        &deep,
    ] {
        let reply = scene.get(path).await?;
        reply.ensure_problem(path, (404, "not_found", None))?;
    }
    // Bytes of a segment that are not text, and signs that begin no escape.
    for (path, status, code, field) in [
        ("/v1/accounts/%FF", 400, "invalid_parameter", "account_id"),
        ("/v1/accounts/%zz", 400, "invalid_parameter", "account_id"),
        ("/v1/accounts/%", 400, "invalid_parameter", "account_id"),
        (
            "/v1/accounts/{account}/posts/%FF",
            400,
            "invalid_parameter",
            "post",
        ),
        (
            "/v1/accounts/{account}/metrics/%C3%28",
            400,
            "invalid_parameter",
            "metric",
        ),
        (
            "/v1/creators/%FF/accounts",
            400,
            "invalid_parameter",
            "creator",
        ),
    ] {
        let reply = scene.get(path).await?;
        reply.ensure_problem(path, (status, code, Some(field)))?;
    }
    Ok(())
}

/// An answer as its bytes came over the wire.
struct Raw {
    status: u16,
    head: String,
    body: String,
}

/// Sends bytes and reads until the server hangs up.
async fn send(server: &Server, bytes: &[u8]) -> anyhow::Result<Raw> {
    let address = server.base.strip_prefix("http://").context("an address")?;
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut answer = vec![];
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8(answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("a head and a body")?;
    let status = head.split(' ').nth(1).context("a status")?.parse()?;
    Ok(Raw {
        status,
        head: head.to_ascii_lowercase(),
        body: body.to_owned(),
    })
}

/// A request with a key, up to where its body begins.
fn request(server: &Server, line: &str, headers: &str) -> Vec<u8> {
    let key = &server.key;
    format!(
        "{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nauthorization: Bearer {key}\r\n\
         {headers}\r\n"
    )
    .into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large() -> anyhow::Result<()> {
    let Ground { server, .. } = Ground::new().await?;
    // What is announced as too large is not waited for.
    let announced = "content-length: 65537\r\n";
    // What is not announced is read up to the limit.
    let mut chunked = request(&server, "GET /v1/metrics", "transfer-encoding: chunked\r\n");
    chunked.extend_from_slice(b"10001\r\n");
    chunked.resize(chunked.len() + 0x10001, b'x');
    for bytes in [
        request(&server, "POST /v1/metrics", announced),
        request(&server, "GET /v1/metrics", announced),
        request(&server, "POST /v1/nothing", announced),
        request(&server, "GET /healthz", announced),
        request(
            &server,
            "POST /v1/metrics",
            "content-length: 9223372036854775807\r\n",
        ),
        chunked,
    ] {
        let line = String::from_utf8_lossy(&bytes[..30]).into_owned();
        let answer = send(&server, &bytes).await?;
        ensure!(
            answer.status == 413,
            "{line}: {} {}",
            answer.head,
            answer.body
        );
        let media_type = "content-type: application/problem+json";
        ensure!(answer.head.contains(media_type), "{line}: {}", answer.head);
        let body: Value = serde_json::from_str(&answer.body)?;
        ensure!(
            body["code"] == "body_too_large" && body["field"] == "body" && body["status"] == 413,
            "{line}: {body}"
        );
        ensure!(
            body["request_id"].is_string() && body["detail"].is_string(),
            "{body}"
        );
    }
    // As much as there may be is taken, and makes no difference.
    let mut bytes = request(&server, "GET /v1/metrics", "content-length: 65536\r\n");
    bytes.resize(bytes.len() + 65_536, b'x');
    let answer = send(&server, &bytes).await?;
    ensure!(answer.status == 200, "{}", answer.head);
    Ok(())
}

/// What is no HTTP never reaches a handler: it is refused, and the server goes on.
#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_request() -> anyhow::Result<()> {
    let Ground { server, .. } = Ground::new().await?;
    let long = format!("GET /{}", "a".repeat(70_000));
    for bytes in [
        request(&server, "GET /v1/metrics?a=\u{0}", ""),
        request(&server, "GET /v1/metrics\u{0}", ""),
        request(&server, "GET /v1/metrics", "x-nul: \u{0}\r\n"),
        request(&server, "GET /v1/metrics", "content-length: -1\r\n"),
        request(&server, "GET /v1/metrics", "content-length: many\r\n"),
        request(&server, "GET", ""),
        request(&server, &long, ""),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        b"NONSENSE\r\n\r\n".to_vec(),
    ] {
        let line = String::from_utf8_lossy(&bytes[..20.min(bytes.len())]).into_owned();
        let answer = send(&server, &bytes).await?;
        ensure!(
            (400..500).contains(&answer.status),
            "{line:?}: {}",
            answer.head
        );
    }
    server.ok("/v1/metrics").await?;
    Ok(())
}
