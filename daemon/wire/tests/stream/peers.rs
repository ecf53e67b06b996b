//! Peers that come, go, stall, and are too many; the receiver that restarts.

use std::net::Shutdown;
use std::time::Duration;

use smlm::frame::SeriesId;
use wire::bad_message::BadMessage;
use wire::publisher::{Publisher, PublisherSettings};
use wire::source::{FrameSource, SourceError, SourceSettings};
use wire::zmtp::{PEERS_MAX, ZmtpSource};

use crate::collect::Collect;
use crate::raw::{self, Raw};
use crate::sample;

fn open(settings: SourceSettings) -> (ZmtpSource, Collect) {
    (ZmtpSource::bind("tcp://127.0.0.1:0", settings).unwrap(), Collect::default())
}

#[test]
fn a_peer_killed_in_the_middle_of_a_frame_leaves_no_half_frame() {
    let (mut source, mut sink) = open(SourceSettings::default());
    let mut peer = Raw::push(source.endpoint());
    let info = sample::info(0, 64, 64);
    let bytes = raw::frame(&info);
    peer.send(&bytes[..bytes.len() - 100]);
    sink.until(&mut source, "the frame begins", |sink| sink.open.len() == 1);
    peer.0.shutdown(Shutdown::Both).unwrap();
    sink.until(&mut source, "the peer is gone", |sink| !sink.disconnected.is_empty());
    assert_eq!(
        (sink.abandoned.as_slice(), sink.bad.as_slice()),
        (&[BadMessage::PeerLeftMidMessage][..], &[][..])
    );
    assert_eq!((sink.disconnected.as_slice(), sink.frames.len()), (&[sample::SERIES][..], 0));
}

#[test]
fn a_peer_that_stalls_in_a_message_or_handshake_is_let_go_in_time() {
    let short = Duration::from_millis(30);
    let settings = SourceSettings { handshake_limit: short, stall_limit: short, ..SourceSettings::default() };
    let (mut source, mut sink) = open(settings);
    let mut stalled = Raw::push(source.endpoint());
    let bytes = raw::frame(&sample::info(0, 64, 64));
    stalled.send(&bytes[..bytes.len() / 2]);
    sink.until(&mut source, "the stalled frame is abandoned", |sink| {
        sink.abandoned == [BadMessage::PeerStalled]
    });
    let mut in_header = Raw::push(source.endpoint());
    in_header.send(&bytes[..20]);
    sink.until(&mut source, "the stalled header is counted", |sink| sink.bad == [BadMessage::PeerStalled]);
    let _silent = Raw::silent(source.endpoint());
    sink.until(&mut source, "the silent peer is counted", |sink| sink.bad.len() == 2);
    assert_eq!((sink.bad[1], source.peers()), (BadMessage::BadHandshake, 0));
}

#[test]
fn a_ping_is_answered_even_between_the_parts_of_a_message() {
    let (mut source, mut sink) = open(SourceSettings::default());
    let mut peer = Raw::push(source.endpoint());
    let info = sample::info(0, 8, 8);
    peer.send(&raw::part(&sample::part0(&info), true));
    peer.send(&raw::command(b"PING", b"\0\0context"));
    peer.send(&raw::part(&sample::pixels(&info), false));
    let mut heard = Vec::new();
    let pong = raw::command(b"PONG", b"context");
    sink.until(&mut source, "the answer", |_| {
        heard.extend(peer.hear().0);
        heard.ends_with(&pong)
    });
    sink.until(&mut source, "the frame", |sink| sink.frames.len() == 1);
    assert_eq!(sink.bad, []);
}

#[test]
fn a_peer_that_promised_pings_and_went_silent_is_let_go() {
    let (mut source, mut sink) = open(SourceSettings::default());
    let mut peer = Raw::push(source.endpoint());
    peer.send(&raw::command(b"PING", b"\0\x01"));
    sink.until(&mut source, "its time to live ends", |sink| sink.bad == [BadMessage::PeerStalled]);
}

#[test]
fn frames_of_two_publishers_are_not_mixed() {
    let (mut source, mut sink) = open(SourceSettings::default());
    let series = [SeriesId([1; 16]), SeriesId([2; 16])];
    let mut publishers =
        series.map(|_| Publisher::new(source.endpoint(), PublisherSettings::default()).unwrap());
    for seq in 0..30 {
        for (publisher, series) in publishers.iter_mut().zip(series) {
            let mut info = sample::info(seq, 300, 100);
            info.id.series = series;
            let pixels = vec![series.0[0]; info.payload_bytes()];
            assert_eq!(publisher.send_frame(&info, pixels.into()), wire::publisher::Sending::Queued);
        }
    }
    sink.until(&mut source, "all arrive", |sink| {
        publishers.iter_mut().for_each(|publisher| publisher.drive(Duration::ZERO));
        sink.frames.len() == 60
    });
    for id in series {
        let of: Vec<_> = sink.frames.iter().filter(|(info, _)| info.id.series == id).collect();
        assert!(of.iter().map(|(info, _)| info.id.seq.0).eq(0..30));
        assert!(of.iter().all(|(_, pixels)| pixels.iter().all(|&pixel| pixel == id.0[0])));
    }
}

#[test]
fn one_compressing_peer_waits_for_another_and_both_arrive() {
    let (mut source, mut sink) = open(SourceSettings::default());
    let mut peers = [Raw::push(source.endpoint()), Raw::push(source.endpoint())];
    let compression = wire::envelope::Compression::Lz4;
    let messages = [0, 1].map(|seq| {
        let info = sample::info(seq, 100, 100);
        let on_wire = wire::envelope::FrameOnWire { compression, ..Default::default() };
        raw::message(
            &wire::envelope::encode_frame(&info, on_wire),
            &lz4_flex::block::compress(&sample::pixels(&info)),
        )
    });
    let half = messages[0].len() - 10;
    peers[0].send(&messages[0][..half]);
    sink.until(&mut source, "the first begins", |sink| sink.open.len() == 1);
    peers[1].send(&messages[1]);
    for _ in 0..5 {
        source.poll(&mut sink, Duration::from_millis(5)).unwrap();
    }
    assert_eq!(sink.frames.len(), 0);
    peers[0].send(&messages[0][half..]);
    sink.until(&mut source, "both arrive", |sink| sink.seqs() == [0, 1]);
    assert!(sink.frames.iter().all(|(info, pixels)| *pixels == sample::pixels(info)));
}

#[test]
fn one_peer_more_than_the_limit_is_refused() {
    let (mut source, mut sink) = open(SourceSettings { peers_max: 2, ..SourceSettings::default() });
    let _peers = [Raw::push(source.endpoint()), Raw::push(source.endpoint())];
    sink.until(&mut source, "two peers", |_| true);
    let mut third = Raw::push(source.endpoint());
    sink.until(&mut source, "the third is refused", |_| third.hear().1);
    assert_eq!(sink.bad, [BadMessage::TooManyPeers]);
    const { assert!(PEERS_MAX == 64) };
}

#[test]
fn a_receiver_restarts_on_its_port_and_the_publisher_finds_it() {
    let (mut source, mut sink) = open(SourceSettings::default());
    let endpoint = source.endpoint().to_owned();
    let settings =
        PublisherSettings { reconnect_every: Duration::from_millis(1), ..PublisherSettings::default() };
    let mut publisher = Publisher::new(&endpoint, settings).unwrap();
    assert!(publisher.send_control(&sample::start(sample::SERIES)));
    sink.until(&mut source, "the start", |sink| {
        publisher.drive(Duration::ZERO);
        sink.controls == [sample::start(sample::SERIES)]
    });
    source.close(&mut sink);
    assert_eq!(sink.disconnected, [sample::SERIES]);
    drop(source);
    while publisher.is_connected() {
        publisher.drive(Duration::from_millis(1));
    }
    let mut source = ZmtpSource::bind(&endpoint, SourceSettings::default()).unwrap();
    let mut sink = Collect::default();
    let info = sample::info(5, 8, 8);
    assert_eq!(publisher.send_frame(&info, sample::pixels(&info).into()), wire::publisher::Sending::Queued);
    sink.until(&mut source, "start again and the frame", |sink| {
        publisher.drive(Duration::ZERO);
        sink.seqs() == [5]
    });
    assert_eq!(sink.controls, [sample::start(sample::SERIES)]);
    assert_eq!(publisher.counts().disconnects, 1);
}

#[test]
fn a_port_in_use_is_named() {
    let (source, _) = open(SourceSettings::default());
    let error = ZmtpSource::bind(source.endpoint(), SourceSettings::default()).err().unwrap();
    assert!(matches!(error, SourceError::InUse(_)), "{error}");
}

#[test]
fn binding_off_loopback_is_refused_with_the_remedy() {
    let error = ZmtpSource::bind("tcp://0.0.0.0:0", SourceSettings::default()).err().unwrap();
    assert!(error.to_string().contains("allow_peers"), "{error}");
    let named =
        SourceSettings { allow_peers: vec!["192.0.2.1".parse().unwrap()], ..SourceSettings::default() };
    assert!(ZmtpSource::bind("tcp://0.0.0.0:0", named).is_ok());
}

#[test]
fn socket_files_are_private_survive_a_kill_and_are_removed() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run/frames.sock");
    let endpoint = format!("ipc://{}", path.display());
    let bind = || ZmtpSource::bind(&endpoint, SourceSettings::default());
    let source = bind().unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));
    assert!(matches!(bind(), Err(SourceError::InUse(_))));
    drop(source);
    assert!(!path.exists());
    // A killed daemon leaves its file: std's listener does not remove it either.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let mut source = bind().unwrap();
    let mut publisher = Publisher::new(&endpoint, PublisherSettings::default()).unwrap();
    let info = sample::info(0, 600, 600);
    assert_eq!(publisher.send_frame(&info, sample::pixels(&info).into()), wire::publisher::Sending::Queued);
    let mut sink = Collect::default();
    sink.until(&mut source, "a frame over ipc", |sink| {
        publisher.drive(Duration::ZERO);
        sink.frames.len() == 1
    });
    assert_eq!(sink.frames[0].1, sample::pixels(&info));
    drop(source);
    std::fs::write(&path, "a letter").unwrap();
    assert!(matches!(bind(), Err(SourceError::NotASocket(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a letter");
}
