//! What our publisher promises: it never waits, counts what it drops, and loses nothing when told so.

use std::time::{Duration, Instant};

use smlm::frame::SeriesId;
use wire::publisher::{PublishError, Publisher, PublisherSettings, Sending};
use wire::source::{FrameSource, SourceSettings};
use wire::zmtp::ZmtpSource;

use crate::collect::Collect;
use crate::raw::{self, Raw};
use crate::sample;

#[test]
fn a_publisher_without_a_daemon_drops_counts_and_does_not_wait() {
    let settings = PublisherSettings { queue_frames: 4, ..PublisherSettings::default() };
    // Port 1 of loopback: nobody is there.
    let mut publisher = Publisher::new("tcp://127.0.0.1:1", settings).unwrap();
    let begin = Instant::now();
    let sent: Vec<_> = (0..10)
        .map(|seq| sample::info(seq, 64, 64))
        .map(|info| publisher.send_frame(&info, sample::pixels(&info).into()))
        .collect();
    assert!(begin.elapsed() < Duration::from_secs(1));
    assert_eq!(sent.iter().filter(|sending| **sending == Sending::Queued).count(), 4);
    let counts = publisher.counts();
    assert_eq!((counts.offered_frames, counts.dropped_frames, counts.sent_frames), (10, 6, 0));
    assert_eq!(publisher.waiting_frames(), 4);
}

#[test]
fn a_daemon_that_starts_late_gets_what_was_kept_and_learns_what_was_dropped() {
    let port =
        ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap().endpoint().to_owned();
    let reconnect_every = Duration::from_millis(1);
    let settings = PublisherSettings { queue_frames: 4, reconnect_every, ..PublisherSettings::default() };
    let mut publisher = Publisher::new(&port, settings).unwrap();
    for seq in 0..10 {
        let info = sample::info(seq, 8, 8);
        let _expected_to_drop_six = publisher.send_frame(&info, sample::pixels(&info).into());
    }
    let mut source = ZmtpSource::bind(&port, SourceSettings::default()).unwrap();
    let mut sink = Collect::default();
    sink.until(&mut source, "what was kept", |sink| {
        publisher.drive(Duration::ZERO);
        sink.frames.len() == 4
    });
    let info = sample::info(10, 8, 8);
    assert_eq!(publisher.send_frame(&info, sample::pixels(&info).into()), Sending::Queued);
    sink.until(&mut source, "the frame after the loss", |sink| {
        publisher.drive(Duration::ZERO);
        sink.frames.len() == 5
    });
    assert_eq!(sink.seqs(), [0, 1, 2, 3, 10]);
    assert_eq!(sink.frames[4].0.dropped_by_publisher, 6);
    let counts = publisher.counts();
    assert_eq!(counts.offered_frames, counts.sent_frames + counts.dropped_frames);
}

#[test]
fn sending_without_loss_survives_a_slow_daemon_and_its_restart() {
    const FRAMES: u64 = 60;
    let mut source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
    let endpoint = source.endpoint().to_owned();
    let to = endpoint.clone();
    let sender = std::thread::spawn(move || {
        let reconnect_every = Duration::from_millis(1);
        let settings = PublisherSettings { queue_frames: 2, reconnect_every, ..PublisherSettings::default() };
        let mut publisher = Publisher::new(&to, settings).unwrap();
        for seq in 0..FRAMES {
            let info = sample::info(seq, 1024, 1024);
            publisher.send_lossless(&info, sample::pixels(&info).into(), Duration::from_secs(20)).unwrap();
        }
        publisher.flush(Duration::from_secs(20)).unwrap();
        publisher.counts()
    });
    let mut sink = Collect::default();
    sink.until(&mut source, "a third", |sink| sink.frames.len() >= 20);
    source.close(&mut sink);
    drop(source);
    let mut source = ZmtpSource::bind(&endpoint, SourceSettings::default()).unwrap();
    sink.until(&mut source, "the last", |sink| {
        sink.frames.last().is_some_and(|(info, _)| info.id.seq.0 == FRAMES - 1)
    });
    let counts = sender.join().unwrap();
    assert_eq!((counts.sent_frames, counts.dropped_frames, counts.disconnects), (FRAMES, 0, 1));
    let seqs = sink.seqs();
    assert!(seqs.is_sorted() && sink.frames.iter().all(|(info, pixels)| *pixels == sample::pixels(info)));
    // What was in the kernel's buffers when the daemon died is lost, and is seen as a gap: at most those buffers.
    assert!(seqs.len() as u64 >= FRAMES - 10, "{}", seqs.len());
}

#[test]
fn waiting_for_a_daemon_that_never_comes_ends_with_a_reason() {
    let settings = PublisherSettings { queue_frames: 1, ..PublisherSettings::default() };
    let mut publisher = Publisher::new("tcp://127.0.0.1:1", settings).unwrap();
    let info = sample::info(0, 8, 8);
    let limit = Duration::from_millis(30);
    publisher.send_lossless(&info, sample::pixels(&info).into(), limit).unwrap();
    let error = publisher.send_lossless(&info, sample::pixels(&info).into(), limit).unwrap_err();
    assert!(matches!(error, PublishError::NoRoom(..)), "{error}");
}

#[test]
fn a_publisher_answers_the_pings_of_its_daemon() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("tcp://{}", listener.local_addr().unwrap());
    let mut publisher = Publisher::new(&endpoint, PublisherSettings::default()).unwrap();
    publisher.drive(Duration::ZERO);
    let mut daemon = Raw(listener.accept().unwrap().0);
    daemon.0.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    daemon.send(&raw::greeting(b"NULL"));
    daemon.send(&raw::ready(b"PULL"));
    daemon.send(&raw::command(b"PING", b"\0\0abc"));
    let mut heard = Vec::new();
    let pong = raw::command(b"PONG", b"abc");
    let begin = Instant::now();
    while !heard.ends_with(&pong) {
        publisher.drive(Duration::from_millis(1));
        heard.extend(daemon.hear().0);
        assert!(begin.elapsed() < Duration::from_secs(20), "{heard:02x?}");
    }
    assert!(publisher.is_connected());
}

#[test]
fn dropped_frames_are_counted_per_series() {
    let settings = PublisherSettings { queue_frames: 1, ..PublisherSettings::default() };
    let mut source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
    let mut publisher = Publisher::new(source.endpoint(), settings).unwrap();
    let mut sink = Collect::default();
    let send = |publisher: &mut Publisher, series: u8, seq| {
        let mut info = sample::info(seq, 8, 8);
        info.id.series = SeriesId([series; 16]);
        publisher.send_frame(&info, sample::pixels(&info).into())
    };
    // Nobody has accepted the connection yet, so the second frame finds no room.
    assert_eq!(send(&mut publisher, 1, 0), Sending::Queued);
    assert_eq!(send(&mut publisher, 1, 1), Sending::Dropped);
    sink.until(&mut source, "the first", |sink| {
        publisher.drive(Duration::ZERO);
        sink.frames.len() == 1
    });
    assert_eq!(send(&mut publisher, 2, 0), Sending::Queued);
    sink.until(&mut source, "the other series", |sink| {
        publisher.drive(Duration::ZERO);
        sink.frames.len() == 2
    });
    assert_eq!(sink.frames[1].0.dropped_by_publisher, 0);
    assert_eq!(publisher.counts().dropped_frames, 1);
}
