//! Appends with a bounded retry while the outcome is unknown: same bytes, same revision.

use crate::measure;
use crate::ports::{Append, AppendError, Appended, EventLog};
use std::time::{Duration, Instant};

/// How often an append of unknown outcome, or to a log out of reach, is tried in all.
pub(crate) const APPEND_ATTEMPTS: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Appends, within a bound of attempts; a retry sends the very same append, so that the log can recognise it.
pub async fn append_surely(log: &dyn EventLog, append: Append) -> Result<Appended, AppendError> {
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        let started = Instant::now();
        let ended = log.append(append.clone()).await;
        measure::append(&append, &ended, started.elapsed());
        match ended {
            Err(error @ (AppendError::OutcomeUnknown(_) | AppendError::Unavailable(_)))
                if attempt < APPEND_ATTEMPTS =>
            {
                measure::retry();
                tracing::warn!(stream = %append.stream, attempt, %error, "append is tried again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            settled => return settled,
        }
    }
    unreachable!("the loop returns at its last attempt")
}
