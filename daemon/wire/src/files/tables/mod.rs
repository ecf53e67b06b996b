//! Localization tables: written while they grow, read row by row.
//!
//! In: core [`Localization`]s, or a path. Out: a finished file, or core localizations. Never: holds a whole table while
//! writing, leaves half a file under the final name, or guesses a unit. Each format's convention stands in its own
//! file; inside and outside are those of [`smlm::units`].

mod columns;
mod emitters;
mod error;
mod insight;
mod lines;
mod parquet;
mod pending;
mod picasso;
mod thunderstorm;

use std::path::{Path, PathBuf};

use smlm::frame::Shape;
use smlm::localization::Localization;
use smlm::units::PixelSize;

pub use emitters::read_emitters;
pub use error::TableError;
pub use parquet::dataset;

/// Rows handed on at once by readers and collected by writers.
pub(crate) const BATCH_ROWS: usize = 16 << 10;

/// What a table is about; each format stores what it has a place for.
#[derive(Clone, Debug, PartialEq)]
pub struct TableMeta {
    pub pixel_size: PixelSize,
    /// Rows and columns of the camera frame.
    pub shape: Shape,
    /// Frames of the recording, with or without localizations.
    pub frames: u64,
    pub series: String,
    pub model: String,
    /// Whether z and its σ mean anything.
    pub three_d: bool,
    /// σ of the point spread function in focus, for formats with a column for it.
    pub psf_sigma_nm: Option<f64>,
}

/// The kinds of table that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    Parquet,
    ThunderStorm,
    Picasso,
}

impl TableFormat {
    /// By the ending of the path: `.parquet`, `.csv`, `.hdf5`.
    pub fn of(path: &Path) -> Option<Self> {
        match super::stack::extension(path).as_str() {
            "parquet" => Some(Self::Parquet),
            "csv" => Some(Self::ThunderStorm),
            "hdf5" | "h5" => Some(Self::Picasso),
            _ => None,
        }
    }
}

/// A table being written. Dropping it unfinished leaves nothing behind.
pub trait TableWriter: Send {
    /// Adds rows.
    ///
    /// # Errors
    /// [`TableError::DiskFull`] or [`TableError::Io`]; the table is then lost, drop the writer.
    fn push(&mut self, rows: &[Localization]) -> Result<(), TableError>;

    /// Writes what is left, makes it durable and gives it its name; returns the bytes of the table.
    ///
    /// # Errors
    /// As [`TableWriter::push`].
    fn finish(self: Box<Self>) -> Result<u64, TableError>;
}

/// Begins a table beside `path`; it appears under that name when it is finished, replacing what was there.
///
/// # Errors
/// [`TableError`] naming the folder when nothing can be created in it.
pub fn create_table(
    path: &Path,
    format: TableFormat,
    meta: &TableMeta,
) -> Result<Box<dyn TableWriter>, TableError> {
    Ok(match format {
        TableFormat::Parquet => Box::new(parquet::Writer::create(path, meta)?),
        TableFormat::ThunderStorm => Box::new(thunderstorm::Writer::create(path, meta)?),
        TableFormat::Picasso => Box::new(picasso::Writer::create(path, meta)?),
    })
}

/// How to read a table.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Needed for tables in nm that do not say it themselves; overrules what a table says.
    pub pixel_size: Option<PixelSize>,
    /// Count rows with values that are not finite in `frame`, x or y, and go on, instead of refusing the table.
    pub skip_bad_rows: bool,
    /// The number of the first frame in a table that does not say it; ThunderSTORM counts from 1.
    pub first_frame: u32,
    /// Tables with more rows are refused; the default of 134 million takes 6 GiB where they are kept.
    pub max_rows: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { pixel_size: None, skip_bad_rows: false, first_frame: 1, max_rows: 1 << 27 }
    }
}

impl ReadOptions {
    /// Refuses a table of more than `max_rows` rows.
    fn limit(&self, path: &Path, rows: u64) -> Result<(), TableError> {
        if rows > self.max_rows {
            return Err(TableError::TooManyRows { path: path.to_owned(), rows, limit: self.max_rows });
        }
        Ok(())
    }
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TableInfo {
    pub format: &'static str,
    pub rows: u64,
    /// Rows left out for values that are not finite (`skip_bad_rows`).
    pub bad_rows: u64,
    pub pixel_size: Option<PixelSize>,
    /// Whether the table has a column for z.
    pub three_d: bool,
}

/// Takes a batch of rows; an error ends the reading.
pub type RowSink<'s> = dyn FnMut(&[Localization]) -> Result<(), TableError> + 's;

/// Reads a table in batches: `.parquet`, `.csv` (ThunderSTORM and alike), `.hdf5` (Picasso), `.bin` (Insight3).
///
/// # Errors
/// [`TableError`] naming file, column and row.
pub fn read_table(
    path: &Path,
    options: &ReadOptions,
    sink: &mut RowSink<'_>,
) -> Result<TableInfo, TableError> {
    match super::stack::extension(path).as_str() {
        "parquet" => parquet::read(path, options, sink),
        "csv" | "txt" | "tsv" => thunderstorm::read(path, options, sink),
        "hdf5" | "h5" => picasso::read(path, options, sink),
        "bin" => insight::read(path, options, sink),
        other => {
            Err(TableError::NotATable { path: PathBuf::from(path), why: format!("unknown ending '{other}'") })
        }
    }
}

/// Reads a whole table of at most `options.max_rows` rows into memory.
///
/// # Errors
/// As [`read_table`].
pub fn read_all(path: &Path, options: &ReadOptions) -> Result<(Vec<Localization>, TableInfo), TableError> {
    let mut rows = Vec::new();
    let info = read_table(path, options, &mut |batch| {
        rows.extend_from_slice(batch);
        Ok(())
    })?;
    Ok((rows, info))
}
