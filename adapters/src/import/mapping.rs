//! The mapping file: what the columns of a stranger's files mean. `docs/mapping.md` is its manual.
//!
//! A mapping is checked as a whole when it is read, so that a wrong one changes nothing.

mod field;
mod raw;
mod table;

pub(crate) use field::{CountRule, Field, Origin, Pointer, TextRule};

use super::pattern::Pattern;
use super::time::TimeFormat;
use domain::observation::Provenance;
use raw::RawMapping;
use std::path::Path;

/// The longest mapping file that is read, in bytes.
pub const MAX_MAPPING_BYTES: u64 = 1024 * 1024;

/// A checked mapping: which files there are, and what stands where in them.
#[derive(Debug)]
pub struct Mapping {
    name: String,
    description: String,
    pub(crate) ignore: Vec<Ignore>,
    pub(crate) tables: Vec<Table>,
}

/// A mapping file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The file cannot be read.
    #[error("the mapping file {path} cannot be read: {source}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML, or has keys that a mapping does not have.
    #[error("the mapping is not valid: {0}")]
    Syntax(String),
    /// A key has a value that makes no sense.
    #[error("{key}: {problem}")]
    Key {
        /// The key, as a path such as `table.videos.post.metrics.views`.
        key: String,
        /// What is wrong, and what was expected.
        problem: String,
    },
}

/// Files that are known and hold nothing to import, with the reason.
#[derive(Debug)]
pub(crate) struct Ignore {
    pub(crate) files: Pattern,
    pub(crate) reason: String,
}

/// One kind of file, checked.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) files: Pattern,
    pub(crate) format: Format,
    pub(crate) newer: Newer,
    pub(crate) optional: bool,
    pub(crate) words: Words,
    pub(crate) creator: Field<TextRule>,
    pub(crate) platform: Field<TextRule>,
    pub(crate) account: Field<TextRule>,
    pub(crate) observed_at: Field<TimeFormat>,
    pub(crate) profile: Option<ProfileFields>,
    pub(crate) metrics: Vec<Field<CountRule>>,
    pub(crate) post: Option<PostFields>,
    pub(crate) provenance: Provenance,
}

/// How the rows of a file are found.
#[derive(Debug)]
pub(crate) enum Format {
    Csv(CsvFormat),
    Ndjson,
    Json { rows: Vec<Step> },
}

#[derive(Debug, Clone)]
pub(crate) struct CsvFormat {
    pub(crate) delimiter: u8,
    pub(crate) quoting: bool,
    /// The names of the columns, where the file has no header.
    pub(crate) columns: Option<Vec<String>>,
}

/// One step from a JSON document to its rows.
#[derive(Debug)]
pub(crate) enum Step {
    Key(String),
    Each,
}

/// Which of a table's files is newer, and so speaks last.
#[derive(Debug)]
pub(crate) enum Newer {
    Name,
    Modified,
    Files(Vec<String>),
}

/// What stands in the place of a value.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) unknown: Vec<String>,
    pub(crate) absent: Vec<String>,
    pub(crate) missing: Unsaid,
    pub(crate) null: Unsaid,
}

/// The two ways in which a source says nothing of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unsaid {
    /// It was not asked for.
    Absent,
    /// It was asked for, and the source has no value or withheld it.
    Unknown,
}

#[derive(Debug)]
pub(crate) struct ProfileFields {
    pub(crate) name: Option<Field<TextRule>>,
    pub(crate) handle: Option<Field<TextRule>>,
    pub(crate) bio: Option<Field<TextRule>>,
    pub(crate) url: Option<Field<TextRule>>,
    pub(crate) avatar_url: Option<Field<TextRule>>,
}

#[derive(Debug)]
pub(crate) struct PostFields {
    pub(crate) id: Field<TextRule>,
    pub(crate) title: Option<Field<TextRule>>,
    pub(crate) caption: Option<Field<TextRule>>,
    pub(crate) url: Option<Field<TextRule>>,
    pub(crate) thumbnail_url: Option<Field<TextRule>>,
    pub(crate) published_at: Option<Field<TimeFormat>>,
    pub(crate) metrics: Vec<Field<CountRule>>,
}

impl MappingError {
    fn key(key: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Key {
            key: key.into(),
            problem: problem.into(),
        }
    }
}

impl Mapping {
    /// Reads and checks a mapping file.
    pub fn load(path: &Path) -> Result<Self, MappingError> {
        let unreadable = |source| MappingError::Unreadable {
            path: path.display().to_string(),
            source,
        };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > MAX_MAPPING_BYTES {
            let problem = format!("has {bytes} bytes: expected at most {MAX_MAPPING_BYTES}");
            return Err(MappingError::key(path.display().to_string(), problem));
        }
        Self::parse(&std::fs::read_to_string(path).map_err(unreadable)?)
    }

    /// Checks the text of a mapping.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        let raw: RawMapping =
            toml::from_str(text).map_err(|error| MappingError::Syntax(error.to_string()))?;
        check_name("name", &raw.name)?;
        let mut tables: Vec<Table> = Vec::with_capacity(raw.tables.len());
        for table in &raw.tables {
            check_name("table.name", &table.name)?;
            if tables.iter().any(|before| before.name == table.name) {
                let key = format!("table.{}", table.name);
                return Err(MappingError::key(
                    key,
                    "occurs twice: expected another name",
                ));
            }
            tables.push(table::build(table, &raw)?);
        }
        let mut ignore = Vec::with_capacity(raw.ignore.len());
        for entry in raw.ignore {
            let files = Pattern::new(&entry.files)
                .map_err(|problem| MappingError::key("ignore.files", problem))?;
            if entry.reason.trim().is_empty() {
                let problem = format!("is blank for '{}': expected why", entry.files);
                return Err(MappingError::key("ignore.reason", problem));
            }
            ignore.push(Ignore {
                files,
                reason: entry.reason,
            });
        }
        Ok(Self {
            name: raw.name,
            description: raw.description,
            ignore,
            tables,
        })
    }

    /// Its name, which is part of the source that observations carry.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it says about itself.
    pub fn description(&self) -> &str {
        &self.description
    }
}

/// Names become part of what is stored for ever, so their form is narrow.
fn check_name(key: &str, name: &str) -> Result<(), MappingError> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        let problem = format!("is '{name}': expected 1 to 64 of a-z, 0-9, _ and -");
        return Err(MappingError::key(key, problem));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
