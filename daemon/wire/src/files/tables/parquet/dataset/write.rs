//! In: a tile and its localizations. Out: its file, box by box. Never: a file that is not whole, a place that is no
//! number.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{DoubleType, FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;
use smlm::localization::Localization;

use super::super::super::pending::{PendingFile, sync_folder};
use super::super::error_of;
use super::super::footer::order_by_type;
use super::super::write::{COLUMNS, Column};
use super::order::{Boxes, GROUP_ROWS, Places};
use super::{DatasetError, MAX_TILE_ROWS, Region, TableError, TileInfo, TilePart, stage_nm};

/// Those after `frame`, `tile`, `x_nm`, `y_nm`: the same as in a single table.
pub(super) fn floats() -> &'static [Column] {
    &COLUMNS[2..]
}

/// Writes the file of a tile in place of the one that is there.
pub(super) fn tile(path: &Path, part: &TilePart, rows: &[Localization]) -> Result<TileInfo, DatasetError> {
    let places = places(path, part, rows)?;
    let folder = path.parent().unwrap_or(path);
    make_folder(folder)?;
    sweep(folder);
    let written = file(path, part, rows, &places);
    let (bytes, modified_ns) = written.inspect_err(|_| {
        // A folder that was made for nothing goes; one with the tile as it was is not empty and stays.
        let _ = std::fs::remove_dir(folder);
    })?;
    let bounds = (!rows.is_empty()).then(|| {
        let mut low = (f64::INFINITY, f64::INFINITY);
        let mut high = (f64::NEG_INFINITY, f64::NEG_INFINITY);
        for (x, y) in &places.nm {
            low = (low.0.min(*x), low.1.min(*y));
            high = (high.0.max(*x), high.1.max(*y));
        }
        Region::around(low, high)
    });
    Ok(TileInfo { part: part.clone(), rows: rows.len() as u64, bytes, bounds, modified_ns })
}

/// Makes a folder where there is none, durable in its parent.
pub(super) fn make_folder(folder: &Path) -> Result<(), DatasetError> {
    let fail = |cause| TableError::io(folder, "creating", cause);
    match std::fs::create_dir(folder) {
        Ok(()) => {
            let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
            sync_folder(parent.unwrap_or(Path::new("."))).map_err(fail)?;
            Ok(())
        }
        Err(cause) if cause.kind() == ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(cause) => Err(fail(cause).into()),
    }
}

/// Takes away what a writer left that was killed; hidden from readers, it only costs room.
fn sweep(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with(".part-0.parquet.") && name.ends_with(".part")) {
            // One that stays is swept the next time.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

fn places(path: &Path, part: &TilePart, rows: &[Localization]) -> Result<Places, DatasetError> {
    if rows.len() > MAX_TILE_ROWS {
        let (path, rows) = (path.to_owned(), rows.len());
        return Err(DatasetError::TooManyRows { path, rows, limit: MAX_TILE_ROWS });
    }
    let lost = |row: &Localization| !(row.x_px.abs() < 1e9 && row.y_px.abs() < 1e9);
    if let Some(row) = rows.iter().position(lost) {
        let (x_px, y_px) = (rows[row].x_px, rows[row].y_px);
        return Err(DatasetError::BadRow { path: path.to_owned(), row, x_px, y_px });
    }
    let nm = rows.iter().map(|row| stage_nm(part, row)).collect();
    Ok(Places { nm, frames: rows.iter().map(|row| row.frame).collect() })
}

fn properties(path: &Path, part: &TilePart) -> Result<WriterProperties, TableError> {
    let level = ZstdLevel::try_new(1).map_err(|error| error_of(path, "compression", error))?;
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(level))
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_statistics_enabled("tile".into(), EnabledStatistics::Chunk)
        .set_column_encoding("frame".into(), Encoding::DELTA_BINARY_PACKED)
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_key_value_metadata(Some(part.to_notes()));
    for name in ["frame", "x_nm", "y_nm"] {
        properties = properties.set_column_statistics_enabled(name.into(), EnabledStatistics::Page);
    }
    // Neighbouring floats share their high bytes: split, they compress; a dictionary would not.
    for name in ["x_nm", "y_nm"].into_iter().chain(floats().iter().map(|(name, _)| *name)) {
        properties = properties.set_column_encoding(name.into(), Encoding::BYTE_STREAM_SPLIT);
    }
    Ok(properties.build())
}

fn schema(path: &Path) -> Result<Arc<Type>, TableError> {
    let floats: String = floats().iter().map(|(name, _)| format!("REQUIRED FLOAT {name};")).collect();
    // The tile is signed, as programs take the number in the folder's name; two types would not be one column.
    let schema = format!(
        "message localizations {{ REQUIRED INT32 frame (INTEGER(32,false)); REQUIRED INT32 tile; REQUIRED DOUBLE x_nm; \
         REQUIRED DOUBLE y_nm; {floats} }}"
    );
    parse_message_type(&schema).map(Arc::new).map_err(|error| error_of(path, "schema", error))
}

/// The bytes of the file and when it was written.
fn file(
    path: &Path,
    part: &TilePart,
    rows: &[Localization],
    places: &Places,
) -> Result<(u64, u64), TableError> {
    let schema = schema(path)?;
    let columns = schema.get_fields().len();
    let fail = |error| error_of(path, "writing", error);
    let properties = Arc::new(properties(path, part)?);
    let mut out = SerializedFileWriter::new(PendingFile::create(path)?, schema, properties).map_err(fail)?;
    for numbers in Boxes::of(places).iter() {
        group(&mut out, part, rows, (places, numbers)).map_err(fail)?;
    }
    let mut out = out.into_inner().map_err(fail)?;
    // Where the footer is not as it was known, the file is valid all the same; others then read more of it.
    let ordered = out.file().and_then(|file| order_by_type(file, columns));
    ordered.map_err(|cause| TableError::io(path, "writing", cause))?;
    let bytes = out.finish()?;
    let modified = modified_ns(&path.metadata().map_err(|cause| TableError::io(path, "looking", cause))?);
    Ok((bytes, modified))
}

/// One row group: the rows with these numbers.
fn group(
    out: &mut SerializedFileWriter<PendingFile>,
    part: &TilePart,
    rows: &[Localization],
    (places, numbers): (&Places, &[u32]),
) -> Result<(), ParquetError> {
    let mut group = out.next_row_group()?;
    let mut place = 0;
    while let Some(mut column) = group.next_column()? {
        let numbers = numbers.iter().map(|row| *row as usize);
        match place {
            0 => {
                let frames: Vec<i32> = numbers.map(|row| rows[row].frame.cast_signed()).collect();
                column.typed::<Int32Type>().write_batch(&frames, None, None)?;
            }
            1 => {
                let tiles = vec![part.index.cast_signed(); numbers.len()];
                column.typed::<Int32Type>().write_batch(&tiles, None, None)?;
            }
            2 | 3 => {
                let nm = |row: usize| if place == 2 { places.nm[row].0 } else { places.nm[row].1 };
                let nm: Vec<f64> = numbers.map(nm).collect();
                column.typed::<DoubleType>().write_batch(&nm, None, None)?;
            }
            _ => {
                let (_, value) = floats()[place - 4];
                let values: Vec<f32> = numbers.map(|row| value(&rows[row], part.pixel)).collect();
                column.typed::<FloatType>().write_batch(&values, None, None)?;
            }
        }
        column.close()?;
        place += 1;
    }
    group.close()?;
    Ok(())
}

/// When a file was written; 0 where the file system does not say.
pub(super) fn modified_ns(about: &std::fs::Metadata) -> u64 {
    let since = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| u64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}
