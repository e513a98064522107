//! Between a subscription and who follows it: bounded by count and by bytes.

use domain::{Position, RecordedEvent};
use projections::feed::{FeedError, Followed};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Events that may wait.
const MOST_EVENTS: usize = 4_096;
/// How much room they may take. One event that is larger takes all of it.
const MOST_KIBIBYTES: usize = 32 * 1_024;

/// What a subscription says.
pub(super) enum Said {
    /// An event.
    Event(Box<RecordedEvent>),
    /// Everything up to here was looked through.
    Reached(Position),
    /// It cannot go on.
    Ended(FeedError),
}

struct Item {
    said: Said,
    _room: Option<OwnedSemaphorePermit>,
}

/// The end that the subscription's task holds.
pub(super) struct Sender {
    items: mpsc::Sender<Item>,
    room: Arc<Semaphore>,
}

/// The end that is read.
pub(super) struct Receiver {
    items: mpsc::Receiver<Item>,
    waiting: Vec<Item>,
}

pub(super) fn pipe() -> (Sender, Receiver) {
    let (sender, items) = mpsc::channel(MOST_EVENTS);
    let room = Arc::new(Semaphore::new(MOST_KIBIBYTES));
    let waiting = vec![];
    (
        Sender {
            items: sender,
            room,
        },
        Receiver { items, waiting },
    )
}

impl Sender {
    /// Waits for room. False: nobody reads any more.
    pub(super) async fn send(&self, said: Said) -> bool {
        let kibibytes = match &said {
            Said::Event(event) => (event.data.len() + event.metadata.len()) / 1_024,
            _ => 0,
        };
        let wanted = u32::try_from(kibibytes.min(MOST_KIBIBYTES)).unwrap_or(u32::MAX);
        let room = match wanted {
            0 => None,
            _ => Arc::clone(&self.room).acquire_many_owned(wanted).await.ok(),
        };
        let item = Item { said, _room: room };
        self.items.send(item).await.is_ok()
    }
}

impl Receiver {
    /// What there is, at most so many events, waiting for the first. Dropping the wait loses
    /// nothing. Nothing more comes once the task has ended.
    pub(super) async fn next(&mut self, limit: usize) -> Option<Result<Followed, FeedError>> {
        if self.waiting.is_empty() && self.items.recv_many(&mut self.waiting, limit).await == 0 {
            return None;
        }
        let (mut events, mut reached) = (vec![], None);
        let mut items = std::mem::take(&mut self.waiting).into_iter();
        for item in items.by_ref() {
            match item.said {
                Said::Event(event) => {
                    reached = Some(event.position);
                    events.push(*event);
                }
                Said::Reached(position) => reached = Some(position),
                // What came before it is handed out first.
                Said::Ended(error) => match reached {
                    None => return Some(Err(error)),
                    Some(_) => {
                        let said = Said::Ended(error);
                        self.waiting.push(Item { said, _room: None });
                        break;
                    }
                },
            }
        }
        reached.map(|reached| Ok(Followed { events, reached }))
    }
}
