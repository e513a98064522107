//! The record of erasures: a file of lines, outside the database and the data folder.
//!
//! Each line is a JSON object: `n` counts from 1; `account`, `at`, `reason` and, unless there was
//! none, the `key`'s fingerprint say what was erased; `prev` is the `mac` of the line before, zeros
//! in the first; `mac` is HMAC-SHA256, under a key derived from the master key, over all of them.
//! So no line can be changed, added, removed or moved without the master key, but for lines at the
//! end: those the database counts, and a record that is shorter than it knows is refused.
//!
//! A line that a crash cut short has no newline. Nothing was done on its word yet: it is ignored,
//! and the next line takes its place.

use super::crypto::{HmacKey, derive, mac};
use super::master_key::MasterKey;
use crate::postgres::connect::{Pool, describe_pool};
use crate::postgres::describe;
use async_trait::async_trait;
use commands::ports::{Erasure, ErasureRecord, ErasureRecordError};
use data_encoding::HEXLOWER;
use domain::account::ErasureReason;
use domain::{AccountId, Fingerprint, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

type Code = [u8; 32];

/// The file, with what this process has read of it.
pub struct ErasureFile {
    pool: Pool,
    book: Arc<Book>,
}

struct Book {
    path: PathBuf,
    key: HmacKey,
    read: Mutex<Pages>,
}

/// The lines that were read and hold.
#[derive(Default)]
struct Pages {
    bytes: u64,
    lines: Vec<(Erasure, Code)>,
    by_account: HashMap<AccountId, usize>,
}

/// One line as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    n: u64,
    account: AccountId,
    at: Timestamp,
    reason: ErasureReason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<Fingerprint>,
    prev: String,
    mac: String,
}

/// How far a database has seen the record.
struct Seen {
    lines: usize,
    last: Option<Vec<u8>>,
}

impl ErasureFile {
    /// The record at this path. It need not be there yet: the first erasure makes it.
    pub fn new(path: PathBuf, master: &MasterKey, pool: Pool) -> Self {
        let key = HmacKey::new(&derive(master.bytes(), "social-ledger/master/erasures/1"));
        let read = Mutex::default();
        Self {
            pool,
            book: Arc::new(Book { path, key, read }),
        }
    }

    async fn client(&self) -> Result<deadpool_postgres::Object, ErasureRecordError> {
        let client = self.pool.get().await;
        client.map_err(|e| ErasureRecordError(describe_pool(&e)))
    }

    /// Runs on a thread that may wait for the disk.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Book) -> Result<T, ErasureRecordError> + Send + 'static,
    ) -> Result<T, ErasureRecordError> {
        let book = Arc::clone(&self.book);
        let done = tokio::task::spawn_blocking(move || work(&book)).await;
        done.map_err(|e| ErasureRecordError(e.to_string()))?
    }

    async fn seen(&self) -> Result<Seen, ErasureRecordError> {
        let row = self
            .client()
            .await?
            .query_one("select erasures, last_erasure from vault.master", &[])
            .await
            .map_err(unavailable)?;
        Ok(Seen {
            lines: usize::try_from(row.get::<_, i64>("erasures")).unwrap_or(usize::MAX),
            last: row.get("last_erasure"),
        })
    }

    async fn note_seen(&self, lines: usize, last: Code) -> Result<(), ErasureRecordError> {
        let lines = i64::try_from(lines).unwrap_or(i64::MAX);
        self.client()
            .await?
            .execute(
                "update vault.master set erasures = $1, last_erasure = $2 where erasures < $1",
                &[&lines, &last.as_slice()],
            )
            .await
            .map_err(unavailable)?;
        Ok(())
    }
}

#[expect(clippy::needless_pass_by_value, reason = "a function for map_err")]
fn unavailable(error: tokio_postgres::Error) -> ErasureRecordError {
    ErasureRecordError(describe(&error))
}

#[async_trait]
impl ErasureRecord for ErasureFile {
    async fn write(&self, erasure: Erasure) -> Result<Erasure, ErasureRecordError> {
        // A record that lost lines must not go on as if nothing had happened.
        self.all().await?;
        let (written, lines, last) = self.on_disk(move |book| book.write(erasure)).await?;
        self.note_seen(lines, last).await?;
        Ok(written)
    }

    async fn all(&self) -> Result<Vec<Erasure>, ErasureRecordError> {
        let seen = self.seen().await?;
        let (all, last) = self.on_disk(move |book| book.all(&seen)).await?;
        if let Some(last) = last {
            self.note_seen(all.len(), last).await?;
        }
        Ok(all)
    }
}

impl Book {
    /// Everything, if it holds and reaches as far as a database has seen it.
    fn all(&self, seen: &Seen) -> Result<(Vec<Erasure>, Option<Code>), ErasureRecordError> {
        let mut pages = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        match File::open(&self.path) {
            Ok(mut file) => self.read_on(&mut file, &mut pages)?,
            Err(error) if error.kind() == ErrorKind::NotFound && pages.bytes == 0 => {}
            Err(error) => return Err(self.failed(&error)),
        }
        let code = |lines: usize| {
            pages
                .lines
                .get(lines.wrapping_sub(1))
                .map(|(_, code)| *code)
        };
        let known = code(seen.lines).map(|code| code.to_vec());
        if seen.lines > 0 && known != seen.last {
            return Err(self.wrong(&format!(
                "it has {} lines that hold, and this database has seen {} of which these are not \
                 the same: put the file back that ERASURE_LOG named before",
                pages.lines.len(),
                seen.lines
            )));
        }
        let all = pages.lines.iter().map(|(erasure, _)| *erasure).collect();
        Ok((all, code(pages.lines.len())))
    }

    /// Adds a line, on disk when this returns. Other processes wait meanwhile.
    fn write(&self, erasure: Erasure) -> Result<(Erasure, usize, Code), ErasureRecordError> {
        let failed = |error| self.failed(&error);
        let mut pages = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = self.open_or_make().map_err(failed)?;
        // Until the file is closed.
        file.lock().map_err(failed)?;
        self.read_on(&mut file, &mut pages)?;
        if !pages.by_account.contains_key(&erasure.account) {
            let line = self.line(&erasure, &pages);
            let mut text = serde_json::to_vec(&line).map_err(|e| self.wrong(&e.to_string()))?;
            text.push(b'\n');
            // What a crash cut short goes.
            file.set_len(pages.bytes)
                .and_then(|()| file.write_all(&text))
                .and_then(|()| file.sync_all())
                .map_err(failed)?;
            self.read_on(&mut file, &mut pages)?;
        }
        let place = pages.by_account.get(&erasure.account).copied();
        let written = place.and_then(|place| pages.lines.get(place)).copied();
        let last = pages.lines.last().map(|(_, code)| *code);
        match (written, last) {
            (Some((written, _)), Some(last)) => Ok((written, pages.lines.len(), last)),
            _ => Err(self.wrong("a line that was written is not there")),
        }
    }

    fn open_or_make(&self) -> std::io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).mode(0o600);
        match options.open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            opened => return opened,
        }
        let folder = self.path.parent().unwrap_or(Path::new("/"));
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let file = options.create(true).open(&self.path)?;
        // The name, too, must survive a crash.
        File::open(folder)?.sync_all()?;
        Ok(file)
    }

    /// Takes in the lines that have come since.
    fn read_on(&self, file: &mut File, pages: &mut Pages) -> Result<(), ErasureRecordError> {
        let failed = |error| self.failed(&error);
        if file.metadata().map_err(failed)?.len() < pages.bytes {
            return Err(self.wrong("it has become shorter"));
        }
        let mut news = vec![];
        file.seek(SeekFrom::Start(pages.bytes))
            .and_then(|_| file.read_to_end(&mut news))
            .map_err(failed)?;
        for text in news.split_inclusive(|byte| *byte == b'\n') {
            let Some(text) = text.strip_suffix(b"\n") else {
                break;
            };
            let place = pages.lines.len();
            let does_not_hold = || {
                self.wrong(&format!(
                    "line {} does not hold: it was changed, a line before it is missing, or it \
                     was written under another master key",
                    place + 1
                ))
            };
            let line: Line = serde_json::from_slice(text).map_err(|_| does_not_hold())?;
            let erasure = Erasure {
                account: line.account,
                at: line.at,
                reason: line.reason,
                key: line.key,
            };
            let expected = self.line(&erasure, pages);
            if (line.n, &line.prev, &line.mac) != (expected.n, &expected.prev, &expected.mac) {
                return Err(does_not_hold());
            }
            let code = self.code(&erasure, pages);
            pages.by_account.entry(erasure.account).or_insert(place);
            pages.lines.push((erasure, code));
            pages.bytes += text.len() as u64 + 1;
        }
        Ok(())
    }

    /// The code of an erasure as the next line.
    fn code(&self, erasure: &Erasure, pages: &Pages) -> Code {
        let n = pages.lines.len() as u64 + 1;
        mac(
            &self.key,
            &[
                b"erasure",
                &n.to_be_bytes(),
                erasure.account.uuid().as_bytes(),
                erasure.at.to_string().as_bytes(),
                erasure.reason.name().as_bytes(),
                erasure.key.as_ref().map_or(&[], |key| key.0.as_slice()),
                &previous(pages),
            ],
        )
    }

    fn line(&self, erasure: &Erasure, pages: &Pages) -> Line {
        Line {
            n: pages.lines.len() as u64 + 1,
            account: erasure.account,
            at: erasure.at,
            reason: erasure.reason,
            key: erasure.key,
            prev: HEXLOWER.encode(&previous(pages)),
            mac: HEXLOWER.encode(&self.code(erasure, pages)),
        }
    }

    fn failed(&self, error: &std::io::Error) -> ErasureRecordError {
        self.wrong(&format!("{error} (ERASURE_LOG names the file)"))
    }

    fn wrong(&self, what: &str) -> ErasureRecordError {
        ErasureRecordError(format!("{}: {what}", self.path.display()))
    }
}

fn previous(pages: &Pages) -> Code {
    pages.lines.last().map_or([0; 32], |(_, code)| *code)
}

#[cfg(test)]
mod tests;
