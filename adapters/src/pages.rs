//! Reads the log ahead in pages of bounded size, while what was read before is worked on.

use commands::ports::{EventLog, ReadError};
use domain::{Position, RecordedEvent, StreamName};
use projections::feed::{EventFeed, FIRST_PAGE, FeedError, next_page};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// Pages that wait while one is worked on.
const PAGES_AHEAD: usize = 2;
/// How many bytes of events a page should have, so that memory stays flat.
pub(crate) const TARGET_BYTES: usize = 8 * 1024 * 1024;
/// How often a page is asked for before the log counts as out of reach.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(300);

/// Whether an event belongs to an account: what else a log holds is somebody else's.
pub(crate) fn is_ours(event: &RecordedEvent) -> bool {
    event
        .stream
        .as_str()
        .starts_with(StreamName::ACCOUNT_PREFIX)
}

/// Everything from the beginning to this position, by a task of its own.
pub(crate) fn read_ahead(
    feed: Arc<dyn EventFeed>,
    head: Position,
) -> mpsc::Receiver<Result<Vec<RecordedEvent>, FeedError>> {
    let (sender, pages) = mpsc::channel(PAGES_AHEAD);
    tokio::spawn(async move {
        let (mut after, mut limit) = (None, FIRST_PAGE);
        loop {
            let page = match page(&*feed, after, limit).await {
                Ok(page) => page,
                Err(error) => {
                    // Nobody listens any more: then nobody needs to know.
                    let _told = sender.send(Err(error)).await;
                    return;
                }
            };
            let Some(last) = page.last() else { return };
            limit = next_page(&page, TARGET_BYTES).unwrap_or(limit);
            after = Some(last.position);
            let at_head = last.position >= head;
            if sender.send(Ok(page)).await.is_err() || at_head {
                return;
            }
        }
    });
    pages
}

async fn page(
    feed: &dyn EventFeed,
    after: Option<Position>,
    limit: usize,
) -> Result<Vec<RecordedEvent>, FeedError> {
    let mut attempt = 1;
    loop {
        match feed.read_all(after, limit).await {
            Err(error @ FeedError::Unavailable(_)) if attempt < ATTEMPTS => {
                tracing::warn!(%error, attempt, "the log is asked again");
                attempt += 1;
                tokio::time::sleep(PAUSE * attempt).await;
            }
            settled => return settled,
        }
    }
}

/// A page of one stream, asked for as often as a page of everything.
pub(crate) async fn stream_page(
    log: &dyn EventLog,
    stream: &StreamName,
    from: u64,
    limit: usize,
) -> Result<Vec<RecordedEvent>, ReadError> {
    let mut attempt = 1;
    loop {
        match log.read_stream(stream, from, limit).await {
            Err(error @ ReadError::Unavailable(_)) if attempt < ATTEMPTS => {
                tracing::warn!(%stream, %error, attempt, "the log is asked again");
                attempt += 1;
                tokio::time::sleep(PAUSE * attempt).await;
            }
            settled => return settled,
        }
    }
}
