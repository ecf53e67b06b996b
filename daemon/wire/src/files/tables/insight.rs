//! Insight3's `.bin` molecule lists, as storm-analysis writes its true positions (`*_olist.bin`).
//!
//! Convention: x and y in **pixels, centre of the first at 1**; frames from 1; z in nm; area and background in counts.
//! 16 bytes of header ("M425", frames, status, molecules), then 72 bytes per molecule, little-endian. Read only.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use smlm::localization::Localization;

use super::{BATCH_ROWS, ReadOptions, RowSink, TableError, TableInfo};

const HEADER_BYTES: u64 = 16;
const ROW_BYTES: usize = 72;

pub(super) fn read(
    path: &Path,
    options: &ReadOptions,
    sink: &mut RowSink<'_>,
) -> Result<TableInfo, TableError> {
    let (mut reader, rows) = open(path, options)?;
    let mut info = TableInfo {
        format: "Insight3",
        pixel_size: options.pixel_size,
        three_d: true,
        ..TableInfo::default()
    };
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    let mut bytes = [0; ROW_BYTES];
    for number in 1..=rows {
        reader.read_exact(&mut bytes).map_err(|cause| TableError::io(path, "reading", cause))?;
        match row(&bytes) {
            Some(row) => batch.push(row),
            None if options.skip_bad_rows => info.bad_rows += 1,
            None => {
                let (path, column) = (path.to_owned(), "frame, x or y".to_owned());
                let why =
                    "not a finite position in a frame from 1; allow bad rows (skip_bad_rows)".to_owned();
                return Err(TableError::BadValue { path, row: number, column, why });
            }
        }
        info.rows += 1;
        if batch.len() == BATCH_ROWS {
            sink(&batch)?;
            batch.clear();
        }
    }
    if !batch.is_empty() {
        sink(&batch)?;
    }
    Ok(info)
}

/// The file at its first molecule, and how many it holds.
fn open(path: &Path, options: &ReadOptions) -> Result<(BufReader<File>, u64), TableError> {
    let fail = |action| move |cause| TableError::io(path, action, cause);
    let not = |why: &str| TableError::NotATable { path: path.to_owned(), why: why.to_owned() };
    let file = File::open(path).map_err(fail("opening"))?;
    let length = file.metadata().map_err(fail("opening"))?.len();
    if length < HEADER_BYTES {
        return Err(not("it is shorter than its header"));
    }
    let mut reader = BufReader::new(file);
    let mut header = [0; HEADER_BYTES as usize];
    reader.read_exact(&mut header).map_err(fail("reading"))?;
    let [a, b, c, d] = [header[12], header[13], header[14], header[15]];
    let rows = u64::from(u32::from_le_bytes([a, b, c, d]));
    if &header[..4] != b"M425" {
        return Err(not("it does not begin with M425"));
    }
    options.limit(path, rows)?;
    let there = (length - HEADER_BYTES) / ROW_BYTES as u64;
    if there < rows {
        let why = format!(
            "{rows} molecules are announced, {there} are there: the file was cut short; copy it again"
        );
        return Err(TableError::malformed(path, "molecules", why));
    }
    Ok((reader, rows))
}

fn row(bytes: &[u8; ROW_BYTES]) -> Option<Localization> {
    let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
    let float = |at: usize| f32::from_le_bytes(word(at));
    let (x, y, frame) = (float(0), float(4), u32::from_le_bytes(word(52)));
    let whole = frame > 0 && i32::try_from(frame).is_ok();
    (whole && x.is_finite() && y.is_finite()).then(|| Localization {
        frame: frame - 1,
        x_px: x - 1.0,
        y_px: y - 1.0,
        z_nm: float(64),
        photons: float(20),
        background: float(36),
        probability: 1.0,
        ..Localization::default()
    })
}
