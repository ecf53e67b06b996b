//! Emitters in double precision, with all that a table says of them: the truth, or what is judged by it.
//!
//! In: any table that can be read. Out: emitters in nm from the **corner** of the first pixel, frames from 0. Convention
//! of delimited tables: nm from the corner (`x [nm]`, `xnano`) or pixels with centres at integers (`x [px]`); frames from
//! [`ReadOptions::first_frame`] (1 for the EPFL sets and ThunderSTORM). Never: a position without a unit.

use std::path::Path;

use smlm::localization::Localization;
use smlm::metrics::{Emitter, Point};
use smlm::units::{PixelSize, Px};

use super::columns::Row;
use super::thunderstorm::each_row;
use super::{ReadOptions, TableError, TableInfo, read_all};

/// Reads a table of at most `options.max_rows` rows. Delimited tables in nm need no pixel size; what a table has no
/// column for is `None`, z then 0.
///
/// # Errors
/// [`TableError`] naming file, column and row; [`TableError::NoPixelSize`] when it is in pixels and no size is given.
pub fn read_emitters(path: &Path, options: &ReadOptions) -> Result<(Vec<Emitter>, TableInfo), TableError> {
    if matches!(super::super::stack::extension(path).as_str(), "csv" | "txt" | "tsv") {
        let mut emitters = Vec::new();
        let mut info = each_row(path, options, &mut |row| {
            emitters.push(of_row(&row));
            Ok(())
        })?;
        info.pixel_size = options.pixel_size;
        return Ok((emitters, info));
    }
    let (rows, info) = read_all(path, options)?;
    let size = info.pixel_size.ok_or_else(|| TableError::NoPixelSize { path: path.to_owned() })?;
    Ok((of_localizations(&rows, size), info))
}

fn of_row(row: &Row) -> Emitter {
    let known = |value: f64| (!value.is_nan()).then_some(value);
    let or_zero = |value: f64| known(value).unwrap_or(0.0);
    let sigmas = known(row.sigma_x_nm).zip(known(row.sigma_y_nm));
    Emitter {
        at: Point { frame: row.frame, x_nm: row.x_nm, y_nm: row.y_nm, z_nm: or_zero(row.z_nm) },
        photons: known(row.photons),
        background: known(row.background),
        sigma_nm: sigmas.map(|(x, y)| [x, y, or_zero(row.sigma_z_nm)]),
    }
}

/// Localizations in nm from the corner; a column of zeros is one that the table does not have.
fn of_localizations(rows: &[Localization], size: PixelSize) -> Vec<Emitter> {
    let any = |value: fn(&Localization) -> f32| rows.iter().any(|row| value(row) != 0.0);
    let (photons, background) = (any(|row| row.photons), any(|row| row.background));
    let sigma = any(|row| row.sigma_x_px.max(row.sigma_y_px));
    let emitter = |row: &Localization| {
        let (x, y) = size.corner_nm(Px(row.x_px.into()), Px(row.y_px.into()));
        let (sigma_x, sigma_y) = (f64::from(row.sigma_x_px) * size.x.0, f64::from(row.sigma_y_px) * size.y.0);
        Emitter {
            at: Point { frame: row.frame, x_nm: x.0, y_nm: y.0, z_nm: row.z_nm.into() },
            photons: photons.then(|| row.photons.into()),
            background: background.then(|| row.background.into()),
            sigma_nm: sigma.then(|| [sigma_x, sigma_y, row.sigma_z_nm.into()]),
        }
    };
    rows.iter().map(emitter).collect()
}
