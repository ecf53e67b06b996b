//! The directory chain of a TIFF, read with every size checked.
//!
//! In: a [`Source`]. Out: tags. Never: pixels; never follows a chain in circles or reads a tag whole because it
//! claims to be large. Classic (42) and BigTIFF (43), both byte orders (TIFF 6.0, section 2).

use crate::files::source::Source;
use crate::files::stack::StackError;

const MAX_ENTRIES: u64 = 4096;
/// Strips or tiles of one frame.
const MAX_VALUES: u64 = 1 << 20;

pub(super) mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const WIDTH: u16 = 256;
    pub const HEIGHT: u16 = 257;
    pub const BITS: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC: u16 = 262;
    pub const DESCRIPTION: u16 = 270;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const SAMPLES: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTES: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const RESOLUTION_UNIT: u16 = 296;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTES: u16 = 325;
    pub const SAMPLE_FORMAT: u16 = 339;
    /// Micro-Manager's JSON of one image.
    pub const MICRO_MANAGER: u16 = 51123;
}

/// Byte order and word size of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct Header {
    pub big_endian: bool,
    pub big_tiff: bool,
    pub first: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Value or offset, as it stands in the file.
    inline: [u8; 8],
}

/// One directory.
#[derive(Debug)]
pub(super) struct Ifd {
    entries: Vec<Entry>,
    pub next: u64,
}

impl Header {
    pub(super) fn read(source: &mut Source) -> Result<Self, StackError> {
        let path = source.path().to_owned();
        let start = source.up_to(0, 16)?;
        let big_endian = match start.get(..2) {
            Some(b"II") => false,
            Some(b"MM") => true,
            _ => return Err(StackError::not(&path, "it does not begin like a TIFF")),
        };
        let plain = Self { big_endian, big_tiff: false, first: 0 };
        let word = |at: usize, size: usize| start.get(at..at + size).map(|bytes| plain.number(bytes));
        match (word(2, 2), word(4, 2)) {
            (Some(42), _) => {
                let first = word(4, 4).ok_or_else(|| StackError::not(&path, "a TIFF header cut short"))?;
                Ok(Self { first, ..plain })
            }
            (Some(43), Some(8)) => {
                let first = word(8, 8).ok_or_else(|| StackError::not(&path, "a BigTIFF header cut short"))?;
                Ok(Self { first, big_tiff: true, ..plain })
            }
            _ => Err(StackError::not(&path, "its TIFF version is neither 42 nor 43")),
        }
    }

    /// An unsigned number of up to eight bytes in the file's order.
    fn number(self, bytes: &[u8]) -> u64 {
        let shift = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        if self.big_endian { bytes.iter().fold(0, shift) } else { bytes.iter().rev().fold(0, shift) }
    }

    /// The directory at `offset`, or `None` when it does not lie wholly inside the file.
    pub(super) fn ifd(self, source: &mut Source, offset: u64) -> Result<Option<Ifd>, StackError> {
        let (count_size, entry_size, word) = if self.big_tiff { (8, 20, 8) } else { (2, 12, 4) };
        // One read covers the count, the usual number of tags and the next offset.
        let mut bytes = source.up_to(offset, 512)?;
        let Some(count) = bytes.get(..count_size).map(|count| self.number(count)) else { return Ok(None) };
        if count == 0 || count > MAX_ENTRIES {
            return Err(StackError::malformed(
                source.path(),
                "directory",
                format!("{count} tags at offset {offset}; 1 to {MAX_ENTRIES} can be read"),
            ));
        }
        let tags = count as usize * entry_size;
        let whole = count_size + tags + word;
        if bytes.len() < whole {
            bytes = source.up_to(offset, whole as u64)?;
        }
        let (Some(tags), Some(next)) =
            (bytes.get(count_size..count_size + tags), bytes.get(count_size + tags..whole))
        else {
            return Ok(None);
        };
        let entries = tags.chunks_exact(entry_size).map(|entry| self.entry(entry, word)).collect();
        Ok(Some(Ifd { entries, next: self.number(next) }))
    }

    fn entry(self, bytes: &[u8], word: usize) -> Entry {
        let mut inline = [0; 8];
        inline[..word].copy_from_slice(&bytes[4 + word..4 + 2 * word]);
        let count = self.number(&bytes[4..4 + word]);
        Entry { tag: self.number(&bytes[..2]) as u16, kind: self.number(&bytes[2..4]) as u16, count, inline }
    }

    /// The bytes of a tag, at most `limit`; `None` when absent or outside the file.
    fn bytes(
        self,
        source: &mut Source,
        ifd: &Ifd,
        tag: u16,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, StackError> {
        let Some(entry) = ifd.entries.iter().find(|entry| entry.tag == tag) else { return Ok(None) };
        let Some(total) = entry.count.checked_mul(size_of_kind(entry.kind)) else { return Ok(None) };
        let word = if self.big_tiff { 8 } else { 4 };
        if total <= word {
            return Ok(Some(entry.inline[..total as usize].to_vec()));
        }
        let offset = self.number(&entry.inline[..word as usize]);
        if !source.holds(offset, total.min(limit)) {
            return Ok(None);
        }
        source.up_to(offset, total.min(limit)).map(Some)
    }

    /// Unsigned values of a tag: BYTE, SHORT, LONG, LONG8.
    pub(super) fn values(
        self,
        source: &mut Source,
        ifd: &Ifd,
        tag: u16,
    ) -> Result<Option<Vec<u64>>, StackError> {
        let Some(entry) = ifd.entries.iter().find(|entry| entry.tag == tag) else { return Ok(None) };
        let size = size_of_kind(entry.kind);
        if entry.count > MAX_VALUES {
            let why = format!("tag {tag} has {} values, more than {MAX_VALUES}", entry.count);
            return Err(StackError::malformed(source.path(), "directory", why));
        }
        let Some(bytes) = self.bytes(source, ifd, tag, MAX_VALUES * size)? else { return Ok(None) };
        Ok(Some(bytes.chunks_exact(size as usize).map(|value| self.number(value)).collect()))
    }

    /// The first value of a tag.
    pub(super) fn value(self, source: &mut Source, ifd: &Ifd, tag: u16) -> Result<Option<u64>, StackError> {
        Ok(self.values(source, ifd, tag)?.and_then(|values| values.first().copied()))
    }

    /// The text of a tag, its first `limit` bytes.
    pub(super) fn text(
        self,
        source: &mut Source,
        ifd: &Ifd,
        tag: u16,
        limit: u64,
    ) -> Result<String, StackError> {
        let bytes = self.bytes(source, ifd, tag, limit)?.unwrap_or_default();
        Ok(String::from_utf8_lossy(&bytes).trim_end_matches('\0').to_owned())
    }

    /// An unsigned RATIONAL.
    pub(super) fn ratio(self, source: &mut Source, ifd: &Ifd, tag: u16) -> Result<Option<f64>, StackError> {
        let bytes = self.bytes(source, ifd, tag, 8)?;
        Ok(bytes
            .filter(|bytes| bytes.len() == 8)
            .map(|bytes| self.number(&bytes[..4]) as f64 / self.number(&bytes[4..]) as f64))
    }
}

/// Bytes of one value (TIFF 6.0, page 15, and BigTIFF's 13 and 16 to 18); 1 for unknown kinds.
fn size_of_kind(kind: u16) -> u64 {
    match kind {
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 | 16..=18 => 8,
        _ => 1,
    }
}
