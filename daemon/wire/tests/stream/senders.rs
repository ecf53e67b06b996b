//! The same senders against both receivers: our own and the `zeromq` crate's.

use std::time::Duration;

use wire::bad_message::BadMessage;
use wire::envelope::{Compression, FrameOnWire, encode_frame};
use wire::publisher::{Publisher, PublisherSettings, Sending};
use wire::source::{FrameSource, SourceError, SourceSettings};
use wire::zeromq_source::ZeromqSource;
use wire::zmtp::ZmtpSource;

use crate::collect::Collect;
use crate::raw::{self, Raw};
use crate::sample;

type Bind = fn(&str) -> Result<Box<dyn FrameSource>, SourceError>;

pub const RECEIVERS: [(&str, Bind); 2] = [
    ("own", |endpoint| Ok(Box::new(ZmtpSource::bind(endpoint, SourceSettings::default())?))),
    ("zeromq", |endpoint| Ok(Box::new(ZeromqSource::bind(endpoint, SourceSettings::default())?))),
];

/// Runs `test` on both receivers, over tcp and over ipc.
pub fn on_both(test: impl Fn(&str, &mut dyn FrameSource)) {
    for (name, bind) in RECEIVERS {
        test(name, &mut *bind("tcp://127.0.0.1:0").unwrap());
        let folder = tempfile::tempdir().unwrap();
        test(name, &mut *bind(&format!("ipc://{}/frames.sock", folder.path().display())).unwrap());
    }
}

#[test]
fn frames_of_our_publisher_arrive_whole_and_in_order() {
    on_both(|_, source| {
        let mut publisher = Publisher::new(source.endpoint(), PublisherSettings::default()).unwrap();
        let mut sink = Collect::default();
        assert!(publisher.send_control(&sample::start(sample::SERIES)));
        for seq in 0..20 {
            let info = sample::info(seq, 64, 48);
            assert_eq!(publisher.send_frame(&info, sample::pixels(&info).into()), Sending::Queued);
        }
        assert!(publisher.send_control(&sample::end(sample::SERIES)));
        sink.until(source, "all arrive", |sink| {
            publisher.drive(Duration::ZERO);
            sink.controls.last() == Some(&sample::end(sample::SERIES))
        });
        assert_eq!(sink.seqs(), (0..20).collect::<Vec<_>>());
        for (info, pixels) in &sink.frames {
            assert_eq!(*pixels, sample::pixels(info));
            assert!(info.arrival_unix_ns >= info.send_unix_ns);
        }
        assert_eq!(sink.bad, []);
        drop(publisher);
        sink.until(source, "the publisher has left", |sink| sink.disconnected == [sample::SERIES]);
    });
}

#[test]
fn both_receivers_count_wrong_messages_alike() {
    for (_, bind) in RECEIVERS {
        let mut source = bind("tcp://127.0.0.1:0").unwrap();
        let mut sink = Collect::default();
        let info = sample::info(0, 8, 8);
        let (part0, pixels) = (sample::part0(&info), sample::pixels(&info));
        let zstd = FrameOnWire { compression: Compression::Zstd, ..FrameOnWire::default() };
        let wrong_sum = FrameOnWire { crc32c: Some(1), ..FrameOnWire::default() };
        let mut peer = Raw::push(source.endpoint());
        peer.send(&raw::message(&part0, &pixels[1..]));
        peer.send(&raw::message(&part0[..20], &pixels));
        peer.send(&raw::part(&part0, false));
        peer.send(&[raw::part(&part0, true), raw::part(&pixels, true), raw::part(&[], false)].concat());
        peer.send(&raw::message(&encode_frame(&info, zstd), &pixels));
        peer.send(&raw::message(&encode_frame(&info, wrong_sum), &pixels));
        peer.send(&raw::frame(&info));
        sink.until(&mut *source, "the good frame", |sink| sink.frames.len() == 1);
        let kinds = [
            BadMessage::WrongPixelCount,
            BadMessage::BrokenProtobuf,
            BadMessage::WrongPartCount,
            BadMessage::WrongPartCount,
        ];
        assert_eq!(sink.bad, kinds);
        assert_eq!(sink.abandoned, [BadMessage::BadCompression, BadMessage::BadChecksum]);
    }
}

#[test]
fn both_receivers_refuse_addresses_off_loopback_and_free_theirs() {
    for (_, bind) in RECEIVERS {
        assert!(matches!(bind("tcp://0.0.0.0:0"), Err(SourceError::NotLoopback(_))));
        let source = bind("tcp://127.0.0.1:0").unwrap();
        let endpoint = source.endpoint().to_owned();
        assert!(matches!(bind(&endpoint), Err(SourceError::InUse(_))));
        drop(source);
        assert!(bind(&endpoint).is_ok());
    }
}

#[test]
fn both_receivers_survive_a_peer_that_dies_in_a_frame() {
    for (_, bind) in RECEIVERS {
        let mut source = bind("tcp://127.0.0.1:0").unwrap();
        let mut sink = Collect::default();
        let mut dying = Raw::push(source.endpoint());
        let bytes = raw::frame(&sample::info(0, 64, 64));
        dying.send(&bytes[..bytes.len() - 9]);
        dying.0.shutdown(std::net::Shutdown::Write).unwrap();
        sink.until(&mut *source, "the loss is counted", |sink| sink.bad.len() + sink.abandoned.len() == 1);
        let mut peer = Raw::push(source.endpoint());
        peer.send(&raw::frame(&sample::info(1, 8, 8)));
        sink.until(&mut *source, "the next peer's frame", |sink| sink.seqs() == [1]);
    }
}

#[test]
fn frames_larger_than_every_buffer_arrive_while_nobody_waits_for_them() {
    on_both(|_, source| {
        let settings = PublisherSettings { queue_frames: 100, ..PublisherSettings::default() };
        let mut publisher = Publisher::new(source.endpoint(), settings).unwrap();
        let mut sink = Collect::default();
        for seq in 0..16 {
            let info = sample::info(seq, 2048, 2048);
            assert_eq!(
                publisher.send_frame(&info, vec![seq as u8; info.payload_bytes()].into()),
                Sending::Queued
            );
        }
        sink.until(source, "all arrive", |sink| {
            publisher.drive(Duration::ZERO);
            sink.frames.len() == 16
        });
        assert!(
            sink.frames.iter().all(|(info, pixels)| pixels.iter().all(|&pixel| pixel == info.id.seq.0 as u8))
        );
    });
}
