//! What somebody ordered: posts that are deleted, accounts that are renamed.

use super::account::AccountKey;
use super::posts::PostKey;
use domain::Timestamp;
use std::collections::BTreeMap;

/// The most orders that are kept.
const MAX_EDITS: usize = 10_000;

/// Orders, each with its moment: before it, nothing has happened.
#[derive(Clone, Default)]
pub struct Edits {
    deleted: BTreeMap<PostKey, Timestamp>,
    handles: BTreeMap<AccountKey, Vec<(Timestamp, String)>>,
}

/// More was ordered than is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at most {MAX_EDITS} deletions and as many new handles are kept")]
pub struct TooManyEdits;

impl Edits {
    /// Deletes a post.
    pub fn delete(&mut self, post: PostKey, at: Timestamp) -> Result<(), TooManyEdits> {
        if self.deleted.len() >= MAX_EDITS && !self.deleted.contains_key(&post) {
            return Err(TooManyEdits);
        }
        self.deleted.entry(post).or_insert(at);
        Ok(())
    }

    /// Gives an account another handle.
    pub fn rename(
        &mut self,
        account: AccountKey,
        handle: String,
        at: Timestamp,
    ) -> Result<(), TooManyEdits> {
        if self.handles.values().map(Vec::len).sum::<usize>() >= MAX_EDITS {
            return Err(TooManyEdits);
        }
        self.handles.entry(account).or_default().push((at, handle));
        Ok(())
    }

    pub(super) fn deleted(&self, post: PostKey, at: Timestamp) -> Option<Timestamp> {
        self.deleted.get(&post).copied().filter(|it| *it <= at)
    }

    pub(super) fn handle(&self, account: AccountKey, at: Timestamp) -> Option<&str> {
        let known = self.handles.get(&account)?;
        let so_far = known.iter().rev().find(|(since, _)| *since <= at);
        so_far.map(|(_, handle)| handle.as_str())
    }
}
