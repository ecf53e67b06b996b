//! A journal becomes a table file.
//!
//! In: the folder of a series. Out: one table, whole or not at all. Never: a change of the journal; works
//! while the series is still being recorded.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use smlm::frame::Shape;
use smlm::localization::{Filter, Localization};
use wire::files::tables::{TableFormat, TableMeta, create_table};

use crate::store::journal::JournalReader;

/// The kinds of file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Parquet,
    /// ThunderSTORM's.
    Csv,
    /// Picasso's HDF5 with its YAML file.
    Picasso,
}

impl Format {
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Parquet => "parquet",
            Self::Csv => "csv",
            Self::Picasso => "hdf5",
        }
    }

    const fn table(self) -> TableFormat {
        match self {
            Self::Parquet => TableFormat::Parquet,
            Self::Csv => TableFormat::ThunderStorm,
            Self::Picasso => TableFormat::Picasso,
        }
    }
}

/// What was written.
#[derive(Clone, Debug)]
pub struct Written {
    pub path: PathBuf,
    pub localizations: u64,
    pub bytes: u64,
}

/// A client's file name: one plain name with the right ending, or `localizations.<ending>` when empty.
pub fn file_name(asked: &str, format: Format) -> Result<String, String> {
    let ending = format.extension();
    if asked.is_empty() {
        return Ok(format!("localizations.{ending}"));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_. ".contains(c);
    if asked.len() > 128 || asked.starts_with('.') || !asked.chars().all(plain) {
        return Err(format!("file_name '{asked}': letters, digits, '-', '_', '.' and no folders, please"));
    }
    Ok(if asked.ends_with(&format!(".{ending}")) { asked.to_owned() } else { format!("{asked}.{ending}") })
}

/// Rows handed to the writer at once.
const ROWS: usize = 1 << 14;

/// Writes what the journal in `folder` holds now.
pub fn write(folder: &Path, to: &Path, format: Format, filter: &Filter) -> anyhow::Result<Written> {
    let reader =
        JournalReader::open(folder).with_context(|| format!("no journal in {}", folder.display()))?;
    let meta = about(&reader);
    let mut table = create_table(to, format.table(), &meta)?;
    let mut rows: Vec<Localization> = Vec::with_capacity(ROWS);
    let mut localizations = 0;
    for block in reader.blocks() {
        for localization in block.localizations.iter().filter(|l| filter.keeps(l)) {
            rows.push(*localization);
            if rows.len() == ROWS {
                localizations += rows.len() as u64;
                table.push(&rows)?;
                rows.clear();
            }
        }
    }
    localizations += rows.len() as u64;
    table.push(&rows)?;
    let bytes = table.finish()?;
    Ok(Written { path: to.to_path_buf(), localizations, bytes })
}

/// What a table says of its series.
fn about(reader: &JournalReader) -> TableMeta {
    let info = reader.series_info().unwrap_or_default();
    let (mut frames, mut three_d, mut shape) = (0, false, Shape::default());
    for block in reader.blocks().filter(|block| block.head.frames > 0) {
        shape = Shape { width: block.head.width_px, height: block.head.height_px };
        frames = frames.max(block.head.last_seq + 1);
        three_d = three_d || block.localizations.iter().any(|l| l.z_nm != 0.0);
    }
    TableMeta {
        pixel_size: info.pixel_size_or(reader.pixel_size()),
        shape,
        frames,
        series: if info.name.is_empty() { reader.series().to_string() } else { info.name },
        model: String::new(),
        three_d,
        psf_sigma_nm: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_leave_the_folder() {
        for evil in ["../x", "/etc/passwd", "a/b", ".hidden", "a\\b", "x\0y"] {
            assert!(file_name(evil, Format::Csv).is_err(), "{evil}");
        }
        assert_eq!(file_name("cell 3", Format::Csv), Ok("cell 3.csv".into()));
        assert_eq!(file_name("", Format::Picasso), Ok("localizations.hdf5".into()));
    }
}
