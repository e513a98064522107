//! What an import did: counts for the person who ran it, and a file of the rows that it refused.

use super::source::Refusal;
use serde::Serialize;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};

/// The counts of an import. Every row read is counted once: in a reading that led to events, in
/// one that changed nothing, or as refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Report {
    /// Rows read, refused ones included.
    pub rows_read: u64,
    /// Rows that led to events.
    pub rows_recorded: u64,
    /// Rows that changed nothing: recorded before, or found as they were.
    pub rows_unchanged: u64,
    /// Rows refused, each with file, line and reason.
    pub rows_refused: u64,
    /// Events appended.
    pub events_appended: u64,
    /// Accounts that the rows speak of.
    pub accounts: u64,
}

impl Report {
    pub(super) fn add(&mut self, other: Self) {
        self.rows_recorded += other.rows_recorded;
        self.rows_unchanged += other.rows_unchanged;
        self.events_appended += other.events_appended;
    }
}

/// One line of the file of refused rows.
#[derive(Serialize)]
struct Line<'a> {
    file: &'a str,
    line: u64,
    reason: &'a str,
}

/// The file of refused rows: NDJSON. Left out if no row was refused.
pub struct RejectFile {
    path: PathBuf,
    file: BufWriter<std::fs::File>,
    rows: u64,
}

/// What every line begins with.
const LINE_START: &[u8] = b"{\"file\":";

impl RejectFile {
    /// Writes to this path, over what an earlier run left there. Errors name the path.
    pub fn new(path: &Path) -> std::io::Result<Self> {
        let named = |error: std::io::Error| {
            std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
        };
        // Only an earlier run's file is written over: a path given by mistake must not cost
        // somebody a file.
        if !is_ours(path).map_err(named)? {
            let reason = "it is there and was not written by an import: name another file";
            return Err(named(std::io::Error::new(
                std::io::ErrorKind::AlreadyExists,
                reason,
            )));
        }
        let file = BufWriter::new(std::fs::File::create(path).map_err(named)?);
        Ok(Self {
            path: path.to_owned(),
            file,
            rows: 0,
        })
    }

    /// Adds a row.
    pub fn add(&mut self, refusal: &Refusal) -> std::io::Result<()> {
        let line = Line {
            file: &refusal.place.file,
            line: refusal.place.line,
            reason: &refusal.reason,
        };
        serde_json::to_writer(&mut self.file, &line)?;
        self.file.write_all(b"\n")?;
        self.rows += 1;
        Ok(())
    }

    /// How many rows were refused.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Makes sure that everything is in the file; an empty one is taken away.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.file.flush()?;
        if self.rows == 0 {
            std::fs::remove_file(&self.path)?;
        }
        Ok(())
    }
}

/// Whether there is nothing at the path, or what an import left there.
fn is_ours(path: &Path) -> std::io::Result<bool> {
    let mut start = vec![];
    match std::fs::File::open(path) {
        Ok(file) => file.take(LINE_START.len() as u64).read_to_end(&mut start)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    Ok(start.is_empty() || start == LINE_START)
}
