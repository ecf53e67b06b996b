//! Receiving a frame allocates nothing once the first few have passed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use smlm::frame::{FrameId, FrameInfo, Seq, SeriesId, Shape};
use smlm::series::Control;
use wire::bad_message::BadMessage;
use wire::envelope::{Compression, FrameOnWire, encode_frame};
use wire::publisher::{Publisher, PublisherSettings};
use wire::source::{FrameSink, FrameSource, Place, SourceSettings};
use wire::zmtp::ZmtpSource;

struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call is handed to the system's allocator unchanged; counting touches a const thread local only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One slot, overwritten by each frame.
struct Slot(Vec<u8>, u64);

impl FrameSink for Slot {
    fn reserve(&mut self, info: &FrameInfo) -> Option<Place> {
        assert_eq!(info.payload_bytes(), self.0.len());
        Some(Place(0))
    }
    fn space(&mut self, _: Place) -> &mut [u8] {
        &mut self.0
    }
    fn commit(&mut self, _: Place, _: u64) {
        self.1 += 1;
    }
    fn abandon(&mut self, _: Place, why: BadMessage) {
        panic!("{why}");
    }
    fn control(&mut self, message: Control) {
        panic!("{message:?}");
    }
    fn bad(&mut self, kind: BadMessage) {
        panic!("{kind}");
    }
    fn disconnected(&mut self, _: &[SeriesId]) {}
}

fn info(seq: u64) -> FrameInfo {
    let id = FrameId { series: SeriesId([3; 16]), seq: Seq(seq) };
    FrameInfo { id, shape: Shape { width: 256, height: 256 }, binning: 1, ..FrameInfo::default() }
}

#[test]
fn a_received_frame_costs_no_allocation() {
    let mut source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
    let endpoint = source.endpoint().to_owned();
    let (done, until_done) = std::sync::mpsc::sync_channel::<()>(1);
    // Counted per thread: the publisher may allocate on its own.
    let sender = std::thread::spawn(move || {
        let settings = PublisherSettings { camera: "a camera".into(), ..PublisherSettings::default() };
        let mut publisher = Publisher::new(&endpoint, settings).unwrap();
        let pixels = bytes::Bytes::from(vec![1u8; info(0).payload_bytes()]);
        for seq in 0..1000 {
            publisher.send_lossless(&info(seq), pixels.clone(), Duration::from_secs(20)).unwrap();
        }
        publisher.flush(Duration::from_secs(20)).unwrap();
        until_done.recv().unwrap();
    });
    let mut sink = Slot(vec![0; info(0).payload_bytes()], 0);
    let mut receive = |until: u64| {
        let before = ALLOCATIONS.get();
        while sink.1 < until {
            source.poll(&mut sink, Duration::from_secs(1)).unwrap();
        }
        ALLOCATIONS.get() - before
    };
    let warm_up = receive(100);
    assert!(warm_up < 100, "{warm_up}");
    assert_eq!(receive(1000), 0);
    done.send(()).unwrap();
    sender.join().unwrap();
}

#[test]
fn a_compressed_frame_costs_no_allocation() {
    use std::io::Write as _;
    for compression in [Compression::Lz4, Compression::Zstd] {
        let pixels = vec![1u8; info(0).payload_bytes()];
        let part1 = match compression {
            Compression::Lz4 => lz4_flex::block::compress(&pixels),
            _ => zstd::bulk::compress(&pixels, 1).unwrap(),
        };
        let mut source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
        let mut peer =
            std::net::TcpStream::connect(source.endpoint().strip_prefix("tcp://").unwrap()).unwrap();
        let mut hello = [0u8; 64];
        (hello[0], hello[9], hello[10]) = (0xff, 0x7f, 3);
        hello[12..16].copy_from_slice(b"NULL");
        peer.write_all(&hello).unwrap();
        peer.write_all(b"\x04\x1a\x05READY\x0bSocket-Type\0\0\0\x04PUSH").unwrap();
        let mut sink = Slot(vec![0; pixels.len()], 0);
        let mut send_and_receive = |seq: u64| {
            let part0 = encode_frame(&info(seq), FrameOnWire { compression, ..FrameOnWire::default() });
            let mut message = vec![1, part0.len() as u8];
            message.extend_from_slice(&part0);
            message.push(2);
            message.extend_from_slice(&(part1.len() as u64).to_be_bytes());
            message.extend_from_slice(&part1);
            peer.write_all(&message).unwrap();
            let before = ALLOCATIONS.get();
            while sink.1 <= seq {
                source.poll(&mut sink, Duration::from_secs(1)).unwrap();
            }
            ALLOCATIONS.get() - before
        };
        let _warm_up: u64 = (0..3).map(&mut send_and_receive).sum();
        assert_eq!((3..20).map(send_and_receive).sum::<u64>(), 0, "{compression:?}");
    }
}
