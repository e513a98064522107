//! A stream folded up to one revision: the account's state, and what the next append needs.

use domain::account::{Account, Event, KnownPost, evolve};
use domain::chain::ChainHash;
use domain::codec::{DecodeError, Decoded, decode_recorded};
use domain::{EventId, Position, PostKey, RecordedEvent, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, VecDeque};

/// The newest observation of a post.
pub type PostMark = KnownPost;

/// How many event ids a state remembers. A command repeated within so many events is recognised
/// without asking the log; one repeated later is recognised by the log itself.
pub const RECENT_EVENTS: usize = 64;

/// A stream folded up to its last event.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Folded {
    /// The account's state.
    pub account: Account,
    /// The revision of the last event, if there is one.
    pub revision: Option<u64>,
    /// The hash of the last event.
    pub tip: Option<ChainHash>,
    /// When the last event was recorded.
    pub recorded_at: Option<Timestamp>,
    /// Where the last event lies in the log.
    pub position: Option<Position>,
    recent: VecDeque<EventId>,
}

impl Folded {
    /// The hash that the next event names as its predecessor's.
    pub fn prev(&self) -> ChainHash {
        self.tip.unwrap_or(ChainHash::GENESIS)
    }

    /// The revision that the next event will have.
    pub fn next_revision(&self) -> u64 {
        self.revision.map_or(0, |revision| revision + 1)
    }

    /// Whether this id is among the last [`RECENT_EVENTS`] of the stream.
    pub fn remembers(&self, id: EventId) -> bool {
        self.recent.contains(&id)
    }

    /// Folds one more event of the log, which must be the stream's next.
    pub fn apply(&mut self, recorded: &RecordedEvent) -> Result<(), DecodeError> {
        self.apply_decoded(recorded, &decode_recorded(recorded)?);
        Ok(())
    }

    pub(crate) fn apply_decoded(&mut self, recorded: &RecordedEvent, decoded: &Decoded) {
        if let Some(event) = &decoded.event {
            self.account = evolve(std::mem::take(&mut self.account), event);
        }
        let recorded_at = decoded.metadata.recorded_at;
        self.advance(
            recorded.event_id,
            ChainHash::of_recorded(recorded),
            recorded_at,
        );
        self.position = Some(recorded.position);
    }

    /// Folds an event that is about to be appended.
    pub(crate) fn push(&mut self, id: EventId, event: &Event, hash: ChainHash, at: Timestamp) {
        self.account = evolve(std::mem::take(&mut self.account), event);
        self.advance(id, hash, at);
    }

    fn advance(&mut self, id: EventId, hash: ChainHash, at: Timestamp) {
        self.revision = Some(self.next_revision());
        self.tip = Some(hash);
        self.recorded_at = self.recorded_at.max(Some(at));
        if self.recent.len() == RECENT_EVENTS {
            self.recent.pop_front();
        }
        self.recent.push_back(id);
    }
}

/// The posts that an event speaks of.
pub(crate) fn posts_of(event: &Event) -> impl Iterator<Item = PostKey> + '_ {
    let page = match event {
        Event::PostsObserved(page) => Some(page),
        _ => None,
    };
    page.into_iter().flat_map(|page| {
        page.changed
            .iter()
            .map(|post| post.post)
            .chain(page.unchanged.iter().copied())
    })
}

/// Moves the marks of the posts that an event speaks of to their newest observation.
pub(crate) fn note_posts(event: &Event, marks: &mut HashMap<PostKey, PostMark>) {
    let Event::PostsObserved(page) = event else {
        return;
    };
    for post in &page.changed {
        let before = marks.get(&post.post);
        let newer = before.is_none_or(|mark| mark.observed_at <= page.observed_at);
        let text = post.text.as_ref().map(|sealed| sealed.fingerprint);
        if newer {
            let text = text.or_else(|| before.and_then(|mark| mark.text));
            let values = post.values.digest();
            marks.insert(
                post.post,
                PostMark {
                    observed_at: page.observed_at,
                    values,
                    text,
                },
            );
        }
    }
    for post in &page.unchanged {
        if let Some(mark) = marks.get_mut(post) {
            mark.observed_at = mark.observed_at.max(page.observed_at);
        }
    }
}
