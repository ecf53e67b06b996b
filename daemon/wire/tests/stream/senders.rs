//! Senders that behave: our publisher.

use std::time::Duration;

use wire::publisher::{Publisher, PublisherSettings, Sending};
use wire::source::{FrameSource, SourceSettings};
use wire::zmtp::ZmtpSource;

use crate::collect::Collect;
use crate::sample;

#[test]
fn frames_of_our_publisher_arrive_whole_and_in_order() {
    let mut source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
    let mut publisher = Publisher::new(source.endpoint(), PublisherSettings::default()).unwrap();
    let mut sink = Collect::default();
    assert!(publisher.send_control(&sample::start(sample::SERIES)));
    for seq in 0..20 {
        let info = sample::info(seq, 64, 48);
        assert_eq!(publisher.send_frame(&info, sample::pixels(&info).into()), Sending::Queued);
    }
    assert!(publisher.send_control(&sample::end(sample::SERIES)));
    sink.until(&mut source, "all arrive", |sink| {
        publisher.drive(Duration::ZERO);
        sink.controls.len() >= 2 && sink.frames.len() == 20
    });
    assert_eq!(sink.seqs(), (0..20).collect::<Vec<_>>());
    for (info, pixels) in &sink.frames {
        assert_eq!(*pixels, sample::pixels(info));
        assert!(info.arrival_unix_ns >= info.send_unix_ns);
    }
    assert_eq!(sink.bad, []);
    drop(publisher);
    sink.until(&mut source, "the publisher has left", |sink| sink.disconnected == [sample::SERIES]);
}
