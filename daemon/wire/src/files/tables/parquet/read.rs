//! In: a Parquet file with the columns we know, or some of them. Out: localizations in batches. Never: lists,
//! strings, a row group at once.

use std::fs::File;
use std::path::Path;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize, Px};

use super::super::error::guarded;
use super::super::{BATCH_ROWS, ReadOptions, RowSink, TableError, TableInfo};
use super::error_of;

/// The columns of a row group that is being read, by what they mean.
struct Readers {
    columns: Vec<(usize, ColumnReader, bool)>,
    values: Vec<Vec<f64>>,
}

/// What can be read, in this order; the first column with the name counts.
const READ: [&str; 14] = [
    "frame",
    "tile",
    "x_nm",
    "y_nm",
    "z_nm",
    "x_px",
    "y_px",
    "photons",
    "background",
    "sigma_x_nm",
    "sigma_y_nm",
    "sigma_z_nm",
    "sigma_photons",
    "probability",
];

pub(in super::super) fn read(
    path: &Path,
    options: &ReadOptions,
    sink: &mut RowSink<'_>,
) -> Result<TableInfo, TableError> {
    let bad = |error| error_of(path, "reading", error);
    let file = File::open(path).map_err(|cause| TableError::io(path, "opening", cause))?;
    let reader = guarded(path, "parquet", bad, || SerializedFileReader::new(file))?;
    let about = reader.metadata().file_metadata();
    let rows = u64::try_from(about.num_rows()).unwrap_or(u64::MAX);
    options.limit(path, rows)?;
    let notes = about.key_value_metadata().cloned().unwrap_or_default();
    let note = |key: &str| {
        notes
            .iter()
            .find(|note| note.key.strip_prefix("blinkd.") == Some(key))
            .and_then(|note| note.value.as_deref())
    };
    let side = |key| note(key).and_then(|side| side.parse::<f64>().ok()).filter(|side| *side > 0.0);
    let own =
        side("pixel_size_x_nm").zip(side("pixel_size_y_nm")).map(|(x, y)| PixelSize { x: Nm(x), y: Nm(y) });
    let pixel_size = options.pixel_size.or(own);
    let names: Vec<String> =
        about.schema_descr().columns().iter().map(|column| column.name().to_lowercase()).collect();
    let place = |name: &str| names.iter().position(|own| own == name);
    check_columns(path, &names, pixel_size)?;
    let three_d = note("three_d").map_or(place("z_nm").is_some(), |yes| yes == "true");
    let mut info = TableInfo { format: "parquet", pixel_size, three_d, ..TableInfo::default() };
    for group in 0..reader.num_row_groups() {
        let group = guarded(path, "parquet", bad, || reader.get_row_group(group))?;
        read_group(path, &*group, &place, options, &mut info, sink)?;
    }
    Ok(info)
}

/// Frame and a pair of positions must be there; nm need a pixel size.
fn check_columns(path: &Path, names: &[String], size: Option<PixelSize>) -> Result<(), TableError> {
    let has = |name: &str| names.iter().any(|own| own == name);
    let missing =
        |column| Err(TableError::MissingColumn { path: path.to_owned(), column, found: names.join(", ") });
    match (has("frame"), has("x_px") && has("y_px"), has("x_nm") && has("y_nm")) {
        (false, _, _) => missing("frame"),
        (_, false, false) => missing("x and y (x_nm, y_nm or x_px, y_px)"),
        (_, false, true) if size.is_none() => Err(TableError::NoPixelSize { path: path.to_owned() }),
        _ => Ok(()),
    }
}

fn read_group(
    path: &Path,
    group: &dyn RowGroupReader,
    place: &dyn Fn(&str) -> Option<usize>,
    options: &ReadOptions,
    info: &mut TableInfo,
    sink: &mut RowSink<'_>,
) -> Result<(), TableError> {
    let bad = |error| error_of(path, "reading", error);
    let mut readers = Readers { columns: Vec::new(), values: vec![Vec::new(); READ.len()] };
    for (meaning, name) in READ.iter().enumerate() {
        let Some(column) = place(name) else { continue };
        let descriptor = group.metadata().column(column).column_descr();
        let optional = descriptor.max_def_level() > 0;
        if descriptor.max_rep_level() > 0 {
            return Err(TableError::malformed(path, "parquet", format!("column {name} holds lists")));
        }
        let reader = guarded(path, "parquet", bad, || group.get_column_reader(column))?;
        readers.columns.push((meaning, reader, optional));
    }
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    loop {
        let got = guarded(path, "parquet", bad, || readers.fill())?;
        if got == 0 {
            return Ok(());
        }
        batch.clear();
        for row in 0..got {
            match readers.row(path, info, row, options)? {
                Some(row) => batch.push(row),
                None => info.bad_rows += 1,
            }
            info.rows += 1;
        }
        options.limit(path, info.rows)?;
        sink(&batch)?;
    }
}

impl Readers {
    /// Reads the next rows of every column; how many, the same for all.
    fn fill(&mut self) -> Result<usize, ParquetError> {
        let mut rows = None;
        for (meaning, reader, optional) in &mut self.columns {
            let values = &mut self.values[*meaning];
            values.clear();
            match reader {
                ColumnReader::Int32ColumnReader(reader) => next(reader, *optional, values, |v| {
                    if *meaning < 2 { v.cast_unsigned().into() } else { v.into() }
                })?,
                ColumnReader::Int64ColumnReader(reader) => next(reader, *optional, values, |v| v as f64)?,
                ColumnReader::FloatColumnReader(reader) => next(reader, *optional, values, f64::from)?,
                ColumnReader::DoubleColumnReader(reader) => next(reader, *optional, values, |v| v)?,
                _ => {
                    return Err(ParquetError::General(format!("column {} holds no numbers", READ[*meaning])));
                }
            }
            if *rows.get_or_insert(values.len()) != values.len() {
                return Err(ParquetError::General("columns of different lengths".into()));
            }
        }
        Ok(rows.unwrap_or(0))
    }

    fn row(
        &self,
        path: &Path,
        info: &TableInfo,
        row: usize,
        options: &ReadOptions,
    ) -> Result<Option<Localization>, TableError> {
        let at = |meaning: usize, absent: f64| self.values[meaning].get(row).copied().unwrap_or(absent);
        let nan = f64::NAN;
        let size = info.pixel_size.unwrap_or(PixelSize::square(Nm(nan)));
        let in_px = (at(5, nan), at(6, nan));
        let (Px(x), Px(y)) = match self.values[5].is_empty() || self.values[6].is_empty() {
            true => size.centre_px(Nm(at(2, nan)), Nm(at(3, nan))),
            false => (Px(in_px.0), Px(in_px.1)),
        };
        let (frame, tile) = (at(0, nan), at(1, 0.0));
        let whole = |n: f64| n >= 0.0 && n <= f64::from(u32::MAX) && n.fract() == 0.0;
        if !(x.is_finite() && y.is_finite() && whole(frame) && whole(tile)) {
            let why = format!(
                "frame {frame}, tile {tile}, x {x} px, y {y} px; clean it or allow bad rows (skip_bad_rows)"
            );
            let (path, column) = (path.to_owned(), "frame, tile, x or y".to_owned());
            let bad = TableError::BadValue { path, row: info.rows + 1, column, why };
            return if options.skip_bad_rows { Ok(None) } else { Err(bad) };
        }
        let pixels = |nm: f64, side: Nm| if nm == 0.0 { 0.0 } else { (nm / side.0) as f32 };
        Ok(Some(Localization {
            frame: frame as u32,
            tile: tile as u32,
            x_px: x as f32,
            y_px: y as f32,
            z_nm: at(4, 0.0) as f32,
            photons: at(7, 0.0) as f32,
            background: at(8, 0.0) as f32,
            sigma_x_px: pixels(at(9, 0.0), size.x),
            sigma_y_px: pixels(at(10, 0.0), size.y),
            sigma_z_nm: at(11, 0.0) as f32,
            sigma_photons: at(12, 0.0) as f32,
            probability: at(13, 1.0) as f32,
        }))
    }
}

/// The next values of a column as f64; a null is NaN.
fn next<T: DataType>(
    reader: &mut ColumnReaderImpl<T>,
    optional: bool,
    into: &mut Vec<f64>,
    widen: impl Fn(T::T) -> f64,
) -> Result<(), ParquetError> {
    let mut values: Vec<T::T> = Vec::with_capacity(BATCH_ROWS);
    let mut levels: Vec<i16> = Vec::new();
    reader.read_records(BATCH_ROWS, optional.then_some(&mut levels), None, &mut values)?;
    let mut values = values.into_iter().map(widen);
    if optional {
        into.extend(
            levels.iter().map(|level| if *level > 0 { values.next().unwrap_or(f64::NAN) } else { f64::NAN }),
        );
    } else {
        into.extend(values);
    }
    Ok(())
}
