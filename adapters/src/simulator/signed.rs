//! Signatures as the platforms make them; `platforms::signature` verifies them, and shares no code.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;

/// An HMAC takes a key of any length, so this is never empty for a reason of ours.
fn mac<M: Mac + KeyInit>(secret: &str, parts: &[&[u8]]) -> Vec<u8> {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(secret.as_bytes()) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// HMAC-SHA256 in hex.
pub(super) fn sha256(secret: &str, parts: &[&[u8]]) -> String {
    HEXLOWER.encode(&mac::<Hmac<Sha256>>(secret, parts))
}

/// HMAC-SHA1 in hex.
pub(super) fn sha1(secret: &str, body: &[u8]) -> String {
    HEXLOWER.encode(&mac::<Hmac<Sha1>>(secret, &[body]))
}

/// Meta's `signed_request`: the signature is over the payload as it is encoded.
pub(super) fn request(secret: &str, payload: &str) -> String {
    let payload = BASE64URL_NOPAD.encode(payload.as_bytes());
    let signature = mac::<Hmac<Sha256>>(secret, &[payload.as_bytes()]);
    format!("{}.{payload}", BASE64URL_NOPAD.encode(&signature))
}

/// The same without a signature.
pub(super) fn unsigned_request(payload: &str) -> String {
    format!(".{}", BASE64URL_NOPAD.encode(payload.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";

    /// Made by others: the payload of Meta's documentation, and a body with its escapes.
    #[test]
    fn signatures_are_those_of_others() {
        let payload = r#"{"algorithm":"HMAC-SHA256","expires":1291840400,"issued_at":1291836800,"user_id":"218471"}"#;
        assert_eq!(
            request(SECRET, payload),
            "omXFKIOfZWc46lpOqqs_opCLTGhRfi3WbJDpLlblMoU.eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImV4cGlyZXMiOjEyOTE4NDA0MDAsImlzc3VlZF9hdCI6MTI5MTgzNjgwMCwidXNlcl9pZCI6IjIxODQ3MSJ9"
        );
        let body = include_bytes!(
            "../../../tests/fixtures/platforms/samples/instagram/webhook--comment_changes.raw.json"
        );
        assert_eq!(
            sha256(SECRET, &[body]),
            "8b780ccaf433fb7b027f4afa0b87542bc532ba2e02e23c9ad87757b0ac2944df"
        );
    }
}
