//! TikTok's webhooks: one address for all events, with their content as JSON in a string.

use crate::platforms::json::{id, text, whole};
use crate::platforms::moment;
use crate::platforms::notice::{NotANotice, Notice, What};
use serde_json::Value;

/// The one event of a message.
pub(super) fn read(body: &[u8]) -> Result<Vec<Notice>, NotANotice> {
    let json: Value = serde_json::from_slice(body).map_err(|_| NotANotice)?;
    let event = text(&json, "event").ok_or(NotANotice)?;
    let content = text(&json, "content").and_then(|it| serde_json::from_str(it).ok());
    let content: Value = content.unwrap_or(Value::Null);
    let reason = content.get("reason").and_then(Value::as_i64);
    let what = match (event, reason) {
        // 2: the account was deleted, 4: it was banned.
        ("authorization.removed", Some(2 | 4)) => What::AccountGone,
        ("authorization.removed", _) => What::Deauthorized,
        // The platform's own spelling.
        ("post.publish.no_longer_publicaly_available", _) => What::PostRemoved,
        ("post.publish.publicly_available", _) => What::PostChanged,
        _ if event.starts_with("post.publish.") || event.starts_with("video.") => What::Publication,
        _ => What::Other,
    };
    let seconds = json
        .get("create_time")
        .and_then(|it| whole(it).ok().flatten());
    Ok(vec![Notice {
        about: id(&json, "user_openid"),
        what,
        post: id(&content, "post_id"),
        at: seconds.and_then(moment::from_seconds),
    }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_within_a_string() {
        for (content, what) in [
            (r#""{\"reason\": 1 }""#, What::Deauthorized),
            (r#""{\"reason\": 2 }""#, What::AccountGone),
            (r#""{\"reason\":""#, What::Deauthorized),
            ("7", What::Deauthorized),
        ] {
            let body = format!(r#"{{"event":"authorization.removed","content":{content}}}"#);
            assert_eq!(
                read(body.as_bytes()).expect("an event")[0].what,
                what,
                "{content}"
            );
        }
        assert_eq!(read(b"{}"), Err(NotANotice));
    }
}
