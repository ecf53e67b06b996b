//! In: localizations. Out: a Parquet file, a row group at a time. Never: more than one row group in memory.

use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{FloatType, Int32Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use smlm::localization::Localization;
use smlm::units::{PixelSize, Px};

use super::super::pending::PendingFile;
use super::super::{TableError, TableMeta, TableWriter};
use super::error_of;
use super::footer::order_by_type;

/// Rows collected before they are written; 6 MiB.
const GROUP_ROWS: usize = 128 << 10;
const CONVENTION: &str = "x along columns, y along rows; px: pixel centres at integers; nm: from the corner of the first \
                          pixel; frame and tile from 0; z positive away from the objective";

/// One floating point column: its name and its value of a row.
pub(super) type Column = (&'static str, fn(&Localization, PixelSize) -> f32);

/// In the order of the file, after `frame` and `tile`.
pub(super) const COLUMNS: [Column; 12] = [
    ("x_nm", |row, size| size.corner_nm(Px(row.x_px.into()), Px(0.0)).0.0 as f32),
    ("y_nm", |row, size| size.corner_nm(Px(0.0), Px(row.y_px.into())).1.0 as f32),
    ("z_nm", |row, _| row.z_nm),
    ("x_px", |row, _| row.x_px),
    ("y_px", |row, _| row.y_px),
    ("photons", |row, _| row.photons),
    ("background", |row, _| row.background),
    ("sigma_x_nm", |row, size| (f64::from(row.sigma_x_px) * size.x.0) as f32),
    ("sigma_y_nm", |row, size| (f64::from(row.sigma_y_px) * size.y.0) as f32),
    ("sigma_z_nm", |row, _| row.sigma_z_nm),
    ("sigma_photons", |row, _| row.sigma_photons),
    ("probability", |row, _| row.probability),
];

/// See the module.
pub(in super::super) struct Writer {
    out: SerializedFileWriter<PendingFile>,
    size: PixelSize,
    rows: Vec<Localization>,
}

impl Writer {
    pub(in super::super) fn create(path: &Path, meta: &TableMeta) -> Result<Self, TableError> {
        let floats: String = COLUMNS.iter().map(|(name, _)| format!("REQUIRED FLOAT {name};")).collect();
        let schema = format!(
            "message localizations {{ REQUIRED INT32 frame (INTEGER(32,false)); REQUIRED INT32 tile \
             (INTEGER(32,false)); {floats} }}"
        );
        let schema = parse_message_type(&schema).map_err(|error| error_of(path, "schema", error))?;
        let level = ZstdLevel::try_new(1).map_err(|error| error_of(path, "compression", error))?;
        // Neighbouring floats share their high bytes: split, they compress; a dictionary would not.
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(level))
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::PLAIN)
            // What is not known is NaN, which has no place between a minimum and a maximum.
            .set_statistics_enabled(EnabledStatistics::None)
            .set_column_statistics_enabled("frame".into(), EnabledStatistics::Chunk)
            .set_column_statistics_enabled("tile".into(), EnabledStatistics::Chunk)
            .set_key_value_metadata(Some(notes(meta)));
        let properties = COLUMNS.iter().fold(properties, |properties, (name, _)| {
            properties.set_column_encoding((*name).into(), Encoding::BYTE_STREAM_SPLIT)
        });
        let file = PendingFile::create(path)?;
        let out = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build()))
            .map_err(|error| error_of(path, "writing", error))?;
        Ok(Self { out, size: meta.pixel_size, rows: Vec::with_capacity(GROUP_ROWS) })
    }

    fn group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.out.next_row_group()?;
        let mut number = 0;
        let mut whole: Vec<i32> = Vec::new();
        let mut float: Vec<f32> = Vec::new();
        while let Some(mut column) = group.next_column()? {
            match number {
                0 | 1 => {
                    let value = |row: &Localization| if number == 0 { row.frame } else { row.tile };
                    whole.clear();
                    whole.extend(self.rows.iter().map(|row| value(row).cast_signed()));
                    column.typed::<Int32Type>().write_batch(&whole, None, None)?;
                }
                _ => {
                    let (_, value) = COLUMNS[number - 2];
                    float.clear();
                    float.extend(self.rows.iter().map(|row| value(row, self.size)));
                    column.typed::<FloatType>().write_batch(&float, None, None)?;
                }
            }
            column.close()?;
            number += 1;
        }
        group.close()?;
        self.rows.clear();
        Ok(())
    }

    fn write_group(&mut self) -> Result<(), TableError> {
        self.group().map_err(|error| error_of(self.out.inner().target(), "writing", error))
    }
}

impl TableWriter for Writer {
    fn push(&mut self, rows: &[Localization]) -> Result<(), TableError> {
        let mut rest = rows;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(GROUP_ROWS - self.rows.len()));
            self.rows.extend_from_slice(now);
            rest = later;
            if self.rows.len() == GROUP_ROWS {
                self.write_group()?;
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<u64, TableError> {
        if !self.rows.is_empty() {
            self.write_group()?;
        }
        let path = self.out.inner().target().to_owned();
        let mut out = self.out.into_inner().map_err(|error| error_of(&path, "writing", error))?;
        let ordered = out.file().and_then(|file| order_by_type(file, 2 + COLUMNS.len()));
        ordered.map_err(|cause| TableError::io(&path, "writing", cause))?;
        out.finish()
    }
}

fn notes(meta: &TableMeta) -> Vec<KeyValue> {
    let note = |key: &str, value: String| KeyValue { key: format!("blinkd.{key}"), value: Some(value) };
    vec![
        note("convention", CONVENTION.into()),
        note("pixel_size_x_nm", meta.pixel_size.x.0.to_string()),
        note("pixel_size_y_nm", meta.pixel_size.y.0.to_string()),
        note("width_px", meta.shape.width.to_string()),
        note("height_px", meta.shape.height.to_string()),
        note("frames", meta.frames.to_string()),
        note("series", meta.series.clone()),
        note("model", meta.model.clone()),
        note("three_d", meta.three_d.to_string()),
    ]
}
