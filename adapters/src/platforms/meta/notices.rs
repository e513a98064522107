//! Meta's webhooks and callbacks.

use crate::platforms::json::{id, list, text, whole};
use crate::platforms::moment;
use crate::platforms::notice::{NotANotice, Notice, What};
use serde_json::Value;

/// The most changes of one message that are read; Meta sends at most 1,000 together.
const MAX_CHANGES: usize = 1_000;

/// The changes of a webhook: in `changes` as they come, beside the entry's id as documented, and
/// sometimes the whole of it in a list. Or the payload of a `signed_request`.
pub(in crate::platforms) fn read(body: &[u8]) -> Result<Vec<Notice>, NotANotice> {
    let json: Value = serde_json::from_slice(body).map_err(|_| NotANotice)?;
    let objects = match &json {
        Value::Array(objects) => objects.as_slice(),
        object => std::slice::from_ref(object),
    };
    let mut found = Vec::new();
    for object in objects.iter().take(MAX_CHANGES) {
        if object.get("algorithm").is_some() {
            found.push(callback(object)?);
            continue;
        }
        if !object.get("entry").is_some_and(Value::is_array) {
            return Err(NotANotice);
        }
        for entry in list(object, "entry").iter().take(MAX_CHANGES) {
            let flat = entry.get("field").map(|_| std::slice::from_ref(entry));
            let changes = flat.unwrap_or_else(|| list(entry, "changes"));
            let room = MAX_CHANGES.saturating_sub(found.len());
            found.extend(changes.iter().take(room).map(|it| change(entry, it)));
        }
    }
    match found.is_empty() {
        true => Err(NotANotice),
        false => Ok(found),
    }
}

/// Deauthorize and data deletion have one payload; only the latter has an end to answer by. The
/// route that it came in by knows better, and outweighs this.
fn callback(payload: &Value) -> Result<Notice, NotANotice> {
    Ok(Notice {
        about: Some(id(payload, "user_id").ok_or(NotANotice)?),
        what: match payload.get("expires") {
            Some(_) => What::DeletionRequested,
            None => What::Deauthorized,
        },
        post: None,
        at: seconds(payload, "issued_at"),
    })
}

fn change(entry: &Value, change: &Value) -> Notice {
    let value = change.get("value").unwrap_or(&Value::Null);
    let (what, post) = match text(change, "field") {
        Some("comments" | "live_comments") => {
            let media = value.get("media").and_then(|media| id(media, "id"));
            (What::PostTouched, media)
        }
        Some("mentions") => (What::Other, id(value, "media_id")),
        Some("story_insights") => (What::StoryEnded, id(value, "media_id")),
        Some("feed") => (feed(value), id(value, "post_id")),
        _ => (What::Other, None),
    };
    Notice {
        about: id(entry, "id"),
        what,
        post,
        at: seconds(value, "created_time").or_else(|| seconds(entry, "time")),
    }
}

fn feed(value: &Value) -> What {
    let is_post = matches!(
        text(value, "item"),
        Some("post" | "status" | "photo" | "video" | "share" | "album")
    );
    match (is_post, text(value, "verb")) {
        (true, Some("remove" | "hide")) => What::PostRemoved,
        (true, _) => What::PostChanged,
        (false, _) => What::PostTouched,
    }
}

fn seconds(of: &Value, field: &str) -> Option<domain::Timestamp> {
    let seconds = whole(of.get(field)?).ok().flatten()?;
    moment::from_seconds(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn what(body: &str) -> Vec<What> {
        let found = read(body.as_bytes()).expect("it is a message");
        found.iter().map(|it| it.what).collect()
    }

    #[test]
    fn changes_come_in_three_shapes() {
        let flat = r#"{"entry":[{"id":"1","field":"comments","value":{"media":{"id":"2"}}}]}"#;
        let nested = r#"{"entry":[{"id":"1","changes":[
            {"field":"feed","value":{"item":"post","verb":"remove","post_id":"1_2"}},
            {"field":"feed","value":{"item":"reaction","verb":"add"}},
            {"field":"some_future_field"}]}]}"#;
        assert_eq!(what(flat), [What::PostTouched]);
        assert_eq!(what(&format!("[{flat}]")), [What::PostTouched]);
        assert_eq!(
            what(nested),
            [What::PostRemoved, What::PostTouched, What::Other]
        );
    }

    #[test]
    fn other_messages_are_refused() {
        for body in [
            "",
            "null",
            "{}",
            "[]",
            r#"{"entry":{}}"#,
            r#"{"algorithm":"x"}"#,
            "<html>",
        ] {
            assert_eq!(read(body.as_bytes()), Err(NotANotice), "{body}");
        }
    }
}
