//! The virtual microscope against the daemon's own receiver, over loopback.

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use sim::faults::FaultPlan;
use sim::microscope::VirtualMicroscope;
use sim::publish::{Player, Playing, SystemClock};
use sim::settings::{Scan, Settings};
use smlm::frame::{FrameInfo, SeriesId, Shape};
use smlm::series::Control;
use wire::bad_message::BadMessage;
use wire::publisher::{Publisher, PublisherSettings};
use wire::source::{FrameSink, FrameSource, Place, SourceSettings};
use wire::zmtp::ZmtpSource;

const LIMIT: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Received {
    arriving: Vec<(FrameInfo, Vec<u8>)>,
    frames: Vec<(FrameInfo, Vec<u8>)>,
    bad: Vec<BadMessage>,
    starts: u64,
    tile_ends: Vec<(u32, u64)>,
    ended: Option<u64>,
}

impl FrameSink for Received {
    fn reserve(&mut self, info: &FrameInfo) -> Option<Place> {
        self.arriving.push((*info, vec![0; info.payload_bytes()]));
        Some(Place(self.arriving.len() as u64 - 1))
    }

    fn space(&mut self, place: Place) -> &mut [u8] {
        &mut self.arriving[place.0 as usize].1
    }

    // One peer sends one frame at a time: the frame that arrives is the only one in `arriving`.
    fn commit(&mut self, _: Place, _: u64) {
        self.frames.extend(self.arriving.pop());
    }

    fn abandon(&mut self, _: Place, why: BadMessage) {
        self.arriving.pop();
        self.bad.push(why);
    }

    fn control(&mut self, message: Control) {
        match message {
            Control::SeriesStart(_) => self.starts += 1,
            Control::TileEnd { tile_index, captured, .. } => self.tile_ends.push((tile_index, captured)),
            Control::SeriesEnd { totals, .. } => self.ended = Some(totals.captured),
            Control::Heartbeat { .. } => {}
        }
    }

    fn bad(&mut self, kind: BadMessage) {
        self.bad.push(kind);
    }

    fn disconnected(&mut self, _: &[SeriesId]) {}
}

fn settings() -> Settings {
    let scan = Scan { rows: 2, columns: 2, frames_per_tile: Some(50), ..Settings::default().scan };
    Settings { shape: Shape { width: 32, height: 24 }, scan, ..Settings::default() }
}

#[test]
fn the_receiver_counts_every_planned_fault_and_gets_every_other_frame_unchanged() {
    let mut source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
    let endpoint = source.endpoint().to_owned();
    let sender = std::thread::spawn(move || {
        let publisher = Publisher::new(&endpoint, PublisherSettings::default()).unwrap();
        let faults = FaultPlan { stall: 0.0, ..FaultPlan::each(11, 0.04) };
        let playing = Playing { faults, ..Playing::default() };
        let player = Player::new(VirtualMicroscope::new(settings()).unwrap(), playing, publisher).unwrap();
        let (totals, line) = player.play(0.0, &SystemClock, |_| ControlFlow::Continue(()));
        let counts = line.counts();
        line.finish().flush(LIMIT).unwrap();
        (totals, counts)
    });
    let mut received = Received::default();
    let begin = Instant::now();
    while received.ended.is_none() {
        source.poll(&mut received, Duration::from_millis(50)).unwrap();
        assert!(begin.elapsed() < LIMIT, "the end of the series did not come");
    }
    let (totals, faults) = sender.join().unwrap();

    assert_eq!((totals.captured, totals.sent, totals.dropped), (200, 200, 0));
    assert_eq!(received.ended, Some(200));
    assert_eq!(received.starts, 4, "the series is announced at each tile");
    assert_eq!(received.tile_ends, [(0, 50), (1, 50), (2, 50), (3, 50)]);
    let corrupt = faults.corrupt_header + faults.truncated_pixels + faults.wrong_size + faults.corrupt_pixels;
    assert!(corrupt > 10, "{faults:?}");
    assert_eq!(received.bad.len() as u64, corrupt, "{:?}", received.bad);
    let distinct: BTreeSet<_> = received.frames.iter().map(|(info, _)| info.id.seq.0).collect();
    assert_eq!(distinct.len() as u64, 200 - faults.never_valid());
    assert_eq!(received.frames.len() as u64, distinct.len() as u64 + faults.duplicate);

    let mut again = VirtualMicroscope::new(settings()).unwrap();
    let (mut counts, mut truth) = (Vec::new(), Default::default());
    for (info, pixels) in &received.frames {
        again.seek(info.id.seq.0);
        assert!(again.next_frame(&mut counts, &mut truth).is_some());
        let bytes: Vec<u8> = counts.iter().flat_map(|count| count.to_le_bytes()).collect();
        assert_eq!(pixels, &bytes, "frame {}", info.id.seq.0);
    }
}
