//! A page of posts while it is read: each post once, names and precision gathered.

use super::json::{Doubts, Why};
use super::reading::Reading;
use super::understood::{Content, PostFound, PostsFound, Understood};
use std::collections::HashSet;

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
