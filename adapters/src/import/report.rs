//! What an import did: counts for the person who ran it, and a file of the rows that it refused.

use super::source::Refusal;
use serde::Serialize;
use std::io::{BufWriter, Write};
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

/// The file of refused rows: NDJSON, made when the first row is refused.
pub struct RejectFile {
    path: PathBuf,
    file: Option<BufWriter<std::fs::File>>,
    rows: u64,
}

impl RejectFile {
    /// Writes to this path, over what an earlier run left there.
    pub fn new(path: &Path) -> std::io::Result<Self> {
        // A file of an earlier run would speak of rows that this one may accept. Only such a file
        // is removed: a path given by mistake must not cost somebody a file.
        match std::fs::read(path) {
            Ok(held) if held.is_empty() || held.starts_with(b"{\"file\":") => {
                std::fs::remove_file(path)?;
            }
            Ok(_) => {
                let reason = "it is there and was not written by an import: name another file";
                return Err(std::io::Error::new(
                    std::io::ErrorKind::AlreadyExists,
                    reason,
                ));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            path: path.to_owned(),
            file: None,
            rows: 0,
        })
    }

    /// Adds a row.
    pub fn add(&mut self, refusal: &Refusal) -> std::io::Result<()> {
        if self.file.is_none() {
            self.file = Some(BufWriter::new(std::fs::File::create(&self.path)?));
        }
        if let Some(file) = &mut self.file {
            let line = Line {
                file: &refusal.place.file,
                line: refusal.place.line,
                reason: &refusal.reason,
            };
            serde_json::to_writer(&mut *file, &line)?;
            file.write_all(b"\n")?;
        }
        self.rows += 1;
        Ok(())
    }

    /// How many rows were refused.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Makes sure that everything is in the file.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.file.as_mut().map_or(Ok(()), Write::flush)
    }
}
