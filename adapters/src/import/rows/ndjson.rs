//! One JSON value a line. A line that is none is refused, and reading goes on after it.

use super::{BYTE_ORDER_MARK, Each, Found, Row};
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read};

/// The longest line that is read; a longer one is refused without being held in memory.
pub(crate) const MAX_LINE_BYTES: u64 = 16 * 1024 * 1024;

const BUFFER_BYTES: usize = 128 * 1024;

/// Reads rows until the end of the input or until the caller has enough. Blank lines are skipped.
pub(super) fn read(input: impl Read, each: &mut Each<'_>) -> io::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER_BYTES, input);
    let mut line = Vec::new();
    let (mut number, mut bytes) = (0, 0);
    loop {
        line.clear();
        let read = (&mut input)
            .take(MAX_LINE_BYTES + 1)
            .read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(());
        }
        number += 1;
        bytes += read;
        let too_long = read > MAX_LINE_BYTES && line.last() != Some(&b'\n');
        if too_long {
            bytes += skip_line(&mut input)?;
        }
        let text = line
            .strip_prefix(BYTE_ORDER_MARK)
            .filter(|_| number == 1)
            .unwrap_or(&line);
        let flow = if too_long {
            let reason = format!("the line is longer than {MAX_LINE_BYTES} bytes");
            each(Found::Refused(reason), number, bytes)
        } else if text.trim_ascii().is_empty() {
            continue;
        } else {
            match parse(text) {
                Ok(value) => each(
                    Found::Row(Row::Json {
                        row: &value,
                        root: &value,
                    }),
                    number,
                    bytes,
                ),
                Err(reason) => each(Found::Refused(reason), number, bytes),
            }
        };
        if flow.is_break() {
            return Ok(());
        }
    }
}

fn parse(line: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(line).map_err(|_| "the line is not valid UTF-8".to_owned())?;
    // Without its end, so that a line cut short is wrong at a character of its own.
    serde_json::from_str(text.trim_end()).map_err(|error| {
        format!(
            "the line is not valid JSON, from character {}",
            error.column()
        )
    })
}

/// Passes over the rest of a line and says how long it was.
fn skip_line(input: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = input.fill_buf()?;
        let (used, ended) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        skipped += used as u64;
        if ended {
            return Ok(skipped);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::ControlFlow;

    fn lines(input: &[u8]) -> Vec<(u64, bool)> {
        let mut seen = Vec::new();
        let mut each = |found: Found<'_>, line, _| {
            seen.push((line, matches!(found, Found::Row(_))));
            ControlFlow::Continue(())
        };
        read(input, &mut each).expect("readable input");
        seen
    }

    #[test]
    fn a_bad_line_is_refused_and_the_next_is_read() {
        let input = b"\xef\xbb\xbf{\"a\":1}\r\n\n{\"a\":\n  \n[1]\n\"\xff\"\n{\"a\":2}";
        let expected = [(1, true), (3, false), (5, true), (6, false), (7, true)];
        assert_eq!(lines(input), expected);
        assert!(lines(b"").is_empty());
        let cut = parse(b"{\"a\": \"b\n");
        assert_eq!(
            cut.err().as_deref(),
            Some("the line is not valid JSON, from character 8")
        );
    }

    #[test]
    fn an_endless_line_is_passed_over() {
        let mut input = vec![b'x'; MAX_LINE_BYTES as usize + 5];
        input.extend_from_slice(b"\n{}\n");
        assert_eq!(lines(&input), [(1, false), (2, true)]);
    }
}
