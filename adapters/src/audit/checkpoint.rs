//! A signed checkpoint: what the tips of all streams were at one moment, in a file of its own.
//!
//! A line for each stream in the order of their names, then the statement, then its signature.

use super::AuditError;
use super::statement::{self, Signed};
use super::streams::Streams;
use domain::Timestamp;
use domain::chain::root::Tree;
use domain::chain::{ChainHash, Tip};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The name of the format.
pub const FORMAT: &str = "social-ledger/checkpoint/1";
const PREFIX: &str = "checkpoint-";
const SUFFIX: &str = ".ndjson";

/// What a checkpoint states.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// [`FORMAT`].
    pub format: String,
    /// Its number, from 1, without gaps.
    pub number: u64,
    /// When it was made, by the clock of who made it.
    pub made_at: Timestamp,
    /// The log whose streams these are.
    pub log: Uuid,
    /// Where in the log the last event lies that it covers: a token; null over an empty log.
    pub position: Option<String>,
    /// How many events it covers.
    pub events: u64,
    /// How many of them did not continue their stream when they were first read.
    pub faults: u64,
    /// How many streams there are.
    pub streams: u64,
    /// The root of the tree over their tips: see [`domain::chain::root`].
    pub root: ChainHash,
    /// SHA-256 of the statement of the checkpoint before; zeros in the first.
    pub previous: ChainHash,
}

/// One line: a stream and its last event.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TipLine<'a> {
    #[serde(borrow)]
    pub(super) stream: Cow<'a, str>,
    pub(super) revision: u64,
    pub(super) hash: ChainHash,
}

/// A checkpoint that was read from a file and found whole: tips, root and signature agree.
#[derive(Debug)]
pub struct Checkpoint {
    /// What it states.
    pub statement: Statement,
    /// The statement as it was signed.
    pub signed: Signed,
    /// Where it was read.
    pub path: PathBuf,
    tips: Streams<Tip>,
}

impl Checkpoint {
    /// Reads a checkpoint. Whether its key is the right one is for the caller to say.
    pub fn read(path: &Path) -> Result<Self, AuditError> {
        let mut tips = Streams::default();
        let mut tree = Tree::new();
        let mut before = String::new();
        let signed = statement::read(path, |_, line| {
            let line: TipLine<'_> =
                serde_json::from_slice(line).map_err(|e| format!("it is no stream's tip: {e}"))?;
            let stream = line.stream.as_ref();
            if tree.leaves() > 0 && before.as_str() >= stream {
                return Err(format!("{stream} is not in the order of names"));
            }
            stream.clone_into(&mut before);
            let tip = Tip {
                revision: line.revision,
                hash: line.hash,
            };
            tips.insert(stream, tip);
            tree.push(stream, tip);
            Ok(())
        })?;
        let not_ours = |reason: String| AuditError::not_ours(path, reason);
        let statement: Statement = serde_json::from_str(&signed.statement)
            .map_err(|e| not_ours(format!("its statement cannot be read: {e}")))?;
        if statement.format != FORMAT {
            return Err(not_ours(format!("its format is not {FORMAT}")));
        }
        if !signed.holds() {
            return Err(not_ours("its signature does not hold".to_owned()));
        }
        if (statement.streams, statement.root) != (tree.leaves(), tree.root()) {
            let reason = "its tips are not those that were signed: another root comes of them";
            return Err(not_ours(reason.to_owned()));
        }
        Ok(Self {
            statement,
            signed,
            path: path.to_owned(),
            tips,
        })
    }

    /// The last event that it knows of a stream.
    pub fn tip(&self, stream: &str) -> Option<Tip> {
        self.tips.get(stream).copied()
    }

    /// Every stream with the last event that it knows of it, in no order.
    pub(super) fn tips(&self) -> impl Iterator<Item = (String, Tip)> {
        self.tips.iter().map(|(stream, tip)| (stream, *tip))
    }

    /// How people speak of it.
    pub fn name(&self) -> String {
        let Statement {
            number, made_at, ..
        } = &self.statement;
        format!("checkpoint {number} of {made_at}")
    }
}

/// The name of a checkpoint's file.
pub(super) fn file_name(number: u64) -> String {
    format!("{PREFIX}{number:010}{SUFFIX}")
}

/// The file with the highest number in a folder, if there is one.
pub fn newest_file(folder: &Path) -> Result<Option<PathBuf>, AuditError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(AuditError::file(folder)(error)),
    };
    let mut newest = None;
    for entry in entries {
        let entry = entry.map_err(AuditError::file(folder))?;
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| {
            name.strip_prefix(PREFIX)?
                .strip_suffix(SUFFIX)?
                .parse()
                .ok()
        });
        newest = newest.max(number.map(|number: u64| (number, entry.path())));
    }
    Ok(newest.map(|(_, path)| path))
}
