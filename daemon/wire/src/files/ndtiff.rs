//! NDTiff v3, Micro-Manager's folder format: `NDTiff.index` and one or more `*_NDTiffStack*.tif`.
//!
//! In: a folder. Out: a [`Stack`] in the order of acquisition. Never: mixes channels or positions, follows a file name
//! out of the folder. The index is a list of records, little-endian: axes (u32 length, JSON), file name (u32 length,
//! text), then u32 pixel offset, width, height, pixel type, compression, metadata offset, length, compression.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use smlm::frame::{PixelType, Shape};

use super::source::{Source, to_little_endian};
use super::stack::{
    MAX_FRAMES, Stack, StackError, StackMeta, StackOptions, check_read, check_shape, check_whole,
};
use super::tiff::add_micro_manager;

pub(crate) const INDEX: &str = "NDTiff.index";
const MAX_AXES_BYTES: usize = 64 << 10;
const MAX_NAME_BYTES: usize = 4 << 10;
const MAX_FILES: usize = 4096;
/// 16 M frames of about 100 bytes; read whole, once.
const MAX_INDEX_BYTES: u64 = 2 << 30;
const MAX_METADATA_BYTES: u64 = 256 << 10;
/// Frames along these are unrelated, so one of each is read.
const APART: [&str; 2] = ["channel", "position"];

/// See the module.
#[derive(Debug)]
pub(crate) struct NdTiff {
    folder: PathBuf,
    files: Vec<PathBuf>,
    /// File and offset of each frame.
    places: Vec<(u16, u32)>,
    open: Option<(u16, Source, bool)>,
    kind: (Shape, PixelType),
    meta: StackMeta,
}

/// One record of the index.
struct Record<'i> {
    axes: &'i str,
    file: &'i str,
    /// Pixel offset, width, height, pixel type, compression, metadata offset, length, compression.
    numbers: [u32; 8],
}

impl NdTiff {
    pub(super) fn open(folder: &Path, options: &StackOptions) -> Result<Self, StackError> {
        let path = folder.join(INDEX);
        let mut source = Source::open(&path)?;
        if source.len() > MAX_INDEX_BYTES {
            return Err(StackError::malformed(&path, "size", format!("more than {MAX_INDEX_BYTES} bytes")));
        }
        let bytes = source.up_to(0, MAX_INDEX_BYTES)?;
        let (records, whole_index) = records(&path, &bytes)?;
        let records = select(folder, records, options)?;
        let Some(first) = records.first() else {
            return Err(StackError::Short { path, whole: 0, expected: None });
        };
        let kind = kind(&path, first)?;
        let mut stack = Self {
            folder: folder.to_owned(),
            files: Vec::new(),
            places: Vec::with_capacity(records.len()),
            open: None,
            kind,
            meta: StackMeta { source: format!("NDTiff, axes {}", first.axes), ..StackMeta::default() },
        };
        let whole = stack.place_all(&path, &records)?;
        let expected = whole_index.then_some(records.len() as u64);
        let frames = check_whole(&path, whole, expected, options)?;
        stack.places.truncate(frames as usize);
        stack.describe(first.numbers[5], first.numbers[6])?;
        Ok(stack)
    }

    /// Fills `places` up to the first frame that is not wholly in its file; how many that are.
    fn place_all(&mut self, path: &Path, records: &[Record<'_>]) -> Result<u64, StackError> {
        let mut numbers: HashMap<&str, (u16, u64)> = HashMap::new();
        for record in records {
            if kind(path, record)? != self.kind {
                let why = format!("image {} differs in size or pixel type from the first", record.axes);
                return Err(StackError::malformed(path, "frame size", why));
            }
            let (file, len) = match numbers.get(record.file) {
                Some(known) => *known,
                None => {
                    let known = self.add_file(path, record.file)?;
                    numbers.insert(record.file, known);
                    known
                }
            };
            let end = u64::from(record.numbers[0]) + self.frame_bytes() as u64;
            if end > len {
                break;
            }
            self.places.push((file, record.numbers[0]));
        }
        Ok(self.places.len() as u64)
    }

    /// The number and the length of a data file.
    fn add_file(&mut self, path: &Path, name: &str) -> Result<(u16, u64), StackError> {
        let plain = !name.is_empty() && !name.contains(['/', '\\', ':']) && name != "..";
        if !plain || self.files.len() >= MAX_FILES {
            let why = format!("'{name}' is not a file of this folder, or one of more than {MAX_FILES}");
            return Err(StackError::malformed(path, "file name", why));
        }
        let file = self.folder.join(name);
        let len = Source::open(&file)?.len();
        self.files.push(file);
        Ok((self.files.len() as u16 - 1, len))
    }

    fn frame_bytes(&self) -> usize {
        self.kind.0.pixels() * self.kind.1.bytes()
    }

    /// Opens the file of a number; only one stays open.
    fn file(&mut self, number: u16) -> Result<(&mut Source, bool), StackError> {
        if self.open.as_ref().is_none_or(|(open, ..)| *open != number) {
            let mut source = Source::open(&self.files[usize::from(number)])?;
            let big_endian = source.up_to(0, 2)? == b"MM";
            self.open = Some((number, source, big_endian));
        }
        let (_, source, big_endian) = self.open.as_mut().expect("it was opened just now");
        Ok((source, *big_endian))
    }

    fn describe(&mut self, offset: u32, length: u32) -> Result<(), StackError> {
        let (source, _) = self.file(0)?;
        let json = source.up_to(offset.into(), MAX_METADATA_BYTES.min(length.into()))?;
        add_micro_manager(&mut self.meta, &String::from_utf8_lossy(&json));
        Ok(())
    }
}

impl Stack for NdTiff {
    fn shape(&self) -> Shape {
        self.kind.0
    }

    fn pixel_type(&self) -> PixelType {
        self.kind.1
    }

    fn frames(&self) -> u64 {
        self.places.len() as u64
    }

    fn read(&mut self, index: u64, into: &mut [u8]) -> Result<(), StackError> {
        check_read(&self.folder, (self.frames(), self.frame_bytes()), index, into.len())?;
        let (file, offset) = self.places[index as usize];
        let pixel_type = self.kind.1;
        let (source, big_endian) = self.file(file)?;
        source.read_at(offset.into(), into)?;
        to_little_endian(into, pixel_type, big_endian);
        Ok(())
    }

    fn meta(&self) -> &StackMeta {
        &self.meta
    }
}

/// All whole records, and whether nothing is left over. An image written twice counts where it stood first, with the
/// pixels written last.
fn records<'i>(path: &Path, index: &'i [u8]) -> Result<(Vec<Record<'i>>, bool), StackError> {
    let mut rest = index;
    let mut found: Vec<Record<'i>> = Vec::new();
    let mut known: HashMap<&str, usize> = HashMap::new();
    while !rest.is_empty() {
        let mut cursor = rest;
        let Some(record) = record(path, &mut cursor)? else { return Ok((found, false)) };
        rest = cursor;
        match known.get(record.axes) {
            Some(&place) => found[place] = record,
            None if found.len() as u64 == MAX_FRAMES => {
                return Err(StackError::malformed(
                    path,
                    "number of frames",
                    format!("more than {MAX_FRAMES}"),
                ));
            }
            None => {
                known.insert(record.axes, found.len());
                found.push(record);
            }
        }
    }
    Ok((found, true))
}

/// The next record; `None` when it is cut short.
fn record<'i>(path: &Path, rest: &mut &'i [u8]) -> Result<Option<Record<'i>>, StackError> {
    let Some(axes) = text(path, rest, MAX_AXES_BYTES)? else { return Ok(None) };
    let Some(file) = text(path, rest, MAX_NAME_BYTES)? else { return Ok(None) };
    let mut numbers = [0; 8];
    for number in &mut numbers {
        let Some(value) = take_u32(rest) else { return Ok(None) };
        *number = value;
    }
    Ok(Some(Record { axes, file, numbers }))
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    let (number, after) = rest.split_first_chunk::<4>()?;
    *rest = after;
    Some(u32::from_le_bytes(*number))
}

fn text<'i>(path: &Path, rest: &mut &'i [u8], limit: usize) -> Result<Option<&'i str>, StackError> {
    let Some(length) = take_u32(rest) else { return Ok(None) };
    let length = length as usize;
    if length > limit {
        return Err(StackError::malformed(
            path,
            "index",
            format!("a text of {length} bytes, at most {limit}"),
        ));
    }
    let Some((bytes, after)) = rest.split_at_checked(length) else { return Ok(None) };
    *rest = after;
    let text = std::str::from_utf8(bytes);
    text.map(Some).map_err(|_| StackError::malformed(path, "index", "a text that is not UTF-8"))
}

/// One channel of one position.
fn select<'i>(
    folder: &Path,
    records: Vec<Record<'i>>,
    options: &StackOptions,
) -> Result<Vec<Record<'i>>, StackError> {
    let axes =
        |record: &Record<'_>| serde_json::from_str::<Map<String, Value>>(record.axes).unwrap_or_default();
    let on = |axes: &Map<String, Value>, axis: &str| match axes.get(axis) {
        Some(Value::String(name)) => Some(name.clone()),
        Some(other) => Some(other.to_string()),
        None => None,
    };
    let mut values: HashMap<&str, BTreeSet<String>> = HashMap::new();
    let mut kept = Vec::with_capacity(records.len());
    for record in records {
        let axes = axes(&record);
        for axis in APART {
            values.entry(axis).or_default().extend(on(&axes, axis));
        }
        if options.select.iter().all(|(axis, value)| on(&axes, axis).is_none_or(|own| own == *value)) {
            kept.push(record);
        }
    }
    for axis in APART {
        let Some(there) = values.get(axis) else { continue };
        let chosen = options.chosen(axis);
        if there.len() > 1 && !chosen.is_some_and(|value| there.contains(value)) {
            let what = format!("a data set with {} {axis}s {there:?} without a choice", there.len());
            let remedy = "choose one (channel=NAME, position=NAME)";
            return Err(StackError::Unsupported { path: folder.to_owned(), what, remedy });
        }
    }
    Ok(kept)
}

/// Pixel types of NDTiff: 0 is 8 bit, 1 is 16 bit, 3 to 6 are 10, 12, 14 and 11 bit in 16; 2 is RGB.
fn kind(path: &Path, record: &Record<'_>) -> Result<(Shape, PixelType), StackError> {
    let [_, width, height, kind, compression, ..] = record.numbers;
    let refuse = |what: String| {
        let remedy = "record uncompressed gray images";
        Err(StackError::Unsupported { path: path.to_owned(), what, remedy })
    };
    let pixel_type = match kind {
        0 => PixelType::U8,
        1 | 3..=6 => PixelType::U16,
        2 => return refuse("colour (RGB)".into()),
        other => return refuse(format!("pixel type {other}")),
    };
    if compression != 0 {
        return refuse(format!("compression {compression}"));
    }
    Ok((check_shape(path, width.into(), height.into(), pixel_type)?, pixel_type))
}
