//! YouTube's videos: the list of uploads, which only names them, and the videos themselves.

use super::{is_id, items, next, thumbnail};
use crate::platforms::call::Call;
use crate::platforms::class::Class;
use crate::platforms::failure::Failure;
use crate::platforms::json::{Doubts, Why, id, owned, text, whole};
use crate::platforms::moment;
use crate::platforms::posts::Page;
use crate::platforms::reading::Reading;
use crate::platforms::understood::{Form, PostFound, Understood};
use commands::PostSnapshot;
use commands::text::PostText;
use domain::{Metric, Timestamp, Values};
use serde_json::Value;

/// Metrics of a video, all of them lifetime totals. `favoriteCount` is always zero.
const VIDEO: [(&str, Metric); 3] = [
    ("viewCount", Metric::Views),
    ("likeCount", Metric::Likes),
    ("commentCount", Metric::Comments),
];

/// A page of the uploads list. It names videos; what is gone or private leaves a stone behind.
pub(super) fn uploads(json: &Value) -> Result<Understood, Failure> {
    let mut page = Page::default();
    for item in items(json)? {
        let snippet = item.get("snippet").unwrap_or(&Value::Null);
        let details = item.get("contentDetails").unwrap_or(&Value::Null);
        let resource = snippet.get("resourceId").unwrap_or(&Value::Null);
        let Some(video) = id(details, "videoId").or_else(|| id(resource, "videoId")) else {
            page.doubts.add("videoId", Why::NoId);
            continue;
        };
        // The snippet's own time is when the video was added to the list.
        let published_at = page.doubts.time(details, "videoPublishedAt");
        let is_stone = published_at.is_none() && text(snippet, "videoOwnerChannelTitle").is_none();
        if !is_stone {
            let text = PostText {
                platform_post_id: video,
                ..PostText::default()
            };
            page.push(found(text, published_at, None, true), Reading::default());
        }
    }
    Ok(page.done(next(json)))
}

/// Videos by their ids, or their numbers alone (`batchGetStats`). What is gone is left out.
pub(super) fn by_ids(call: &Call, json: &Value) -> Result<Understood, Failure> {
    let is_batch = text(json, "kind") == Some("youtube#batchGetStatsResponse");
    let items = items(json)?;
    if items.is_empty() && !is_batch {
        return Err(Failure::new(Class::NotFound, "no_videos"));
    }
    let mut page = Page::default();
    for item in items {
        video(item, &mut page);
    }
    let failed = json
        .get("summary")
        .and_then(|it| whole(it.get("failedVideoCount")?).ok()?);
    let is_short = call.ids.is_some_and(|asked| page.len() < asked)
        || failed.is_some_and(|failed| failed > 0)
        || items.is_empty();
    let found = page.done(next(json));
    Ok(match is_short {
        true => found.classed(Class::Partial),
        false => found,
    })
}

fn video(item: &Value, page: &mut Page) {
    let Some(video) = id(item, "id") else {
        page.doubts.add("id", Why::NoId);
        return;
    };
    let snippet = item.get("snippet").unwrap_or(&Value::Null);
    let details = item.get("contentDetails").unwrap_or(&Value::Null);
    let reading = numbers(
        item.get("statistics").unwrap_or(&Value::Null),
        &mut page.doubts,
    );
    let time = ["publishedAt", "publishTime"];
    let time = time.into_iter().find(|field| snippet.get(field).is_some());
    let published_at = time.and_then(|field| page.doubts.time(snippet, field));
    let length = details
        .get("durationMillis")
        .and_then(|it| whole(it).ok().flatten());
    let length = length.or_else(|| moment::duration_ms(text(details, "duration")?));
    let title = owned(snippet, "title");
    let text = PostText {
        // A reply of numbers alone names the video and says nothing else of it.
        url: title
            .as_ref()
            .filter(|_| is_id(&video))
            .map(|_| format!("https://www.youtube.com/watch?v={video}")),
        platform_post_id: video,
        title,
        caption: owned(snippet, "description"),
        thumbnail_url: thumbnail(snippet),
    };
    page.push(found(text, published_at, length, false), reading);
}

/// Likes and comments are left out where they are hidden or switched off. Where there are no
/// numbers at all, as while a video is processed, nothing is hidden either.
fn numbers(statistics: &Value, doubts: &mut Doubts) -> Reading {
    let mut reading = Reading::default();
    reading.counts(doubts, statistics, |_| None, &VIDEO);
    reading
}

fn found(
    text: PostText,
    published_at: Option<Timestamp>,
    length_ms: Option<i64>,
    is_named_only: bool,
) -> PostFound {
    PostFound {
        snapshot: PostSnapshot {
            text,
            published_at,
            values: Values::new(),
        },
        form: Form::Video,
        length_ms,
        is_named_only,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platforms::call::Endpoint;
    use crate::platforms::understood::{Content, PostsFound};
    use serde_json::json;

    fn posts(found: Understood) -> PostsFound {
        match found.content {
            Content::Posts(found) => found,
            _ => panic!("posts"),
        }
    }

    #[test]
    fn stones_of_gone_videos_are_no_posts() {
        let json = json!({"items": [
            {"snippet": {"title": "Deleted video", "resourceId": {"videoId": "a"}}, "contentDetails": {"videoId": "a"}},
            {"snippet": {"publishedAt": "2026-01-09T00:00:00Z", "videoOwnerChannelTitle": "x"},
             "contentDetails": {"videoId": "b", "videoPublishedAt": "2026-01-01T00:00:00Z"}},
        ], "nextPageToken": "n"});
        let found = posts(uploads(&json).expect("a page"));
        assert_eq!(found.posts.len(), 1);
        let at = found.posts[0].snapshot.published_at.expect("a time");
        assert_eq!(at.to_string(), "2026-01-01T00:00:00.000000Z");
        assert!(found.posts[0].is_named_only && found.next.is_some());
    }

    #[test]
    fn missing_videos_make_a_reply_partial() {
        let call = Call {
            ids: Some(2),
            ..Call::to(Endpoint::PostsByIds)
        };
        let item = json!({"id": "a", "statistics": {"viewCount": "3", "likeCount": "1", "commentCount": "0"}});
        let one = json!({ "items": [item] });
        assert_eq!(
            by_ids(&call, &one).expect("an answer").class,
            Class::Partial
        );
        let other = Call::to(Endpoint::PostsByIds);
        assert_eq!(by_ids(&other, &one).expect("an answer").class, Class::Ok);
        let batch = json!({"kind": "youtube#batchGetStatsResponse", "items": [item],
            "summary": {"failedVideoCount": 1}});
        let found = by_ids(&other, &batch).expect("an answer");
        assert_eq!(found.class, Class::Partial);
        assert!(posts(found).posts[0].snapshot.text.is_bare());
    }

    #[test]
    fn a_video_without_numbers_hides_nothing() {
        let mut doubts = Doubts::default();
        assert!(numbers(&json!({}), &mut doubts).values.is_empty());
        let hidden = numbers(
            &json!({"viewCount": "77", "commentCount": "0"}),
            &mut doubts,
        );
        assert!(hidden.values.is_hidden(Metric::Likes));
        assert_eq!(hidden.values.get(Metric::Comments), Some(0));
    }
}
