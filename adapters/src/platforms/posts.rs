//! A page while it is read: not endless, each post once, names and precision gathered.

use super::class::Class;
use super::failure::Failure;
use super::json::{Doubts, Why, list};
use super::reading::Reading;
use super::understood::{Content, PostFound, PostsFound, Understood};
use serde_json::Value;
use std::collections::HashSet;

/// The most entries of one page that are believed. The platforms' own pages have at most 100.
const MAX_ENTRIES: usize = 1_000;

/// The entries of a page; a reply without a list is no page.
pub(super) fn entries<'v>(json: &'v Value, field: &str) -> Result<&'v [Value], Failure> {
    let is_list = json.get(field).is_some_and(Value::is_array);
    let entries = list(json, field);
    match (is_list, entries.len() <= MAX_ENTRIES) {
        (false, _) => Err(Failure::new(Class::Transient, "no_list")),
        (true, false) => Err(Failure::new(Class::Transient, "too_many_entries")),
        (true, true) => Ok(entries),
    }
}

/// Gathers a page.
#[derive(Default)]
pub(super) struct Page {
    found: PostsFound,
    seen: HashSet<String>,
    pub(super) doubts: Doubts,
}

impl Page {
    /// Adds a post with its numbers. The first of two with one id counts.
    pub(super) fn push(&mut self, mut post: PostFound, reading: Reading) {
        if !self
            .seen
            .insert(post.snapshot.text.platform_post_id.clone())
        {
            self.doubts.add("id", Why::Twice);
            return;
        }
        post.snapshot.values = reading.values;
        self.found.names.extend(reading.names);
        self.found.precision.extend(reading.precision);
        self.found.posts.push(post);
    }

    pub(super) fn len(&self) -> usize {
        self.found.posts.len()
    }

    pub(super) fn done(mut self, next: Option<super::understood::Cursor>) -> Understood {
        self.found.next = next;
        Understood::new(Content::Posts(self.found), self.doubts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

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
