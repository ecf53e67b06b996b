//! Lines of delimited text, each of bounded length.
//!
//! In: a file. Out: one line at a time, and the numbers in it. Never: reads a line that has no end.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use super::TableError;

const MAX_LINE_BYTES: u64 = 64 << 10;

/// See the module.
#[derive(Debug)]
pub(super) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
    line: Vec<u8>,
    /// Of the line read last, from 1.
    pub number: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, TableError> {
        let file = File::open(path).map_err(|cause| TableError::io(path, "opening", cause))?;
        let reader = BufReader::with_capacity(256 << 10, file);
        Ok(Self { reader, path: path.to_owned(), line: Vec::new(), number: 0 })
    }

    /// The next line that is neither empty nor a `#` comment; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<&str>, TableError> {
        loop {
            self.line.clear();
            let read = self.reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut self.line);
            let read = read.map_err(|cause| TableError::io(&self.path, "reading", cause))?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            if read as u64 == MAX_LINE_BYTES {
                let why = format!("line {} is longer than {MAX_LINE_BYTES} bytes", self.number);
                return Err(TableError::NotATable { path: self.path.clone(), why });
            }
            if !matches!(self.line.trim_ascii().first(), None | Some(b'#')) {
                break;
            }
        }
        let text = std::str::from_utf8(&self.line).map_err(|_| TableError::NotATable {
            path: self.path.clone(),
            why: format!("line {} is not UTF-8", self.number),
        })?;
        Ok(Some(text.trim()))
    }
}

/// The separator a header uses.
pub(super) fn separator(header: &str) -> char {
    *[',', '\t', ';'].iter().find(|separator| header.contains(**separator)).unwrap_or(&',')
}
