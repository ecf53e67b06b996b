//! Recorded sessions: what an acquisition tells its publisher, the messages that go out, and the daemon's account of
//! them.
//!
//! In: nothing, everything is fixed here. Out: the text of `sessions.json`. Never: an account that our code computed
//! (it is written down by hand), a time (those of sending and starting are 0 and not compared).

use std::path::PathBuf;

use serde_json::{Value, json};
use smlm::frame::{FrameId, FrameInfo, PixelType, Seq, SeriesId, Shape, StagePosition, Tile};
use smlm::series::{Channel, Control, EndReason, Grid, Overlap, SeriesInfo, Totals};
use smlm::units::{Nm, PixelSize};
use wire::envelope::{FrameOnWire, encode_control, encode_frame};

const CAMERA: &str = "Camera";

pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/conformance/sessions.json")
}

pub fn text() -> String {
    let sessions = [burst(), scan(), full_queue(), late_start(), skipping_camera(), aborted_in_8_bits()];
    super::vectors::written(json!({ "schema_version": 1, "sessions": sessions }))
}

/// Three frames without a word of tiles.
fn burst() -> Value {
    let mut session = Session::begin(b"blinkd.session.1", |info| {
        (info.expected_tiles, info.expected_frames) = (1, 3);
    });
    (0..3).for_each(|_| session.frame(true));
    session.end(EndReason::Completed);
    session.json("a_burst", json!({ "received": 3, "tiles": [[0, 3, 0]], "ended": "completed" }))
}

/// Two by two tiles in a snake, each with its stage position; the series is described again at each tile.
fn scan() -> Value {
    let mut session = Session::begin(b"blinkd.session.2", |info| {
        let overlap = Some(Overlap::Percent(10.0, 12.5));
        info.grid = Some(Grid { rows: 2, columns: 2, overlap, snake: true });
        (info.expected_tiles, info.expected_frames) = (4, 8);
        info.pixel_size = Some(PixelSize { x: Nm(108.0), y: Nm(108.0) });
    });
    for (index, (row, column)) in [(0, 0), (0, 1), (1, 1), (1, 0)].into_iter().enumerate() {
        session.tile(Tile { index: index as u32, row, column }, 2);
        let (x_um, y_um) = (50.0 * f64::from(column) - 25.0, 50.0 * f64::from(row) - 25.0);
        session.stage = Some(StagePosition { x_um, y_um, z_um: 0.5, measured: index % 2 == 1 });
        (0..2).for_each(|_| session.frame(true));
    }
    session.end(EndReason::Completed);
    let tiles = [[0, 2, 0], [1, 2, 0], [2, 2, 0], [3, 2, 0]];
    session.json("a_scan_in_a_snake", json!({ "received": 8, "tiles": tiles, "ended": "completed" }))
}

/// No room for frames in the middle and at the end of a tile, and at the end of the series.
fn full_queue() -> Value {
    let mut session = Session::begin(b"blinkd.session.3", |info| info.expected_tiles = 3);
    for (index, taken) in
        [[true, false, true, true], [true, true, false, false], [true, true, true, false]].iter().enumerate()
    {
        session.tile(Tile { index: index as u32, row: 0, column: index as u32 }, 4);
        taken.iter().for_each(|taken| session.frame(*taken));
    }
    session.end(EndReason::Completed);
    let account = json!({ "received": 8, "missing_transport": 4, "dropped_by_publisher": 4,
        "tiles": [[0, 3, 1], [1, 2, 2], [2, 3, 1]], "ended": "completed" });
    session.json("drops_within_and_at_the_ends_of_tiles", account)
}

/// A queue too full for the first frames, and a tile of which none came.
fn late_start() -> Value {
    let mut session = Session::begin(b"blinkd.session.4", |info| info.expected_tiles = 2);
    session.tile(Tile { index: 0, row: 0, column: 0 }, 2);
    (0..2).for_each(|_| session.frame(false));
    session.tile(Tile { index: 1, row: 0, column: 1 }, 2);
    [false, true].into_iter().for_each(|taken| session.frame(taken));
    session.end(EndReason::Completed);
    // Nothing tells the daemon of the tile before: it counts all three where the first frame came.
    let account = json!({ "received": 1, "missing_transport": 3, "dropped_by_publisher": 3,
        "tiles": [[1, 1, 3]], "ended": "completed" });
    session.json("drops_before_the_first_frame", account)
}

/// The camera's own numbers jump, the publisher's do not.
fn skipping_camera() -> Value {
    let mut session = Session::begin(b"blinkd.session.5", |_| ());
    for number in [7, 8, 11, 12] {
        session.image_number = Some(number);
        session.frame(true);
    }
    session.end(EndReason::Overflow);
    let account = json!({ "received": 4, "missing_camera": 2, "tiles": [[0, 4, 2]], "ended": "the camera's buffer overflowed" });
    session.json("a_camera_that_skips", account)
}

fn aborted_in_8_bits() -> Value {
    let mut session = Session::begin(b"blinkd.session.6", |info| info.channel = Channel::Widefield);
    session.pixel_type = PixelType::U8;
    session.frame(true);
    session.end(EndReason::Aborted);
    let account = json!({ "received": 1, "tiles": [[0, 1, 0]], "ended": "aborted by the publisher" });
    session.json("widefield_in_8_bits_aborted", account)
}

/// A publisher by the book: numbers before it tries, describes again at each tile, ends what is open.
struct Session {
    start: SeriesInfo,
    calls: Vec<Value>,
    messages: Vec<Value>,
    tile: Option<(Tile, u32)>,
    tile_counts: Totals,
    counts: Totals,
    frame_in_tile: u32,
    next_seq: u64,
    stage: Option<StagePosition>,
    image_number: Option<i64>,
    pixel_type: PixelType,
}

impl Session {
    fn begin(id: &[u8; 16], change: impl FnOnce(&mut SeriesInfo)) -> Self {
        let mut start = SeriesInfo {
            id: SeriesId(*id),
            name: "session".into(),
            source: "conformance".into(),
            exposure_ms: 10.0,
            ..SeriesInfo::default()
        };
        change(&mut start);
        let mut session = Self {
            calls: vec![json!({ "call": "start", "series": series(&start) })],
            start,
            messages: Vec::new(),
            tile: None,
            tile_counts: Totals::default(),
            counts: Totals::default(),
            frame_in_tile: 0,
            next_seq: 0,
            stage: None,
            image_number: None,
            pixel_type: PixelType::U16,
        };
        session.describe();
        session
    }

    fn describe(&mut self) {
        self.control(&Control::SeriesStart(Box::new(self.start.clone())));
    }

    fn control(&mut self, control: &Control) {
        self.messages.push(json!({ "part0_hex": hex(&encode_control(control)), "part1_hex": null }));
    }

    fn tile(&mut self, tile: Tile, frames: u32) {
        self.calls.push(json!({ "call": "begin_tile",
            "index": tile.index, "row": tile.row, "column": tile.column, "frames": frames }));
        let first = self.tile.is_none() && self.next_seq == 0;
        self.end_tile();
        (self.tile, self.tile_counts, self.frame_in_tile) = (Some((tile, frames)), Totals::default(), 0);
        if !first {
            self.describe();
        }
    }

    fn frame(&mut self, taken: bool) {
        let whole = if self.start.expected_tiles == 1 { self.start.expected_frames as u32 } else { 0 };
        let (tile, frames) = *self.tile.get_or_insert((Tile::default(), whole));
        let info = FrameInfo {
            id: FrameId { series: self.start.id, seq: Seq(self.next_seq) },
            tile,
            frame_in_tile: self.frame_in_tile,
            frames_per_tile: frames,
            shape: Shape { width: 4, height: 3 },
            pixel_type: self.pixel_type,
            binning: 1,
            exposure_ms: 9.75,
            stage: self.stage,
            image_number: self.image_number,
            capture_unix_ns: 1_800_000_000_000_000_000 + self.next_seq * 10_000_000,
            core_queue_depth: 1,
            dropped_by_publisher: self.counts.dropped,
            ..FrameInfo::default()
        };
        let pixels = pixels(&info);
        self.calls.push(json!({ "call": "frame", "taken": taken,
            "width_px": info.shape.width, "height_px": info.shape.height, "bits": info.pixel_type.bytes() * 8,
            "pixels_hex": hex(&pixels), "camera": CAMERA, "exposure_ms": info.exposure_ms, "binning": info.binning,
            "stage_um": info.stage.map(|stage| [stage.x_um, stage.y_um, stage.z_um]),
            "stage_measured": info.stage.is_some_and(|stage| stage.measured),
            "camera_image_number": info.image_number, "capture_unix_ns": info.capture_unix_ns,
            "core_queue_depth": info.core_queue_depth }));
        self.next_seq += 1;
        self.frame_in_tile += 1;
        for counts in [&mut self.counts, &mut self.tile_counts] {
            counts.captured += 1;
            *(if taken { &mut counts.sent } else { &mut counts.dropped }) += 1;
        }
        if taken {
            let part0 = encode_frame(&info, FrameOnWire { camera: CAMERA, ..FrameOnWire::default() });
            self.messages.push(json!({ "part0_hex": hex(&part0), "part1_hex": hex(&pixels) }));
        }
    }

    fn end_tile(&mut self) {
        if let Some((tile, _)) = self.tile.take() {
            let Totals { captured, dropped, .. } = self.tile_counts;
            let series = self.start.id;
            self.control(&Control::TileEnd { series, tile_index: tile.index, captured, dropped });
        }
    }

    fn end(&mut self, reason: EndReason) {
        self.calls.push(json!({ "call": "end", "reason": format!("{reason:?}").to_lowercase() }));
        self.end_tile();
        let totals = Totals { last_seq: self.next_seq.saturating_sub(1), ..self.counts };
        self.control(&Control::SeriesEnd { series: self.start.id, reason, totals });
    }

    fn json(self, name: &str, account: Value) -> Value {
        json!({ "name": name, "series_id": self.start.id.to_string(),
            "calls": self.calls, "messages": self.messages, "account": account })
    }
}

fn series(info: &SeriesInfo) -> Value {
    let overlap = info.grid.and_then(|grid| grid.overlap).map(|overlap| match overlap {
        Overlap::Um(x, y) => json!([x, y, "um"]),
        Overlap::Px(x, y) => json!([x, y, "px"]),
        Overlap::Percent(x, y) => json!([x, y, "percent"]),
    });
    json!({ "series_id": info.id.to_string(), "name": info.name, "source": info.source,
        "exposure_ms": info.exposure_ms, "widefield": info.channel == Channel::Widefield,
        "expected_tiles": info.expected_tiles, "expected_frames": info.expected_frames,
        "grid": info.grid.map(|grid| [grid.rows, grid.columns]), "overlap": overlap,
        "snake": info.grid.is_some_and(|grid| grid.snake),
        "pixel_size_nm": info.pixel_size.map(|size| [size.x.0, size.y.0]) })
}

/// 0, 257, 514, ... as 16 bits: the byte order shows. Another start for each frame.
fn pixels(info: &FrameInfo) -> Vec<u8> {
    let first = info.id.seq.0 as usize;
    let places = first..first + info.shape.pixels();
    match info.pixel_type {
        PixelType::U8 => places.map(|at| (at % 256) as u8).collect(),
        PixelType::U16 => places.flat_map(|at| ((at * 257 % 65_536) as u16).to_le_bytes()).collect(),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
