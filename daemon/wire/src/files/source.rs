//! Bytes of a file at an offset, with the file's length known.
//!
//! In: a path. Out: bytes copied once, from the page cache to the caller's buffer. Never: a memory map. A map
//! would copy as often, and a file that is cut while it is read would kill the process by SIGBUS; here it is
//! an error.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use smlm::frame::PixelType;

use super::stack::StackError;

#[derive(Debug)]
pub(crate) struct Source {
    file: File,
    path: PathBuf,
    len: u64,
}

impl Source {
    pub(crate) fn open(path: &Path) -> Result<Self, StackError> {
        let fail = |cause| StackError::Io { path: path.to_owned(), action: "opening", cause };
        let file = File::open(path).map_err(fail)?;
        let len = file.metadata().map_err(fail)?.len();
        Ok(Self { file, path: path.to_owned(), len })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Whether `bytes` bytes from `offset` lie inside the file.
    pub(crate) fn holds(&self, offset: u64, bytes: u64) -> bool {
        offset.checked_add(bytes).is_some_and(|end| end <= self.len)
    }

    pub(crate) fn read_at(&mut self, offset: u64, into: &mut [u8]) -> Result<(), StackError> {
        let fail = |cause| StackError::Io { path: self.path.clone(), action: "reading", cause };
        self.file.seek(SeekFrom::Start(offset)).map_err(fail)?;
        self.file.read_exact(into).map_err(fail)
    }

    /// At most `limit` bytes from `offset`, fewer at the end of the file.
    pub(crate) fn up_to(&mut self, offset: u64, limit: u64) -> Result<Vec<u8>, StackError> {
        let there = self.len.saturating_sub(offset).min(limit);
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(usize::MAX)];
        self.read_at(offset, &mut bytes)?;
        Ok(bytes)
    }
}

/// A small text file next to the pixels.
pub(crate) fn side_text(path: &Path, limit: u64) -> Result<String, StackError> {
    let mut source = Source::open(path)?;
    if source.len() > limit {
        return Err(StackError::malformed(path, "size", format!("more than {limit} bytes of text")));
    }
    Ok(String::from_utf8_lossy(&source.up_to(0, limit)?).into_owned())
}

/// Pixels as they came into little-endian ones, in place.
pub(crate) fn to_little_endian(pixels: &mut [u8], pixel_type: PixelType, big_endian: bool) {
    if big_endian && pixel_type == PixelType::U16 {
        pixels.as_chunks_mut::<2>().0.iter_mut().for_each(|pixel| pixel.reverse());
    }
}
