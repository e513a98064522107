//! Messages of the platforms: callbacks and webhooks, signed as theirs are, or wrongly on purpose.

mod body;

use super::grants::End;
use super::play::Core;
use super::signed;
use super::world::{Account, AccountKey, seconds};
use domain::Platform;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// For how long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of an answer is shown.
const SHOWN: usize = 2_000;

/// What is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Message {
    /// The person has removed the app (Meta's callback, TikTok's webhook). Its grants end.
    Deauthorized,
    /// The person wants the data erased (Meta's callback).
    DataDeletion,
    /// Somebody has commented on the newest post (Meta).
    Comment,
    /// The same in the shape of the documentation (Instagram).
    CommentFlat,
    /// The newest video has been uploaded (YouTube, WebSub).
    Uploaded,
    /// The newest video has been deleted (YouTube, WebSub). It stays where it is.
    Deleted,
    /// The question whether the address is ours (Meta, YouTube).
    Verify,
}

/// How a message is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signature {
    /// As it should be.
    #[default]
    Right,
    /// With another secret.
    Wrong,
    /// As it should be an hour ago (TikTok).
    Stale,
    /// Not at all.
    Missing,
}

/// An order to send a message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// On which platform.
    pub platform: Platform,
    /// About which creator.
    #[serde(default)]
    pub creator: u32,
    /// The how manieth account of the creator.
    #[serde(default)]
    pub ordinal: u8,
    /// What is said.
    pub message: Message,
    /// Where it is sent to.
    pub url: String,
    /// How it is signed.
    #[serde(default)]
    pub signature: Signature,
    /// The secret of a WebSub subscription, or the token of a question.
    #[serde(default)]
    pub secret: String,
}

/// How a message was received.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Received {
    /// The HTTP status of the answer.
    pub status: u16,
    /// The answer, as far as it is shown.
    pub body: String,
}

/// Why a message could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// There is no such account.
    #[error("this world has no such account")]
    UnknownAccount,
    /// The platform says no such thing.
    #[error("{0} has no such message")]
    NoSuchMessage(Platform),
    /// Nobody took it.
    #[error("nobody took the message")]
    NotDelivered(#[from] reqwest::Error),
}

/// A message as it goes out.
struct Outgoing {
    method: reqwest::Method,
    /// Parameters of the address.
    query: Vec<(&'static str, String)>,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
}

/// Sends a message, and waits for the answer.
pub(super) async fn send(core: &Core, order: &Order) -> Result<Received, MessageError> {
    let key = AccountKey {
        creator: order.creator,
        platform: order.platform,
        ordinal: order.ordinal,
    };
    let account = core
        .world
        .account(key)
        .ok_or(MessageError::UnknownAccount)?;
    let outgoing = outgoing(core, order, &account)?;
    if order.message == Message::Deauthorized && order.signature == Signature::Right {
        core.grants
            .end_all(order.platform, order.creator, End::Revoked);
    }
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    let mut request = client.request(outgoing.method, &order.url);
    if !outgoing.query.is_empty() {
        request = request.query(&outgoing.query);
    }
    for (name, value) in outgoing.headers {
        request = request.header(name, value);
    }
    let answer = request.body(outgoing.body).send().await?;
    let status = answer.status().as_u16();
    let body: String = answer.text().await?.chars().take(SHOWN).collect();
    Ok(Received { status, body })
}

fn outgoing(core: &Core, order: &Order, account: &Account) -> Result<Outgoing, MessageError> {
    let at = core.clock.now();
    let now = seconds(at);
    let app = core.apps.of(order.platform);
    let secret = match order.signature {
        Signature::Wrong => "not the secret",
        _ if order.platform == Platform::Youtube => &order.secret,
        _ => &app.secret,
    };
    let post = |headers, body: String| Outgoing {
        method: reqwest::Method::POST,
        query: Vec::new(),
        headers,
        body: body.into_bytes(),
    };
    let json = ("content-type", "application/json".to_owned());
    let is_meta = matches!(order.platform, Platform::Facebook | Platform::Instagram);
    let none = || MessageError::NoSuchMessage(order.platform);
    Ok(match order.message {
        Message::Verify if order.platform != Platform::Tiktok => body::question(order, account),
        Message::Deauthorized | Message::DataDeletion if is_meta => {
            let payload = body::callback(order, account, now);
            let signed = match order.signature {
                Signature::Missing => signed::unsigned_request(&payload),
                _ => signed::request(secret, &payload),
            };
            let form = (
                "content-type",
                "application/x-www-form-urlencoded".to_owned(),
            );
            post(vec![form], format!("signed_request={signed}"))
        }
        Message::Comment | Message::CommentFlat if is_meta => {
            let body = body::comment(order, account, at).ok_or_else(none)?;
            let signature = signed::sha256(secret, &[body.as_bytes()]);
            let header = ("x-hub-signature-256", format!("sha256={signature}"));
            post(kept(order, json, header), body)
        }
        Message::Deauthorized if order.platform == Platform::Tiktok => {
            let body = body::removed(&app.client_id, account, now);
            let time = match order.signature {
                Signature::Stale => now - 3_600,
                _ => now,
            };
            let time = time.to_string();
            let parts = [time.as_bytes(), b".", body.as_bytes()];
            let value = format!("t={time},s={}", signed::sha256(secret, &parts));
            post(kept(order, json, ("tiktok-signature", value)), body)
        }
        Message::Uploaded | Message::Deleted if order.platform == Platform::Youtube => {
            let body = body::feed(order, account, at).ok_or_else(none)?;
            let atom = ("content-type", "application/atom+xml".to_owned());
            let value = format!("sha1={}", signed::sha1(secret, body.as_bytes()));
            post(kept(order, atom, ("x-hub-signature", value)), body)
        }
        _ => return Err(none()),
    })
}

/// The headers, with the signature unless it is to be missing.
fn kept(
    order: &Order,
    kind: (&'static str, String),
    signature: (&'static str, String),
) -> Vec<(&'static str, String)> {
    match order.signature {
        Signature::Missing => vec![kind],
        _ => vec![kind, signature],
    }
}
