//! Signatures over the raw bytes, worked out elsewhere (Python's hmac) for a secret of these tests.

use super::bytes;
use crate::platforms::Secret;
use crate::platforms::signature::{
    Refused, TIKTOK_TOLERANCE_SECONDS, meta_appsecret_proof, meta_signed_request, meta_webhook,
    pkce_challenge, pkce_challenge_tiktok, tiktok_webhook, webhook_challenge, websub,
};
use domain::Timestamp;

const BODY: &str = "instagram/webhook--comment_changes.raw.json";
const HUB: &str = "e88bfe7c9bf597e66e46a61be313fbab511e59392b00e7a97f383bb90e85e122";
const TIKTOK: &str = "c91d6705fd3220c4b1d1e114add621ed6b54c73b1696154c658ba52ca5e30e9b";
const TIKTOK_WITHOUT_STOP: &str =
    "9c6d084eb74750fdaa85370dbdc0ea9a1b08dcdb051674a87891e6a82585c7f4";
const WEBSUB: &str = "a137df9d18b2ce019f55f99a33ac448d2bee3aca";
const SIGNED: &str = "ExpC53H2FLVQ4k5RCn0dUnaqfKCJMOXIopSs5H8tgnU.\
    eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTcwMDAwMDAwMCwidXNlcl9pZCI6IjQyIn0";
/// Signed with the right secret, for another algorithm than it claims.
const SIGNED_NONE: &str = "bG0sbO-whDH8n9TqaTgavIdDRFu8ypBd9SrsXy1SuJ0.\
    eyJhbGdvcml0aG0iOiJub25lIiwidXNlcl9pZCI6IjQyIn0";

fn secret() -> Secret {
    Secret::new("a secret of the tests")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(seconds * 1_000_000).expect("a time")
}

#[test]
fn a_webhook_of_meta_verifies_over_its_raw_bytes() {
    let (secrets, body) = ([Secret::new("another"), secret()], bytes(BODY));
    let verify = |header: &str, body: &[u8]| meta_webhook(&secrets, header, body);
    assert_eq!(verify(&format!("sha256={HUB}"), &body), Ok(()));
    assert_eq!(
        verify(&format!("sha256={}", HUB.to_uppercase()), &body),
        Ok(())
    );
    let mut changed = body.clone();
    changed.push(b'\n');
    assert_eq!(
        verify(&format!("sha256={HUB}"), &changed),
        Err(Refused::Wrong)
    );
    let json: serde_json::Value = serde_json::from_slice(&body).expect("JSON");
    let written_again = json.to_string().into_bytes();
    assert_eq!(
        verify(&format!("sha256={HUB}"), &written_again),
        Err(Refused::Wrong)
    );
    for header in [
        "",
        HUB,
        "sha256=",
        "sha256=zz",
        &format!("sha1={WEBSUB}"),
        &format!("sha256={HUB}00"),
    ] {
        assert_eq!(verify(header, &body), Err(Refused::Malformed), "{header}");
    }
    let half = format!("sha256={}", &HUB[..32]);
    assert_eq!(verify(&half, &body), Err(Refused::Wrong));
}

#[test]
fn an_empty_secret_verifies_nothing() {
    let header = format!("sha256={HUB}");
    assert_eq!(
        meta_webhook(&[], &header, &bytes(BODY)),
        Err(Refused::Wrong)
    );
    let empty = Secret::new("");
    // The SHA-1 and SHA-256 of an empty key over an empty body, which anybody can work out.
    let known = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad";
    let header = format!("sha256={known}");
    assert_eq!(
        meta_webhook(std::slice::from_ref(&empty), &header, b""),
        Err(Refused::Wrong)
    );
    let header = "sha1=fbdb1d1b18aa6c08324b7d64b71fb76370690e1d";
    assert_eq!(websub(&empty, header, b""), Err(Refused::Wrong));
}

#[test]
fn a_signed_request_gives_its_payload() {
    let secrets = [secret()];
    let payload = meta_signed_request(&secrets, SIGNED).expect("it is signed");
    assert_eq!(payload["user_id"], "42");
    assert_eq!(
        meta_signed_request(&secrets, SIGNED_NONE),
        Err(Refused::Malformed)
    );
    let tampered = SIGNED.replace("IjQyIn0", "IjQzIn0");
    assert_eq!(
        meta_signed_request(&secrets, &tampered),
        Err(Refused::Wrong)
    );
    let other = [Secret::new("another")];
    assert_eq!(meta_signed_request(&other, SIGNED), Err(Refused::Wrong));
    let (_, payload) = SIGNED.split_once('.').expect("a full stop");
    let unsigned = format!(".{payload}");
    assert_eq!(
        meta_signed_request(&secrets, &unsigned),
        Err(Refused::Wrong)
    );
    let long = format!("{SIGNED}{}", "A".repeat(20_000));
    for text in ["", "x", "!!.x", long.as_str()] {
        assert_eq!(
            meta_signed_request(&secrets, text),
            Err(Refused::Malformed),
            "{text:.9}"
        );
    }
}

#[test]
fn a_webhook_of_tiktok_is_of_now() {
    let (secrets, body) = ([secret()], bytes(BODY));
    let header = format!("t=1700000000,s={TIKTOK}");
    let tolerance = i64::try_from(TIKTOK_TOLERANCE_SECONDS).expect("small");
    for (now, expected) in [
        (0, Ok(())),
        (tolerance, Ok(())),
        (-tolerance, Ok(())),
        (tolerance + 1, Err(Refused::Stale)),
        (-tolerance - 1, Err(Refused::Stale)),
    ] {
        let found = tiktok_webhook(&secrets, &header, &body, at(1_700_000_000 + now));
        assert_eq!(found, expected, "{now}");
    }
    let now = at(1_700_000_000);
    for (header, refused) in [
        (
            format!("t=1700000000,s={TIKTOK_WITHOUT_STOP}"),
            Refused::Wrong,
        ),
        (format!("t=1700000001,s={TIKTOK}"), Refused::Wrong),
        (format!("s={TIKTOK}"), Refused::Malformed),
        (String::new(), Refused::Malformed),
    ] {
        assert_eq!(
            tiktok_webhook(&secrets, &header, &body, now),
            Err(refused),
            "{header}"
        );
    }
}

#[test]
fn websub_verifies_what_its_hub_signs() {
    let body = bytes(BODY);
    assert_eq!(websub(&secret(), &format!("sha1={WEBSUB}"), &body), Ok(()));
    assert_eq!(websub(&secret(), &format!("sha256={HUB}"), &body), Ok(()));
    let wrong = WEBSUB.replace('a', "b");
    assert_eq!(
        websub(&secret(), &format!("sha1={wrong}"), &body),
        Err(Refused::Wrong)
    );
    assert_eq!(websub(&secret(), WEBSUB, &body), Err(Refused::Malformed));
}

#[test]
fn a_challenge_is_answered_for_the_right_token_only() {
    let params = |token: &str| {
        [
            ("hub.mode", "subscribe"),
            ("hub.challenge", "115"),
            ("hub.verify_token", token),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let token = Secret::new("verify");
    assert_eq!(webhook_challenge(&token, &params("verify")), Ok("115"));
    assert_eq!(
        webhook_challenge(&token, &params("other")),
        Err(Refused::Wrong)
    );
    assert_eq!(
        webhook_challenge(&Secret::new(""), &params("")),
        Err(Refused::Wrong)
    );
    assert_eq!(webhook_challenge(&token, &[]), Err(Refused::Malformed));
}

#[test]
fn proofs_and_challenges() {
    let proof = meta_appsecret_proof(&secret(), &Secret::new("a token of the tests"));
    assert_eq!(
        proof,
        "83e3ce864c5061feed3631fee6485cc047b3da5c4852269d54fa9e33a9ba8097"
    );
    let verifier = Secret::new("verifier-of-the-tests-0123456789abcdefghijkl");
    assert_eq!(
        pkce_challenge(&verifier),
        "PHZsW6y85gYBoc4Dz2bCTJn-gVm_roDk-uE85rPb6po"
    );
    let hex = "3c766c5bacbce60601a1ce03cf66c24c99fe8159bfae80e4fae13ce6b3dbea9a";
    assert_eq!(pkce_challenge_tiktok(&verifier), hex);
}
