//! A recorded stack of camera frames, whatever format it is in.
//!
//! In: a path. Out: a [`Stack`] that reads one frame at a time. Never: holds more than one frame, or trusts a
//! size in a file before it has compared it with the file's length.

use std::path::{Path, PathBuf};

use smlm::frame::{PixelType, Shape};

use super::{flat, folder, ndtiff, npy, tiff};

/// A frame may be this large; a larger one is refused before anything is allocated.
pub const MAX_FRAME_BYTES: u64 = 512 << 20;
/// A stack may hold this many frames; the table of their places then takes 256 MiB.
pub const MAX_FRAMES: u64 = 1 << 24;

/// Frames on disk, read one by one.
pub trait Stack: Send + std::fmt::Debug {
    fn shape(&self) -> Shape;
    fn pixel_type(&self) -> PixelType;
    /// Frames that can be read.
    fn frames(&self) -> u64;
    /// Reads frame `index` (from 0) into `into`, which must be exactly one frame long: little-endian,
    /// row-major, unpadded.
    ///
    /// # Errors
    /// [`StackError::OutOfRange`], [`StackError::WrongBuffer`], or what the disk or a decoder said.
    fn read(&mut self, index: u64, into: &mut [u8]) -> Result<(), StackError>;
    fn meta(&self) -> &StackMeta;
}

/// What the file itself says of its recording; `None` where it says nothing (or nothing plausible).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StackMeta {
    /// Side of a square pixel in the sample plane.
    pub pixel_size_nm: Option<f64>,
    pub exposure_ms: Option<f64>,
    /// The camera's name and binning, in words.
    pub camera: Option<String>,
    /// Format and origin, in words.
    pub source: String,
}

/// How to read what is not plain.
#[derive(Clone, Debug, Default)]
pub struct StackOptions {
    /// Read the whole frames of a file that was cut short, instead of refusing it.
    pub allow_short: bool,
    /// For stacks of several channels or positions: which one, as (axis, value), for instance
    /// `("channel", "DAPI")` or `("channel", "0")`.
    pub select: Vec<(String, String)>,
}

impl StackOptions {
    pub(crate) fn chosen(&self, axis: &str) -> Option<&str> {
        self.select.iter().find(|(name, _)| name == axis).map(|(_, value)| value.as_str())
    }
}

/// Why a stack cannot be read.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum StackError {
    #[error("{}: {action} failed: {cause}", path.display())]
    Io { path: PathBuf, action: &'static str, cause: std::io::Error },
    #[error(
        "{}: not a stack that can be read ({why}); readable are TIFF, OME-TIFF, NDTiff folders, Picasso .raw with \
         .yaml, .dax with .inf, and .npy", path.display()
    )]
    NotAStack { path: PathBuf, why: String },
    #[error("{}: {field}: {why}", path.display())]
    Malformed { path: PathBuf, field: &'static str, why: String },
    #[error("{}: {what} cannot be read; {remedy}", path.display())]
    Unsupported { path: PathBuf, what: String, remedy: &'static str },
    #[error(
        "{}: the file was cut short: {whole} whole frames are there{}; copy it again, or allow short files \
         (--allow-short) to read those {whole}", path.display(), expected.map(|n| format!(" of {n}")).unwrap_or_default()
    )]
    Short { path: PathBuf, whole: u64, expected: Option<u64> },
    #[error("{}: frame {index} does not exist: there are {frames}, counted from 0", path.display())]
    OutOfRange { path: PathBuf, index: u64, frames: u64 },
    #[error("{}: a frame has {needed} bytes, the buffer {given}", path.display())]
    WrongBuffer { path: PathBuf, needed: usize, given: usize },
}

impl StackError {
    pub(crate) fn malformed(path: &Path, field: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), field, why: why.into() }
    }

    pub(crate) fn not(path: &Path, why: impl Into<String>) -> Self {
        Self::NotAStack { path: path.to_owned(), why: why.into() }
    }
}

/// Opens a stack with the defaults: complete files only, one channel only.
///
/// # Errors
/// See [`StackError`]; each names the file and what to do.
pub fn open_stack(path: &Path) -> Result<Box<dyn Stack>, StackError> {
    open_stack_with(path, &StackOptions::default())
}

/// Opens a stack. A folder is an NDTiff data set, or a recording split into TIFF files in the order of their
/// numbers.
///
/// # Errors
/// See [`StackError`]; each names the file and what to do.
pub fn open_stack_with(path: &Path, options: &StackOptions) -> Result<Box<dyn Stack>, StackError> {
    let about = std::fs::metadata(path).map_err(|cause| StackError::Io {
        path: path.to_owned(),
        action: "opening",
        cause,
    })?;
    if about.is_dir() {
        return open_folder(path, options);
    }
    match extension(path).as_str() {
        "tif" | "tiff" | "btf" | "tf8" => open_tiff(path, options),
        "npy" => Ok(Box::new(npy::open_stack(path, options)?)),
        "raw" => Ok(Box::new(flat::open_picasso(path, options)?)),
        "dax" | "inf" => Ok(Box::new(flat::open_dax(path, options)?)),
        "yaml" => Ok(Box::new(flat::open_picasso(&path.with_extension("raw"), options)?)),
        "index" => open_folder(path.parent().unwrap_or(Path::new(".")), options),
        _ if tiff::looks_like(path) => open_tiff(path, options),
        other => Err(StackError::not(path, format!("unknown ending '{other}'"))),
    }
}

/// The file name's ending in lower case.
pub(crate) fn extension(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

fn open_folder(path: &Path, options: &StackOptions) -> Result<Box<dyn Stack>, StackError> {
    for place in [path.to_owned(), path.join("Full resolution")] {
        if place.join(ndtiff::INDEX).is_file() {
            return Ok(Box::new(ndtiff::NdTiff::open(&place, options)?));
        }
    }
    Ok(Box::new(folder::Parts::of_folder(path, options)?))
}

/// A TIFF may be one part of something larger; then the whole is opened, never silently a part.
fn open_tiff(path: &Path, options: &StackOptions) -> Result<Box<dyn Stack>, StackError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let home = path.parent().unwrap_or(Path::new("."));
    if name.contains("NDTiffStack") && home.join(ndtiff::INDEX).is_file() {
        return Ok(Box::new(ndtiff::NdTiff::open(home, options)?));
    }
    match folder::continuations(path) {
        more if more.is_empty() => Ok(Box::new(tiff::Tiff::open(path, options)?)),
        more => Ok(Box::new(folder::Parts::of_files(path, more, options)?)),
    }
}

/// Whether `index` and `into` fit a stack; every reader asks this first.
pub(crate) fn check_read(
    path: &Path,
    stack: (u64, usize),
    index: u64,
    given: usize,
) -> Result<(), StackError> {
    let (frames, needed) = stack;
    if index >= frames {
        return Err(StackError::OutOfRange { path: path.to_owned(), index, frames });
    }
    if given != needed {
        return Err(StackError::WrongBuffer { path: path.to_owned(), needed, given });
    }
    Ok(())
}

/// A shape from foreign numbers: not empty, not absurd.
pub(crate) fn check_shape(
    path: &Path,
    width: u64,
    height: u64,
    pixel_type: PixelType,
) -> Result<Shape, StackError> {
    let bytes = width.checked_mul(height).and_then(|n| n.checked_mul(pixel_type.bytes() as u64));
    match (u32::try_from(width), u32::try_from(height), bytes) {
        (Ok(width), Ok(height), Some(1..=MAX_FRAME_BYTES)) => Ok(Shape { width, height }),
        _ => Err(StackError::malformed(
            path,
            "frame size",
            format!("{width} x {height} pixels is empty or more than {MAX_FRAME_BYTES} bytes"),
        )),
    }
}

/// Complete, or allowed to be short; the number of frames to read.
pub(crate) fn check_whole(
    path: &Path,
    whole: u64,
    expected: Option<u64>,
    options: &StackOptions,
) -> Result<u64, StackError> {
    let complete = expected.is_some_and(|expected| whole >= expected);
    let usable = options.allow_short && whole > 0;
    if complete || usable {
        return Ok(expected.map_or(whole, |expected| expected.min(whole)));
    }
    Err(StackError::Short { path: path.to_owned(), whole, expected })
}
