//! What platforms send us: webhooks, and Meta's callbacks when a person removes the app or asks for
//! deletion. They have no key: each is believed for its signature, over its very bytes.

use super::Services;
use super::problem::{Code, Problem, Problems};
use crate::connect::MessageError;
use crate::vault::credentials::Deletion;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use domain::Platform;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

const SIGNATURES: [(Platform, &str); 4] = [
    (Platform::Facebook, "x-hub-signature-256"),
    (Platform::Instagram, "x-hub-signature-256"),
    (Platform::Tiktok, "tiktok-signature"),
    (Platform::Youtube, "x-hub-signature"),
];

impl From<MessageError> for Problem {
    fn from(error: MessageError) -> Self {
        match error {
            // How near it came is not told.
            MessageError::Refused(_) => {
                Self::new(Code::SignatureInvalid, "the signature is not one of ours")
            }
            MessageError::Unreadable => Self::invalid("body", error.to_string()),
            MessageError::NotConfigured => Self::not_found("webhook"),
            MessageError::Vault(error) => error.into(),
            MessageError::Tell(error) => error.into(),
            MessageError::Erase(error) => error.into(),
        }
    }
}

fn platform(text: &str) -> Result<Platform, Problem> {
    text.parse().map_err(|_| Problem::not_found("platform"))
}

/// Of Meta alone: the others have no such callback.
fn meta(text: &str) -> Result<Platform, Problem> {
    match platform(text)? {
        platform @ (Platform::Facebook | Platform::Instagram) => Ok(platform),
        _ => Err(Problem::not_found("callback")),
    }
}

/// Meta's form.
#[derive(Deserialize, ToSchema)]
pub(super) struct SignedRequest {
    /// A signature and a payload, both in base64url.
    signed_request: String,
}

/// The one field of Meta's form, which is written as queries are.
fn signed_request(body: &[u8]) -> Result<String, Problem> {
    let missing = || Problem::invalid("signed_request", "expected a form with this one field");
    let text = std::str::from_utf8(body).map_err(|_| missing())?;
    let uri = format!("/?{text}").parse().map_err(|_| missing())?;
    let form = Query::<SignedRequest>::try_from_uri(&uri).map_err(|_| missing())?;
    Ok(form.0.signed_request)
}

/// Answers a platform that asks whether a webhook's address is ours.
///
/// Meta and WebSub: `hub.challenge` comes back if `hub.verify_token` is `WEBHOOK_SECRET`.
#[utoipa::path(
    get,
    path = "/webhooks/{platform}",
    operation_id = "verifyWebhook",
    tag = "messages",
    params(("platform" = String, Path, description = "The platform.")),
    security(()),
    responses(
        (status = 200, description = "The challenge.", content_type = "text/plain", body = String),
        Problems,
    )
)]
pub(super) async fn challenge(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    Query(params): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    platform(&name)?;
    let challenge = services.connections.challenge(&params)?.to_owned();
    let plain = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((plain, challenge).into_response())
}

/// Takes a platform's webhook.
///
/// Its signature is verified over its very bytes. What it says of accounts here is kept for a sync
/// to come; that a person took their consent back ends the connection. The same message again
/// changes nothing.
#[utoipa::path(
    post,
    path = "/webhooks/{platform}",
    operation_id = "takeWebhook",
    tag = "messages",
    params(("platform" = String, Path, description = "The platform.")),
    request_body(content = String, description = "What the platform sends."),
    security(()),
    responses((status = 200, description = "It was taken."), Problems)
)]
pub(super) async fn webhook(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let platform = platform(&name)?;
    let header = SIGNATURES.iter().find(|(known, _)| *known == platform);
    let value = header.and_then(|(_, header)| headers.get(*header)?.to_str().ok());
    let signature = value.unwrap_or_default();
    let taken = services
        .connections
        .take_webhook(platform, signature, &body)
        .await;
    match taken {
        // WebSub asks for a good answer even to what is not believed, so that nothing is learned.
        Err(MessageError::Refused(_)) if platform == Platform::Youtube => Ok(StatusCode::OK),
        // Signed, and nothing that we read: sending it again would not help.
        Err(MessageError::Unreadable) => Ok(StatusCode::OK),
        taken => {
            taken?;
            Ok(StatusCode::OK)
        }
    }
}

/// Takes Meta's word that a person removed the app.
///
/// Their connections end; the history stays.
#[utoipa::path(
    post,
    path = "/webhooks/{platform}/deauthorize",
    operation_id = "takeDeauthorization",
    tag = "messages",
    params(("platform" = String, Path, description = "`instagram` or `facebook`.")),
    request_body(content = SignedRequest, content_type = "application/x-www-form-urlencoded"),
    security(()),
    responses((status = 200, description = "It was taken."), Problems)
)]
pub(super) async fn deauthorize(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let platform = meta(&name)?;
    let text = signed_request(&body)?;
    services.connections.deauthorize(platform, &text).await?;
    Ok(StatusCode::OK)
}

/// What Meta passes on to the person.
#[derive(Serialize, ToSchema)]
pub(super) struct DeletionTaken {
    /// Where the person sees how it stands.
    url: String,
    /// What they ask after it with.
    confirmation_code: String,
}

/// Takes a person's request for deletion, which Meta passes on.
///
/// What is held of them is erased: see `eraseAccount`. The answer comes at once; the page that it
/// names tells when it is done.
#[utoipa::path(
    post,
    path = "/webhooks/{platform}/delete",
    operation_id = "takeDeletionRequest",
    tag = "messages",
    params(("platform" = String, Path, description = "`instagram` or `facebook`.")),
    request_body(content = SignedRequest, content_type = "application/x-www-form-urlencoded"),
    security(()),
    responses((status = 200, description = "It was taken.", body = DeletionTaken), Problems)
)]
pub(super) async fn delete(
    State(services): State<Arc<Services>>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<DeletionTaken>, Problem> {
    let platform = meta(&name)?;
    let text = signed_request(&body)?;
    let deletion = services.deletions.take(platform, &text).await?;
    let answer = DeletionTaken {
        url: format!("{}/deletions/{}", services.public_url, deletion.code),
        confirmation_code: deletion.code.clone(),
    };
    let deletions = services.deletions.clone();
    // What is cut short here is noted, and taken up again.
    tokio::spawn(async move {
        if let Err(error) = deletions.carry_out(&deletion).await {
            tracing::warn!(%error, "a deletion is taken up again later");
        }
    });
    Ok(Json(answer))
}

fn words(deletion: &Deletion) -> String {
    let day = |at: domain::Timestamp| at.to_chrono().format("%Y-%m-%d %H:%M UTC");
    let asked = format!(
        "Your request for deletion came by {} on {}.",
        deletion.platform,
        day(deletion.asked_at)
    );
    let state = match (deletion.accounts.is_empty(), deletion.done_at) {
        (true, _) => "Nothing was held of you.".to_owned(),
        (false, Some(at)) => format!(
            "It was carried out on {}: what was held of you cannot be read any more.",
            day(at)
        ),
        (false, None) => "It is being carried out.".to_owned(),
    };
    format!("{asked} {state}")
}

/// Shows a person how their request for deletion stands.
#[utoipa::path(
    get,
    path = "/deletions/{code}",
    operation_id = "showDeletion",
    tag = "messages",
    params(("code" = String, Path, description = "The confirmation code.")),
    security(()),
    responses(
        (status = 200, description = "A page.", content_type = "text/html", body = String),
        Problems,
    )
)]
pub(super) async fn deletion(
    State(services): State<Arc<Services>>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let found = services.deletions.find(&code).await?;
    let deletion = found.ok_or_else(|| Problem::not_found("request for deletion"))?;
    // The words are ours: nothing of the person is in the page.
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <title>Request for deletion</title>\n<p>{}</p>\n<p>Confirmation code: {}</p>\n</html>\n",
        words(&deletion),
        deletion.code
    );
    let headers = [
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, Html(html)).into_response())
}
