//! Follows the log, keeps the tips of all streams, and signs a checkpoint over them when it is due.

use super::checkpoint::{FORMAT, Statement, file_name};
use super::part::Part;
use super::statement::{self, Signed};
use super::tips;
use super::{AuditError, Auditor};
use crate::pages::TARGET_BYTES;
use commands::ports::Clock;
use domain::Timestamp;
use domain::chain::ChainHash;
use projections::feed::{FIRST_PAGE, Followed, next_page};
use projections::sql::{At, Held};
use std::path::PathBuf;
use std::{sync::Arc, time::Duration};
use tokio::time::timeout;
use tokio_postgres::{Client, GenericClient, Transaction};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long events are waited for before it is looked whether a checkpoint is due.
const LOOK: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// When checkpoints are made, and where their files are put.
#[derive(Clone, Debug)]
pub struct Settings {
    /// After so many events.
    pub every_events: u64,
    /// After so much time, if there were any events at all.
    pub every: Duration,
    /// The folder of the files.
    pub folder: PathBuf,
}

/// Keeps the tips of a log's streams and makes checkpoints.
pub struct Watch {
    auditor: Auditor,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

/// A checkpoint that was made.
#[derive(Clone, Debug)]
pub struct Made {
    /// What it states.
    pub statement: Statement,
    /// The statement with its signature.
    pub signed: Signed,
    /// Its file.
    pub path: PathBuf,
}

/// The last checkpoint of all, as the next one needs it.
struct Last {
    number: u64,
    hash: ChainHash,
}

impl Watch {
    /// Puts it together.
    pub fn new(auditor: Auditor, clock: Arc<dyn Clock>, settings: Settings) -> Self {
        Self {
            auditor,
            clock,
            settings,
        }
    }

    /// Follows the log until it is cancelled. What fails is told in the log and tried again.
    pub async fn follow(&self, cancel: &CancellationToken) {
        let mut pause = FIRST_PAUSE;
        while !cancel.is_cancelled() {
            let failed = tokio::select! {
                () = cancel.cancelled() => return,
                failed = self.follow_on(&mut pause) => failed,
            };
            if let Err(error) = failed {
                tracing::warn!(%error, "the audit's tips are tried again");
                tokio::select! {
                    () = cancel.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }

    /// Takes what comes until something fails, or somebody else takes it.
    async fn follow_on(&self, pause: &mut Duration) -> Result<(), AuditError> {
        let mut held = self.held().await?;
        let mut follower = Arc::clone(&self.auditor.feed).follow(held.position());
        let mut limit = FIRST_PAGE;
        loop {
            // Waiting is broken off now and then; a follower loses nothing by it.
            if let Ok(followed) = timeout(LOOK, follower.next_batch(limit)).await {
                let followed = followed?;
                let Some(moved) = self.take(held, &followed).await? else {
                    return Ok(());
                };
                held = moved;
                limit = next_page(&followed.events, TARGET_BYTES).unwrap_or(limit);
            }
            if let Some(made) = self.make(false).await? {
                let Statement {
                    number, streams, ..
                } = made.statement;
                tracing::info!(number, streams, path = %made.path.display(), "a checkpoint was made");
            }
            *pause = FIRST_PAUSE;
        }
    }

    async fn held(&self) -> Result<Held, AuditError> {
        let log = self.auditor.log_id().await?;
        let client = self.auditor.pool.get().await?;
        tips::held(&client, log, self.clock.now()).await
    }

    async fn take(&self, held: Held, followed: &Followed) -> Result<Option<Held>, AuditError> {
        let mut client = self.auditor.pool.get().await?;
        tips::take(&mut client, held, followed).await
    }

    /// Takes everything up to where the log's head is now. How many events that were.
    pub async fn catch_up(&self) -> Result<u64, AuditError> {
        let head = self.auditor.feed.head().await?;
        let (mut held, mut taken, mut limit) = (self.held().await?, 0, FIRST_PAGE);
        while held.position() < head {
            let mut follower = Arc::clone(&self.auditor.feed).follow(held.position());
            while held.position() < head {
                let followed = follower.next_batch(limit).await?;
                let Some(moved) = self.take(held, &followed).await? else {
                    // Somebody else follows too: one goes on from where both are now.
                    held = self.held().await?;
                    break;
                };
                held = moved;
                taken += followed.events.len() as u64;
                limit = next_page(&followed.events, TARGET_BYTES).unwrap_or(limit);
            }
        }
        Ok(taken)
    }

    /// Makes a checkpoint of the tips as they stand, whether it is due or not.
    pub async fn checkpoint(&self) -> Result<Made, AuditError> {
        self.held().await?;
        let made = self.make(true).await?;
        made.ok_or_else(|| AuditError::Internal("no checkpoint was made".to_owned()))
    }

    async fn make(&self, forced: bool) -> Result<Option<Made>, AuditError> {
        let log = self.auditor.log_id().await?;
        let mut client = self.auditor.pool.get().await?;
        let client: &mut Client = &mut client;
        if !forced && !self.is_due(client, log).await? {
            return Ok(None);
        }
        let transaction = client.transaction().await?;
        // Nobody moves the tips until this is done, and nobody else makes a checkpoint of them.
        let follower = transaction
            .query_one(
                "select commit_position, prepare_position, events, faults
                 from audit_followers
                 where log_id = $1
                 for update",
                &[&log],
            )
            .await?;
        if !forced && !self.is_due(&transaction, log).await? {
            return Ok(None);
        }
        let position = Held::read(log, &follower)?.position();
        let last = last(&transaction).await?;
        let number = last.as_ref().map_or(1, |last| last.number + 1);
        let folder = &self.settings.folder;
        let file = Part::create(folder, number).await?;
        let (mut file, tree) = file.write_tips(&transaction, log).await?;
        let statement = Statement {
            format: FORMAT.to_owned(),
            number,
            made_at: self.clock.now(),
            log,
            position: position.map(|position| position.to_string()),
            events: follower.try_get::<_, i64>("events")?.cast_unsigned(),
            faults: follower.try_get::<_, i64>("faults")?.cast_unsigned(),
            streams: tree.leaves(),
            root: tree.root(),
            previous: last.map_or(ChainHash::GENESIS, |last| last.hash),
        };
        let text = serde_json::to_string(&statement)?;
        let signed = Signed::new(&self.auditor.signer, text);
        file.write(signed.lines()?.as_bytes()).await?;
        let file = file.finish().await?;
        insert(&transaction, &statement, &signed).await?;
        transaction.commit().await?;
        // Only now: a file with a number that another checkpoint has would be worse than none.
        let path = file.publish(&folder.join(file_name(number))).await?;
        Ok(Some(Made {
            statement,
            signed,
            path,
        }))
    }

    /// Whether there are events since the last checkpoint, and enough of them or for long enough.
    async fn is_due(&self, client: &impl GenericClient, log: Uuid) -> Result<bool, AuditError> {
        let row = client
            .query_opt(
                "select follower.events - coalesce(last.events, 0) as events,
                     coalesce(last.made_at, follower.began_at) as since
                 from audit_followers follower
                 left join lateral (
                     select events, made_at
                     from audit_checkpoints
                     where log_id = follower.log_id
                     order by number desc
                     limit 1
                 ) last on true
                 where follower.log_id = $1",
                &[&log],
            )
            .await?;
        let Some(row) = row else {
            return Ok(false);
        };
        let events: i64 = row.try_get("events")?;
        let At(since) = row.try_get("since")?;
        let every = i64::try_from(self.settings.every.as_micros()).unwrap_or(i64::MAX);
        let is_time = since.saturating_add_micros(every) <= self.clock.now();
        Ok(events > 0 && (is_time || events.cast_unsigned() >= self.settings.every_events))
    }
}

async fn last(transaction: &Transaction<'_>) -> Result<Option<Last>, AuditError> {
    let row = transaction
        .query_opt(
            "select number, statement from audit_checkpoints order by number desc limit 1",
            &[],
        )
        .await?;
    row.map(|row| {
        Ok(Last {
            number: row.try_get::<_, i64>("number")?.cast_unsigned(),
            hash: statement::hash(row.try_get("statement")?),
        })
    })
    .transpose()
}

async fn insert(
    transaction: &Transaction<'_>,
    statement: &Statement,
    signed: &Signed,
) -> Result<(), AuditError> {
    transaction
        .execute(
            "insert into audit_checkpoints
                 (number, log_id, made_at, events, statement, public_key, signature)
             values ($1, $2, $3, $4, $5, $6, $7)",
            &[
                &statement.number.cast_signed(),
                &statement.log,
                &At(statement.made_at),
                &statement.events.cast_signed(),
                &signed.statement,
                &signed.public_key.bytes().as_slice(),
                &signed.signature.as_slice(),
            ],
        )
        .await?;
    Ok(())
}

impl Auditor {
    /// The newest checkpoint that Postgres knows: its number and when it was made.
    pub async fn newest_checkpoint(&self) -> Result<Option<(u64, Timestamp)>, AuditError> {
        let client = self.pool.get().await?;
        let row = client
            .query_opt(
                "select number, made_at from audit_checkpoints order by number desc limit 1",
                &[],
            )
            .await?;
        row.map(|row| {
            let At(made_at) = row.try_get("made_at")?;
            Ok((row.try_get::<_, i64>("number")?.cast_unsigned(), made_at))
        })
        .transpose()
    }
}
