//! What is written is read again; what is wrong is refused by its kind; noise never panics.

use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use smlm::frame::{Continuity, FrameId, PixelType, Seq, Shape, StagePosition, Tile};
use smlm::series::{Channel, EndReason, Grid, Overlap, SeriesInfo, Totals};
use smlm::units::{Adu, Camera, Nm, PixelSize};

use super::*;
use crate::pb::envelope::Kind;

const SERIES: SeriesId = SeriesId(*b"0123456789abcdef");

fn full_frame() -> FrameInfo {
    FrameInfo {
        id: FrameId { series: SERIES, seq: Seq((1 << 63) - 1) },
        tile: Tile { index: 34, row: 1, column: 32 },
        frame_in_tile: 999,
        frames_per_tile: 1000,
        shape: Shape { width: 513, height: 7 },
        pixel_type: PixelType::U8,
        roi_x: 100,
        roi_y: 200,
        binning: 2,
        exposure_ms: 9.75,
        stage: Some(StagePosition { x_um: -12.5, y_um: 1e6, z_um: 0.25, measured: true }),
        image_number: Some(-1),
        capture_unix_ns: 1_800_000_000_123_456_789,
        send_unix_ns: 1_800_000_000_123_999_999,
        arrival_unix_ns: 0,
        core_queue_depth: 3,
        dropped_by_publisher: 17,
        continuity: Continuity::LiveSampled,
    }
}

fn controls() -> Vec<Control> {
    let info = SeriesInfo {
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
        channel: Channel::Widefield,
        widefield_of: Some(SeriesId([7; 16])),
        widefield_skip_frames: Some(0),
        exposure_ms: 10.0,
        bit_depth: 12,
        metadata_json: "{\"Summary\": {}}".into(),
        start_unix_ns: 1_800_000_000_000_000_000,
    };
    let totals = Totals { captured: 10, sent: 9, dropped: 1, last_seq: 9 };
    vec![
        Control::SeriesStart(Box::new(info)),
        Control::SeriesStart(Box::new(SeriesInfo { id: SERIES, ..SeriesInfo::default() })),
        Control::TileEnd { series: SERIES, tile_index: 3, captured: 1000, dropped: 2 },
        Control::SeriesEnd { series: SERIES, reason: EndReason::Overflow, totals },
        Control::Heartbeat { series: SERIES, send_unix_ns: 5 },
    ]
}

#[test]
fn frames_survive_protobuf_and_json() {
    let on_wire = FrameOnWire { compression: Compression::Zstd, crc32c: Some(0xdead_beef), camera: "Andor" };
    let announced =
        Announced { info: full_frame(), compression: Compression::Zstd, crc32c: Some(0xdead_beef) };
    let protobuf = encode_frame(&announced.info, on_wire);
    let json = encode_frame_json(&announced.info, on_wire).unwrap();
    let mut decoder = Decoder::default();
    for part0 in [&protobuf[..], json.as_bytes()] {
        assert_eq!(decoder.decode(part0, true), Ok(Message::Frame(announced)));
    }
    let mut reused = vec![7; 3];
    encode_frame_into(&announced.info, on_wire, &mut reused);
    assert_eq!(reused, protobuf);
}

#[test]
fn control_messages_survive_protobuf_and_json() {
    let mut decoder = Decoder::default();
    for control in controls() {
        assert_eq!(decoder.decode(&encode_control(&control), false), Ok(Message::Control(control.clone())));
        let json = encode_control_json(&control).unwrap();
        assert_eq!(decoder.decode(json.as_bytes(), false), Ok(Message::Control(control)));
    }
}

#[test]
fn nothing_of_the_frame_before_stays_in_the_scratch_space() {
    let mut decoder = Decoder::default();
    let full = encode_frame(&full_frame(), FrameOnWire { camera: "Andor", ..FrameOnWire::default() });
    assert!(decoder.decode(&full, true).is_ok());
    let plain = FrameInfo {
        id: FrameId { series: SERIES, seq: Seq(0) },
        shape: Shape { width: 1, height: 1 },
        binning: 1,
        ..FrameInfo::default()
    };
    let announced = Announced { info: plain, compression: Compression::Raw, crc32c: None };
    assert_eq!(
        decoder.decode(&encode_frame(&plain, FrameOnWire::default()), true),
        Ok(Message::Frame(announced))
    );
}

#[test]
fn scripts_may_write_either_spelling_and_fields_of_later_versions() {
    let camel = r#"{"schemaVersion":1,"frame":{"seriesId":"MDEyMzQ1Njc4OWFiY2RlZg==","seq":"5","widthPx":4,
        "heightPx":2,"pixelType":"PIXEL_TYPE_U16","ofALaterVersion":{"x":[1,2]}}}"#;
    let snake = r#"{"schema_version":1,"frame":{"series_id":"MDEyMzQ1Njc4OWFiY2RlZg==","seq":5,"width_px":4,
        "height_px":2,"pixel_type":2}}"#;
    let mut decoder = Decoder::default();
    let of_camel = decoder.decode(camel.as_bytes(), true).unwrap();
    assert_eq!(decoder.decode(snake.as_bytes(), true), Ok(of_camel.clone()));
    let Message::Frame(frame) = of_camel else { panic!("{of_camel:?}") };
    assert_eq!((frame.info.id.seq, frame.info.shape), (Seq(5), Shape { width: 4, height: 2 }));
}

/// Decodes a header that `change` has spoiled.
fn spoiled(change: impl Fn(&mut pb::FrameHeader)) -> Result<Message, BadMessage> {
    let part0 = encode_frame(&full_frame(), FrameOnWire::default());
    let mut envelope = pb::Envelope::decode(&part0[..]).unwrap();
    let Some(Kind::Frame(header)) = &mut envelope.kind else { panic!("a frame was encoded") };
    change(header);
    Decoder::default().decode(&envelope.encode_to_vec(), true)
}

#[test]
fn each_wrong_field_of_a_header_has_its_kind() {
    use BadMessage::*;
    type Change = fn(&mut pb::FrameHeader);
    assert!(spoiled(|_| ()).is_ok());
    let cases: [(Change, BadMessage); 21] = [
        (|h| h.series_id.truncate(15), BadSeriesId),
        (|h| h.series_id.clear(), BadSeriesId),
        (|h| h.series_id.push(0), BadSeriesId),
        (|h| h.seq = 1 << 63, BadNumber),
        (|h| h.width_px = 0, AbsurdShape),
        (|h| h.height_px = 16_385, AbsurdShape),
        (|h| h.width_px = u32::MAX, AbsurdShape),
        (|h| h.pixel_type = 0, UnknownPixelType),
        (|h| h.pixel_type = 3, UnknownPixelType),
        (|h| h.compression = 9, UnknownCompression),
        (|h| h.continuity = 9, UnknownValue),
        (|h| h.exposure_ms = f64::NAN, BadNumber),
        (|h| h.exposure_ms = -1.0, BadNumber),
        (|h| h.stage_x_um = Some(f64::INFINITY), BadNumber),
        (|h| h.stage_z_um = Some(f64::NAN), BadNumber),
        (|h| h.roi_x_px = u32::MAX, AbsurdShape),
        (|h| h.binning = 65, BadNumber),
        (|h| h.tile_row = u32::MAX, AbsurdShape),
        (|h| h.tile_index = u32::MAX, AbsurdShape),
        (|h| h.dropped_total = u64::MAX, BadNumber),
        (|h| h.camera = "x".repeat(4097), TooLong),
    ];
    for (place, (change, kind)) in cases.into_iter().enumerate() {
        assert_eq!(spoiled(change), Err(kind), "case {place}");
    }
}

#[test]
fn each_wrong_field_of_a_series_start_has_its_kind() {
    use BadMessage::*;
    type Change = fn(&mut pb::SeriesStart);
    let cases: [(Change, BadMessage); 12] = [
        (|s| s.grid_rows = 0, AbsurdShape),
        (|s| s.grid_columns = u32::MAX, AbsurdShape),
        (|s| s.overlap_x = f64::NAN, BadNumber),
        (|s| s.overlap_unit = 9, UnknownValue),
        (|s| s.pixel_size_x_nm = -1.0, BadNumber),
        (|s| s.pixel_size_y_nm = 1e9, BadNumber),
        (|s| s.affine.push(0.0), BadNumber),
        (|s| s.affine[3] = f64::NAN, BadNumber),
        (|s| s.camera.as_mut().unwrap().e_per_adu = 0.0, BadNumber),
        (|s| s.camera.as_mut().unwrap().qe = 1.5, BadNumber),
        (|s| s.channel = 7, UnknownValue),
        (|s| s.name = "x".repeat(4097), TooLong),
    ];
    for (place, (change, kind)) in cases.into_iter().enumerate() {
        let mut envelope = pb::Envelope::decode(&encode_control(&controls()[0])[..]).unwrap();
        let Some(Kind::SeriesStart(start)) = &mut envelope.kind else { panic!("a start was encoded") };
        change(start);
        assert_eq!(Decoder::default().decode(&envelope.encode_to_vec(), false), Err(kind), "case {place}");
    }
}

#[test]
fn one_pixel_side_stands_for_a_square_pixel() {
    let start =
        pb::SeriesStart { series_id: SERIES.0.to_vec(), pixel_size_x_nm: 107.0, ..Default::default() };
    let info = read::series_start(start).unwrap();
    assert_eq!(info.pixel_size, Some(PixelSize::square(Nm(107.0))));
}

/// The frame as the generated reader sees it, to compare our allocation-free reader with.
fn by_prost(part0: &[u8]) -> Result<Message, BadMessage> {
    let envelope = pb::Envelope::decode(part0).map_err(|_| BadMessage::BrokenProtobuf)?;
    of_envelope(envelope, true)
}

#[test]
fn our_reader_agrees_with_the_generated_one_on_noise() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let seeds = [
        encode_frame(&full_frame(), FrameOnWire { crc32c: Some(1), camera: "cam", ..FrameOnWire::default() }),
        encode_control(&controls()[2]),
    ];
    let mut decoder = Decoder::default();
    let (mut good, mut broken) = (0, 0);
    for _ in 0..200_000 {
        let mut part0 = seeds[usize::from(rng.random_bool(0.1))].clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..part0.len());
            match rng.random_range(0..3) {
                0 => part0[at] ^= 1 << rng.random_range(0..8),
                1 => part0.truncate(at.max(1)),
                _ => part0.insert(at, rng.random()),
            }
        }
        if part0[0] == b'{' {
            continue;
        }
        let ours = decoder.decode(&part0, true);
        assert_eq!(ours, by_prost(&part0), "{part0:02x?}");
        good += u32::from(ours.is_ok());
        broken += u32::from(ours == Err(BadMessage::BrokenProtobuf));
    }
    assert!(good > 1000 && broken > 1000, "{good} {broken}");
}

#[test]
fn noise_is_refused_without_a_panic() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let mut decoder = Decoder::default();
    let json = encode_frame_json(&full_frame(), FrameOnWire::default()).unwrap().into_bytes();
    for round in 0..50_000 {
        let mut noise = vec![0; rng.random_range(0..300)];
        rng.fill_bytes(&mut noise);
        if round % 3 == 0 {
            noise = json.clone();
            let at = rng.random_range(0..noise.len());
            noise[at] = rng.random();
        }
        let _not_a_panic = decoder.decode(&noise, rng.random());
    }
    let deep = [b"{\"frame\":".repeat(5000), b"{}".to_vec()].concat();
    assert_eq!(decoder.decode(&deep, true), Err(BadMessage::BadJson));
}
