//! Pages of the Graph API: the end is where there is no `next`, however empty a page is.

use crate::platforms::address::Address;
use crate::platforms::class::Class;
use crate::platforms::failure::Failure;
use crate::platforms::json::{Doubts, Why, list, text};
use crate::platforms::understood::Cursor;
use serde_json::Value;

/// The most entries of one page that are believed. The platforms' own pages have at most 100.
const MAX_ENTRIES: usize = 1_000;

/// The entries of a page; a reply without a list is no page.
pub(in crate::platforms) fn entries<'v>(
    json: &'v Value,
    field: &str,
) -> Result<&'v [Value], Failure> {
    let is_list = json.get(field).is_some_and(Value::is_array);
    let entries = list(json, field);
    match (is_list, entries.len() <= MAX_ENTRIES) {
        (false, _) => Err(Failure::new(Class::Transient, "no_list")),
        (true, false) => Err(Failure::new(Class::Transient, "too_many_entries")),
        (true, true) => Ok(entries),
    }
}

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

    #[test]
    fn a_million_entries_are_no_page() {
        let many = json!({ "data": vec![0; MAX_ENTRIES + 1] });
        assert_eq!(
            entries(&many, "data").expect_err("too many").code.as_str(),
            "too_many_entries"
        );
        assert!(entries(&json!({"data": {}}), "data").is_err());
    }
}
