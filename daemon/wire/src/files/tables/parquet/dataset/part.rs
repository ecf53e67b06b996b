//! One tile of a data set: its place on the stage, its file, its notes.
//!
//! In: what the caller knows of a tile, or the key-value metadata of a file. Out: the other. Never: a value that was
//! not looked at.

use std::path::{Path, PathBuf};

use parquet::file::metadata::KeyValue;
use smlm::units::{Nm, PixelSize};

use super::DatasetError;

/// The one file of a tile.
pub(super) const FILE: &str = "part-0.parquet";
/// All texts of a tile together; they stand in the index as well.
const TEXT_BYTES: usize = 4 << 10;
/// Keys that callers may not give themselves.
const OWN: [&str; 10] = [
    "convention",
    "tile",
    "tile_row",
    "tile_column",
    "corner_x_nm",
    "corner_y_nm",
    "pixel_size_x_nm",
    "pixel_size_y_nm",
    "drift",
    "merge",
];
const CONVENTION: &str = "x along columns, y along rows; x_nm, y_nm: on the stage, the tile's corner (outer corner of its \
                          first pixel) added; px: within the tile, pixel centres at integers; frame (within the series) \
                          and tile from 0; z positive away from the objective";

/// A tile as the caller describes it.
#[derive(Clone, Debug, PartialEq)]
pub struct TilePart {
    /// In order of acquisition, from 0; at most 2³¹ − 1, for other programs take it for a signed number.
    pub index: u32,
    /// In the grid, from 0.
    pub row: u32,
    pub column: u32,
    /// x and y on the stage of the outer corner of the first pixel. Camera and stage axes are parallel.
    pub corner: (Nm, Nm),
    pub pixel: PixelSize,
    /// What was done against drift, in words; empty: nothing.
    pub drift: String,
    /// How blinks were merged over frames, in words; empty: they were not.
    pub merge: String,
    /// What else to say, as key and value: series, model, `three_d`, ...
    pub notes: Vec<(String, String)>,
}

impl TilePart {
    /// Refuses what cannot be written or read back.
    pub(super) fn check(&self, path: &Path) -> Result<(), DatasetError> {
        let bad = |what, why: String| Err(DatasetError::BadPart { path: path.to_owned(), what, why });
        if i32::try_from(self.index).is_err() {
            return bad("tile", format!("{} is more than {}", self.index, i32::MAX));
        }
        let (Nm(x), Nm(y)) = self.corner;
        // 2⁴² nm are 4 km, and leave 1/1024 nm in an f64.
        if !(x.abs() <= 2f64.powi(42) && y.abs() <= 2f64.powi(42)) {
            return bad("corner", format!("x {x} nm, y {y} nm is no place on a stage"));
        }
        let side = |side: Nm| side.0 > 0.0 && side.0 <= 1e9;
        if !(side(self.pixel.x) && side(self.pixel.y)) {
            return bad("pixel size", format!("{} x {} nm", self.pixel.x.0, self.pixel.y.0));
        }
        if let Some((key, _)) =
            self.notes.iter().find(|(key, _)| OWN.contains(&key.as_str()) || key.is_empty())
        {
            return bad("note", format!("the key '{key}' is taken"));
        }
        let notes = self.notes.iter().map(|(key, value)| key.len() + value.len());
        let bytes = self.drift.len() + self.merge.len() + notes.sum::<usize>();
        if bytes > TEXT_BYTES {
            return bad("notes", format!("{bytes} bytes of text are more than {TEXT_BYTES}"));
        }
        Ok(())
    }

    /// The key-value metadata of the file.
    pub(super) fn to_notes(&self) -> Vec<KeyValue> {
        let own = [
            CONVENTION.to_owned(),
            self.index.to_string(),
            self.row.to_string(),
            self.column.to_string(),
            self.corner.0.0.to_string(),
            self.corner.1.0.to_string(),
            self.pixel.x.0.to_string(),
            self.pixel.y.0.to_string(),
            self.drift.clone(),
            self.merge.clone(),
        ];
        let note = |key: &str, value: String| KeyValue { key: format!("blinkd.{key}"), value: Some(value) };
        let own = OWN.iter().zip(own).map(|(key, value)| note(key, value));
        own.chain(self.notes.iter().map(|(key, value)| note(key, value.clone()))).collect()
    }

    /// Back from the metadata, checked.
    pub(super) fn from_notes(path: &Path, notes: &[KeyValue]) -> Result<Self, DatasetError> {
        let all: Vec<(&str, &str)> = notes
            .iter()
            .filter_map(|note| Some((note.key.strip_prefix("blinkd.")?, note.value.as_deref()?)))
            .collect();
        let text = |key: &'static str| {
            let value = all.iter().find(|(own, _)| *own == key).map(|(_, value)| *value);
            value.ok_or_else(|| broken(path, format!("it does not say {key}")))
        };
        let part = Self {
            index: number(path, "tile", text("tile")?)?,
            row: number(path, "tile_row", text("tile_row")?)?,
            column: number(path, "tile_column", text("tile_column")?)?,
            corner: (
                Nm(number(path, "corner_x_nm", text("corner_x_nm")?)?),
                Nm(number(path, "corner_y_nm", text("corner_y_nm")?)?),
            ),
            pixel: PixelSize {
                x: Nm(number(path, "pixel_size_x_nm", text("pixel_size_x_nm")?)?),
                y: Nm(number(path, "pixel_size_y_nm", text("pixel_size_y_nm")?)?),
            },
            drift: text("drift")?.to_owned(),
            merge: text("merge")?.to_owned(),
            notes: all
                .iter()
                .filter(|(key, _)| !OWN.contains(key))
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        };
        match part.check(path) {
            Err(DatasetError::BadPart { what, why, .. }) => Err(broken(path, format!("{what}: {why}"))),
            other => other.map(|()| part),
        }
    }
}

fn number<T: std::str::FromStr>(path: &Path, key: &'static str, text: &str) -> Result<T, DatasetError> {
    text.parse().map_err(|_| broken(path, format!("its {key} is no number")))
}

/// Where the file of a tile is.
pub(super) fn path(folder: &Path, tile: u32) -> PathBuf {
    folder.join(folder_name(tile)).join(FILE)
}

fn folder_name(tile: u32) -> String {
    format!("tile={tile:05}")
}

/// The tile that a folder is of. `None`: not of a tile. `Some(None)`: of a tile, but not as we name it.
pub(super) fn tile_of(name: &str) -> Option<Option<u32>> {
    let digits = name.strip_prefix("tile=")?;
    Some(digits.parse().ok().filter(|tile| folder_name(*tile) == name))
}

/// A file that is not what it should be.
pub(super) fn broken(path: &Path, why: impl Into<String>) -> DatasetError {
    DatasetError::Broken { path: path.to_owned(), why: why.into() }
}
