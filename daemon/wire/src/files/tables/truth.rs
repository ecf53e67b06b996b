//! True positions to judge localizations by.
//!
//! In: a delimited table with columns for frame, x and y, perhaps z and photons, found by name. Out: rows in nm from
//! the **corner** of the first pixel, frames from 0. Convention of the file: nm from the corner (`x [nm]`, `xnano`) or
//! pixels with centres at integers (`x [px]`); frames from [`ReadOptions::first_frame`] (1 for the EPFL sets and
//! ThunderSTORM). Never: a position without a unit.

use std::path::Path;

use super::thunderstorm::each_row;
use super::{ReadOptions, TableError};

/// A true emitter in a frame.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TruthRow {
    /// From 0.
    pub frame: u32,
    pub x_nm: f64,
    pub y_nm: f64,
    /// `None` where the table is 2D.
    pub z_nm: Option<f64>,
    pub photons: Option<f64>,
}

/// Reads a truth table of at most `options.max_rows` rows.
///
/// # Errors
/// [`TableError`] naming file, column and row; [`TableError::NoPixelSize`] when it is in pixels and no size is given.
pub fn read_truth(path: &Path, options: &ReadOptions) -> Result<Vec<TruthRow>, TableError> {
    let mut rows = Vec::new();
    let known = |value: f64| (!value.is_nan()).then_some(value);
    each_row(path, options, &mut |row| {
        rows.push(TruthRow {
            frame: row.frame,
            x_nm: row.x_nm,
            y_nm: row.y_nm,
            z_nm: known(row.z_nm),
            photons: known(row.photons),
        });
        Ok(())
    })?;
    Ok(rows)
}
