//! Parquet, the default table: columns with their units in their names, compressed, row group by row group.
//!
//! Convention: `x_px`, `y_px` as inside (pixel centres at integers); `x_nm`, `y_nm` in nm from the **corner** of the
//! first pixel; `frame` and `tile` from 0; σ in nm. The key-value metadata says so again, with pixel size, frame shape,
//! series and model. Reading takes columns by name, of integer or floating point type, and lets all but `frame` and a
//! pair of positions be absent.

pub mod dataset;
mod footer;
mod read;
mod write;

use std::path::Path;

use parquet::errors::ParquetError;

use super::TableError;
pub(super) use read::read;
pub(super) use write::Writer;

/// An error of the crate, with a full disk told apart.
fn error_of(path: &Path, action: &'static str, error: ParquetError) -> TableError {
    match error {
        ParquetError::External(inner) => match inner.downcast::<std::io::Error>() {
            Ok(cause) => TableError::io(path, action, *cause),
            Err(other) => TableError::malformed(path, "parquet", other.to_string()),
        },
        other => TableError::malformed(path, "parquet", other.to_string()),
    }
}
