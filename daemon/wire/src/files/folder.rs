//! A recording in several TIFF files, read as one stack.
//!
//! In: a folder of TIFF files, or the first file of a recording that Micro-Manager continued in `X_1.ome.tif`, … at
//! 4 GB. Out: a [`Stack`]. Never: keeps more than one file open, or mixes positions.

use std::path::{Path, PathBuf};

use smlm::frame::{PixelType, Shape};

use super::stack::{MAX_FRAMES, Stack, StackError, StackMeta, StackOptions, check_read, extension};
use super::tiff::Tiff;

/// A folder of more files than this is not one recording.
const MAX_FILES: usize = 1 << 20;

/// See the module.
#[derive(Debug)]
pub(crate) struct Parts {
    path: PathBuf,
    parts: Vec<Part>,
    /// The number of the open part, and the part.
    open: (usize, Tiff),
    options: StackOptions,
    meta: StackMeta,
}

#[derive(Debug)]
struct Part {
    path: PathBuf,
    /// Number of its first frame in the whole.
    first: u64,
}

/// The files that continue `path`: `X_1.ome.tif`, `X_2.ome.tif`, … for `X.ome.tif` of Micro-Manager.
pub(super) fn continuations(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let Some(stem) = name.strip_suffix(".ome.tif").filter(|stem| stem.contains("_MMStack")) else {
        return Vec::new();
    };
    let following = |number: usize| path.with_file_name(format!("{stem}_{number}.ome.tif"));
    (1..MAX_FILES).map(following).take_while(|path| path.is_file()).collect()
}

impl Parts {
    /// All TIFF files of a folder in the order of the numbers in their names.
    pub(super) fn of_folder(folder: &Path, options: &StackOptions) -> Result<Self, StackError> {
        let fail = |cause| StackError::Io { path: folder.to_owned(), action: "listing", cause };
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if matches!(extension(&path).as_str(), "tif" | "tiff") && path.is_file() {
                files.push(path);
            }
            if files.len() > MAX_FILES {
                return Err(StackError::malformed(
                    folder,
                    "number of files",
                    format!("more than {MAX_FILES}"),
                ));
            }
        }
        files.sort_by_cached_key(|path| natural_key(path));
        let Some(first) = files.first().cloned() else {
            return Err(StackError::not(folder, "a folder without NDTiff.index and without TIFF files"));
        };
        one_recording(folder, &files)?;
        Self::of_files(&first, files.split_off(1), options)
            .map(|parts| Self { path: folder.to_owned(), ..parts })
    }

    /// `first` and the files that follow it.
    pub(super) fn of_files(
        first: &Path,
        more: Vec<PathBuf>,
        options: &StackOptions,
    ) -> Result<Self, StackError> {
        let open = Tiff::open(first, options)?;
        let files = more.len() + 1;
        let mut parts = vec![Part { path: first.to_owned(), first: 0 }];
        let mut frames = open.frames();
        for path in more {
            let part = Tiff::open(&path, options)?;
            same_kind(&path, &part, &open)?;
            parts.push(Part { path, first: frames });
            frames += part.frames();
        }
        // The end, so that each part's length is the distance to the next.
        parts.push(Part { path: PathBuf::new(), first: frames });
        if frames > MAX_FRAMES {
            return Err(StackError::malformed(
                first,
                "number of frames",
                format!("{frames} is more than {MAX_FRAMES}"),
            ));
        }
        let meta =
            StackMeta { source: format!("{} in {files} files", open.meta().source), ..open.meta().clone() };
        Ok(Self { path: first.to_owned(), parts, open: (0, open), options: options.clone(), meta })
    }
}

impl Stack for Parts {
    fn shape(&self) -> Shape {
        self.open.1.shape()
    }

    fn pixel_type(&self) -> PixelType {
        self.open.1.pixel_type()
    }

    fn frames(&self) -> u64 {
        self.parts.last().map_or(0, |end| end.first)
    }

    fn read(&mut self, index: u64, into: &mut [u8]) -> Result<(), StackError> {
        let needed = self.shape().pixels() * self.pixel_type().bytes();
        check_read(&self.path, (self.frames(), needed), index, into.len())?;
        // The last part that begins at or before the frame; the first begins at 0.
        let number = self.parts.partition_point(|part| part.first <= index) - 1;
        let part = &self.parts[number];
        if self.open.0 != number {
            let opened = Tiff::open(&part.path, &self.options)?;
            same_kind(&part.path, &opened, &self.open.1)?;
            self.open = (number, opened);
        }
        self.open.1.read(index - part.first, into)
    }

    fn meta(&self) -> &StackMeta {
        &self.meta
    }
}

fn same_kind(path: &Path, part: &Tiff, first: &Tiff) -> Result<(), StackError> {
    if (part.shape(), part.pixel_type()) == (first.shape(), first.pixel_type()) {
        return Ok(());
    }
    let why = format!(
        "{:?} differs from the first file's {:?}; open the files one by one",
        part.shape(),
        first.shape()
    );
    Err(StackError::malformed(path, "frame size", why))
}

/// Micro-Manager writes every position into its own file; chaining those would mix places.
fn one_recording(folder: &Path, files: &[PathBuf]) -> Result<(), StackError> {
    let position = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (_, rest) = name.split_once("_MMStack_")?;
        Some(rest.split(['.']).next()?.split('_').next()?.to_owned())
    };
    let first = files.first().and_then(position);
    if files.iter().all(|path| position(path) == first) {
        return Ok(());
    }
    let remedy = "open one position's first file instead of the folder";
    Err(StackError::Unsupported {
        path: folder.to_owned(),
        what: "a folder of several positions".into(),
        remedy,
    })
}

/// `frame10` after `frame9`: digits compare as numbers.
fn natural_key(path: &Path) -> Vec<(String, u64)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    // Before the ending, so that `X.ome.tif` stands before `X_1.ome.tif`.
    let stem = name.split('.').next().unwrap_or_default();
    let mut key = vec![(String::new(), 0u64)];
    let mut in_number = false;
    for character in stem.chars() {
        if let Some(digit) = character.to_digit(10) {
            let (_, number) = key.last_mut().expect("it begins with one element");
            *number = number.saturating_mul(10).saturating_add(digit.into());
            in_number = true;
        } else {
            if in_number {
                key.push((String::new(), 0));
            }
            key.last_mut().expect("it begins with one element").0.push(character);
            in_number = false;
        }
    }
    key
}
