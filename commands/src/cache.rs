//! Folded states kept in memory, so that a command reads nothing but what is new.

use crate::folded::{note_posts, posts_of};
use crate::ports::{EventLog, ReadError, StateStore, StateToKeep};
use crate::{CommandError, Folded, PostMark};
use domain::account::{Account, Event};
use domain::chain::ChainHash;
use domain::codec::decode_recorded;
use domain::{AccountId, Position, PostKey, StreamName};
use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

/// Events read at once when a tail is folded.
const TAIL_PAGE: usize = 500;
/// A state is kept in the store after so many events, which bounds the tail of a cold start.
const KEEP_EVERY_EVENTS: u64 = 64;
/// Or after so many marks changed.
const KEEP_EVERY_MARKS: usize = 4_000;
/// Marks of one account that stay in memory between commands.
const MARKS_IN_MEMORY: usize = 20_000;

/// One account as this process knows it. Dropping it costs a read, never truth.
#[derive(Default)]
pub(crate) struct Entry {
    pub(crate) folded: Folded,
    pub(crate) marks: HashMap<PostKey, PostMark>,
    /// Marks that changed since they were last kept.
    dirty: HashSet<PostKey>,
    kept_revision: Option<u64>,
    pub(crate) loaded: bool,
    /// Whether the log may hold another process's bytes under the ids of our last append.
    unproven: bool,
    /// Whether `marks` holds every post of the stream, so that the store need not be asked.
    complete: bool,
}

impl Entry {
    /// Brings the entry to the end of its stream: from the kept state on, or from where it stood.
    pub(crate) async fn refresh(
        &mut self,
        account: AccountId,
        log: &dyn EventLog,
        store: &dyn StateStore,
    ) -> Result<(), CommandError> {
        if !self.loaded {
            let kept = store.load(account).await?;
            *self = Self {
                complete: kept.is_none(),
                ..Self::default()
            };
            if let Some(folded) = kept {
                self.kept_revision = folded.revision;
                self.folded = folded;
            }
        }
        let stream = StreamName::of_account(account);
        loop {
            let page = log
                .read_stream(&stream, self.folded.next_revision(), TAIL_PAGE)
                .await?;
            let decoded = page
                .iter()
                .map(decode_recorded)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| ReadError::Corrupt(e.to_string()))?;
            let events = decoded.iter().filter_map(|decoded| decoded.event.as_ref());
            let posts: Vec<_> = events.flat_map(posts_of).collect();
            self.load_marks(account, &posts, store).await?;
            for (recorded, decoded) in page.iter().zip(&decoded) {
                if let Some(event) = &decoded.event {
                    self.note(event);
                }
                self.folded.apply_decoded(recorded, decoded);
            }
            if page.len() < TAIL_PAGE {
                self.loaded = true;
                return Ok(());
            }
        }
    }

    /// Reads our last event back where the log could not tell whether it is ours. If it is not,
    /// everything is read anew before anything is built on it or kept.
    pub(crate) async fn prove(
        &mut self,
        account: AccountId,
        log: &dyn EventLog,
    ) -> Result<(), ReadError> {
        let Some(revision) = self.folded.revision.filter(|_| self.unproven) else {
            return Ok(());
        };
        let stream = StreamName::of_account(account);
        let held = log.read_stream(&stream, revision, 1).await?;
        // The hash covers the one before it, and so all events of the append.
        let tip = held.first().map(ChainHash::of_recorded);
        self.unproven = false;
        self.loaded &= tip == self.folded.tip;
        Ok(())
    }

    /// Makes sure that the marks of these posts, if there are any, are in memory.
    pub(crate) async fn load_marks(
        &mut self,
        account: AccountId,
        posts: &[PostKey],
        store: &dyn StateStore,
    ) -> Result<(), CommandError> {
        if self.complete {
            return Ok(());
        }
        let missing: Vec<_> = posts
            .iter()
            .copied()
            .filter(|post| !self.marks.contains_key(post))
            .collect();
        if !missing.is_empty() {
            self.marks
                .extend(store.load_marks(account, &missing).await?);
        }
        Ok(())
    }

    /// Takes over what an acknowledged append led to.
    pub(crate) fn advance(
        &mut self,
        folded: Folded,
        position: Position,
        events: &[Event],
        is_proven: bool,
    ) {
        self.unproven = !is_proven;
        for event in events {
            self.note(event);
        }
        self.folded = folded;
        self.folded.position = Some(position);
    }

    fn note(&mut self, event: &Event) {
        note_posts(event, &mut self.marks);
        self.dirty.extend(posts_of(event));
    }

    /// What should be kept in the store now, if it is time or `always`.
    pub(crate) fn due_to_keep(&mut self, account: AccountId, always: bool) -> Option<StateToKeep> {
        // What must be read anew is not worth keeping, and may not be what the log holds.
        let revision = self.folded.revision.filter(|_| self.loaded)?;
        let since = revision - self.kept_revision.unwrap_or(0).min(revision);
        let due = since >= KEEP_EVERY_EVENTS || self.dirty.len() >= KEEP_EVERY_MARKS;
        let news = self.kept_revision != Some(revision);
        if !news || !(due || always) {
            return None;
        }
        let erased = matches!(self.folded.account, Account::Erased { .. });
        let marks = self.dirty.iter().filter(|_| !erased);
        let marks = marks
            .filter_map(|post| Some((*post, *self.marks.get(post)?)))
            .collect();
        Some(StateToKeep {
            account,
            folded: Arc::new(self.folded.clone()),
            marks,
        })
    }

    /// Notes that the state was kept as it stands.
    pub(crate) fn kept(&mut self) {
        self.kept_revision = self.folded.revision;
        self.dirty.clear();
        let erased = matches!(self.folded.account, Account::Erased { .. });
        if erased || self.marks.len() > MARKS_IN_MEMORY {
            self.marks = HashMap::new();
            self.complete = false;
        }
    }
}

/// The accounts that this process used last.
pub(crate) struct Cache {
    entries: Mutex<lru::LruCache<AccountId, Arc<tokio::sync::Mutex<Entry>>>>,
}

impl Cache {
    pub(crate) fn new(capacity: NonZeroUsize) -> Self {
        Self {
            entries: Mutex::new(lru::LruCache::new(capacity)),
        }
    }

    /// The entry of an account. One dropped while in use is merely read again by the next user.
    pub(crate) fn entry(&self, account: AccountId) -> Arc<tokio::sync::Mutex<Entry>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.get_or_insert(account, Arc::default))
    }

    /// Everything in memory.
    pub(crate) fn all(&self) -> Vec<(AccountId, Arc<tokio::sync::Mutex<Entry>>)> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries
            .iter()
            .map(|(account, entry)| (*account, Arc::clone(entry)))
            .collect()
    }
}
