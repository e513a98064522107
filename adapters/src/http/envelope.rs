//! What every answer of a read model carries besides its data, and how such an answer begins.

use super::Services;
use super::auth::Stood;
use super::params::Wait;
use super::problem::{Code, Problem};
use super::standing::{DataState, Standing, StateName};
use super::time::{Moment, Times};
use crate::postgres::connect::Connected;
use axum::Json;
use domain::{Position, Timestamp};
use projections::accounts::AccountRow;
use projections::engine::{Checkpoint, checkpoints};
use projections::sql::Reader;
use projections::sync_health::HealthRow;
use projections::{Projection, Versions};
use serde::Serialize;
use std::time::Duration;
use tokio::time::Instant;
use utoipa::ToSchema;

/// How long a question waits for its position.
const WAIT_LIMIT: Duration = Duration::from_secs(5);
/// How often it looks meanwhile.
const WAIT_STEP: Duration = Duration::from_millis(25);

/// What a handler answers.
pub(super) type Answer<T> = Result<Json<Envelope<T>>, Problem>;

/// An answer with what it shows, as of when, and how fresh it is.
#[derive(Serialize, ToSchema)]
pub(super) struct Envelope<T> {
    /// The answer itself.
    pub(super) data: T,
    /// The moment that the answer is as of: the one that was asked for, else now.
    as_of: Moment,
    /// The moment up to which the ledger's knowledge counts, where one was asked for.
    known_at: Option<Moment>,
    /// The answer shows at least everything in the log up to this position: a token for
    /// `wait_for`. Null while nothing has been read from the log yet.
    position: Option<String>,
    /// When the last successful sync of the account ended. Null for lists over accounts.
    last_synced_at: Option<Moment>,
    /// When its next sync is planned. Null for lists over accounts.
    next_sync_at: Option<Moment>,
    /// The state of the data and its cause.
    state: DataState,
    /// Whether any number of the accounts in question is a simulation's.
    simulated: bool,
    /// Where the list goes on, as `cursor` of the next request; null at its end. Lists only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    next_cursor: Option<Option<String>>,
}

impl<T> Envelope<T> {
    pub(super) fn new(data: T, read: &Read, times: Times, freshness: Freshness) -> Self {
        Self {
            data,
            as_of: Moment(times.as_of_or(read.now)),
            known_at: times.known_at.map(Moment),
            position: read.position.map(|position| position.to_string()),
            last_synced_at: freshness.last_synced_at,
            next_sync_at: freshness.next_sync_at,
            state: freshness.state,
            simulated: freshness.simulated,
            next_cursor: None,
        }
    }

    /// As a part of a list, with where it goes on.
    pub(super) fn with_cursor(mut self, next: Option<String>) -> Self {
        self.next_cursor = Some(next);
        self
    }
}

/// How fresh the data of an answer is.
pub(super) struct Freshness {
    state: DataState,
    last_synced_at: Option<Moment>,
    next_sync_at: Option<Moment>,
    simulated: bool,
}

impl Freshness {
    /// Of one account.
    pub(super) fn of(account: &AccountRow, health: Option<&HealthRow>, now: Timestamp) -> Self {
        Self {
            state: Standing::of(account, health, now).state(),
            last_synced_at: health.and_then(|health| health.last_success_at).map(Moment),
            next_sync_at: health.and_then(|health| health.next_at).map(Moment),
            simulated: account.simulated,
        }
    }

    /// Of a list over several accounts, each of which says more of itself.
    pub(super) fn of_many(is_empty: bool, simulated: bool) -> Self {
        let (state, cause) = if is_empty {
            (StateName::NoData, "nothing is known that fits the question")
        } else {
            (
                StateName::Ready,
                "an answer over several accounts; each has a state of its own",
            )
        };
        let state = DataState {
            state,
            cause: cause.to_owned(),
        };
        Self {
            state,
            last_synced_at: None,
            next_sync_at: None,
            simulated,
        }
    }
}

/// A read model that an answer is taken from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Model {
    Accounts,
    FollowerTrends,
    TopPosts,
    SyncHealth,
}

impl Model {
    fn is_of(self, checkpoint: &Checkpoint) -> bool {
        let projection: &dyn Projection = match self {
            Self::Accounts => &projections::accounts::Accounts,
            Self::FollowerTrends => &projections::follower_trends::FollowerTrends,
            Self::TopPosts => &projections::top_posts::TopPosts,
            Self::SyncHealth => &projections::sync_health::SyncHealth,
        };
        checkpoint.name == projection.name()
    }
}

/// A connection that reads the versions which were live when the answer began: all of the answer
/// comes from the same ones, also if others go live meanwhile.
pub(super) type Reading = Reader<Connected>;

/// Where the read models stood just before the rows of an answer were read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    pub(super) position: Option<Position>,
    pub(super) now: Timestamp,
}

/// Begins an answer: waits for a position if one is asked for, and says where the models stand.
///
/// The checkpoints are read before the rows, with which version of each is live, and rows and checkpoint of a model move together:
/// so the rows show at least what the position says, and possibly more, without a transaction
/// around the whole answer. Of several models the slowest counts: an answer joins them all.
///
/// Who waits holds no connection.
pub(super) async fn begin(
    services: &Services,
    Stood(mut held): Stood,
    models: &[Model],
    wait: Wait,
) -> Result<(Reading, Read), Problem> {
    let deadline = Instant::now() + WAIT_LIMIT;
    loop {
        let position = slowest(&held, models);
        if is_reached(position, &held, models, wait)? {
            let client = Reader::new(services.client().await?, Versions::live(&held));
            let now = services.clock.now();
            return Ok((client, Read { position, now }));
        }
        if Instant::now() >= deadline {
            let detail = format!(
                "the read models did not reach the position within {} seconds; try again soon",
                WAIT_LIMIT.as_secs()
            );
            return Err(Problem::new(Code::NotYetProjected, detail).on("wait_for"));
        }
        tokio::time::sleep(WAIT_STEP).await;
        let client = services.client().await?;
        held = checkpoints(&client).await?;
    }
}

/// Whether the models have reached the position that is waited for, if one is.
fn is_reached(
    position: Option<Position>,
    held: &[Checkpoint],
    models: &[Model],
    wait: Wait,
) -> Result<bool, Problem> {
    let Some(wanted) = wait.wait_for else {
        return Ok(true);
    };
    let is_foreign = |checkpoint: &Checkpoint| {
        checkpoint.log != wanted.log && models.iter().any(|model| model.is_of(checkpoint))
    };
    if held.iter().any(is_foreign) {
        let detail = "this position belongs to another log";
        return Err(Problem::invalid("wait_for", detail));
    }
    Ok(position.is_some_and(|position| position >= wanted))
}

/// The least position of these models; nothing if one of them has read nothing yet.
fn slowest(checkpoints: &[Checkpoint], models: &[Model]) -> Option<Position> {
    let mut least: Option<Position> = None;
    for model in models {
        let held = checkpoints
            .iter()
            .find(|checkpoint| model.is_of(checkpoint))?
            .position?;
        if least.is_none_or(|least| held < least) {
            least = Some(held);
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn checkpoint(name: &str, commit: Option<u64>) -> Checkpoint {
        let log = Uuid::nil();
        Checkpoint {
            name: name.to_owned(),
            version: 1,
            contract: 1,
            log,
            position: commit.map(|commit| Position {
                log,
                commit,
                prepare: commit,
            }),
            events: 0,
            skipped: 0,
        }
    }

    #[test]
    fn an_answer_is_as_old_as_its_slowest_model() {
        let models = [Model::Accounts, Model::FollowerTrends];
        let ahead = [
            checkpoint("accounts", Some(9)),
            checkpoint("follower_trends", Some(7)),
        ];
        assert_eq!(slowest(&ahead, &models).map(|p| p.commit), Some(7));
        let empty = [
            checkpoint("accounts", Some(9)),
            checkpoint("follower_trends", None),
        ];
        assert_eq!(slowest(&empty, &models), None);
        assert_eq!(slowest(&ahead[..1], &models), None);
    }
}
