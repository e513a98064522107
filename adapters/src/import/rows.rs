//! Files as rows: CSV, one JSON value a line, or one JSON document. One bad row ends no file.

mod csv;
mod json;
mod line_ends;
mod ndjson;

pub(crate) use csv::CsvFile;

use super::mapping::{Format, Pointer};
use serde_json::Value;
use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

/// One row, borrowed from the reader's buffers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Row<'r> {
    Csv(&'r ::csv::StringRecord),
    Json { row: &'r Value, root: &'r Value },
}

/// What stands in one place of a row.
#[derive(Debug, PartialEq)]
pub(crate) enum Cell<'r> {
    /// The row has no such place.
    Missing,
    /// JSON's null.
    Null,
    Text(Cow<'r, str>),
    /// A JSON number that has a fraction or needs more than 64 bits, so that digits may be lost.
    Inexact(String),
    /// A JSON value that no field can be.
    Other(&'static str),
}

/// What a reader finds at one place of a file.
pub(crate) enum Found<'r> {
    Row(Row<'r>),
    Refused(String),
}

/// Takes what is found, the line (or the number of the row) and the bytes read so far.
pub(crate) type Each<'e> = dyn FnMut(Found<'_>, u64, u64) -> ControlFlow<()> + 'e;

/// A file that cannot be read as rows at all.
#[derive(Debug)]
pub(crate) enum Unreadable {
    Io(io::Error),
    Header(String),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl<'r> Row<'r> {
    /// The cell of a CSV row by its index.
    pub(crate) fn column(self, index: usize) -> Cell<'r> {
        match self {
            Self::Csv(record) => record
                .get(index)
                .map_or(Cell::Missing, |text| Cell::Text(text.into())),
            Self::Json { .. } => Cell::Missing,
        }
    }

    /// What a pointer leads to, from the row.
    pub(crate) fn pointer(self, pointer: &Pointer) -> Cell<'r> {
        match self {
            Self::Json { row, .. } => follow(row, pointer),
            Self::Csv(_) => Cell::Missing,
        }
    }

    /// What a pointer leads to, from the whole document.
    pub(crate) fn root(self, pointer: &Pointer) -> Cell<'r> {
        match self {
            Self::Json { root, .. } => follow(root, pointer),
            Self::Csv(_) => Cell::Missing,
        }
    }
}

fn follow<'r>(from: &'r Value, pointer: &Pointer) -> Cell<'r> {
    let found = pointer
        .steps
        .iter()
        .try_fold(from, |value, step| child(value, step));
    match found {
        None => Cell::Missing,
        Some(Value::Null) => Cell::Null,
        Some(Value::String(text)) => Cell::Text(text.as_str().into()),
        Some(Value::Number(number)) if number.is_f64() => Cell::Inexact(number.to_string()),
        Some(Value::Number(number)) => Cell::Text(number.to_string().into()),
        Some(other) => Cell::Other(kind(other)),
    }
}

fn child<'v>(value: &'v Value, step: &str) -> Option<&'v Value> {
    match value {
        Value::Object(members) => members.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Reads a JSON file of either kind; CSV has a header to be bound first and so its own type.
pub(crate) fn read_json(path: &Path, format: &Format, each: &mut Each<'_>) -> io::Result<()> {
    match format {
        Format::Csv(_) => Ok(()),
        Format::Ndjson => ndjson::read(File::open(path)?, each),
        Format::Json { rows } => json::read(File::open(path)?, rows, each),
    }
}

/// The longest CSV row that is read; in practice only an unclosed quote makes a longer one.
pub(crate) const MAX_CSV_ROW_BYTES: u64 = 1024 * 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
