//! ThunderSTORM's CSV, the table every program reads.
//!
//! Convention: positions and σ in nm from the **corner** of the first pixel, x along columns; **frames from 1**;
//! photons; `offset` is background per pixel, `bkgstd` its standard deviation (here that of Poisson background);
//! `uncertainty_xy` is the root mean square of the σ of x and y. `sigma`, the width of the point spread function, is
//! written when it is known. There is no place for tiles. Reading is tolerant: columns in any order, quoted in any
//! depth, frames from [`ReadOptions::first_frame`].

use std::io::Write;
use std::path::Path;

use smlm::localization::Localization;
use smlm::units::{Nm, Px};

use super::columns::{Columns, Row};
use super::lines::{Lines, separator};
use super::pending::PendingFile;
use super::{BATCH_ROWS, ReadOptions, RowSink, TableError, TableInfo, TableMeta, TableWriter};

/// See the module.
pub(super) struct Writer {
    file: PendingFile,
    meta: TableMeta,
    rows: u64,
    /// At most `BATCH_ROWS` rows as text.
    line: Vec<u8>,
}

impl Writer {
    pub(super) fn create(path: &Path, meta: &TableMeta) -> Result<Self, TableError> {
        let mut writer =
            Self { file: PendingFile::create(path)?, meta: meta.clone(), rows: 0, line: Vec::new() };
        let header = header(meta);
        writeln!(writer.file, "{header}").map_err(|cause| TableError::io(path, "writing", cause))?;
        Ok(writer)
    }

    fn row(&mut self, row: &Localization) {
        let size = self.meta.pixel_size;
        let (Nm(x), Nm(y)) = size.corner_nm(Px(row.x_px.into()), Px(row.y_px.into()));
        let (sigma_x, sigma_y) = (f64::from(row.sigma_x_px) * size.x.0, f64::from(row.sigma_y_px) * size.y.0);
        let lateral = ((sigma_x * sigma_x + sigma_y * sigma_y) / 2.0).sqrt();
        let noise = f64::from(row.background.max(0.0)).sqrt();
        let (three_d, psf) = (self.meta.three_d, self.meta.psf_sigma_nm);
        // In the order of `header`: value and decimals.
        let values = [
            Some((self.rows as f64, 0)),
            Some((f64::from(row.frame) + 1.0, 0)),
            Some((x, 3)),
            Some((y, 3)),
            three_d.then_some((row.z_nm.into(), 3)),
            psf.map(|sigma| (sigma, 3)),
            psf.filter(|_| three_d).map(|sigma| (sigma, 3)),
            Some((row.photons.into(), 3)),
            Some((row.background.into(), 4)),
            Some((noise, 4)),
            Some((lateral, 4)),
            three_d.then_some((row.sigma_z_nm.into(), 3)),
            Some((1.0, 0)),
        ];
        for (value, decimals) in values.into_iter().flatten() {
            decimal(&mut self.line, value, decimals);
            self.line.push(b',');
        }
        self.line.pop();
        self.line.push(b'\n');
    }
}

/// Appends `value` rounded to `decimals` places; several times faster than the general formatting, which the export of
/// millions of rows would spend nearly all its time in.
fn decimal(into: &mut Vec<u8>, value: f64, decimals: usize) {
    let scaled = (value * [1.0, 10.0, 100.0, 1e3, 1e4][decimals]).round();
    if scaled.is_nan() || scaled.abs() > 1e15 {
        into.extend(value.to_string().as_bytes());
        return;
    }
    let mut digits = [b'0'; 24];
    let mut at = digits.len();
    let mut rest = scaled.abs() as u64;
    while rest > 0 || digits.len() - at <= decimals {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    if scaled < 0.0 {
        into.push(b'-');
    }
    let (whole, fraction) = digits[at..].split_at(digits.len() - at - decimals);
    into.extend(whole);
    if decimals > 0 {
        into.push(b'.');
        into.extend(fraction);
    }
}

fn header(meta: &TableMeta) -> String {
    let mut names = vec!["id", "frame", "x [nm]", "y [nm]"];
    names.extend(meta.three_d.then_some("z [nm]"));
    match (meta.psf_sigma_nm.is_some(), meta.three_d) {
        (true, true) => names.extend(["sigma1 [nm]", "sigma2 [nm]"]),
        (true, false) => names.push("sigma [nm]"),
        (false, _) => {}
    }
    names.extend(["intensity [photon]", "offset [photon]", "bkgstd [photon]", "uncertainty_xy [nm]"]);
    names.extend(meta.three_d.then_some("uncertainty_z [nm]"));
    names.push("detections");
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(",")
}

impl TableWriter for Writer {
    fn push(&mut self, rows: &[Localization]) -> Result<(), TableError> {
        for rows in rows.chunks(BATCH_ROWS) {
            for row in rows {
                self.rows += 1;
                self.row(row);
            }
            let written = self.file.write_all(&self.line);
            self.line.clear();
            written.map_err(|cause| TableError::io(self.file.target(), "writing", cause))?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<u64, TableError> {
        self.file.finish()
    }
}

/// Reads a delimited table with a header; the pixel size must be given.
pub(super) fn read(
    path: &Path,
    options: &ReadOptions,
    sink: &mut RowSink<'_>,
) -> Result<TableInfo, TableError> {
    let size = options.pixel_size.ok_or_else(|| TableError::NoPixelSize { path: path.to_owned() })?;
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    let mut info = each_row(path, options, &mut |row| {
        batch.push(row.localization(size));
        if batch.len() < BATCH_ROWS {
            return Ok(());
        }
        let sent = sink(&batch);
        batch.clear();
        sent
    })?;
    if !batch.is_empty() {
        sink(&batch)?;
    }
    info.pixel_size = Some(size);
    Ok(info)
}

/// Hands every row of a delimited table on, in our units.
pub(super) fn each_row(
    path: &Path,
    options: &ReadOptions,
    take: &mut dyn FnMut(Row) -> Result<(), TableError>,
) -> Result<TableInfo, TableError> {
    let mut lines = Lines::open(path)?;
    let Some(header) = lines.next()? else {
        return Err(TableError::NotATable {
            path: path.to_owned(),
            why: "it is empty, without a header".into(),
        });
    };
    let separator = separator(header);
    let columns = Columns::of(path, header, separator)?;
    if columns.needs_pixel_size() && options.pixel_size.is_none() {
        return Err(TableError::NoPixelSize { path: path.to_owned() });
    }
    let mut info = TableInfo { format: "csv", three_d: columns.has_z(), ..TableInfo::default() };
    let mut values = Vec::new();
    loop {
        let number = lines.number + 1;
        let Some(line) = lines.next()? else { return Ok(info) };
        values.clear();
        for field in line.split(separator) {
            values.push(number_in(field).ok_or_else(|| TableError::BadValue {
                path: path.to_owned(),
                row: number,
                column: (values.len() + 1).to_string(),
                why: format!("'{field}' is not a number"),
            })?);
        }
        match columns.row(path, number, &values, options)? {
            Some(row) => take(row)?,
            None => info.bad_rows += 1,
        }
        info.rows += 1;
        options.limit(path, info.rows)?;
    }
}

/// A number, quoted or not; nothing at all is NaN, as ThunderSTORM writes it.
fn number_in(field: &str) -> Option<f64> {
    let plain = field.trim().trim_matches('"').trim();
    if plain.is_empty() { Some(f64::NAN) } else { plain.parse().ok() }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn decimals_are_written_as_the_general_formatting_writes_them() {
        for value in [0.0, 1.0, -0.5, 0.0004, -0.0006, 12_345.678_9, 0.05, 99.999_6, -1234.5, 4_294_967_296.0]
        {
            for decimals in 0..5 {
                let mut text = Vec::new();
                decimal(&mut text, value, decimals);
                let text = String::from_utf8(text).unwrap();
                let (mine, general): (f64, f64) =
                    (text.parse().unwrap(), format!("{value:.decimals$}").parse().unwrap());
                let step = 10f64.powi(-(decimals as i32));
                assert!(
                    (mine - value).abs() <= step / 2.0 + 1e-9 && (mine - general).abs() <= step + 1e-9,
                    "{value}: {text}"
                );
                assert_eq!(
                    text.split_once('.').map_or(0, |(_, fraction)| fraction.len()),
                    decimals,
                    "{text}"
                );
            }
        }
        for (value, expected) in
            [(f64::NAN, "NaN"), (f64::NEG_INFINITY, "-inf"), (1e20, "100000000000000000000")]
        {
            let mut text = Vec::new();
            decimal(&mut text, value, 3);
            assert_eq!(String::from_utf8(text).unwrap(), expected);
        }
    }
}
