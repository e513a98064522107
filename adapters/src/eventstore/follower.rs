//! Following the log: one task for each subscription, which only waits for what comes next and
//! feeds a bounded pipe. The client's wait must not be dropped and taken up again: it would
//! subscribe anew each time. So nothing here puts a choice or a timeout around it, but for the
//! first answer, without which nothing is taken up again.

use super::LogId;
use super::connection::{Connection, Live};
use super::failure::{Verdict, judge};
use super::feed::{accounts_only, checked, wire};
use super::pipe::{Receiver, Said, Sender, pipe};
use super::read::recorded;
use super::tripwire::{Cut, Guard};
use async_trait::async_trait;
use domain::Position;
use eventstore::{StreamPosition, SubscribeToAllOptions, SubscriptionEvent};
use projections::feed::{FeedError, Followed, Follower};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

/// The pause before a subscription that ended is taken up again; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// A subscription to all accounts' events, which its task keeps up.
pub(super) struct EventStoreFollower {
    said: Receiver,
    _task: AbortOnDropHandle<()>,
}

impl EventStoreFollower {
    pub(super) fn start(
        connection: Arc<Connection>,
        log_id: Arc<LogId>,
        after: Option<Position>,
    ) -> Self {
        let (sender, said) = pipe();
        let task = tokio::spawn(run(connection, log_id, after, sender));
        Self {
            said,
            _task: AbortOnDropHandle::new(task),
        }
    }
}

#[async_trait]
impl Follower for EventStoreFollower {
    async fn next_batch(&mut self, limit: usize) -> Result<Followed, FeedError> {
        let ended = || FeedError::Unavailable("the subscription was closed".to_owned());
        match self.said.next(limit.max(1)).await {
            Some(outcome) => outcome,
            // Its task ended, which it does only after it said why.
            None => Err(ended()),
        }
    }
}

/// Why a subscription is taken up again.
enum Again {
    /// The server ended it, or answered something that cannot be.
    Pause(String),
    /// The connection is lost.
    Rebuild(String),
    /// Nobody listens any more.
    Stop,
}

struct Task {
    connection: Arc<Connection>,
    log: Uuid,
    said: Sender,
    /// Where to go on: the last event, or the last checkpoint that lies beyond it.
    reached: Option<Position>,
    /// Whether the subscription at hand has said anything.
    heard: bool,
}

async fn run(
    connection: Arc<Connection>,
    log_id: Arc<LogId>,
    after: Option<Position>,
    said: Sender,
) {
    let log = loop {
        match checked(&log_id, &connection, after).await {
            Ok(log) => break log,
            Err(error @ FeedError::ForeignPosition(_)) => {
                said.send(Said::Ended(error)).await;
                return;
            }
            Err(error) => {
                tracing::warn!(%error, "the log cannot be followed yet");
                tokio::time::sleep(LONGEST_PAUSE).await;
            }
        }
    };
    let mut task = Task {
        connection,
        log,
        said,
        reached: after,
        heard: false,
    };
    let mut pause = FIRST_PAUSE;
    loop {
        let Ok(live) = task.connection.live().await else {
            continue;
        };
        task.heard = false;
        let again = task.follow(&live).await;
        if task.heard {
            pause = FIRST_PAUSE;
        }
        match again {
            Again::Stop => return,
            Again::Rebuild(reason) => task.connection.discard(&live, &reason),
            Again::Pause(reason) => {
                tracing::warn!(%reason, "the subscription is taken up again");
            }
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Task {
    /// Subscribes where it stopped, and hears until the subscription ends.
    async fn follow(&mut self, live: &Arc<Live>) -> Again {
        let position = match self.reached {
            Some(reached) => StreamPosition::Position(wire(reached)),
            None => StreamPosition::Start,
        };
        // Without the client's own retry, which would go on at the last event.
        let options = SubscribeToAllOptions::default()
            .filter(accounts_only())
            .position(position);
        let mut subscription = live.client().subscribe_to_all(&options).await;
        let guard = Guard::new();
        loop {
            let wait = guard.wait(subscription.next_subscription_event());
            let next = match self.heard {
                true => wait.await,
                // The first answer is due at once. Without it the whole subscription is dropped.
                false => match timeout(self.connection.limit(), wait).await {
                    Ok(next) => next,
                    Err(_) => return Again::Rebuild("no subscription is confirmed".to_owned()),
                },
            };
            let event = match next {
                Ok(Ok(event)) => event,
                Ok(Err(error)) => {
                    return match judge(error) {
                        Verdict::Lost(reason) | Verdict::NotSent(reason) => Again::Rebuild(reason),
                        Verdict::Elsewhere => Again::Pause("another node leads".to_owned()),
                        Verdict::Late(reason) => Again::Pause(reason),
                        Verdict::Answer(error) => Again::Pause(error.to_string()),
                    };
                }
                Err(Cut::Ended) => return Again::Pause("the server ended it".to_owned()),
                Err(Cut::Panicked) => {
                    return Again::Rebuild("the client could not read an answer".to_owned());
                }
            };
            self.heard = true;
            self.connection.answered();
            if let Err(again) = self.hear(event).await {
                return again;
            }
        }
    }

    async fn hear(&mut self, event: SubscriptionEvent) -> Result<(), Again> {
        let said = match event {
            SubscriptionEvent::EventAppeared(resolved) => {
                let Some(event) = resolved.event else {
                    return Ok(());
                };
                let event = recorded(self.log, &event).map_err(Again::Pause)?;
                let position = event.position;
                self.move_to(position)
                    .then_some(Said::Event(Box::new(event)))
            }
            SubscriptionEvent::Checkpoint(position) => self.checkpoint(position),
            SubscriptionEvent::CaughtUp(Some(at)) => {
                at.position.and_then(|position| self.checkpoint(position))
            }
            _ => None,
        };
        let heard = match said {
            Some(said) => self.said.send(said).await,
            None => true,
        };
        heard.then_some(()).ok_or(Again::Stop)
    }

    /// Some servers send the largest position there is if nothing matched, and some a lower one
    /// than that of the last event: neither may be gone on from.
    fn checkpoint(&mut self, position: eventstore::Position) -> Option<Said> {
        let at = Position {
            log: self.log,
            commit: position.commit,
            prepare: position.prepare,
        };
        let is_end = position.commit == u64::MAX || position.prepare == u64::MAX;
        (!is_end && self.move_to(at)).then_some(Said::Reached(at))
    }

    /// Forward only.
    fn move_to(&mut self, position: Position) -> bool {
        let is_forward = self.reached.is_none_or(|reached| position > reached);
        if is_forward {
            self.reached = Some(position);
        }
        is_forward
    }
}
