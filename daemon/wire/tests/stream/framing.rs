//! Messages that arrive in odd pieces, and messages that are wrong while their framing is intact.

use smlm::frame::PixelType;
use wire::bad_message::BadMessage;
use wire::envelope::{Compression, FrameOnWire, encode_control, encode_frame, encode_frame_json, limits};
use wire::source::{FrameSource, SourceSettings};
use wire::zmtp::ZmtpSource;

use crate::collect::Collect;
use crate::raw::{self, Raw};
use crate::sample;

fn open() -> (ZmtpSource, Collect) {
    (ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap(), Collect::default())
}

/// Sends `bad`, then a good frame: the bad one is counted as `kind`, the good one arrives, the peer stays.
fn is_counted_and_the_peer_kept(bad: &[u8], kind: BadMessage) {
    let (mut source, mut sink) = open();
    let mut peer = Raw::push(source.endpoint());
    peer.send(bad);
    let good = sample::info(7, 8, 8);
    peer.send(&raw::frame(&good));
    sink.until(&mut source, "the good frame", |sink| sink.frames.len() == 1);
    assert_eq!(sink.frames[0].1, sample::pixels(&good));
    let counted: Vec<_> = sink.bad.iter().chain(&sink.abandoned).copied().collect();
    assert_eq!(counted, [kind]);
    assert_eq!(source.peers(), 1);
}

#[test]
fn a_frame_that_comes_byte_by_byte_is_whole() {
    let (mut source, mut sink) = open();
    let mut peer = Raw::push(source.endpoint());
    let info = sample::info(0, 5, 3);
    for byte in raw::frame(&info) {
        peer.send(&[byte]);
        source.poll(&mut sink, std::time::Duration::from_millis(1)).unwrap();
    }
    sink.until(&mut source, "the frame", |sink| sink.frames.len() == 1);
    assert_eq!(sink.frames[0].1, sample::pixels(&info));
}

#[test]
fn wrong_messages_are_counted_by_kind_and_the_peer_is_kept() {
    let info = sample::info(0, 8, 8);
    let pixels = sample::pixels(&info);
    let part0 = sample::part0(&info);
    let control = encode_control(&sample::start(sample::SERIES));
    let mut later = part0.clone();
    assert_eq!(later[..2], [8, 1], "schema_version comes first");
    later[1] = 2;
    for (bad, kind) in [
        (raw::message(&part0, &pixels[1..]), BadMessage::WrongPixelCount),
        (raw::message(&part0, &[]), BadMessage::WrongPixelCount),
        (raw::message(&part0[..part0.len() / 2], &pixels), BadMessage::BrokenProtobuf),
        (raw::message(b"", &pixels), BadMessage::EmptyMessage),
        (raw::part(b"", false), BadMessage::EmptyMessage),
        (raw::part(b"\x08\x01", false), BadMessage::EmptyMessage),
        (raw::message(b"{\"frame\": 3}", &pixels), BadMessage::BadJson),
        (raw::message(&later, &pixels), BadMessage::UnknownVersion),
        (raw::part(&part0, false), BadMessage::WrongPartCount),
        (
            [raw::part(&part0, true), raw::part(&pixels, true), raw::part(b"", false)].concat(),
            BadMessage::WrongPartCount,
        ),
        (raw::message(&control, &pixels), BadMessage::ControlWithPixels),
        (raw::message(&vec![b'{'; limits::FRAME_PART0_BYTES + 1], &pixels), BadMessage::TooLong),
        (raw::part(&vec![b'{'; limits::CONTROL_PART0_BYTES + 1], false), BadMessage::TooLong),
    ] {
        is_counted_and_the_peer_kept(&bad, kind);
    }
}

#[test]
fn a_checksum_of_other_pixels_is_noticed() {
    let info = sample::info(0, 8, 8);
    let pixels = sample::pixels(&info);
    let wrong = FrameOnWire { crc32c: Some(1), ..FrameOnWire::default() };
    is_counted_and_the_peer_kept(
        &raw::message(&encode_frame(&info, wrong), &pixels),
        BadMessage::BadChecksum,
    );
    let right = FrameOnWire { crc32c: Some(crc32c::crc32c(&pixels)), ..FrameOnWire::default() };
    let (mut source, mut sink) = open();
    let mut peer = Raw::push(source.endpoint());
    peer.send(&raw::message(&encode_frame(&info, right), &pixels));
    sink.until(&mut source, "the frame", |sink| sink.frames.len() == 1);
}

fn packed(how: Compression, bytes: &[u8]) -> Vec<u8> {
    match how {
        Compression::Raw => bytes.to_vec(),
        Compression::Lz4 => lz4_flex::block::compress(bytes),
        Compression::Zstd => zstd::bulk::compress(bytes, 1).unwrap(),
    }
}

#[test]
fn compressed_pixels_are_unpacked_into_the_place() {
    for how in [Compression::Lz4, Compression::Zstd] {
        let (mut source, mut sink) = open();
        let mut peer = Raw::push(source.endpoint());
        for seq in 0..3 {
            let info = sample::info(seq, 200, 100);
            let part1 = packed(how, &sample::pixels(&info));
            let on_wire =
                FrameOnWire { compression: how, crc32c: Some(crc32c::crc32c(&part1)), camera: "cam" };
            peer.send(&raw::message(&encode_frame(&info, on_wire), &part1));
        }
        sink.until(&mut source, "the frames", |sink| sink.frames.len() == 3);
        assert!(sink.frames.iter().all(|(info, pixels)| *pixels == sample::pixels(info)));
    }
}

#[test]
fn compressed_pixels_of_another_size_are_refused() {
    let info = sample::info(0, 200, 100);
    let pixels = sample::pixels(&info);
    let longer = [&pixels[..], b"more"].concat();
    for how in [Compression::Lz4, Compression::Zstd] {
        let part0 = encode_frame(&info, FrameOnWire { compression: how, ..FrameOnWire::default() });
        let whole = packed(how, &pixels);
        for part1 in [
            packed(how, &longer),
            packed(how, &pixels[1..]),
            whole[..whole.len() / 2].to_vec(),
            vec![0xff; 100],
            vec![],
        ] {
            is_counted_and_the_peer_kept(&raw::message(&part0, &part1), BadMessage::BadCompression);
        }
        let bomb = vec![0; limits::packed_bytes(info.payload_bytes()) + 1];
        is_counted_and_the_peer_kept(&raw::message(&part0, &bomb), BadMessage::TooLong);
    }
}

#[test]
fn a_refused_frame_is_drained_and_the_next_one_fits() {
    let (mut source, mut sink) = open();
    let mut peer = Raw::push(source.endpoint());
    sink.refuse = true;
    peer.send(&raw::frame(&sample::info(0, 300, 300)));
    sink.until(&mut source, "the refusal", |sink| sink.refused == 1);
    sink.refuse = false;
    peer.send(&raw::frame(&sample::info(1, 8, 8)));
    sink.until(&mut source, "the next frame", |sink| sink.seqs() == [1]);
    assert_eq!(sink.bad, []);
}

#[test]
fn json_does_as_well_as_protobuf() {
    let (mut source, mut sink) = open();
    let mut info = sample::info(3, 8, 8);
    info.pixel_type = PixelType::U8;
    let part0 = encode_frame_json(&info, FrameOnWire::default()).unwrap();
    let mut peer = Raw::push(source.endpoint());
    peer.send(&raw::message(part0.as_bytes(), &sample::pixels(&info)));
    sink.until(&mut source, "the frame", |sink| sink.frames.len() == 1);
    info.arrival_unix_ns = sink.frames[0].0.arrival_unix_ns;
    assert_eq!(sink.frames[0], (info, sample::pixels(&info)));
}
