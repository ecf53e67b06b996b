//! In: the file of a tile. Out: what its footer says, and the rows of single row groups. Never: a size that was not
//! compared with the file and a limit, more than one row group in memory, a panic over a damaged file.
//!
//! One thing is the parser's: a page says how long it is unpacked, and up to 2 GiB of address space are reserved for it
//! before the bytes show that it lied.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use parquet::basic::Type;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::reader::{FileReader, RowGroupReader, SerializedFileReader};
use parquet::file::statistics::Statistics;
use smlm::localization::Localization;
use smlm::units::Nm;

use super::super::super::error::guarded;
use super::part::broken;
use super::write::{floats, modified_ns};
use super::{DatasetError, MAX_TILE_ROWS, Region, StageRow, TableError, TileInfo, TilePart};

/// The footer of the largest tile that is written has less.
const FOOTER_BYTES: u32 = 32 << 20;
/// A row group of more is refused; those that are written have 16 Ki.
const GROUP_ROWS: usize = 1 << 20;
/// Of the column of a row group, packed or not.
const CHUNK_BYTES: i64 = 16 << 20;

/// The file of a tile, open, its footer read and checked.
pub(super) struct Part {
    path: PathBuf,
    reader: SerializedFileReader<File>,
    part: TilePart,
    /// Where the columns are: frame, x, y, then [`floats`].
    columns: Vec<usize>,
    about: (u64, u64),
}

impl Part {
    pub(super) fn open(path: &Path) -> Result<Self, DatasetError> {
        let io = |action| move |cause| TableError::io(path, action, cause);
        let mut file = File::open(path).map_err(io("opening"))?;
        let about = file.metadata().map_err(io("opening"))?;
        let bytes = about.len();
        check_footer(path, &mut file, bytes)?;
        let reader = guard(path, || SerializedFileReader::new(file))?;
        let meta = reader.metadata();
        let notes = meta.file_metadata().key_value_metadata().map_or(&[][..], Vec::as_slice);
        let part = TilePart::from_notes(path, notes)?;
        let columns = columns(path, meta)?;
        check_groups(path, meta, &columns, bytes)?;
        Ok(Self { path: path.to_owned(), reader, part, columns, about: (bytes, modified_ns(&about)) })
    }

    /// The tile, from the footer alone.
    pub(super) fn info(&self) -> Result<TileInfo, DatasetError> {
        let meta = self.reader.metadata();
        let mut around: Option<[(f64, f64); 2]> = None;
        for group in 0..meta.num_row_groups() {
            let [x, y] = self.reach(group)?;
            let [all_x, all_y] = around.unwrap_or([x, y]);
            let join = |a: (f64, f64), b: (f64, f64)| (a.0.min(b.0), a.1.max(b.1));
            around = Some([join(all_x, x), join(all_y, y)]);
        }
        let rows = meta.row_groups().iter().map(|group| group.num_rows().unsigned_abs()).sum();
        let bounds = around.map(|[x, y]| Region::around((x.0, y.0), (x.1, y.1)));
        let (bytes, modified_ns) = self.about;
        Ok(TileInfo { part: self.part.clone(), rows, bytes, bounds, modified_ns })
    }

    pub(super) fn groups(&self) -> usize {
        self.reader.metadata().num_row_groups()
    }

    /// Whether a row group has a place in the region, by its statistics.
    pub(super) fn may_hold(&self, group: usize, region: Region) -> Result<bool, DatasetError> {
        let [x, y] = self.reach(group)?;
        let meet = |own: (f64, f64), asked: (Nm, Nm)| own.0 < asked.1.0 && own.1 >= asked.0.0;
        Ok(meet(x, region.x) && meet(y, region.y))
    }

    /// From where to where a row group goes, x and y.
    fn reach(&self, group: usize) -> Result<[(f64, f64); 2], DatasetError> {
        let group = self.reader.metadata().row_group(group);
        let span = |column: usize| match group.column(column).statistics() {
            Some(Statistics::Double(of)) => of.min_opt().copied().zip(of.max_opt().copied()),
            _ => None,
        };
        let sound =
            |span: Option<(f64, f64)>| span.filter(|(low, high)| low <= high && (high - low).is_finite());
        match (sound(span(self.columns[1])), sound(span(self.columns[2]))) {
            (Some(x), Some(y)) => Ok([x, y]),
            _ => Err(broken(&self.path, "a row group does not say from where to where it goes")),
        }
    }

    /// The rows of a row group inside the region, and how many were looked at. Where none is inside only the places
    /// are read.
    pub(super) fn rows(
        &self,
        group: usize,
        region: Option<Region>,
    ) -> Result<(Vec<StageRow>, u64), DatasetError> {
        let count = self.reader.metadata().row_group(group).num_rows();
        let count = usize::try_from(count).map_err(|_| broken(&self.path, "a negative length"))?;
        let reader = guard(&self.path, || self.reader.get_row_group(group))?;
        let column = |at: usize| guard(&self.path, || values(&*reader, self.columns[at], count));
        let (x, y) = (column(1)?, column(2)?);
        let inside = |row: usize| region.is_none_or(|region| region.contains(Nm(x[row]), Nm(y[row])));
        let chosen: Vec<usize> = (0..count).filter(|row| inside(*row)).collect();
        if chosen.is_empty() {
            return Ok((Vec::new(), count as u64));
        }
        let frames = column(0)?;
        let rest = (3..self.columns.len()).map(column).collect::<Result<Vec<_>, _>>()?;
        let row = |row: &usize| StageRow {
            x: Nm(x[*row]),
            y: Nm(y[*row]),
            at: self.localization(frames[*row], |of| rest[of][*row]),
        };
        Ok((chosen.iter().map(row).collect(), count as u64))
    }

    /// In the order of [`floats`].
    fn localization(&self, frame: f64, value: impl Fn(usize) -> f64) -> Localization {
        let value = |of: usize| value(of) as f32;
        let px = |nm: f32, side: Nm| (f64::from(nm) / side.0) as f32;
        Localization {
            frame: frame as u32,
            tile: self.part.index,
            z_nm: value(0),
            x_px: value(1),
            y_px: value(2),
            photons: value(3),
            background: value(4),
            sigma_x_px: px(value(5), self.part.pixel.x),
            sigma_y_px: px(value(6), self.part.pixel.y),
            sigma_z_nm: value(7),
            sigma_photons: value(8),
            probability: value(9),
        }
    }
}

/// The parser, with its errors and its panics as a broken tile.
fn guard<T>(path: &Path, parse: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, DatasetError> {
    let bad = |error: ParquetError| TableError::malformed(path, "parquet", error.to_string());
    guarded(path, "parquet", bad, parse).map_err(|error| match error {
        TableError::Malformed { why, .. } => broken(path, why),
        other => other.into(),
    })
}

/// The footer's length, before it is read.
fn check_footer(path: &Path, file: &mut File, bytes: u64) -> Result<(), DatasetError> {
    let mut end = [0; 8];
    if bytes < 12 {
        return Err(broken(path, "it is cut off"));
    }
    let io = |cause| TableError::io(path, "reading", cause);
    file.seek(SeekFrom::End(-8)).map_err(io)?;
    file.read_exact(&mut end).map_err(io)?;
    file.rewind().map_err(io)?;
    let (length, magic) = end.split_at(4);
    let length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
    match magic == b"PAR1" {
        true if length > FOOTER_BYTES || u64::from(length) > bytes - 12 => {
            Err(broken(path, format!("a footer of {length} bytes in a file of {bytes}")))
        }
        true => Ok(()),
        false => Err(broken(path, "it is cut off, or no Parquet file")),
    }
}

/// Where the columns are, their types checked.
fn columns(path: &Path, meta: &ParquetMetaData) -> Result<Vec<usize>, DatasetError> {
    let own = meta.file_metadata().schema_descr().columns();
    let first = [("frame", Type::INT32), ("x_nm", Type::DOUBLE), ("y_nm", Type::DOUBLE)];
    let all = first.into_iter().chain(floats().iter().map(|(name, _)| (*name, Type::FLOAT)));
    all.map(|(name, kind)| {
        let at = own.iter().position(|column| column.name() == name);
        let plain = |at: &usize| {
            let column = &own[*at];
            column.physical_type() == kind && column.max_def_level() == 0 && column.max_rep_level() == 0
        };
        at.filter(plain).ok_or_else(|| broken(path, format!("no column {name} of required {kind}")))
    })
    .collect()
}

/// Lengths that fit the limits, the file and each other.
fn check_groups(
    path: &Path,
    meta: &ParquetMetaData,
    columns: &[usize],
    bytes: u64,
) -> Result<(), DatasetError> {
    let mut rows = 0usize;
    for group in meta.row_groups() {
        let own = usize::try_from(group.num_rows()).unwrap_or(usize::MAX);
        rows = rows.saturating_add(own);
        if own == 0 || own > GROUP_ROWS || rows > MAX_TILE_ROWS {
            return Err(broken(path, format!("a row group of {} rows", group.num_rows())));
        }
        let fits = |chunk: &ColumnChunkMetaData| {
            let limits = 0..=CHUNK_BYTES;
            let end = chunk.data_page_offset().checked_add(chunk.compressed_size());
            limits.contains(&chunk.compressed_size())
                && limits.contains(&chunk.uncompressed_size())
                && chunk.data_page_offset() >= 0
                && end.is_some_and(|end| end.unsigned_abs() <= bytes)
                && chunk.num_values() == group.num_rows()
        };
        if columns.iter().any(|column| group.columns().get(*column).is_none_or(|chunk| !fits(chunk))) {
            return Err(broken(path, "a column does not fit into the file"));
        }
    }
    match usize::try_from(meta.file_metadata().num_rows()) == Ok(rows) {
        true => Ok(()),
        false => Err(broken(path, format!("its row groups have {rows} rows, it says otherwise"))),
    }
}

/// A column of a row group, of `count` values, as f64: all that are written fit.
fn values(group: &dyn RowGroupReader, column: usize, count: usize) -> Result<Vec<f64>, ParquetError> {
    match group.get_column_reader(column)? {
        ColumnReader::Int32ColumnReader(reader) => all(reader, count, |value| value.cast_unsigned().into()),
        ColumnReader::FloatColumnReader(reader) => all(reader, count, f64::from),
        ColumnReader::DoubleColumnReader(reader) => all(reader, count, |value| value),
        _ => Err(ParquetError::General("a column of another type".into())),
    }
}

fn all<T: DataType>(
    mut reader: ColumnReaderImpl<T>,
    count: usize,
    widen: impl Fn(T::T) -> f64,
) -> Result<Vec<f64>, ParquetError> {
    let mut values: Vec<T::T> = Vec::with_capacity(count);
    while values.len() < count {
        let (_, got, _) = reader.read_records(count - values.len(), None, None, &mut values)?;
        if got == 0 {
            return Err(ParquetError::General("a column ends too early".into()));
        }
    }
    Ok(values.into_iter().map(widen).collect())
}
