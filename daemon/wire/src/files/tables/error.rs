//! What can go wrong with a table.

use std::io;
use std::path::{Path, PathBuf};

/// Why a table cannot be written or read.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum TableError {
    #[error("{}: the disk is full; free space there and export again (nothing was left behind)", path.display())]
    DiskFull { path: PathBuf },
    #[error("{}: {action} failed: {cause}", path.display())]
    Io { path: PathBuf, action: &'static str, cause: io::Error },
    #[error("{}: not a localization table that can be read ({why}); readable are .parquet, ThunderSTORM .csv, Picasso .hdf5 \
             and Insight3 .bin", path.display())]
    NotATable { path: PathBuf, why: String },
    #[error("{}: no column for {column}; the columns are: {found}", path.display())]
    MissingColumn { path: PathBuf, column: &'static str, found: String },
    #[error("{}: row {row}, column {column}: {why}", path.display())]
    BadValue { path: PathBuf, row: u64, column: String, why: String },
    #[error("{}: {rows} rows are more than the {limit} allowed; split the table or raise max_rows", path.display())]
    TooManyRows { path: PathBuf, rows: u64, limit: u64 },
    #[error("{}: the table does not say its pixel size; give it in nm", path.display())]
    NoPixelSize { path: PathBuf },
    #[error("{}: {field}: {why}", path.display())]
    Malformed { path: PathBuf, field: &'static str, why: String },
}

impl TableError {
    /// An error of the file system, told apart from a full disk.
    pub(crate) fn io(path: &Path, action: &'static str, cause: io::Error) -> Self {
        let path = path.to_owned();
        match cause.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, action, cause },
        }
    }

    pub(crate) fn malformed(path: &Path, field: &'static str, why: impl Into<String>) -> Self {
        Self::Malformed { path: path.to_owned(), field, why: why.into() }
    }
}

/// What a foreign parser says of a file: its result, or an error where it panics. `parquet` 60 was seen to panic on damaged
/// files (an index out of bounds, a negative length); a file is no reason for the daemon to end.
pub(super) fn guarded<T, E>(
    path: &Path,
    format: &'static str,
    error: impl FnOnce(E) -> TableError,
    parse: impl FnOnce() -> Result<T, E>,
) -> Result<T, TableError> {
    // Nothing that was half changed is used again: every caller gives up on the file after an error.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(parse)) {
        Ok(result) => result.map_err(error),
        Err(_) => {
            Err(TableError::malformed(path, format, "it is damaged: its parser gave up; write it again"))
        }
    }
}
