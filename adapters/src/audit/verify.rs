//! Verifies the chains of the log: of one account, or of all of them at once.

pub(super) mod report;

pub use report::{Against, Compared, Finding, Report, Scope};

use super::streams::Streams;
use super::{AuditError, Auditor, Checkpoint, tips};
use crate::pages::{is_ours, read_ahead};
use domain::chain::Tip;
use domain::chain::verify::Chain;
use domain::{AccountId, Position, RecordedEvent, StreamName};
use futures_util::TryStreamExt;
use projections::feed::FeedError;
use report::Findings;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::mpsc;

/// Events of one stream that are read at once.
const STREAM_PAGE: usize = 256;

/// What is held of a stream while all of them are verified: about 100 bytes with its name.
#[derive(Default)]
struct Seen {
    chain: Chain,
    /// Whether something was found, after which the stream is not looked at any further.
    is_broken: bool,
}

/// What the follower noted of a stream, and what a checkpoint says, is compared where it lies.
struct Known<'a> {
    tip: Tip,
    what: &'a str,
}

impl Known<'_> {
    /// What is wrong, if the chain is at the known event and it is another one.
    fn check(&self, at: Tip) -> Option<String> {
        let is_other = at.revision == self.tip.revision && at.hash != self.tip.hash;
        is_other.then(|| {
            let Self { tip, what } = self;
            format!(
                "the history up to revision {} is not the one of {what}: its hash was {} and is \
                 {}, so this event or one before it was changed",
                tip.revision, tip.hash, at.hash
            )
        })
    }

    /// What is wrong, if a stream that was read to its end does not reach the known event.
    fn check_end(&self, end: Option<Tip>) -> Option<(u64, String)> {
        let Self { tip, what } = self;
        let (revision, what) = match end {
            Some(end) if end.revision >= tip.revision => return None,
            Some(end) => (
                end.revision + 1,
                format!(
                    "its end was cut off: it ends at revision {}, and {what} knows revision {}",
                    end.revision, tip.revision
                ),
            ),
            None => (
                0,
                format!(
                    "it is gone: {what} knows it up to revision {}",
                    tip.revision
                ),
            ),
        };
        Some((revision, what))
    }
}

/// How far a verification of everything has come.
#[derive(Debug, Default)]
pub struct Watched {
    /// Events verified so far.
    pub events: AtomicU64,
    /// The commit half of the last one's position.
    pub at: AtomicU64,
}

impl Auditor {
    /// Verifies one account's stream, from its first event to where it ends.
    pub async fn verify_account(
        &self,
        account: AccountId,
        checkpoint: Option<&Checkpoint>,
    ) -> Result<Report, AuditError> {
        let stream = StreamName::of_account(account);
        let name = stream.as_str();
        // Taken before the stream is read, which is then at least as long.
        let log = self.log_id().await?;
        let client = self.pool.get().await?;
        let noted = tips::of_stream(&client, log, name).await?;
        drop(client);
        let checkpoint_name = checkpoint.map(Checkpoint::name).unwrap_or_default();
        let mut known: Vec<Known<'_>> = vec![];
        known.extend(noted.map(|tip| Known {
            tip,
            what: report::NOTED,
        }));
        let in_checkpoint = checkpoint.and_then(|checkpoint| checkpoint.tip(name));
        known.extend(in_checkpoint.map(|tip| Known {
            tip,
            what: &checkpoint_name,
        }));
        let mut findings = Findings::default();
        let (mut chain, mut events) = (Chain::new(), 0);
        'reading: loop {
            let page = self.log.read_stream(&stream, events, STREAM_PAGE).await?;
            for event in &page {
                events += 1;
                if let Some(found) = chain.push(event) {
                    findings.add(Finding::of(name, &found));
                    break 'reading;
                }
                let tip = chain.tip();
                let wrong = known.iter().find_map(|known| known.check(tip?));
                if let Some(reason) = wrong {
                    findings.add(Finding::new(name, event.revision, reason));
                    break 'reading;
                }
            }
            if page.len() < STREAM_PAGE {
                let end = chain.tip();
                let cut = known.iter().find_map(|known| known.check_end(end));
                if let Some(found) = chain.finish() {
                    findings.add(Finding::of(name, &found));
                } else if let Some((revision, reason)) = cut {
                    findings.add(Finding::new(name, revision, reason));
                }
                break;
            }
        }
        if events == 0 && findings.is_empty() {
            let reason = format!("there is no account {account} in this log");
            return Err(AuditError::NothingThere(reason));
        }
        let against = Against {
            noted: noted.is_some(),
            checkpoint: checkpoint.map(Compared::from),
            covered: in_checkpoint.map_or(0, |tip| tip.revision + 1),
        };
        Ok(Report::new(
            Scope::Account {
                stream: name.to_owned(),
            },
            (events, 1),
            findings,
            against,
        ))
    }

    /// Verifies every stream of the log up to where its head is now. One task reads ahead,
    /// another one hashes; what is held is the tip of each stream and a few pages.
    pub async fn verify_all(
        &self,
        checkpoint: Option<Arc<Checkpoint>>,
        watched: Arc<Watched>,
    ) -> Result<Report, AuditError> {
        let head = self.feed.head().await?;
        let known = checkpoint.clone();
        let hashed = match head {
            None => Hashed::default(),
            Some(head) => {
                let pages = read_ahead(Arc::clone(&self.feed), head);
                let hashing = move || hash_all(pages, head, known.as_deref(), &watched);
                tokio::task::spawn_blocking(hashing).await??
            }
        };
        let Hashed {
            mut streams,
            events,
            mut findings,
            covered,
        } = hashed;
        let count = streams.len() as u64;
        if let Some(checkpoint) = &checkpoint {
            let name = checkpoint.name();
            for (stream, tip) in checkpoint.tips() {
                let seen = streams.get(&stream);
                if seen.is_some_and(|seen| seen.is_broken) {
                    continue;
                }
                let known = Known { tip, what: &name };
                let end = seen.and_then(|seen| seen.chain.tip());
                if let Some((revision, reason)) = known.check_end(end) {
                    findings.add(Finding::new(&stream, revision, reason));
                    streams.entry(&stream).is_broken = true;
                }
            }
        }
        let noted = self.compare_noted(&mut streams, &mut findings).await?;
        for (stream, seen) in streams.into_iter() {
            let unbroken = (!seen.is_broken).then_some(seen.chain);
            if let Some(found) = unbroken.and_then(Chain::finish) {
                findings.add(Finding::of(&stream, &found));
            }
        }
        let against = Against {
            noted,
            checkpoint: checkpoint.as_deref().map(Compared::from),
            covered,
        };
        let position = head.map(|head| head.to_string());
        let scope = Scope::All { position };
        Ok(Report::new(scope, (events, count), findings, against))
    }

    /// Compares the ends of all streams with what the follower noted when it first read them.
    async fn compare_noted(
        &self,
        streams: &mut Streams<Seen>,
        findings: &mut Findings,
    ) -> Result<bool, AuditError> {
        let log = self.log_id().await?;
        let client = self.pool.get().await?;
        let arguments: [&(dyn tokio_postgres::types::ToSql + Sync); 1] = [&log];
        let rows = client
            .query_raw(
                "select stream, revision, hash from audit_tips where log_id = $1",
                arguments,
            )
            .await?;
        let mut rows = pin!(rows);
        let mut any = false;
        // Noted further than the log was read: most likely just appended.
        let mut later = vec![];
        while let Some(row) = rows.try_next().await? {
            any = true;
            let stream: &str = row.try_get("stream")?;
            let known = Known {
                tip: tips::tip(&row)?,
                what: report::NOTED,
            };
            let seen = streams.get(stream);
            if seen.is_some_and(|seen| seen.is_broken) {
                continue;
            }
            let end = seen.and_then(|seen| seen.chain.tip());
            if let Some(reason) = end.and_then(|end| known.check(end)) {
                findings.add(Finding::new(stream, known.tip.revision, reason));
                streams.entry(stream).is_broken = true;
            } else if let Some((revision, reason)) = known.check_end(end) {
                later.push((stream.to_owned(), known.tip, revision, reason));
            }
        }
        for (stream, tip, revision, reason) in later {
            let name = StreamName::new(stream.clone());
            let there = self.log.read_stream(&name, tip.revision, 1).await?;
            if there
                .first()
                .is_none_or(|event| event.revision != tip.revision)
            {
                findings.add(Finding::new(&stream, revision, reason));
                streams.entry(&stream).is_broken = true;
            }
        }
        Ok(any)
    }
}

#[derive(Default)]
struct Hashed {
    streams: Streams<Seen>,
    events: u64,
    findings: Findings,
    /// Events that a checkpoint covers.
    covered: u64,
}

fn hash_all(
    mut pages: mpsc::Receiver<Result<Vec<RecordedEvent>, FeedError>>,
    head: Position,
    checkpoint: Option<&Checkpoint>,
    watched: &Watched,
) -> Result<Hashed, AuditError> {
    let mut hashed = Hashed::default();
    let name = checkpoint.map(Checkpoint::name).unwrap_or_default();
    while let Some(page) = pages.blocking_recv() {
        let page = page?;
        for event in &page {
            if event.position > head || !is_ours(event) {
                continue;
            }
            hashed.events += 1;
            let stream = event.stream.as_str();
            let seen = hashed.streams.entry(stream);
            if seen.is_broken {
                continue;
            }
            if let Some(found) = seen.chain.push(event) {
                seen.is_broken = true;
                hashed.findings.add(Finding::of(stream, &found));
                continue;
            }
            let Some(tip) = checkpoint.and_then(|checkpoint| checkpoint.tip(stream)) else {
                continue;
            };
            hashed.covered += u64::from(event.revision <= tip.revision);
            let known = Known { tip, what: &name };
            if let Some(reason) = seen.chain.tip().and_then(|at| known.check(at)) {
                seen.is_broken = true;
                hashed
                    .findings
                    .add(Finding::new(stream, event.revision, reason));
            }
        }
        watched.events.store(hashed.events, Ordering::Relaxed);
        if let Some(last) = page.last() {
            watched.at.store(last.position.commit, Ordering::Relaxed);
        }
    }
    Ok(hashed)
}
