//! CSV with its dirt: byte-order marks, both line ends, quoted line ends, rows of a wrong length.
//!
//! A quote that is never closed would swallow the rows after it, so a row of several lines that
//! cannot be right is refused alone, and reading resumes with its second line.

use super::line_ends::{LineEnd, LineEnds, is_too_long};
use super::{Each, Found, MAX_CSV_ROW_BYTES, Row, Unreadable};
use crate::import::mapping::CsvFormat;
use csv::{ByteRecord, Position, StringRecord};
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

const BUFFER_BYTES: usize = 128 * 1024;

/// An opened file whose header has been read.
pub(crate) struct CsvFile<R = File> {
    reader: csv::Reader<LineEnds<R>>,
    quoting: bool,
    columns: Vec<String>,
    /// How many lines lie wholly before the next row.
    lines_before: u64,
    quotes_before: u64,
    /// The ends of the lines that the last row was read from; kept for its memory.
    taken: Vec<LineEnd>,
}

/// Where a row lies.
struct Span {
    line: u64,
    last_line: u64,
    /// Where reading resumes if the row cannot be right.
    second_line_from: Option<u64>,
    odd_quotes: bool,
}

enum Next {
    Row(Span),
    /// The line it begins on, and where reading can resume.
    TooLong(u64, u64),
    End,
}

impl CsvFile {
    /// Opens a file and reads its header, if it has one. An empty file has no columns.
    pub(crate) fn open(path: &Path, format: &CsvFormat) -> Result<Self, Unreadable> {
        Self::new(File::open(path)?, format)
    }
}

impl<R: Read + Seek> CsvFile<R> {
    fn new(input: R, format: &CsvFormat) -> Result<Self, Unreadable> {
        let reader = csv::ReaderBuilder::new()
            .delimiter(format.delimiter)
            .quoting(format.quoting)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(BUFFER_BYTES)
            .from_reader(LineEnds::new(input));
        let mut file = Self {
            reader,
            quoting: format.quoting,
            columns: format.columns.clone().unwrap_or_default(),
            lines_before: 0,
            quotes_before: 0,
            taken: Vec::new(),
        };
        if format.columns.is_none() {
            file.read_header()?;
        }
        Ok(file)
    }

    /// The names of the columns, in order.
    pub(crate) fn columns(&self) -> &[String] {
        &self.columns
    }

    fn read_header(&mut self) -> Result<(), Unreadable> {
        let wrong = |problem: String| Err(Unreadable::Header(problem));
        let mut header = ByteRecord::new();
        match self.next(&mut header)? {
            Next::End => return Ok(()),
            Next::TooLong(..) => return wrong(format!("is longer than {MAX_CSV_ROW_BYTES} bytes")),
            Next::Row(_) => {}
        }
        let Ok(header) = StringRecord::from_byte_record(header) else {
            return wrong("is not valid UTF-8".to_owned());
        };
        let mut seen = HashSet::new();
        let mut named = header.iter().filter(|name| !name.trim().is_empty());
        if let Some(twice) = named.find(|name| !seen.insert(*name)) {
            return wrong(format!(
                "names column '{twice}' twice: expected different names"
            ));
        }
        self.columns = header.iter().map(str::to_owned).collect();
        Ok(())
    }

    /// Reads the rows until the end of the file or until the caller has enough.
    pub(crate) fn read(mut self, each: &mut Each<'_>) -> io::Result<()> {
        let mut bytes = ByteRecord::new();
        loop {
            let (line, resume, reason) = match self.next(&mut bytes)? {
                Next::End => return Ok(()),
                Next::TooLong(line, resume) => {
                    let most = MAX_CSV_ROW_BYTES;
                    let reason =
                        format!("the row is longer than {most} bytes: is a quote not closed?");
                    (line, Some(resume), Some(reason))
                }
                Next::Row(span) => {
                    let reason = self.wrong_shape(&span, bytes.len());
                    (span.line, span.second_line_from, reason)
                }
            };
            let flow = if let Some(reason) = reason {
                if let Some(from) = resume {
                    self.resume(from, line)?;
                }
                each(Found::Refused(reason), line, self.reader.position().byte())
            } else {
                let read = self.reader.position().byte();
                match StringRecord::from_byte_record(bytes) {
                    Ok(record) => {
                        let flow = each(Found::Row(Row::Csv(&record)), line, read);
                        bytes = record.into_byte_record();
                        flow
                    }
                    Err(error) => {
                        let column = self.columns.get(error.utf8_error().field());
                        let column = column.map_or("?", String::as_str);
                        let reason = format!("column {column} is not valid UTF-8");
                        bytes = error.into_byte_record();
                        each(Found::Refused(reason), line, read)
                    }
                }
            };
            if flow.is_break() {
                return Ok(());
            }
        }
    }

    fn wrong_shape(&self, span: &Span, found: usize) -> Option<String> {
        let lines = match span.last_line - span.line {
            0 => String::new(),
            _ => format!(" in lines {} to {}", span.line, span.last_line),
        };
        let expected = self.columns.len();
        if span.odd_quotes {
            Some(format!("a quote is opened and not closed{lines}"))
        } else if found != expected {
            Some(format!(
                "the row has {found} columns{lines}: expected {expected}"
            ))
        } else {
            None
        }
    }

    fn next(&mut self, record: &mut ByteRecord) -> io::Result<Next> {
        let from = self.reader.position().byte();
        self.reader.get_mut().row_begins(from);
        let read = self.reader.read_byte_record(record);
        let end = self.reader.position().byte();
        self.reader.get_mut().take_until(end, &mut self.taken);
        match read {
            Ok(true) => Ok(Next::Row(self.span(end, record))),
            Ok(false) => Ok(Next::End),
            Err(error) => match error.into_kind() {
                csv::ErrorKind::Io(error) if is_too_long(&error) => self.too_long(from),
                csv::ErrorKind::Io(error) => Err(error),
                other => Err(io::Error::other(format!("{other:?}"))),
            },
        }
    }

    /// Works out where a row lies: csv's own line is that of blank lines or a CRLF before it.
    fn span(&mut self, end: u64, record: &ByteRecord) -> Span {
        let taken = &self.taken;
        let inner = match taken.len() {
            0 => 0,
            _ => record
                .as_slice()
                .iter()
                .filter(|byte| **byte == b'\n')
                .count(),
        };
        // The end of a CRLF row is taken with the next row, as csv ends it at the CR.
        let last = taken.last().filter(|line| line.at + 1 == end);
        let leading = taken
            .len()
            .saturating_sub(inner + usize::from(last.is_some()));
        let quotes = match last {
            Some(line) => line.quotes,
            None => self.reader.get_ref().quotes_before(end),
        };
        let line = self.lines_before + leading as u64 + 1;
        let span = Span {
            line,
            last_line: line + inner as u64,
            second_line_from: taken
                .get(leading)
                .filter(|_| inner > 0)
                .map(|line| line.at + 1),
            odd_quotes: self.quoting && inner > 0 && (quotes - self.quotes_before) % 2 == 1,
        };
        self.lines_before += taken.len() as u64;
        self.quotes_before = quotes;
        span
    }

    fn too_long(&mut self, from: u64) -> io::Result<Next> {
        let blank = self
            .taken
            .iter()
            .zip(from..)
            .take_while(|(line, at)| line.at == *at)
            .count();
        let line = self.lines_before + blank as u64 + 1;
        let resume = match self.taken.get(blank) {
            Some(end) => end.at + 1,
            None => self.reader.get_mut().next_line()?,
        };
        Ok(Next::TooLong(line, resume))
    }

    /// Goes back to where the line after `line` begins.
    fn resume(&mut self, from: u64, line: u64) -> io::Result<()> {
        let mut position = Position::new();
        position.set_byte(from).set_line(line + 1);
        self.reader
            .seek_raw(SeekFrom::Start(from), position)
            .map_err(io::Error::from)?;
        (self.lines_before, self.quotes_before) = (line, 0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::ControlFlow;

    const TWO: &str = "a,b\n";

    /// Each row as `line:fields` or `line!reason`.
    fn rows(text: &[u8]) -> Vec<String> {
        let format = CsvFormat {
            delimiter: b',',
            quoting: true,
            columns: None,
        };
        let mut seen = Vec::new();
        let mut each = |found: Found<'_>, line, _| {
            seen.push(match found {
                Found::Row(Row::Csv(record)) => {
                    format!("{line}:{}", record.iter().collect::<Vec<_>>().join("|"))
                }
                Found::Row(_) => format!("{line}:?"),
                Found::Refused(reason) => format!("{line}!{reason}"),
            });
            ControlFlow::Continue(())
        };
        match CsvFile::new(io::Cursor::new(text), &format) {
            Ok(file) => file.read(&mut each).expect("readable"),
            Err(Unreadable::Header(problem)) => seen.push(format!("header {problem}")),
            Err(Unreadable::Io(error)) => seen.push(error.to_string()),
        }
        seen
    }

    #[test]
    fn lines_are_those_of_the_file() {
        for end in ["\n", "\r\n"] {
            let text = [
                "\u{feff}a,b",
                "1,2",
                "",
                "3,\"x,",
                "y\"",
                "",
                "",
                "4,5",
                "6",
            ]
            .join(end);
            let expected = [
                "2:1|2".to_owned(),
                format!("4:3|x,{end}y"),
                "8:4|5".to_owned(),
                "9!the row has 1 columns: expected 2".to_owned(),
            ];
            assert_eq!(rows(text.as_bytes()), expected, "{end:?}");
        }
    }

    #[test]
    fn a_file_may_be_empty_and_a_header_stand_alone() {
        for text in ["", "\u{feff}", "\n\n", TWO, "a,b"] {
            assert!(rows(text.as_bytes()).is_empty(), "{text:?}");
        }
        assert_eq!(
            rows(b"a,a\n"),
            ["header names column 'a' twice: expected different names"]
        );
        assert_eq!(rows(b"a,,\n1,2,3\n"), ["2:1|2|3"]);
        assert_eq!(rows(b"a,\xff\n"), ["header is not valid UTF-8"]);
    }

    #[test]
    fn bad_bytes_refuse_their_row_alone() {
        let seen = rows(b"a,b\n1,\xff\n2,3\n");
        assert_eq!(seen, ["2!column b is not valid UTF-8", "3:2|3"]);
    }

    #[test]
    fn an_open_quote_swallows_no_rows() {
        for end in ["\n", "\r\n"] {
            // At the end of the file, and where another row's quote seems to close it.
            let open = ["a,b", "1,\"2", "3,4", "5,6"].join(end);
            assert_eq!(
                rows(open.as_bytes()),
                [
                    "2!a quote is opened and not closed in lines 2 to 4",
                    "3:3|4",
                    "4:5|6"
                ],
                "{end:?}"
            );
            let closed = ["a,b", "1,\"2", "3,4", "5,\"6\"", "7,8"].join(end);
            assert_eq!(
                rows(closed.as_bytes()),
                [
                    "2!a quote is opened and not closed in lines 2 to 4",
                    "3:3|4",
                    "4:5|6",
                    "5:7|8"
                ],
                "{end:?}"
            );
        }
    }

    #[test]
    fn a_row_without_end_is_passed_over() {
        let filler = "9,9\n".repeat(MAX_CSV_ROW_BYTES as usize / 2);
        let seen = rows(format!("{TWO}1,\"2\n{filler}").as_bytes());
        assert_eq!(seen.len(), 1 + MAX_CSV_ROW_BYTES as usize / 2);
        assert!(
            seen[0].starts_with("2!the row is longer than"),
            "{}",
            seen[0]
        );
        assert_eq!(seen[1], "3:9|9");

        let long = "x".repeat(3 * MAX_CSV_ROW_BYTES as usize);
        let seen = rows(format!("{TWO}{long}\n1,2\n").as_bytes());
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[1], "3:1|2");
    }
}
