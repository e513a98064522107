//! The connection that outlives its clients: every call has a deadline of ours, and a client that
//! failed is thrown away and built anew from the connection string.

use super::EventStoreUrl;
use super::failure::{Failure, Verdict, describe, judge};
use super::thread::ClientThread;
use eventstore::Client;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

/// The pause before the first rebuilt client, before chance shortens it; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long finding and reaching a node may take, some of which the client spends waiting.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);
/// What our deadline gives the server's own, whose answer says more.
const GRACE: Duration = Duration::from_millis(500);
/// How often a call follows the client to another leader.
const LEADERS: u32 = 5;
const LEADER_PAUSE: Duration = Duration::from_millis(100);
/// The pause before a question is asked again on a connection that is good.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// A client at work. Whoever uses it holds it; the last one to let go ends it.
pub(super) struct Live {
    thread: ClientThread,
}

impl Live {
    pub(super) fn client(&self) -> &Client {
        &self.thread.client
    }

    /// Lets the client's own thread carry out a call: from another one each step of it would cross
    /// over to that thread and back.
    async fn carry_out<T: Send + 'static>(
        &self,
        call: impl Future<Output = eventstore::Result<T>> + Send + 'static,
    ) -> eventstore::Result<T> {
        let task = AbortOnDropHandle::new(self.thread.runtime.spawn(call));
        match task.await {
            Ok(outcome) => outcome,
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => Err(eventstore::Error::ConnectionClosed),
            },
        }
    }
}

#[derive(Default)]
struct State {
    live: Option<Arc<Live>>,
    not_before: Option<Instant>,
    /// Attempts to build that failed, and why the last one did.
    attempts: u64,
    reason: String,
}

/// Hands out a client that works, as far as one knows.
pub(super) struct Connection {
    url: EventStoreUrl,
    patience: Duration,
    state: Mutex<State>,
    /// One builds at a time; the others wait for what it builds.
    building: tokio::sync::Mutex<()>,
    failures: AtomicU32,
    built: AtomicU64,
}

impl Connection {
    pub(super) fn new(url: EventStoreUrl, patience: Duration) -> Self {
        Self {
            url,
            patience,
            state: Mutex::default(),
            building: tokio::sync::Mutex::default(),
            failures: AtomicU32::new(0),
            built: AtomicU64::new(0),
        }
    }

    /// How long the server itself may take.
    pub(super) fn deadline(&self) -> Duration {
        self.url.deadline
    }

    /// How long we wait for the server.
    pub(super) fn limit(&self) -> Duration {
        self.url.deadline + GRACE
    }

    pub(super) fn built(&self) -> u64 {
        self.built.load(Ordering::Relaxed)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client in use, or a new one that has connected, after a pause that grows with the
    /// failures in a row. Of many callers one builds; the others share how that went.
    pub(super) async fn live(&self) -> Result<Arc<Live>, String> {
        let attempts = {
            let state = self.state();
            if let Some(live) = &state.live {
                return Ok(Arc::clone(live));
            }
            state.attempts
        };
        let _gate = self.building.lock().await;
        let not_before = {
            let state = self.state();
            if let Some(live) = &state.live {
                return Ok(Arc::clone(live));
            }
            if state.attempts != attempts {
                return Err(state.reason.clone());
            }
            state.not_before
        };
        if let Some(not_before) = not_before {
            sleep_until(not_before).await;
        }
        match self.build().await {
            Ok(thread) => {
                let live = Arc::new(Live { thread });
                self.built.fetch_add(1, Ordering::Relaxed);
                self.state().live = Some(Arc::clone(&live));
                Ok(live)
            }
            Err(reason) => {
                self.put_off();
                let mut state = self.state();
                state.attempts += 1;
                state.reason.clone_from(&reason);
                drop(state);
                tracing::warn!(%reason, "the event store is not reached; it is tried again");
                Err(reason)
            }
        }
    }

    async fn build(&self) -> Result<ClientThread, String> {
        let settings = self.url.settings.clone();
        let thread = tokio::task::spawn_blocking(move || ClientThread::start(settings))
            .await
            .map_err(|_| "no client can be made: a certificate cannot be read".to_owned())?
            .map_err(|reason| format!("no client can be made: {reason}"))?;
        // Connected here and not by the first call, whose deadline is for the call alone.
        match timeout(CONNECT_LIMIT, thread.client.server_info()).await {
            Ok(Ok(_)) => Ok(thread),
            Ok(Err(error)) => Err(describe(&error)),
            Err(_) => Err(format!("no node answers within {CONNECT_LIMIT:?}")),
        }
    }

    /// Throws a client away, unless that was done already. Only the first of many says so.
    pub(super) fn discard(&self, live: &Arc<Live>, reason: &str) {
        let mut state = self.state();
        if state
            .live
            .as_ref()
            .is_some_and(|held| Arc::ptr_eq(held, live))
        {
            state.live = None;
            drop(state);
            self.put_off();
            tracing::warn!(%reason, "the connection to the event store is built anew");
        }
    }

    fn put_off(&self) {
        let failures = self.failures.fetch_add(1, Ordering::Relaxed).min(16);
        let pause = FIRST_PAUSE.saturating_mul(1 << failures).min(LONGEST_PAUSE);
        // From half of it to all of it, so that many processes do not come back at once.
        let chance = f64::from(getrandom::u32().unwrap_or(0)) / f64::from(u32::MAX);
        self.state().not_before = Some(Instant::now() + pause.mul_f64(0.5 + chance / 2.0));
    }

    /// The server answered: the next failure is the first one again.
    pub(super) fn answered(&self) {
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
    }

    /// Makes a call. While nothing could be sent it is tried again, until patience ends; once it
    /// may have been carried out, it is the caller's to say what that means.
    pub(super) async fn call<T, F, W>(&self, work: F) -> Result<T, Failure>
    where
        F: Fn(Arc<Live>) -> W + Send + Sync,
        W: Future<Output = eventstore::Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let give_up = Instant::now() + self.patience;
        let mut leaders = 0;
        loop {
            let live = match self.live().await {
                Ok(live) => live,
                Err(reason) if Instant::now() >= give_up => {
                    return Err(Failure::Unavailable(reason));
                }
                Err(_) => continue,
            };
            // Not the server's own limit alone: the client sends it along and leaves it at that.
            let outcome = timeout(self.limit(), live.carry_out(work(Arc::clone(&live)))).await;
            let verdict = match outcome {
                Ok(Ok(value)) => {
                    self.answered();
                    return Ok(value);
                }
                Ok(Err(error)) => judge(error),
                Err(_) => Verdict::Lost(format!("no answer within {:?}", self.limit())),
            };
            match verdict {
                Verdict::Elsewhere if leaders < LEADERS => {
                    leaders += 1;
                    sleep(LEADER_PAUSE * (leaders - 1)).await;
                }
                Verdict::Elsewhere => {
                    let reason = "the node is not the leader, and whom it names is not either";
                    self.discard(&live, reason);
                    return Err(Failure::Unavailable(reason.to_owned()));
                }
                Verdict::NotSent(reason) => {
                    self.discard(&live, &reason);
                    if Instant::now() >= give_up {
                        return Err(Failure::Unavailable(reason));
                    }
                }
                Verdict::Lost(reason) => {
                    self.discard(&live, &reason);
                    return Err(Failure::Unknown(reason));
                }
                Verdict::Late(reason) => return Err(Failure::Unknown(reason)),
                Verdict::Answer(error) => {
                    self.answered();
                    return Err(Failure::Answer(error));
                }
            }
        }
    }

    /// Makes a call that changes nothing, again and again while the server is out of reach.
    pub(super) async fn ask<T, F, W>(&self, work: F) -> Result<T, Failure>
    where
        F: Fn(Arc<Live>) -> W + Send + Sync,
        W: Future<Output = eventstore::Result<T>> + Send + 'static,
        T: Send + 'static,
    {
        let give_up = Instant::now() + self.patience;
        loop {
            match self.call(&work).await {
                Err(Failure::Unavailable(_) | Failure::Unknown(_)) if Instant::now() < give_up => {
                    sleep(ASK_AGAIN).await;
                }
                settled => return settled,
            }
        }
    }
}
