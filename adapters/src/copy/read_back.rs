//! Reads the target back: recomputes every chain, and tallies what is there.

use super::compare::AT_ONCE;
use super::mark::{Key, Tally};
use super::{Copier, CopyError, Step, Watched};
use crate::pages::{is_ours, read_ahead, stream_page};
use commands::ports::EventLog;
use domain::chain::verify::follow;
use domain::chain::{ChainHash, Tip};
use domain::{Position, RecordedEvent, StreamName};
use futures_util::{StreamExt, TryStreamExt, stream};
use lru::LruCache;
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::task::block_in_place;

/// Streams whose last event is remembered while the log goes by. Of another stream that goes on,
/// the event before is read again.
const TIPS: NonZeroUsize = NonZeroUsize::new(65_536).expect("not zero");

/// What was read of the target.
#[derive(Default)]
pub(super) struct Back {
    pub(super) tally: Tally,
    /// The first event that does not continue its stream.
    pub(super) broken: Option<CopyError>,
}

struct Reader<'a> {
    log: &'a dyn EventLog,
    tips: LruCache<StreamName, Tip>,
    back: Back,
}

impl Copier {
    /// Reads the target up to `head`.
    pub(super) async fn read_back(
        &self,
        head: Option<Position>,
        key: &Key,
        watched: &Watched,
    ) -> Result<Back, CopyError> {
        let Some(head) = head else {
            return Ok(Back::default());
        };
        watched.begin(Step::Verifying, head);
        let mut reader = Reader {
            log: &*self.to.log,
            tips: LruCache::new(TIPS),
            back: Back::default(),
        };
        let mut pages = read_ahead(Arc::clone(&self.to.feed), head);
        while let Some(page) = pages.recv().await {
            let mut page = page.map_err(CopyError::target)?;
            page.retain(|event| is_ours(event) && event.position <= head);
            let Some(last) = page.last().map(|last| last.position) else {
                continue;
            };
            reader.recall(&page).await?;
            // Hashing is work for a processor, not for the tasks that wait.
            block_in_place(|| reader.follow(&page, key));
            watched.reach(last, page.len());
        }
        Ok(reader.back)
    }
}

impl Reader<'_> {
    /// Reads the events again that come before the page's, of streams that were forgotten.
    async fn recall(&mut self, page: &[RecordedEvent]) -> Result<(), CopyError> {
        let mut seen = HashSet::new();
        let mut forgotten = vec![];
        for event in page {
            let is_first = seen.insert(&event.stream);
            // Looked at, so that what else the page brings does not push it out.
            if is_first && event.revision > 0 && self.tips.get(&event.stream).is_none() {
                forgotten.push((event.stream.clone(), event.revision - 1));
            }
        }
        let log = self.log;
        let read = stream::iter(forgotten).map(async |(stream, revision)| {
            let held = stream_page(log, &stream, revision, 1).await;
            let held = held.map_err(CopyError::target)?;
            Ok::<_, CopyError>((stream, held.into_iter().next()))
        });
        let mut read = read.buffer_unordered(AT_ONCE);
        while let Some((stream, before)) = read.try_next().await? {
            if let Some(before) = before {
                let hash = ChainHash::of_recorded(&before);
                let revision = before.revision;
                self.tips.put(stream, Tip { revision, hash });
            }
        }
        Ok(())
    }

    fn follow(&mut self, page: &[RecordedEvent], key: &Key) {
        for event in page {
            let before = self.tips.get(&event.stream).copied();
            let (tip, fault) = follow(before, event);
            self.back.tally.take(key, event, tip.hash);
            self.tips.put(event.stream.clone(), tip);
            if let Some(fault) = fault
                && self.back.broken.is_none()
            {
                self.back.broken = Some(CopyError::Broken {
                    stream: event.stream.clone(),
                    revision: event.revision,
                    fault,
                });
            }
        }
    }
}
