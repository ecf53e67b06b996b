//! Picasso's HDF5: one compound data set `locs`, with a YAML file of the same name beside it.
//!
//! Convention: x, y, `lpx`, `lpy` in **pixels, centres at integers** (as inside), frames from 0, z in nm, `bg` in photons
//! per pixel. `sx`, `sy` are widths of the point spread function, written when it is known. The data set is chunked in
//! 16384 rows: HDF5 2.0.0 refuses the chunk sizes that this writer would store for 65536 rows and more.

mod member;
mod read;
mod write;

use std::path::{Path, PathBuf};

use hdf5_pure::Error;

use super::TableError;
pub(super) use read::read;
pub(super) use write::Writer;

fn side_path(path: &Path) -> PathBuf {
    path.with_extension("yaml")
}

fn error_of(path: &Path, action: &'static str, error: Error) -> TableError {
    match error {
        Error::Io(cause) => TableError::io(path, action, cause),
        other => TableError::malformed(path, "HDF5", other.to_string()),
    }
}
