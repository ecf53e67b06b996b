//! Which column of a foreign table means what.
//!
//! In: a header. Out: for each quantity its column and the factor to our unit. Never: a position without a unit. Known
//! are the names of ThunderSTORM, of the SMLM challenges, of the training package and plain ones (`x [nm]`, `x_nm`,
//! `x_px`, `xnano`). ThunderSTORM's `sigma` is the width of the PSF and not asked for.

use std::path::Path;

use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize, Px};

use super::{ReadOptions, TableError};

/// Which axes a position needs, and their unit.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Unit {
    /// Nanometres per unit, corner origin.
    Length(f64),
    /// Pixels, centres at integers.
    Pixels,
}

/// The columns of a table by what they mean.
#[derive(Debug, Default)]
pub(super) struct Columns {
    names: Vec<String>,
    frame: Option<usize>,
    x: Option<(usize, Unit)>,
    y: Option<(usize, Unit)>,
    z: Option<(usize, Unit)>,
    pub photons: Option<usize>,
    pub background: Option<usize>,
    /// Lateral σ, or one of x and one of y.
    sigma_x: Option<(usize, Unit)>,
    sigma_y: Option<(usize, Unit)>,
    sigma_z: Option<(usize, Unit)>,
    probability: Option<usize>,
}

/// A row in our units: nm from the corner, frames from 0; NaN where the table has no column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub frame: u32,
    pub x_nm: f64,
    pub y_nm: f64,
    pub z_nm: f64,
    pub photons: f64,
    pub background: f64,
    pub sigma_x_nm: f64,
    pub sigma_y_nm: f64,
    pub sigma_z_nm: f64,
    probability: f64,
}

impl Columns {
    /// Reads a header; quotes of any depth are ignored.
    pub(super) fn of(path: &Path, header: &str, separator: char) -> Result<Self, TableError> {
        let plain = header.trim_start_matches('\u{feff}').replace('"', "");
        let mut columns = Self {
            names: plain.split(separator).map(|name| name.trim().to_owned()).collect(),
            ..Self::default()
        };
        for (place, name) in columns.names.clone().iter().enumerate() {
            columns.assign(path, place, name)?;
        }
        for (found, column) in
            [(columns.frame.is_some(), "frame"), (columns.x.is_some(), "x"), (columns.y.is_some(), "y")]
        {
            if !found {
                let found = columns.names.join(", ");
                return Err(TableError::MissingColumn { path: path.to_owned(), column, found });
            }
        }
        Ok(columns)
    }

    fn assign(&mut self, path: &Path, place: usize, name: &str) -> Result<(), TableError> {
        let lower = name.to_lowercase();
        let (stem, unit) = split_unit(&lower);
        let length = || {
            unit.map(|unit| (place, unit)).ok_or_else(|| {
                let why = format!("column '{name}' has no unit; call it '{name} [nm]' or '{name} [px]'");
                TableError::malformed(path, "header", why)
            })
        };
        match stem {
            "frame" | "frame_ix" => self.frame = Some(place),
            "x" => self.x = Some(length()?),
            "y" => self.y = Some(length()?),
            "z" => self.z = Some(length()?),
            "intensity" | "photons" | "phot" => self.photons = Some(place),
            "offset" | "background" | "bg" => self.background = Some(place),
            "uncertainty" | "uncertainty_xy" => {
                self.sigma_x = Some(length()?);
                self.sigma_y = self.sigma_x;
            }
            "uncertainty_x" | "sigma_x" => self.sigma_x = Some(length()?),
            "uncertainty_y" | "sigma_y" => self.sigma_y = Some(length()?),
            "uncertainty_z" | "sigma_z" => self.sigma_z = Some(length()?),
            "probability" | "prob" => self.probability = Some(place),
            _ => {}
        }
        Ok(())
    }

    pub(super) fn has_z(&self) -> bool {
        self.z.is_some()
    }

    /// Whether a position is given in pixels, so that nm need a pixel size.
    pub(super) fn needs_pixel_size(&self) -> bool {
        [self.x, self.y].iter().flatten().any(|(_, unit)| *unit == Unit::Pixels)
    }

    /// The row in `values`; `None` when a needed value is not finite and that is allowed.
    pub(super) fn row(
        &self,
        path: &Path,
        number: u64,
        values: &[f64],
        options: &ReadOptions,
    ) -> Result<Option<Row>, TableError> {
        let bad = |column: usize, why: String| TableError::BadValue {
            path: path.to_owned(),
            row: number,
            column: format!("'{}'", self.names[column]),
            why,
        };
        if values.len() != self.names.len() {
            let why = format!("{} values for {} columns", values.len(), self.names.len());
            return Err(bad(values.len().min(self.names.len() - 1), why));
        }
        let needed =
            [self.frame, self.x.map(|(at, _)| at), self.y.map(|(at, _)| at), self.z.map(|(at, _)| at)];
        for column in needed.into_iter().flatten() {
            if !values[column].is_finite() {
                let why = format!(
                    "{} is not a number; clean the table or allow bad rows (skip_bad_rows)",
                    values[column]
                );
                return if options.skip_bad_rows { Ok(None) } else { Err(bad(column, why)) };
            }
        }
        let at = |column: Option<usize>| column.map_or(f64::NAN, |column| values[column]);
        let frame_column = self.frame.unwrap_or_default();
        let frame = values[frame_column] - f64::from(options.first_frame);
        if frame < 0.0 || frame > f64::from(u32::MAX) || frame.fract() != 0.0 {
            let why = format!("{} is not a frame counted from {}", values[frame_column], options.first_frame);
            return Err(bad(frame_column, why));
        }
        let side = |along_x: bool| {
            options.pixel_size.map_or(f64::NAN, |size| if along_x { size.x.0 } else { size.y.0 })
        };
        let nm = |place: Option<(usize, Unit)>, along_x: bool, corner_px: f64| match place {
            Some((column, Unit::Length(nm))) => values[column] * nm,
            Some((column, Unit::Pixels)) => (values[column] + corner_px) * side(along_x),
            None => f64::NAN,
        };
        let position = |place, along_x| nm(place, along_x, 0.5);
        let extent = |place, along_x| nm(place, along_x, 0.0);
        Ok(Some(Row {
            frame: frame as u32,
            x_nm: position(self.x, true),
            y_nm: position(self.y, false),
            z_nm: extent(self.z, true),
            photons: at(self.photons),
            background: at(self.background),
            sigma_x_nm: extent(self.sigma_x, true),
            sigma_y_nm: extent(self.sigma_y, false),
            sigma_z_nm: extent(self.sigma_z, true),
            probability: at(self.probability),
        }))
    }
}

impl Row {
    /// In the inside convention; what the table does not have is 0, the probability 1.
    pub(super) fn localization(&self, size: PixelSize) -> Localization {
        let (Px(x), Px(y)) = size.centre_px(Nm(self.x_nm), Nm(self.y_nm));
        let or = |value: f64, absent: f64| if value.is_nan() { absent as f32 } else { value as f32 };
        Localization {
            frame: self.frame,
            tile: 0,
            x_px: x as f32,
            y_px: y as f32,
            z_nm: or(self.z_nm, 0.0),
            photons: or(self.photons, 0.0),
            background: or(self.background, 0.0),
            sigma_x_px: or(self.sigma_x_nm / size.x.0, 0.0),
            sigma_y_px: or(self.sigma_y_nm / size.y.0, 0.0),
            sigma_z_nm: or(self.sigma_z_nm, 0.0),
            sigma_photons: 0.0,
            probability: or(self.probability, 1.0),
        }
    }
}

/// `x [nm]`, `x_nm`, `xnano` into the quantity and its unit.
fn split_unit(name: &str) -> (&str, Option<Unit>) {
    let unit = |text: &str| match text.trim_end_matches(']').trim() {
        "nm" => Some(Unit::Length(1.0)),
        "um" | "µm" | "μm" => Some(Unit::Length(1e3)),
        "px" | "pixel" => Some(Unit::Pixels),
        _ => None,
    };
    if let Some((stem, rest)) = name.split_once('[') {
        return (stem.trim(), unit(rest));
    }
    if let Some(stem) = name.strip_suffix("nano") {
        return (stem, Some(Unit::Length(1.0)));
    }
    match name.rsplit_once('_').map(|(stem, rest)| (stem, unit(rest))) {
        Some((stem, Some(unit))) => (stem, Some(unit)),
        _ => (name, None),
    }
}
