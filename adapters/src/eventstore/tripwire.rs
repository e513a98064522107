//! Ends a wait of the client that would never end.
//!
//! If the server ends a subscription as if all were well, the client logs a warning and asks the
//! ended stream again, at once and for ever, without giving its thread away: no timeout and no
//! abort reaches it there. The warning is the only thing that it calls outside itself. So while it
//! waits it logs through a subscriber of ours, which unwinds at that warning; everything else goes
//! on to the program's own log. `resume_unwind` runs no panic hook: nothing is printed.

use futures_util::FutureExt;
use std::any::Any;
use std::fmt::{Debug, Write};
use std::panic::{AssertUnwindSafe, resume_unwind};
use tracing::field::{Field, Visit};
use tracing::instrument::WithSubscriber;
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// What the client says in each round.
const LAST_WORDS: &str = "Received an unknown subscription message";
/// Where it says so.
const TARGET: &str = "kurrentdb";

/// The stream ended although the server named no error.
struct Ended;

/// How a guarded wait ended before its time.
pub(super) enum Cut {
    /// The stream ended as if all were well.
    Ended,
    /// The client panicked.
    Panicked,
}

/// Watches over the waits of one subscription.
pub(super) struct Guard(Dispatch);

impl Guard {
    pub(super) fn new() -> Self {
        let inner = tracing::dispatcher::get_default(Dispatch::clone);
        Self(Dispatch::new(Tripwire { inner }))
    }

    /// Waits for the client, and comes back even if the client never would.
    pub(super) async fn wait<T>(&self, wait: impl Future<Output = T>) -> Result<T, Cut> {
        let wait = AssertUnwindSafe(wait).catch_unwind();
        wait.with_subscriber(self.0.clone()).await.map_err(why)
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn why(payload: Box<dyn Any + Send>) -> Cut {
    match payload.is::<Ended>() {
        true => Cut::Ended,
        false => Cut::Panicked,
    }
}

struct Tripwire {
    inner: Dispatch,
}

fn is_watched(metadata: &Metadata<'_>) -> bool {
    *metadata.level() == Level::WARN && metadata.target().starts_with(TARGET)
}

#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            let _never = write!(self.0, "{value:?}");
        }
    }
}

impl Subscriber for Tripwire {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // Asked each time: the answer differs from the program's own.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        is_watched(metadata) || self.inner.enabled(metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::WARN)
    }

    fn event(&self, event: &Event<'_>) {
        if is_watched(event.metadata()) {
            let mut message = Message::default();
            event.record(&mut message);
            if message.0.contains(LAST_WORDS) {
                resume_unwind(Box::new(Ended));
            }
        }
        if self.inner.enabled(event.metadata()) {
            self.inner.event(event);
        }
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.inner.new_span(attributes)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        self.inner.record(span, values);
    }

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        self.inner.record_follows_from(span, follows);
    }

    fn enter(&self, span: &Id) {
        self.inner.enter(span);
    }

    fn exit(&self, span: &Id) {
        self.inner.exit(span);
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.inner.clone_span(id)
    }

    fn try_close(&self, id: Id) -> bool {
        self.inner.try_close(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_words_end_a_wait_that_would_spin() {
        let spin = async {
            loop {
                tracing::warn!(target: "kurrentdb::commands", "{LAST_WORDS}");
            }
        };
        let cut = Guard::new().wait::<()>(spin).await;
        assert!(matches!(cut, Err(Cut::Ended)));
        // The thread logs as before.
        tracing::warn!(target: "kurrentdb::commands", "{LAST_WORDS}");
    }

    #[tokio::test]
    async fn other_words_end_nothing() {
        let wait = async {
            tracing::warn!(target: "kurrentdb::commands", "something else");
            tracing::warn!(target: "another", "{LAST_WORDS}");
            7
        };
        assert!(matches!(Guard::new().wait(wait).await, Ok(7)));
    }
}
