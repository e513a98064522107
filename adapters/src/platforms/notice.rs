//! What platforms tell us unasked: webhooks and callbacks, once their signature holds.

use domain::Timestamp;
use std::fmt;

/// A message without anything in it that we know how to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is none that this platform is known to send")]
pub struct NotANotice;

/// One thing that a message tells.
#[derive(Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whom it is about, as the platform names them: an id of an account, a Page or a channel.
    pub about: Option<String>,
    /// What happened.
    pub what: What,
    /// The post that it is about.
    pub post: Option<String>,
    /// When it happened.
    pub at: Option<Timestamp>,
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum What {
    /// The person took our access away.
    Deauthorized,
    /// The person asks that what we hold of them be deleted.
    DeletionRequested,
    /// The account was closed or banned at the platform.
    AccountGone,
    /// A post was published or changed.
    PostChanged,
    /// A post was removed.
    PostRemoved,
    /// Somebody reacted to a post: its numbers moved.
    PostTouched,
    /// The last numbers of a story.
    StoryEnded,
    /// How a publication went.
    Publication,
    /// Something that we do not read.
    Other,
}

// Ids are personal data.
impl fmt::Debug for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notice")
            .field("what", &self.what)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
