//! Follows the log, keeps the tips of all streams, and signs a checkpoint over them when it is due.

use super::checkpoint::{FORMAT, Statement, TipLine, file_name};
use super::pages::{FIRST_PAGE, next_limit};
use super::statement::{self, Signed};
use super::tips::{self, Held};
use super::{AuditError, Auditor};
use commands::ports::Clock;
use domain::Timestamp;
use domain::chain::ChainHash;
use domain::chain::root::Tree;
use futures_util::TryStreamExt;
use projections::sql::At;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::{sync::Arc, time::Duration};
use tokio::fs::File;
use tokio::io::{AsyncWriteExt, BufWriter};
use tokio_postgres::{Client, GenericClient, Transaction, types::ToSql};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a hint is waited for before the log is looked at, and whether a checkpoint is due.
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
        let mut hints = self.auditor.feed.hints();
        let mut limit = FIRST_PAGE;
        loop {
            hints.mark_unchanged();
            let events = self.auditor.feed.read_all(held.position(), limit).await?;
            if events.is_empty() {
                let hint = async {
                    if hints.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                };
                let _elapsed = tokio::time::timeout(LOOK, hint).await;
            } else {
                let mut client = self.auditor.pool.get().await?;
                let Some(now_held) = tips::take(&mut client, held, &events).await? else {
                    return Ok(());
                };
                held = now_held;
                limit = next_limit(&events);
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

    /// Takes everything up to where the log's head is now. How many events that were.
    pub async fn catch_up(&self) -> Result<u64, AuditError> {
        let feed = &self.auditor.feed;
        let Some(head) = feed.head().await? else {
            self.held().await?;
            return Ok(0);
        };
        let (mut held, mut taken, mut limit) = (self.held().await?, 0, FIRST_PAGE);
        while held.position().is_none_or(|position| position < head) {
            let events = feed.read_all(held.position(), limit).await?;
            if events.is_empty() {
                break;
            }
            let mut client = self.auditor.pool.get().await?;
            match tips::take(&mut client, held, &events).await? {
                Some(moved) => {
                    taken += events.len() as u64;
                    held = moved;
                }
                // Somebody else follows too: one goes on from where both are now.
                None => {
                    drop(client);
                    held = self.held().await?;
                }
            }
            limit = next_limit(&events);
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
        let position = Held::of(log, &follower)?.position();
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

/// A file that is being written, under a name that nobody takes for a checkpoint's. What is not
/// published is removed.
struct Part {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Part {
    async fn create(folder: &Path, number: u64) -> Result<Self, AuditError> {
        tokio::fs::create_dir_all(folder)
            .await
            .map_err(AuditError::file(folder))?;
        let path = folder.join(format!(".{}.{}", file_name(number), std::process::id()));
        let file = File::create(&path).await.map_err(AuditError::file(&path))?;
        let file = BufWriter::with_capacity(1 << 18, file);
        Ok(Self { path, file })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), AuditError> {
        self.file
            .write_all(bytes)
            .await
            .map_err(AuditError::file(&self.path))
    }

    async fn write_tips(
        mut self,
        transaction: &Transaction<'_>,
        log: Uuid,
    ) -> Result<(Self, Tree), AuditError> {
        let mut tree = Tree::new();
        let arguments: [&(dyn ToSql + Sync); 1] = [&log];
        let rows = transaction
            .query_raw(
                "select stream, revision, hash
                 from audit_tips
                 where log_id = $1
                 order by stream",
                arguments,
            )
            .await?;
        let mut rows = pin!(rows);
        let mut line = Vec::with_capacity(256);
        while let Some(row) = rows.try_next().await? {
            let stream: &str = row.try_get("stream")?;
            let tip = tips::tip(&row)?;
            tree.push(stream, tip);
            line.clear();
            serde_json::to_writer(
                &mut line,
                &TipLine {
                    stream: stream.into(),
                    revision: tip.revision,
                    hash: tip.hash,
                },
            )?;
            line.push(b'\n');
            self.write(&line).await?;
        }
        Ok((self, tree))
    }

    async fn finish(mut self) -> Result<Self, AuditError> {
        let failed = AuditError::file(&self.path);
        self.file.flush().await.map_err(&failed)?;
        self.file.get_ref().sync_all().await.map_err(&failed)?;
        Ok(self)
    }

    async fn publish(self, path: &Path) -> Result<PathBuf, AuditError> {
        tokio::fs::rename(&self.path, path)
            .await
            .map_err(AuditError::file(path))?;
        Ok(path.to_owned())
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // Once it is published, there is nothing under this name.
        let _gone = std::fs::remove_file(&self.path);
    }
}
