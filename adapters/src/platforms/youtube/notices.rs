//! WebSub messages about a channel's videos: Atom, of which three elements are read.

use crate::platforms::moment;
use crate::platforms::notice::{NotANotice, Notice, What};

/// The largest message that is looked at, in bytes.
const MAX_BYTES: usize = 256 * 1024;

/// The most entries of one message.
const MAX_ENTRIES: usize = 100;

/// The longest id, in bytes.
const MAX_ID_BYTES: usize = 64;

/// Reads a message. No general reader of XML: it would expand entities, follow references, and
/// know a hundred things that never come.
pub(super) fn read(body: &[u8]) -> Result<Vec<Notice>, NotANotice> {
    let text = std::str::from_utf8(body).map_err(|_| NotANotice)?;
    if text.len() > MAX_BYTES || !text.contains("<feed") {
        return Err(NotANotice);
    }
    let mut found = Vec::new();
    for entry in between_all(text, "<entry", "</entry>") {
        let video = element(entry, "yt:videoId");
        found.push(Notice {
            about: element(entry, "yt:channelId"),
            what: match video {
                Some(_) => What::PostChanged,
                None => What::Other,
            },
            post: video,
            at: element(entry, "updated").and_then(|it| moment::parse(&it)),
        });
    }
    for entry in between_all(text, "<at:deleted-entry", "</at:deleted-entry>") {
        found.push(Notice {
            about: None,
            what: What::PostRemoved,
            post: attribute(entry, "ref=\"yt:video:"),
            at: attribute(entry, "when=\"").and_then(|it| moment::parse(&it)),
        });
    }
    match found.is_empty() {
        true => Err(NotANotice),
        false => Ok(found),
    }
}

fn between_all<'t>(text: &'t str, start: &'t str, end: &'t str) -> impl Iterator<Item = &'t str> {
    let parts = text.split(start).skip(1).take(MAX_ENTRIES);
    parts.filter_map(move |part| part.split_once(end).map(|(inside, _)| inside))
}

fn element(entry: &str, name: &str) -> Option<String> {
    let (_, rest) = entry.split_once(&format!("<{name}>"))?;
    let (inside, _) = rest.split_once('<')?;
    bounded(inside)
}

fn attribute(entry: &str, start: &str) -> Option<String> {
    let (head, _) = entry.split_once('>')?;
    let (_, rest) = head.split_once(start)?;
    bounded(rest.split_once('"')?.0)
}

fn bounded(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.len() <= MAX_ID_BYTES && !text.contains('&');
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_come_and_go() {
        let body = r#"<feed xmlns="x"><entry><yt:videoId> v1 </yt:videoId><yt:channelId>c</yt:channelId>
            <updated>2015-03-09T19:05:24.552394234+00:00</updated></entry>
            <at:deleted-entry ref="yt:video:v2" when="2015-03-09T19:05:24+00:00"><x/></at:deleted-entry></feed>"#;
        let found = read(body.as_bytes()).expect("a message");
        let said: Vec<_> = found
            .iter()
            .map(|it| (it.what, it.post.as_deref()))
            .collect();
        assert_eq!(
            said,
            [
                (What::PostChanged, Some("v1")),
                (What::PostRemoved, Some("v2"))
            ]
        );
        assert!(found.iter().all(|it| it.at.is_some()));
    }

    #[test]
    fn other_texts_are_refused() {
        for body in [
            "",
            "<html>",
            "<feed></feed>",
            "<feed><entry><yt:videoId>v",
            "\u{feff}{}",
        ] {
            assert_eq!(read(body.as_bytes()), Err(NotANotice), "{body}");
        }
        let long = format!(
            "<feed><entry><yt:videoId>{}</yt:videoId></entry></feed>",
            "v".repeat(65)
        );
        assert_eq!(read(long.as_bytes()).expect("a message")[0].post, None);
    }
}
