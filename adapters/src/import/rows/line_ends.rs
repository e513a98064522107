//! A reader that notes where lines end, and stops a row that does not.

use super::MAX_CSV_ROW_BYTES;
use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom};

/// Passes bytes on to the CSV parser, which keeps neither the lines nor the quotes it has passed.
pub(super) struct LineEnds<R> {
    input: R,
    /// How far the input has been read, from its beginning.
    read: u64,
    /// How many quotes have been read since the last seek.
    quotes: u64,
    row_from: u64,
    ends: VecDeque<LineEnd>,
}

/// One `\n`: where it is, and how many quotes come before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct LineEnd {
    pub(super) at: u64,
    pub(super) quotes: u64,
}

#[derive(Debug, thiserror::Error)]
#[error("a row is longer than {MAX_CSV_ROW_BYTES} bytes")]
struct RowTooLong;

/// Whether this error says that a row is too long.
pub(super) fn is_too_long(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(|inner| inner.is::<RowTooLong>())
}

impl<R: Read> LineEnds<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input,
            read: 0,
            quotes: 0,
            row_from: 0,
            ends: VecDeque::new(),
        }
    }

    /// Says where the row begins whose length is to be bounded.
    pub(super) fn row_begins(&mut self, at: u64) {
        self.row_from = at;
    }

    /// Moves the line ends that lie before `end` into `taken`, in place of what is there.
    pub(super) fn take_until(&mut self, end: u64, taken: &mut Vec<LineEnd>) {
        taken.clear();
        while let Some(line) = self.ends.front().copied().filter(|line| line.at < end) {
            taken.push(line);
            self.ends.pop_front();
        }
    }

    /// The quotes before `end`, which is the end of a line or of the input.
    pub(super) fn quotes_before(&self, end: u64) -> u64 {
        match self.ends.front() {
            Some(line) if line.at == end => line.quotes,
            _ => self.quotes,
        }
    }

    /// Reads on to the end of the line and says where the next begins.
    pub(super) fn next_line(&mut self) -> io::Result<u64> {
        let mut buffer = [0; 8 * 1024];
        loop {
            if let Some(line) = self.ends.front() {
                return Ok(line.at + 1);
            }
            self.row_from = self.read;
            if self.read(&mut buffer)? == 0 {
                return Ok(self.read);
            }
        }
    }
}

impl<R: Read> Read for LineEnds<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read - self.row_from > MAX_CSV_ROW_BYTES {
            return Err(io::Error::other(RowTooLong));
        }
        let length = self.input.read(buffer)?;
        for (byte, at) in buffer.iter().take(length).zip(self.read..) {
            match byte {
                b'\n' => self.ends.push_back(LineEnd {
                    at,
                    quotes: self.quotes,
                }),
                b'"' => self.quotes += 1,
                _ => {}
            }
        }
        self.read += length as u64;
        Ok(length)
    }
}

impl<R: Seek> Seek for LineEnds<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.read = self.input.seek(to)?;
        (self.quotes, self.row_from) = (0, self.read);
        self.ends.clear();
        Ok(self.read)
    }
}
