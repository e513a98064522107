//! Signatures of what platforms send us, over the raw bytes, compared in constant time.

use super::secret::Secret;
use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use domain::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// The largest `signed_request` that is looked at, in bytes.
const MAX_SIGNED_REQUEST_BYTES: usize = 16 * 1024;

/// How far the time in TikTok's signature may be from ours, in seconds. Its deliveries are signed
/// when they are sent; the documentation leaves the figure to us.
pub const TIKTOK_TOLERANCE_SECONDS: u64 = 300;

/// Why a message was not believed. It does not tell how near it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The signature is missing or has another form.
    #[error("the signature is missing or has another form")]
    Malformed,
    /// The signature is not one of ours over these bytes.
    #[error("the signature does not fit")]
    Wrong,
    /// The signature fits, and is too old or from the future.
    #[error("the signature is not of now")]
    Stale,
}

fn sha256(secret: &Secret, parts: &[&[u8]]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block(secret).into());
    for part in parts {
        mac.update(part);
    }
    mac
}

/// A key as HMAC pads it itself (RFC 2104): given so, no length can be refused.
fn block(secret: &Secret) -> [u8; 64] {
    let key = secret.expose().as_bytes();
    let mut block = [0; 64];
    let hashed: [u8; 32] = Sha256::digest(key).into();
    let key = if key.len() > block.len() {
        &hashed
    } else {
        key
    };
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    block
}

fn fits(secrets: &[Secret], parts: &[&[u8]], signature: &[u8]) -> bool {
    // Every secret is tried, so that the time does not tell which one fits.
    secrets.iter().fold(false, |found, secret| {
        let fits =
            !secret.expose().is_empty() && sha256(secret, parts).verify_slice(signature).is_ok();
        found | fits
    })
}

/// Meta's `signed_request` of the deauthorize and data-deletion callbacks (Data Deletion Callback
/// documentation): HMAC-SHA256 over the encoded payload as it stands. Gives the payload.
///
/// Several secrets may be given, since Meta's documents do not say which app's signs for Instagram.
pub fn meta_signed_request(secrets: &[Secret], text: &str) -> Result<Value, Refused> {
    if text.len() > MAX_SIGNED_REQUEST_BYTES {
        return Err(Refused::Malformed);
    }
    let (signature, payload) = text.split_once('.').ok_or(Refused::Malformed)?;
    let decode = |part: &str| {
        let part = part.trim_end_matches('=');
        BASE64URL_NOPAD
            .decode(part.as_bytes())
            .map_err(|_| Refused::Malformed)
    };
    if !fits(secrets, &[payload.as_bytes()], &decode(signature)?) {
        return Err(Refused::Wrong);
    }
    let json: Value = serde_json::from_slice(&decode(payload)?).map_err(|_| Refused::Malformed)?;
    // Named inside what is signed; any other would mean that it was signed for something else.
    let algorithm = json.get("algorithm").and_then(Value::as_str);
    match algorithm.is_some_and(|it| it.eq_ignore_ascii_case("HMAC-SHA256")) {
        true => Ok(json),
        false => Err(Refused::Malformed),
    }
}

/// Meta's `X-Hub-Signature-256` of a webhook: `sha256=` and HMAC-SHA256 over the body in hex. The
/// older `X-Hub-Signature` with SHA-1 is not taken.
pub fn meta_webhook(secrets: &[Secret], header: &str, body: &[u8]) -> Result<(), Refused> {
    let hex = header.strip_prefix("sha256=").ok_or(Refused::Malformed)?;
    match fits(secrets, &[body], &unhex(hex)?) {
        true => Ok(()),
        false => Err(Refused::Wrong),
    }
}

/// TikTok's `TikTok-Signature`, `t=<unix>,s=<hex>`: HMAC-SHA256 over `t`, a full stop and the body.
pub fn tiktok_webhook(
    secrets: &[Secret],
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), Refused> {
    let part = |name: &str| {
        let found = header
            .split(',')
            .map(str::trim)
            .find_map(|it| it.strip_prefix(name));
        found.ok_or(Refused::Malformed)
    };
    let (time, signature) = (part("t=")?, unhex(part("s=")?)?);
    if !fits(secrets, &[time.as_bytes(), b".", body], &signature) {
        return Err(Refused::Wrong);
    }
    // Only after the signature: an unsigned time says nothing.
    let at: i64 = time.parse().map_err(|_| Refused::Malformed)?;
    let now = now.micros().div_euclid(1_000_000);
    match now.abs_diff(at) <= TIKTOK_TOLERANCE_SECONDS {
        true => Ok(()),
        false => Err(Refused::Stale),
    }
}

/// WebSub's `X-Hub-Signature`: `sha1=` and HMAC-SHA1 over the body in hex. SHA-1 is the hub's
/// choice, not ours; `sha256=` is taken too, should the hub move on.
pub fn websub(secret: &Secret, header: &str, body: &[u8]) -> Result<(), Refused> {
    if header.starts_with("sha256=") {
        return meta_webhook(std::slice::from_ref(secret), header, body);
    }
    let signature = unhex(header.strip_prefix("sha1=").ok_or(Refused::Malformed)?)?;
    let key = secret.expose().as_bytes();
    let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(key).map_err(|_| Refused::Wrong)?;
    mac.update(body);
    match !key.is_empty() && mac.verify_slice(&signature).is_ok() {
        true => Ok(()),
        false => Err(Refused::Wrong),
    }
}

fn unhex(text: &str) -> Result<Vec<u8>, Refused> {
    // A digest of SHA-256 has 64 digits; more is no signature.
    if text.is_empty() || text.len() > 64 {
        return Err(Refused::Malformed);
    }
    HEXLOWER_PERMISSIVE
        .decode(text.as_bytes())
        .map_err(|_| Refused::Malformed)
}

/// The answer to the question whether a webhook's address is ours (Meta, WebSub): the challenge,
/// if the token is the one that we set.
pub fn webhook_challenge<'q>(
    verify_token: &Secret,
    params: &'q [(String, String)],
) -> Result<&'q str, Refused> {
    let param = |name: &str| {
        let found = params.iter().find(|(known, _)| known == name);
        found
            .map(|(_, value)| value.as_str())
            .ok_or(Refused::Malformed)
    };
    if !["subscribe", "unsubscribe"].contains(&param("hub.mode")?) {
        return Err(Refused::Malformed);
    }
    // Digests are compared instead of the texts: equal lengths, so the time tells nothing.
    let given = sha256(verify_token, &[param("hub.verify_token")?.as_bytes()]);
    let ours = sha256(verify_token, &[verify_token.expose().as_bytes()]);
    match !verify_token.expose().is_empty() && given.verify(&ours.finalize().into_bytes()).is_ok() {
        true => param("hub.challenge"),
        false => Err(Refused::Wrong),
    }
}

/// `appsecret_proof`: hex HMAC-SHA256 of the access token under the app's secret (Graph API,
/// "Securing Requests").
pub fn meta_appsecret_proof(app_secret: &Secret, access_token: &Secret) -> String {
    let mac = sha256(app_secret, &[access_token.expose().as_bytes()]);
    HEXLOWER.encode(&mac.finalize().into_bytes())
}

/// The S256 challenge of a PKCE verifier as RFC 7636 and Google have it: base64url.
pub fn pkce_challenge(verifier: &Secret) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(verifier.expose().as_bytes()))
}

/// The S256 challenge as TikTok has it: hex, against RFC 7636 (Login Kit for Desktop).
pub fn pkce_challenge_tiktok(verifier: &Secret) -> String {
    HEXLOWER.encode(&Sha256::digest(verifier.expose().as_bytes()))
}
