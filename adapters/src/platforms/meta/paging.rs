//! Pages of the Graph API: the end is where there is no `next`, however empty a page is.

use crate::platforms::address::Address;
use crate::platforms::json::{Doubts, Why, text};
use crate::platforms::understood::Cursor;
use serde_json::Value;

/// Where the next page begins. The link to it is not kept: it holds the token.
pub(in crate::platforms) fn next(json: &Value, doubts: &mut Doubts) -> Option<Cursor> {
    let paging = json.get("paging")?;
    let link = text(paging, "next")?;
    let cursor = paging
        .get("cursors")
        .and_then(|cursors| text(cursors, "after"));
    let cursor = cursor
        .map(str::to_owned)
        .or_else(|| Address::parse(link).param("after").map(str::to_owned));
    if cursor.is_none() {
        doubts.add("paging", Why::NoCursor);
    }
    cursor.map(Cursor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn next_of(paging: Value) -> (Option<String>, usize) {
        let mut doubts = Doubts::default();
        let found = next(&json!({ "paging": paging }), &mut doubts);
        (found.map(|it| it.0), doubts.into_vec().len())
    }

    #[test]
    fn the_last_page_has_no_next() {
        let last = json!({"cursors": {"before": "b", "after": "a"}});
        assert_eq!(next_of(last), (None, 0));
        let more = json!({"cursors": {"after": "a"}, "next": "https://x.example/?access_token=t"});
        assert_eq!(next_of(more), (Some("a".to_owned()), 0));
        let link_alone = json!({"next": "https://x.example/?access_token=t&after=c%3D"});
        assert_eq!(next_of(link_alone), (Some("c=".to_owned()), 0));
        assert_eq!(next_of(json!({"next": "https://x.example/"})), (None, 1));
    }
}
