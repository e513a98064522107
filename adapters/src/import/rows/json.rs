//! One JSON document a file, and the rows within it.

use super::{BYTE_ORDER_MARK, Each, Found, Row, child, kind};
use crate::import::mapping::Step;
use serde_json::Value;
use std::io::{self, Read};
use std::ops::ControlFlow;

/// The largest document that is read: it is held in memory as a whole.
pub(crate) const MAX_DOCUMENT_BYTES: u64 = 256 * 1024 * 1024;

/// Reads the rows of one document; rows are numbered from 1.
pub(super) fn read(input: impl Read, steps: &[Step], each: &mut Each<'_>) -> io::Result<()> {
    let mut text = Vec::new();
    let read = input.take(MAX_DOCUMENT_BYTES + 1).read_to_end(&mut text)? as u64;
    if read > MAX_DOCUMENT_BYTES {
        let reason = format!(
            "the document is longer than {MAX_DOCUMENT_BYTES} bytes: expected it split, or one \
             row a line as ndjson"
        );
        let _ = each(Found::Refused(reason), 1, read);
        return Ok(());
    }
    let json = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&text);
    match serde_json::from_slice::<Value>(json) {
        Ok(root) => {
            let mut rows = Rows {
                root: &root,
                number: 0,
                bytes: read,
                each,
            };
            let _ = rows.walk(&root, steps, &mut String::new());
        }
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let reason =
                format!("the document is not valid JSON, from line {line}, character {column}");
            let _ = each(Found::Refused(reason), 1, read);
        }
    }
    Ok(())
}

struct Rows<'d, 'e, 'f> {
    root: &'d Value,
    number: u64,
    bytes: u64,
    each: &'e mut Each<'f>,
}

impl<'d> Rows<'d, '_, '_> {
    fn walk(&mut self, at: &'d Value, steps: &[Step], path: &mut String) -> ControlFlow<()> {
        let Some((step, after)) = steps.split_first() else {
            self.number += 1;
            return (self.each)(
                Found::Row(Row::Json {
                    row: at,
                    root: self.root,
                }),
                self.number,
                self.bytes,
            );
        };
        let length = path.len();
        let flow = match (step, at) {
            (Step::Each, Value::Array(items)) => {
                path.push_str("/*");
                items
                    .iter()
                    .try_for_each(|item| self.walk(item, after, path))
            }
            (Step::Each, other) => self.refuse(format!(
                "'{path}' is {}: expected an array of rows",
                kind(other)
            )),
            (Step::Key(key), _) => {
                path.push('/');
                path.push_str(key);
                match child(at, key) {
                    Some(next) => self.walk(next, after, path),
                    None => self.refuse(format!("'{path}' is missing: expected the rows there")),
                }
            }
        };
        path.truncate(length);
        flow
    }

    fn refuse(&mut self, reason: String) -> ControlFlow<()> {
        (self.each)(Found::Refused(reason), self.number + 1, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(document: &str, steps: &[Step]) -> Vec<String> {
        let mut seen = Vec::new();
        let mut each = |found: Found<'_>, number, _| {
            seen.push(match found {
                Found::Row(Row::Json { row, .. }) => format!("{number}:{row}"),
                Found::Row(Row::Csv(_)) => "?".to_owned(),
                Found::Refused(reason) => format!("{number}!{reason}"),
            });
            ControlFlow::Continue(())
        };
        read(document.as_bytes(), steps, &mut each).expect("readable input");
        seen
    }

    #[test]
    fn a_pointer_with_stars_leads_to_rows() {
        let key = |text: &str| Step::Key(text.to_owned());
        let document = "\u{feff}{\"a\": [{\"b\": [1, 2]}, {\"c\": 3}, {\"b\": 4}, {\"b\": [5]}]}";
        assert_eq!(
            rows(document, &[key("a"), Step::Each, key("b"), Step::Each]),
            [
                "1:1",
                "2:2",
                "3!'/a/*/b' is missing: expected the rows there",
                "3!'/a/*/b' is a number: expected an array of rows",
                "3:5"
            ]
        );
        assert_eq!(rows("7", &[]), ["1:7"]);
        assert!(rows("[]", &[Step::Each]).is_empty());
        let broken = rows("{\n \"a\": 1,\n}", &[]);
        assert_eq!(
            broken,
            ["1!the document is not valid JSON, from line 3, character 1"]
        );
    }
}
