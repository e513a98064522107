//! Pages of the Graph API: opaque cursors, and a `next` as long as there is more.

use super::error;
use crate::simulator::answer::Answer;
use crate::simulator::play::Call;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// How long a page is if nobody says, and at most (Instagram's are not confirmed).
const DEFAULT_LIMIT: usize = 25;
pub(in crate::simulator) const MAX_LIMIT: usize = 100;

/// What every cursor begins with before it is encoded.
const MARK: &str = "AQHR";

/// Entries that a page is made of, each with its place in the list; places fall from page to page.
pub(in crate::simulator) type Entry = (u32, Value);

/// A place as a cursor.
fn cursor(place: u32) -> String {
    BASE64URL_NOPAD.encode(format!("{MARK}{place}").as_bytes())
}

/// Where a list goes on: below this place. `None` is the beginning.
pub(in crate::simulator) fn after(call: &Call<'_>) -> Result<Option<u32>, Answer> {
    let Some(text) = call.asked.param("after") else {
        return Ok(None);
    };
    // The cursors of endless pages lead to the beginning again.
    if text.starts_with("endless") {
        return Ok(None);
    }
    let place = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
    let place = place.and_then(|bytes| String::from_utf8(bytes).ok());
    let place = place.and_then(|text| text.strip_prefix(MARK)?.parse().ok());
    place
        .map(Some)
        .ok_or_else(|| error::invalid("Invalid cursors values.", call.now))
}

/// How many entries a page has at most.
pub(in crate::simulator) fn limit(call: &Call<'_>) -> Result<usize, Answer> {
    match call.asked.param("limit").map(str::parse) {
        None => Ok(DEFAULT_LIMIT),
        Some(Ok(limit)) if limit > 0 => Ok(limit),
        Some(_) => Err(error::invalid(
            "Param limit must be a positive number",
            call.now,
        )),
    }
}

/// A page of entries; `more` is whether there are any after it. The last page has no cursor
/// `after`, and a list that is empty from the start no paging at all.
pub(in crate::simulator) fn page(call: &Call<'_>, entries: Vec<Entry>, more: bool) -> Value {
    let ends = (
        entries.first().map(|it| it.0),
        entries.last().map(|it| it.0),
    );
    let data: Vec<_> = entries.into_iter().map(|(_, value)| value).collect();
    let (Some(first), Some(last)) = ends else {
        return json!({ "data": data });
    };
    let (before, after) = (cursor(first), cursor(last));
    let mut cursors = json!({ "before": before });
    let mut paging = json!({});
    if more {
        cursors["after"] = json!(after);
        paging["next"] = json!(call.asked.link(&[("after", &after), ("before", "")]));
    }
    if call.asked.param("after").is_some() {
        paging["previous"] = json!(call.asked.link(&[("before", &before), ("after", "")]));
    }
    paging["cursors"] = cursors;
    json!({ "data": data, "paging": paging })
}
