//! In: Picasso's HDF5, of its own or another program. Out: localizations in batches.

use std::path::Path;

use hdf5_pure::{Dataset, Datatype, File};
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize};

use super::super::error::guarded;
use super::super::{BATCH_ROWS, ReadOptions, RowSink, TableError, TableInfo};
use super::member::Member;
use super::{error_of, side_path};
use crate::files::flat::yaml_anywhere;
use crate::files::source::side_text;

const MAX_SIDE_BYTES: u64 = 16 << 20;
/// A row of a table of more columns than this is not a localization.
const MAX_ROW_BYTES: usize = 4096;
/// No compression packs more rows into a byte; a file that says so is damaged.
const MAX_ROWS_PER_BYTE: u64 = 1024;

/// The members of a row by what they mean.
struct Layout {
    frame: Member,
    x: Member,
    y: Member,
    others: [Option<Member>; 8],
    bytes: usize,
}

pub(in super::super) fn read(
    path: &Path,
    options: &ReadOptions,
    sink: &mut RowSink<'_>,
) -> Result<TableInfo, TableError> {
    let bad = |error| error_of(path, "reading", error);
    let (locs, datatype, rows) = open(path)?;
    let layout = layout(path, &datatype)?;
    options.limit(path, rows)?;
    let pixel_size = options.pixel_size.or_else(|| described_pixel_size(path));
    let three_d = layout.others[2].is_some();
    let mut info = TableInfo { format: "Picasso", rows, bad_rows: 0, pixel_size, three_d };
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    for start in (0..rows).step_by(BATCH_ROWS) {
        let bytes = guarded(path, "HDF5", bad, || locs.read_raw_rows(start, BATCH_ROWS as u64))?;
        batch.clear();
        for (row, bytes) in (start..).zip(bytes.chunks_exact(layout.bytes)) {
            match layout.row(path, row + 1, bytes, options)? {
                Some(row) => batch.push(row),
                None => info.bad_rows += 1,
            }
        }
        sink(&batch)?;
    }
    Ok(info)
}

/// The data set `locs`, the type of its rows, and how many there are.
fn open(path: &Path) -> Result<(Dataset, Datatype, u64), TableError> {
    let length = std::fs::metadata(path).map_err(|cause| TableError::io(path, "opening", cause))?.len();
    let bad = |error| match error_of(path, "reading", error) {
        TableError::Malformed { why, .. } => {
            let why = format!("no readable data set 'locs': {why}");
            TableError::NotATable { path: path.to_owned(), why }
        }
        other => other,
    };
    let (locs, datatype, shape) = guarded(path, "HDF5", bad, || {
        let locs = File::open_streaming(path)?.dataset("locs")?;
        let (datatype, shape) = (locs.datatype()?, locs.shape()?);
        Ok((locs, datatype, shape))
    })?;
    match shape.as_slice() {
        &[rows] if rows <= length.saturating_mul(MAX_ROWS_PER_BYTE) => Ok((locs, datatype, rows)),
        other => {
            let why = format!("shape {other:?} is not one row after another in a file of {length} bytes");
            Err(TableError::malformed(path, "locs", why))
        }
    }
}

fn described_pixel_size(path: &Path) -> Option<PixelSize> {
    let text = side_text(&side_path(path), MAX_SIDE_BYTES).ok()?;
    let side =
        |key| yaml_anywhere(&text, key).and_then(|side| side.parse::<f64>().ok()).filter(|side| *side > 0.0);
    let x = side("Pixelsize").or_else(|| side("Camera.Pixelsize"))?;
    Some(PixelSize { x: Nm(x), y: Nm(side("Pixelsize Y").unwrap_or(x)) })
}

fn layout(path: &Path, datatype: &Datatype) -> Result<Layout, TableError> {
    let Datatype::Compound { size, members } = datatype else {
        return Err(TableError::malformed(path, "locs", "it is not a compound data set"));
    };
    let bytes = *size as usize;
    if bytes == 0 || bytes > MAX_ROW_BYTES {
        let why = format!("a row of {bytes} bytes; 1 to {MAX_ROW_BYTES} can be read");
        return Err(TableError::malformed(path, "locs", why));
    }
    let member = |name: &str| members.iter().find(|member| member.name == name).and_then(Member::of);
    let needed = |column: &'static str| {
        member(column).ok_or_else(|| {
            let found = members.iter().map(|member| member.name.as_str()).collect::<Vec<_>>().join(", ");
            TableError::MissingColumn { path: path.to_owned(), column, found }
        })
    };
    let others = ["photons", "bg", "z", "lpx", "lpy", "lpz", "probability", "tile"].map(member);
    Ok(Layout { frame: needed("frame")?, x: needed("x")?, y: needed("y")?, others, bytes })
}

impl Layout {
    fn row(
        &self,
        path: &Path,
        number: u64,
        bytes: &[u8],
        options: &ReadOptions,
    ) -> Result<Option<Localization>, TableError> {
        let (frame, x, y) = (self.frame.value(bytes), self.x.value(bytes), self.y.value(bytes));
        let whole = frame >= 0.0 && frame <= f64::from(u32::MAX) && frame.fract() == 0.0;
        if !(whole && x.is_finite() && y.is_finite()) {
            let why =
                format!("frame {frame}, x {x} px, y {y} px; clean it or allow bad rows (skip_bad_rows)");
            let (path, column) = (path.to_owned(), "frame, x or y".to_owned());
            let bad = TableError::BadValue { path, row: number, column, why };
            return if options.skip_bad_rows { Ok(None) } else { Err(bad) };
        }
        let [photons, background, z, sigma_x, sigma_y, sigma_z, probability, tile] =
            self.others.map(|member| member.map(|member| member.value(bytes)));
        let or = |value: Option<f64>, absent: f32| value.map_or(absent, |value| value as f32);
        Ok(Some(Localization {
            frame: frame as u32,
            tile: tile.map_or(0, |tile| tile as u32),
            x_px: x as f32,
            y_px: y as f32,
            z_nm: or(z, 0.0),
            photons: or(photons, 0.0),
            background: or(background, 0.0),
            sigma_x_px: or(sigma_x, 0.0),
            sigma_y_px: or(sigma_y, 0.0),
            sigma_z_nm: or(sigma_z, 0.0),
            sigma_photons: 0.0,
            probability: or(probability, 1.0),
        }))
    }
}
