//! The golden vectors of the frame stream: messages as bytes, and what they must be read as.
//!
//! In: nothing, everything is fixed here. Out: the text of `vectors.json`. Never: what our decoder says (the expected
//! fields come from the values that were encoded).

use std::path::PathBuf;

use prost::Message as _;
use serde_json::{Value, json};
use smlm::frame::{Continuity, FrameId, FrameInfo, PixelType, Seq, SeriesId, Shape, StagePosition, Tile};
use smlm::series::{Channel, Control, EndReason, Grid, Overlap, SeriesInfo, Totals};
use smlm::units::{Adu, Camera, Nm, PixelSize};
use wire::bad_message::BadMessage;
use wire::envelope::{
    Compression, FrameOnWire, encode_control, encode_control_json, encode_frame, encode_frame_json,
};
use wire::pb;

const SERIES: SeriesId = SeriesId(*b"blinkd.conform.1");

pub fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../clients/conformance/vectors.json")
}

/// By name within each object: another crate of the build decides whether maps keep the order of insertion.
pub fn written(mut file: Value) -> String {
    file.sort_all_objects();
    serde_json::to_string_pretty(&file).expect("values without odd keys have a text") + "\n"
}

pub fn text() -> String {
    let vectors: Vec<Value> = [frames(), controls(), bad_headers(), bad_messages()].concat();
    written(json!({ "schema_version": 1, "vectors": vectors }))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn plain(seq: u64) -> FrameInfo {
    FrameInfo {
        id: FrameId { series: SERIES, seq: Seq(seq) },
        shape: Shape { width: 4, height: 3 },
        binning: 1,
        ..FrameInfo::default()
    }
}

/// 0, 257, 514, ... as 16 bits: the byte order shows.
fn pixels(info: &FrameInfo) -> Vec<u8> {
    let count = info.shape.pixels();
    match info.pixel_type {
        PixelType::U8 => (0..count).map(|at| (at % 256) as u8).collect(),
        PixelType::U16 => (0..count).flat_map(|at| ((at * 258 % 65_536) as u16).to_le_bytes()).collect(),
    }
}

fn frames() -> Vec<Value> {
    let full = FrameInfo {
        tile: Tile { index: 34, row: 1, column: 32 },
        frame_in_tile: 999,
        frames_per_tile: 1000,
        roi_x: 100,
        roi_y: 200,
        binning: 2,
        exposure_ms: 9.75,
        stage: Some(StagePosition { x_um: -12.5, y_um: 340.25, z_um: 0.5, measured: true }),
        image_number: Some(-1),
        capture_unix_ns: 1_800_000_000_123_456_789,
        send_unix_ns: 1_800_000_000_123_999_999,
        core_queue_depth: 3,
        dropped_by_publisher: 17,
        ..plain(34_999)
    };
    let bytes = FrameInfo { pixel_type: PixelType::U8, shape: Shape { width: 5, height: 1 }, ..plain(1) };
    let live = FrameInfo { continuity: Continuity::LiveSampled, ..plain(2) };
    let largest_seq = FrameInfo { id: FrameId { series: SERIES, seq: Seq((1 << 63) - 1) }, ..plain(0) };
    vec![
        frame("frame_minimal", &plain(0), Compression::Raw, false),
        frame("frame_with_every_field", &full, Compression::Raw, true),
        frame("frame_of_8_bits", &bytes, Compression::Raw, false),
        frame("frame_sampled_by_a_live_view", &live, Compression::Raw, false),
        frame("frame_with_the_largest_seq", &largest_seq, Compression::Raw, false),
        frame("frame_in_lz4", &plain(3), Compression::Lz4, true),
        frame("frame_in_zstd", &plain(4), Compression::Zstd, true),
        frame_of_a_later_version(),
    ]
}

fn frame(name: &str, info: &FrameInfo, compression: Compression, sum: bool) -> Value {
    let pixels = pixels(info);
    let part1 = match compression {
        Compression::Raw => pixels.clone(),
        Compression::Lz4 => lz4_flex::block::compress(&pixels),
        Compression::Zstd => zstd::bulk::compress(&pixels, 1).expect("a few bytes are compressed"),
    };
    let crc32c = sum.then(|| crc32c::crc32c(&part1));
    let on_wire = FrameOnWire { compression, crc32c, camera: if sum { "Andor" } else { "" } };
    let json = encode_frame_json(info, on_wire).expect("a header has a JSON form");
    json!({
        "name": name,
        "part0_hex": hex(&encode_frame(info, on_wire)),
        "part0_json": serde_json::from_str::<Value>(&json).expect("our own JSON"),
        "part1_hex": hex(&part1),
        "expect": { "frame": expected_frame(info, &pixels) },
    })
}

pub fn expected_frame(info: &FrameInfo, pixels: &[u8]) -> Value {
    json!({
        "series_id": info.id.series.to_string(),
        "seq": info.id.seq.0,
        "tile": [info.tile.index, info.tile.row, info.tile.column],
        "frame_in_tile": info.frame_in_tile,
        "frames_per_tile": info.frames_per_tile,
        "width_px": info.shape.width,
        "height_px": info.shape.height,
        "bits": info.pixel_type.bytes() * 8,
        "roi_px": [info.roi_x, info.roi_y],
        "binning": info.binning,
        "exposure_ms": info.exposure_ms,
        "stage_um": info.stage.map(|stage| [stage.x_um, stage.y_um, stage.z_um]),
        "stage_measured": info.stage.map(|stage| stage.measured),
        "camera_image_number": info.image_number,
        "capture_unix_ns": info.capture_unix_ns,
        "send_unix_ns": info.send_unix_ns,
        "core_queue_depth": info.core_queue_depth,
        "dropped_total": info.dropped_by_publisher,
        "live_sampled": info.continuity == Continuity::LiveSampled,
        "pixels_hex": hex(pixels),
    })
}

/// A field 1000 that we do not know is passed over.
fn frame_of_a_later_version() -> Value {
    let info = plain(5);
    let mut part0 = encode_frame(&info, FrameOnWire::default());
    part0.extend_from_slice(&[0xc2, 0x3e, 0x03, b'n', b'e', b'w']);
    json!({
        "name": "frame_with_a_field_of_a_later_version",
        "part0_hex": hex(&part0),
        "part1_hex": hex(&pixels(&info)),
        "expect": { "frame": expected_frame(&info, &pixels(&info)) },
    })
}

fn controls() -> Vec<Value> {
    let start = SeriesInfo {
        id: SERIES,
        name: "COS-7 µtubules".into(),
        source: "pymmcore-plus 0.18.1".into(),
        grid: Some(Grid { rows: 33, columns: 32, overlap: Some(Overlap::Percent(10.0, 12.5)), snake: true }),
        expected_tiles: 1056,
        expected_frames: 1_056_000,
        pixel_size: Some(PixelSize { x: Nm(100.0), y: Nm(101.0) }),
        affine: Some([0.1, 0.0, 0.0, 0.0, -0.1, 0.0]),
        camera: Some(Camera {
            offset: Adu(100.0),
            e_per_adu: 0.45,
            em_gain: Some(300.0),
            spurious_e: 0.002,
            qe: 0.9,
        }),
        exposure_ms: 10.0,
        metadata_json: "{\"Summary\": {}}".into(),
        start_unix_ns: 1_800_000_000_000_000_000,
        ..SeriesInfo::default()
    };
    let pass = SeriesInfo {
        id: SeriesId(*b"blinkd.conform.w"),
        channel: Channel::Widefield,
        widefield_of: Some(SERIES),
        widefield_skip_frames: Some(0),
        ..start.clone()
    };
    let totals = Totals { captured: 1000, sent: 990, dropped: 10, last_seq: 999 };
    vec![
        control(
            "series_start_minimal",
            &Control::SeriesStart(Box::new(SeriesInfo { id: SERIES, ..SeriesInfo::default() })),
        ),
        control("series_start_of_a_scan", &Control::SeriesStart(Box::new(start))),
        control("series_start_of_a_widefield_pass", &Control::SeriesStart(Box::new(pass))),
        control(
            "tile_end",
            &Control::TileEnd { series: SERIES, tile_index: 34, captured: 1000, dropped: 10 },
        ),
        control("series_end", &Control::SeriesEnd { series: SERIES, reason: EndReason::Completed, totals }),
        control(
            "series_end_by_abort",
            &Control::SeriesEnd { series: SERIES, reason: EndReason::Aborted, totals },
        ),
        control("heartbeat", &Control::Heartbeat { series: SERIES, send_unix_ns: 1_800_000_000_000_000_000 }),
    ]
}

fn control(name: &str, control: &Control) -> Value {
    let json = encode_control_json(control).expect("a control message has a JSON form");
    json!({
        "name": name,
        "part0_hex": hex(&encode_control(control)),
        "part0_json": serde_json::from_str::<Value>(&json).expect("our own JSON"),
        "expect": { "control": expected_control(control) },
    })
}

pub fn expected_control(control: &Control) -> Value {
    match control {
        Control::SeriesStart(info) => json!({ "kind": "series_start",
            "series_id": info.id.to_string(), "name": info.name, "source": info.source,
            "grid": info.grid.map(|grid| [grid.rows, grid.columns]),
            "overlap": info.grid.and_then(|grid| grid.overlap).map(|overlap| match overlap {
                Overlap::Um(x, y) => json!([x, y, "um"]),
                Overlap::Px(x, y) => json!([x, y, "px"]),
                Overlap::Percent(x, y) => json!([x, y, "percent"]),
            }),
            "snake": info.grid.is_some_and(|grid| grid.snake),
            "expected_tiles": info.expected_tiles, "expected_frames": info.expected_frames,
            "pixel_size_nm": info.pixel_size.map(|size| [size.x.0, size.y.0]),
            "affine": info.affine, "metadata_json": info.metadata_json,
            "camera": info.camera.map(|camera| json!([
                camera.offset.0, camera.e_per_adu, camera.em_gain, camera.spurious_e, camera.qe
            ])),
            "widefield": info.channel == Channel::Widefield,
            "widefield_of": info.widefield_of.map(|scan| scan.to_string()),
            "widefield_skip_frames": info.widefield_skip_frames,
            "exposure_ms": info.exposure_ms, "start_unix_ns": info.start_unix_ns }),
        Control::TileEnd { series, tile_index, captured, dropped } => json!({ "kind": "tile_end",
            "series_id": series.to_string(), "tile_index": tile_index, "captured": captured, "dropped": dropped }),
        Control::SeriesEnd { series, reason, totals } => json!({ "kind": "series_end",
            "series_id": series.to_string(), "reason": format!("{reason:?}").to_lowercase(),
            "totals": [totals.captured, totals.sent, totals.dropped, totals.last_seq] }),
        Control::Heartbeat { series, send_unix_ns } => json!({ "kind": "heartbeat",
            "series_id": series.to_string(), "send_unix_ns": send_unix_ns }),
    }
}

/// Headers with one wrong field each.
fn bad_headers() -> Vec<Value> {
    type Change = fn(&mut pb::FrameHeader);
    let cases: [(&str, BadMessage, Change); 10] = [
        ("series_id_of_15_bytes", BadMessage::BadSeriesId, |header| header.series_id.truncate(15)),
        ("seq_of_64_bits", BadMessage::BadNumber, |header| header.seq = 1 << 63),
        ("width_0", BadMessage::AbsurdShape, |header| header.width_px = 0),
        ("height_16385", BadMessage::AbsurdShape, |header| header.height_px = 16_385),
        ("width_of_32_bits", BadMessage::AbsurdShape, |header| header.width_px = u32::MAX),
        ("pixel_type_missing", BadMessage::UnknownPixelType, |header| header.pixel_type = 0),
        ("pixel_type_unknown", BadMessage::UnknownPixelType, |header| header.pixel_type = 3),
        ("compression_unknown", BadMessage::UnknownCompression, |header| header.compression = 9),
        ("continuity_unknown", BadMessage::UnknownValue, |header| header.continuity = 9),
        ("exposure_not_a_number", BadMessage::BadNumber, |header| header.exposure_ms = f64::NAN),
    ];
    let good = encode_frame(&plain(0), FrameOnWire::default());
    cases
        .into_iter()
        .map(|(name, kind, change)| {
            let mut envelope = pb::Envelope::decode(&good[..]).expect("our own protobuf");
            if let Some(pb::envelope::Kind::Frame(header)) = &mut envelope.kind {
                change(header);
            }
            bad(name, &envelope.encode_to_vec(), Some(&pixels(&plain(0))), kind)
        })
        .collect()
}

fn bad_messages() -> Vec<Value> {
    let (info, some) = (plain(0), pixels(&plain(0)));
    let good = encode_frame(&info, FrameOnWire::default());
    let version_2 = [&[8, 2], &good[2..]].concat();
    let heartbeat = encode_control(&Control::Heartbeat { series: SERIES, send_unix_ns: 0 });
    let wrong_sum = encode_frame(&info, FrameOnWire { crc32c: Some(0), ..FrameOnWire::default() });
    let zstd = encode_frame(&info, FrameOnWire { compression: Compression::Zstd, ..FrameOnWire::default() });
    vec![
        bad("empty", b"", None, BadMessage::EmptyMessage),
        bad("version_only", &[8, 1], None, BadMessage::EmptyMessage),
        bad("header_cut_short", &good[..20], Some(&some), BadMessage::BrokenProtobuf),
        bad("text", b"hello", None, BadMessage::BrokenProtobuf),
        bad("json_cut_short", b"{\"schemaVersion\": 1, ", None, BadMessage::BadJson),
        bad("version_2", &version_2, Some(&some), BadMessage::UnknownVersion),
        bad("one_byte_missing", &good, Some(&some[1..]), BadMessage::WrongPixelCount),
        bad("one_byte_too_many", &good, Some(&[&some[..], &[0]].concat()), BadMessage::WrongPixelCount),
        bad("no_pixels", &good, None, BadMessage::WrongPartCount),
        bad("heartbeat_with_pixels", &heartbeat, Some(&some), BadMessage::ControlWithPixels),
        bad("wrong_checksum", &wrong_sum, Some(&some), BadMessage::BadChecksum),
        bad("zstd_that_is_none", &zstd, Some(&some), BadMessage::BadCompression),
        json!({
            "name": "frame_part0_of_more_than_64_KiB",
            "part0_repeat": { "hex": "0a", "bytes": 64 * 1024 + 1 },
            "part1_hex": hex(&some),
            "expect": { "bad": BadMessage::TooLong.as_str() },
        }),
    ]
}

fn bad(name: &str, part0: &[u8], part1: Option<&[u8]>, kind: BadMessage) -> Value {
    json!({
        "name": name,
        "part0_hex": hex(part0),
        "part1_hex": part1.map(hex),
        "expect": { "bad": kind.as_str() },
    })
}
