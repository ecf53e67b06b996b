//! A journal's bytes: header page and block heads, to and from their fields.
//!
//! In: fields, or bytes that may be anything. Out: bytes with checksums, or fields that are within bounds.

use smlm::frame::{FrameInfo, SeriesId, StagePosition, Tile};
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize};

use super::super::AccountRecord;
use super::MAX_BODY_BYTES;

pub(super) const VERSION: u32 = 1;
const MAGIC: u64 = u64::from_ne_bytes(*b"blnkjrnl");
const BLOCK_MAGIC: u32 = u32::from_ne_bytes(*b"blk1");

/// Where the committed length lies in the header page.
pub(super) const COMMITTED_AT: usize = 512;
/// Bytes of a block's head.
pub(super) const HEAD_BYTES: usize = size_of::<RawHead>();
const _: () = assert!(HEAD_BYTES == 256);
/// Bytes of a localization; the schema of bodies is this number and the order of `Localization`'s fields.
pub(super) const RECORD_BYTES: usize = size_of::<Localization>();

/// The fixed fields at the start of the file.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct Fixed {
    magic: u64,
    pub version: u32,
    record_bytes: u32,
    series: [u8; 16],
    pixel_size_nm: [f64; 2],
    reserved: u32,
    crc: u32,
}

impl Fixed {
    pub fn new(series: SeriesId, pixel: PixelSize) -> Self {
        let mut fixed = Self {
            magic: MAGIC,
            version: VERSION,
            record_bytes: RECORD_BYTES as u32,
            series: series.0,
            pixel_size_nm: [pixel.x.0, pixel.y.0],
            reserved: 0,
            crc: 0,
        };
        fixed.crc = fixed.checksum();
        fixed
    }

    fn checksum(&self) -> u32 {
        let bytes = bytemuck::bytes_of(self);
        crc32c::crc32c(&bytes[..bytes.len() - size_of::<u32>()])
    }

    /// What is wrong with it, in the order in which one wants to know; the version is the caller's to check.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.magic != MAGIC {
            return Err("it does not begin like one");
        }
        if self.version == VERSION && self.crc != self.checksum() {
            return Err("its header does not pass its checksum");
        }
        if self.version == VERSION && self.record_bytes as usize != RECORD_BYTES {
            return Err("its localizations have another size");
        }
        Ok(())
    }

    pub fn series(&self) -> SeriesId {
        SeriesId(self.series)
    }

    pub fn pixel_size(&self) -> PixelSize {
        let [x, y] = self.pixel_size_nm;
        PixelSize { x: Nm(x), y: Nm(y) }
    }
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum BlockKind {
    /// Frames that were processed, and what was found in them.
    Localizations = 1,
    /// The series' description as JSON; the last one counts.
    SeriesInfo = 2,
    /// The publisher ended a tile.
    TileEnd = 3,
    /// The series is complete; the body says why.
    SeriesEnd = 4,
    /// Frames that were read and could not be processed.
    Failed = 5,
    /// What was seen of focus and light in frames of a tile whose localizations were appended just before.
    Look = 6,
}

impl BlockKind {
    const fn from_number(number: u32) -> Option<Self> {
        match number {
            1 => Some(Self::Localizations),
            2 => Some(Self::SeriesInfo),
            3 => Some(Self::TileEnd),
            4 => Some(Self::SeriesEnd),
            5 => Some(Self::Failed),
            6 => Some(Self::Look),
            _ => None,
        }
    }
}

/// A block's head. Frame numbers mean something where `frames` is not 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockHead {
    pub kind: BlockKind,
    /// The smallest and the largest number of its frames; numbers between that are not in it were lost.
    pub first_seq: u64,
    pub last_seq: u64,
    pub frames: u64,
    /// Index of the tile that all its frames are from.
    pub tile: u32,
    pub tile_row: u32,
    pub tile_column: u32,
    /// Of its frames; 0 where there are none.
    pub width_px: u32,
    pub height_px: u32,
    pub localizations: u64,
    /// Where the stage stood at its first frame.
    pub stage: Option<StagePlace>,
    /// The account of the series when the block was appended, as its writer gave it.
    pub account: AccountRecord,
}

impl BlockHead {
    /// A head for a block without frames.
    pub(super) fn mark(kind: BlockKind, account: AccountRecord) -> Self {
        Self {
            kind,
            first_seq: 0,
            last_seq: 0,
            frames: 0,
            tile: 0,
            tile_row: 0,
            tile_column: 0,
            width_px: 0,
            height_px: 0,
            localizations: 0,
            stage: None,
            account,
        }
    }

    /// A head for frames of one tile; `None` without frames.
    pub(super) fn of_frames(kind: BlockKind, frames: &[FrameInfo], account: AccountRecord) -> Option<Self> {
        let (tile, shape) = frames.first().map(|frame| (frame.tile, frame.shape))?;
        let seqs = || frames.iter().map(|frame| frame.id.seq.0);
        Some(Self {
            first_seq: seqs().min()?,
            last_seq: seqs().max()?,
            frames: frames.len() as u64,
            width_px: shape.width,
            height_px: shape.height,
            stage: frames.first().and_then(|frame| frame.stage).map(StagePlace::of),
            ..Self::mark(kind, account).with_tile(tile)
        })
    }

    pub(super) fn with_tile(self, tile: Tile) -> Self {
        Self { tile: tile.index, tile_row: tile.row, tile_column: tile.column, ..self }
    }
}

/// The head as it lies in the file.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct RawHead {
    magic: u32,
    kind: u32,
    /// The block's own place in the file: a block copied elsewhere is not one.
    at: u64,
    body_bytes: u64,
    first_seq: u64,
    last_seq: u64,
    frames: u64,
    tile: [u32; 3],
    body_crc: u32,
    account: AccountRecord,
    shape_px: [u32; 2],
    /// x, y and z in nm.
    stage_nm: [i32; 3],
    /// 0: not known, 1: asked for, 2: measured.
    stage_known: u32,
    reserved: u32,
    crc: u32,
}

/// A position of the stage in whole nm, as a block's head keeps it: ±2.1 m.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StagePlace {
    nm: [i32; 3],
    measured: bool,
}

impl StagePlace {
    fn of(stage: StagePosition) -> Self {
        // A cast of a float saturates.
        let nm = [stage.x_um, stage.y_um, stage.z_um].map(|um| (um * 1e3).round() as i32);
        Self { nm, measured: stage.measured }
    }

    /// The position in µm.
    pub fn position(self) -> StagePosition {
        let [x_um, y_um, z_um] = self.nm.map(|nm| f64::from(nm) / 1e3);
        StagePosition { x_um, y_um, z_um, measured: self.measured }
    }

    fn parse(nm: [i32; 3], known: u32) -> Option<Self> {
        (known != 0).then_some(Self { nm, measured: known == 2 })
    }
}

impl RawHead {
    pub fn new(head: &BlockHead, at: u64, body: &[u8]) -> Self {
        let mut raw = Self {
            magic: BLOCK_MAGIC,
            kind: head.kind as u32,
            at,
            body_bytes: body.len() as u64,
            first_seq: head.first_seq,
            last_seq: head.last_seq,
            frames: head.frames,
            tile: [head.tile, head.tile_row, head.tile_column],
            body_crc: crc32c::crc32c(body),
            account: head.account,
            shape_px: [head.width_px, head.height_px],
            stage_nm: head.stage.map_or([0; 3], |stage| stage.nm),
            stage_known: head.stage.map_or(0, |stage| if stage.measured { 2 } else { 1 }),
            reserved: 0,
            crc: 0,
        };
        raw.crc = raw.checksum();
        raw
    }

    fn checksum(&self) -> u32 {
        crc32c::crc32c(&bytemuck::bytes_of(self)[..HEAD_BYTES - size_of::<u32>()])
    }

    /// The head at the start of `bytes`, which lie at `at` in the file, and the length of its body, where both
    /// are whole in themselves and the body lies within `bytes`.
    pub fn parse(bytes: &[u8], at: u64) -> Option<(Self, BlockHead, usize)> {
        let raw: Self = bytemuck::pod_read_unaligned(bytes.get(..HEAD_BYTES)?);
        if raw.magic != BLOCK_MAGIC || raw.at != at || raw.crc != raw.checksum() {
            return None;
        }
        let kind = BlockKind::from_number(raw.kind)?;
        let body = usize::try_from(raw.body_bytes).ok().filter(|length| *length <= MAX_BODY_BYTES)?;
        let rows = if kind == BlockKind::Localizations { body / RECORD_BYTES } else { 0 };
        if kind == BlockKind::Localizations && rows * RECORD_BYTES != body {
            return None;
        }
        (bytes.len() >= block_bytes(body)).then_some(())?;
        let [tile, tile_row, tile_column] = raw.tile;
        let head = BlockHead {
            kind,
            first_seq: raw.first_seq,
            last_seq: raw.last_seq,
            frames: raw.frames,
            tile,
            tile_row,
            tile_column,
            width_px: raw.shape_px[0],
            height_px: raw.shape_px[1],
            localizations: rows as u64,
            stage: StagePlace::parse(raw.stage_nm, raw.stage_known),
            account: raw.account,
        };
        Some((raw, head, body))
    }

    pub fn fits(&self, body: &[u8]) -> bool {
        self.body_crc == crc32c::crc32c(body)
    }
}

/// Bytes of a block with a body of this length.
pub(super) const fn block_bytes(body: usize) -> usize {
    HEAD_BYTES + body.next_multiple_of(8)
}
