//! Copies a whole history from one log to another: the same streams, revisions, ids and bytes.
//!
//! It goes on where an earlier run ended and keeps no notes for that: what the target holds is
//! compared with the source, and the rest is appended at exact revisions. Memory is flat: pages
//! ahead, a bound on what is under way, and caches of a fixed size. docs/eventstore.md says how to
//! move a log with it.

mod compare;
mod error;
pub mod hand_over;
mod mark;
mod read_back;
mod run;
mod send;
mod watched;
mod writer;

pub use error::CopyError;
pub use watched::{Step, Watched};

use commands::ports::EventLog;
use compare::{Blame, Which, first_difference};
use domain::Position;
use mark::{Key, Tally};
use projections::feed::EventFeed;
use projections::sql::Held;
use std::sync::Arc;

/// One of the two logs.
#[derive(Clone)]
pub struct Side {
    /// Its streams.
    pub log: Arc<dyn EventLog>,
    /// All of it, in order.
    pub feed: Arc<dyn EventFeed>,
}

/// A copy from one log to another.
pub struct Copier {
    /// Whose history it is. Nobody may write to it meanwhile.
    pub from: Side,
    /// Where it goes. It is empty, or holds the beginning of such a copy.
    pub to: Side,
}

/// A history that is the same in two logs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Copied {
    /// The source, and the end of its history.
    pub from: Held,
    /// The target, and the end of the copy.
    pub to: Held,
    /// How many streams there are.
    pub streams: u64,
    /// How many events.
    pub events: u64,
    /// How many of them were appended by this run.
    pub appended: u64,
    /// Bytes of their data and metadata.
    pub bytes: u64,
    /// Events of the source that are no account's and were left out.
    pub left_out: u64,
}

impl Copier {
    /// Copies what is missing, reads the target back and compares all of it.
    pub async fn run(&self, watched: &Watched) -> Result<Copied, CopyError> {
        let from = self.from.feed.log_id().await.map_err(CopyError::source)?;
        let to = self.to.feed.log_id().await.map_err(CopyError::target)?;
        if from == to {
            return Err(CopyError::SameLog(from));
        }
        let head = self.source_head().await?;
        let before = self.target_head().await?;
        if let Some(before) = before {
            watched.begin(Step::Looking, before);
            let foreign = self
                .missing_in_source(before, Which::Openings, watched)
                .await?;
            if let Some(difference) = foreign {
                return Err(CopyError::Foreign(difference));
            }
        }
        let key = Key::draw()?;
        let sent = self.send(head, before.is_none(), &key, watched).await?;
        self.ensure_at_rest(head).await?;
        let reached = self.target_head().await?;
        let back = self.read_back(reached, &key, watched).await?;
        if sent.tally != back.tally {
            return Err(self.name_difference(head, reached, watched).await?);
        }
        if let Some(broken) = back.broken {
            return Err(broken);
        }
        self.ensure_at_rest(head).await?;
        if self.target_head().await? != reached {
            return Err(CopyError::TargetMoved);
        }
        let Tally {
            streams,
            events,
            bytes,
            ..
        } = sent.tally;
        Ok(Copied {
            from: Held::of(from, head),
            to: Held::of(to, reached),
            streams,
            events,
            appended: sent.appended,
            bytes,
            left_out: sent.left_out,
        })
    }

    async fn source_head(&self) -> Result<Option<Position>, CopyError> {
        self.from.feed.head().await.map_err(CopyError::source)
    }

    async fn target_head(&self) -> Result<Option<Position>, CopyError> {
        self.to.feed.head().await.map_err(CopyError::target)
    }

    /// Whether the source still ends where it ended.
    async fn ensure_at_rest(&self, head: Option<Position>) -> Result<(), CopyError> {
        let now = self.source_head().await?;
        if now == head {
            return Ok(());
        }
        Err(CopyError::SourceMoved { head, now })
    }

    async fn missing_in_source(
        &self,
        head: Position,
        which: Which,
        watched: &Watched,
    ) -> Result<Option<compare::Difference>, CopyError> {
        let of = (&self.to, CopyError::Target as Blame);
        let with = (&*self.from.log, CopyError::Source as Blame);
        first_difference(of, head, with, which, watched).await
    }

    async fn missing_in_target(
        &self,
        head: Position,
        watched: &Watched,
    ) -> Result<Option<compare::Difference>, CopyError> {
        let of = (&self.from, CopyError::Source as Blame);
        let with = (&*self.to.log, CopyError::Target as Blame);
        first_difference(of, head, with, Which::All, watched).await
    }

    /// The tallies of both sides differ: which event is it?
    async fn name_difference(
        &self,
        head: Option<Position>,
        reached: Option<Position>,
        watched: &Watched,
    ) -> Result<CopyError, CopyError> {
        if let Some(reached) = reached {
            watched.begin(Step::Searching, reached);
            let found = self.missing_in_source(reached, Which::All, watched).await?;
            if let Some(difference) = found {
                return Ok(CopyError::Foreign(difference));
            }
        }
        if let Some(head) = head {
            watched.begin(Step::Searching, head);
            let found = self.missing_in_target(head, watched).await?;
            if let Some(difference) = found {
                return Ok(CopyError::Incomplete(difference));
            }
        }
        Ok(CopyError::Unequal)
    }
}
