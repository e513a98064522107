//! The reading half of an import: a mapping and a folder become a stream of readings and refusals.
//!
//! Tables are read in the order of the mapping, a table's files from the oldest to the newest, and
//! rows in the order of their file. Where two speak of one subject and moment, the later restates.

mod files;

pub use files::MAX_FILES;

use super::extract::{Extractor, MissingColumn};
use super::mapping::{Format, Mapping, MappingError, Table};
use super::rows::{self, CsvFile, Found, Unreadable};
use commands::text::{PostText, ProfileText};
use domain::observation::Provenance;
use domain::{CreatorId, Platform, Timestamp, Values};
use files::Input;
use std::fmt;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// The account a row speaks of.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct AccountRef {
    /// Whose it is.
    pub creator: CreatorId,
    /// Where it is.
    pub platform: Platform,
    /// The platform's own id of it, which is personal data.
    pub platform_account_id: Arc<str>,
}

/// What a row says of a post.
#[derive(Debug, Clone, PartialEq)]
pub struct PostRow {
    /// The platform's own id, always, and whatever text there is.
    pub text: PostText,
    /// Whether there is any text besides the id.
    pub has_text: bool,
    /// When the post was published, if the row says so.
    pub published_at: Option<Timestamp>,
    /// Its metrics; empty where the row has none.
    pub values: Values,
}

/// What one row says.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The account that it speaks of.
    pub account: AccountRef,
    /// When it was true.
    pub observed_at: Timestamp,
    /// Which of [`Source::tables`] it is from.
    pub table: usize,
    /// Where it stands.
    pub place: Place,
    /// What people see of the account, if the row says so.
    pub profile: Option<ProfileText>,
    /// The account's metrics, known or hidden; never empty.
    pub metrics: Option<Values>,
    /// What it says of a post.
    pub post: Option<PostRow>,
}

/// Where a row stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file, relative to the folder.
    pub file: Arc<str>,
    /// The line that the row begins on, from 1; in a JSON document the number of the row.
    pub line: u64,
}

/// A row that was not read. The reason holds no personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Where the row stands.
    pub place: Place,
    /// What was wrong and what was expected.
    pub reason: String,
}

/// One step of the stream.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all are readings: a box would cost each"
)]
#[derive(Debug, Clone, PartialEq)]
pub enum Item {
    /// A row that was read.
    Reading(Reading),
    /// A row that was not.
    Refused(Refusal),
}

/// How far reading has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Bytes of all files read, out of [`Source::total_bytes`].
    pub bytes: u64,
    /// Rows read and refused.
    pub rows: u64,
}

/// What is true of all rows of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableInfo {
    /// Why, whence, and under which names and precision its numbers are known.
    pub provenance: Provenance,
}

/// A file that the mapping knows and leaves out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoredFile {
    /// The file, relative to the folder.
    pub file: String,
    /// The mapping's reason.
    pub reason: String,
}

/// An import that cannot begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The mapping is wrong.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A file or folder cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which one.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The folder holds more than can be meant.
    #[error("the folder holds more than {MAX_FILES} files: expected a folder of data alone")]
    TooManyFiles,
    /// A table has no files.
    #[error("table {table}: no file matches '{pattern}': expected one, or optional = true")]
    NothingMatches {
        /// The table.
        table: String,
        /// Its pattern.
        pattern: String,
    },
    /// The listed order is not that of the files.
    #[error("table {table}: newer: {problem}: expected every matching file once, oldest first")]
    Order {
        /// The table.
        table: String,
        /// What is wrong.
        problem: String,
    },
    /// A file lacks a column that the mapping names.
    #[error("{file}: table {table} names column '{column}': expected one of {there}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The columns that the file has.
        there: String,
    },
    /// A header cannot be used.
    #[error("{file}: the header {problem}")]
    Header {
        /// The file.
        file: String,
        /// What is wrong.
        problem: String,
    },
}

/// A folder seen through a mapping, ready to be read as often as wanted.
#[derive(Debug)]
pub struct Source {
    mapping: Mapping,
    inputs: Vec<Vec<Input>>,
    tables: Vec<TableInfo>,
    ignored: Vec<IgnoredFile>,
    unmatched: Vec<String>,
}

// Debug output reaches logs and test failures: it must not show personal data.
impl fmt::Debug for AccountRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountRef({} on {})", self.creator, self.platform)
    }
}

impl ImportError {
    fn unreadable(path: &str, source: io::Error) -> Self {
        Self::Unreadable {
            path: path.to_owned(),
            source,
        }
    }

    fn of_file(name: &str, error: Unreadable) -> Self {
        match error {
            Unreadable::Io(error) => Self::unreadable(name, error),
            Unreadable::Header(problem) => Self::Header {
                file: name.to_owned(),
                problem,
            },
        }
    }
}

impl Source {
    /// Finds the files of every table and checks their headers, before anything is imported.
    pub fn open(mapping: Mapping, dir: &Path) -> Result<Self, ImportError> {
        let shared = files::share(&mapping, dir)?;
        for (index, (table, inputs)) in mapping.tables.iter().zip(&shared.tables).enumerate() {
            if let Format::Csv(format) = &table.format {
                for input in inputs {
                    let file = CsvFile::open(&input.path, format)
                        .map_err(|error| ImportError::of_file(&input.name, error))?;
                    bind(table, index, input, file.columns())?;
                }
            }
        }
        let info = |table: &Table| TableInfo {
            provenance: table.provenance.clone(),
        };
        Ok(Self {
            tables: mapping.tables.iter().map(info).collect(),
            inputs: shared.tables,
            ignored: shared.ignored,
            unmatched: shared.unmatched,
            mapping,
        })
    }

    /// The mapping that the folder is seen through.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The tables in the order of the mapping.
    pub fn tables(&self) -> &[TableInfo] {
        &self.tables
    }

    /// The bytes that [`Source::read`] goes through; a file of two tables counts twice.
    pub fn total_bytes(&self) -> u64 {
        self.inputs.iter().flatten().map(|input| input.bytes).sum()
    }

    /// Files that no table reads and the mapping does not ignore, relative to the folder.
    pub fn unmatched(&self) -> &[String] {
        &self.unmatched
    }

    /// Files that the mapping leaves out, with its reasons.
    pub fn ignored(&self) -> &[IgnoredFile] {
        &self.ignored
    }

    /// Reads every row, until the caller breaks off. Holds one row in memory, or one document.
    pub fn read(
        &self,
        each: &mut dyn FnMut(Item, Progress) -> ControlFlow<()>,
    ) -> Result<(), ImportError> {
        let mut done = Progress::default();
        for (index, (table, inputs)) in self.mapping.tables.iter().zip(&self.inputs).enumerate() {
            for input in inputs {
                let mut rows = done.rows;
                let mut broken_off = false;
                let mut give = |item: Item, bytes: u64| {
                    rows += 1;
                    // A file may have grown since it was measured.
                    let bytes = done.bytes + bytes.min(input.bytes);
                    let flow = each(item, Progress { bytes, rows });
                    broken_off = flow.is_break();
                    flow
                };
                read_file(table, index, input, &mut give)?;
                if broken_off {
                    return Ok(());
                }
                done = Progress {
                    bytes: done.bytes + input.bytes,
                    rows,
                };
            }
        }
        Ok(())
    }
}

fn bind<'t>(
    table: &'t Table,
    index: usize,
    input: &Input,
    columns: &[String],
) -> Result<Option<Extractor<'t>>, ImportError> {
    // An empty file has no header, and no rows that would need one.
    if columns.is_empty() && matches!(table.format, Format::Csv(_)) {
        return Ok(None);
    }
    let bound = Extractor::bind(table, index, columns, &input.captures);
    bound
        .map(Some)
        .map_err(|MissingColumn(column)| ImportError::MissingColumn {
            file: input.name.as_ref().to_owned(),
            table: table.name.clone(),
            column,
            there: columns.join(", "),
        })
}

fn read_file(
    table: &Table,
    index: usize,
    input: &Input,
    give: &mut dyn FnMut(Item, u64) -> ControlFlow<()>,
) -> Result<(), ImportError> {
    let csv = match &table.format {
        Format::Csv(format) => Some(
            CsvFile::open(&input.path, format)
                .map_err(|error| ImportError::of_file(&input.name, error))?,
        ),
        Format::Ndjson | Format::Json { .. } => None,
    };
    let columns = csv.as_ref().map(CsvFile::columns).unwrap_or_default();
    let Some(mut extractor) = bind(table, index, input, columns)? else {
        return Ok(());
    };
    let mut each = |found: Found<'_>, line: u64, bytes: u64| {
        let place = Place {
            file: Arc::clone(&input.name),
            line,
        };
        let item = match found {
            Found::Refused(reason) => Err(reason),
            Found::Row(row) => extractor.reading(row, place.clone()),
        };
        let item = item.map(Item::Reading);
        give(
            item.unwrap_or_else(|reason| Item::Refused(Refusal { place, reason })),
            bytes,
        )
    };
    match csv {
        Some(file) => file.read(&mut each),
        None => rows::read_json(&input.path, &table.format, &mut each),
    }
    .map_err(|error| ImportError::unreadable(&input.name, error))
}

#[cfg(test)]
mod tests;
