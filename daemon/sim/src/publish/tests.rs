//! Playing: order, pace and accounts of what was sent.

use std::cell::Cell;
use std::rc::Rc;

use super::*;
use crate::microscope::SOURCE;
use crate::outlet::Delivery;
use crate::settings::{Scan, Settings};
use smlm::frame::Shape;
use wire::envelope::{Decoder, Message};

/// A list that takes a frame in no time; waiting moves the test's clock.
#[derive(Default)]
struct List {
    messages: Vec<String>,
    frames: Vec<(FrameInfo, Bytes)>,
    waited: Rc<Cell<u64>>,
    room: Option<usize>,
}

impl Outlet for List {
    fn frame(&mut self, part0: &[u8], pixels: Bytes) -> Delivery {
        if self.room.is_some_and(|room| self.frames.len() >= room) {
            return Delivery::QueueFull;
        }
        let Message::Frame(announced) = Decoder::default().decode(part0, true).unwrap() else {
            panic!("not a frame");
        };
        self.messages.push(format!("frame {}", announced.info.id.seq.0));
        self.frames.push((announced.info, pixels));
        Delivery::Sent
    }

    fn control(&mut self, control: &Control) -> Delivery {
        self.messages.push(match control {
            Control::SeriesStart(info) => {
                assert_eq!(info.source, SOURCE);
                "start".into()
            }
            Control::TileEnd { tile_index, captured, dropped, .. } => {
                format!("tile {tile_index} {captured} {dropped}")
            }
            Control::SeriesEnd { reason, totals, .. } => {
                format!("end {reason:?} {} {} {}", totals.captured, totals.sent, totals.dropped)
            }
            Control::Heartbeat { .. } => "heartbeat".into(),
        });
        Delivery::Sent
    }

    fn wait(&mut self, time: Duration) {
        self.waited.set(self.waited.get() + time.as_nanos() as u64);
    }

    fn make_room(&mut self) -> bool {
        self.room.is_none_or(|room| self.frames.len() < room)
    }
}

struct TestClock(Rc<Cell<u64>>);

impl Clock for TestClock {
    fn now_unix_ns(&self) -> u64 {
        1_000 + self.0.get()
    }
}

fn settings(frames_per_tile: Option<u32>, tiles: u32) -> Settings {
    let scan = Scan { rows: 1, columns: tiles, frames_per_tile, ..Settings::default().scan };
    Settings { shape: Shape { width: 16, height: 12 }, scan, ..Settings::default() }
}

fn player(settings: Settings, playing: Playing, outlet: List) -> Player<List> {
    Player::new(VirtualMicroscope::new(settings).unwrap(), playing, outlet).unwrap()
}

fn go_on(_: &Step<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

#[test]
fn a_scan_is_told_in_order_with_its_accounts() {
    let player = player(settings(Some(2), 2), Playing::default(), List::default());
    let clock = TestClock(Rc::default());
    let (totals, line) = player.play(0.0, &clock, go_on);
    assert_eq!(totals, Totals { captured: 4, sent: 4, dropped: 0, last_seq: 3 });
    let told = [
        "start",
        "frame 0",
        "frame 1",
        "tile 0 2 0",
        "start",
        "frame 2",
        "frame 3",
        "tile 1 2 0",
        "end Completed 4 4 0",
    ];
    assert_eq!(line.finish().messages, told);
}

#[test]
fn frames_leave_at_the_asked_rate_and_planned_stalls_are_caught_up() {
    let waited = Rc::<Cell<u64>>::default();
    let outlet = List { waited: waited.clone(), ..List::default() };
    let faults = FaultPlan { seed: 2, stall: 0.2, stall_ms: 35, ..FaultPlan::NONE };
    let player = player(settings(Some(50), 1), Playing { faults, ..Playing::default() }, outlet);
    let mut times = Vec::new();
    let (_, line) = player.play(100.0, &TestClock(waited), |step| {
        times.push(step.info.send_unix_ns);
        go_on(step)
    });
    assert!(line.counts().stall > 3);
    assert!(times.iter().enumerate().all(|(k, &time)| time >= 1_000 + k as u64 * 10_000_000));
    let late = times[49] - (1_000 + 49 * 10_000_000);
    assert!(late < 35_000_000, "behind by {late} ns: stalls are not caught up");
}

#[test]
fn a_full_queue_costs_frames_and_the_headers_and_totals_say_so() {
    let outlet = List { room: Some(3), ..List::default() };
    let mut player = player(settings(Some(5), 1), Playing::default(), outlet);
    let dropped: Vec<_> = (0..5).map(|_| player.step(0).unwrap().info.dropped_by_publisher).collect();
    assert_eq!(dropped, [0, 0, 0, 0, 1]);
    assert!(player.step(0).is_none());
    let (totals, _) = player.end(EndReason::Completed);
    assert_eq!(totals, Totals { captured: 5, sent: 3, dropped: 2, last_seq: 4 });
}

#[test]
fn as_fast_as_it_goes_ends_with_an_error_when_nobody_takes_frames() {
    let outlet = List { room: Some(3), ..List::default() };
    let player = player(settings(Some(5), 1), Playing::default(), outlet);
    let (totals, line) = player.play(0.0, &TestClock(Rc::default()), go_on);
    assert_eq!((totals.captured, totals.dropped), (3, 0));
    assert_eq!(line.finish().messages.last().unwrap(), "end Error 3 3 0");
}

#[test]
fn a_publisher_that_starts_again_sends_the_same_frames() {
    let (mut whole, mut again) = (
        player(settings(Some(10), 2), Playing::default(), List::default()),
        player(settings(Some(10), 2), Playing::default(), List::default()),
    );
    while whole.step(0).is_some() {}
    again.resume_at(7);
    assert_eq!(again.step(0).unwrap().info.id.seq, Seq(7));
    while again.step(0).is_some() {}
    let (whole, again) = (whole.line().outlet(), again.line().outlet());
    assert_eq!(again.frames[..], whole.frames[7..]);
    assert_eq!(again.messages[0], "start");
}

#[test]
fn a_bank_repeats_its_frames_with_right_headers_and_truths() {
    let mut player =
        player(settings(None, 1), Playing { bank: Some(3), ..Playing::default() }, List::default());
    for seq in 0..8 {
        let step = player.step(0).unwrap();
        assert_eq!((step.info.id.seq.0, step.info.frame_in_tile, step.truth.seq), (seq, seq as u32, seq));
    }
    let frames = &player.line().outlet().frames;
    assert_eq!(frames[1].1, frames[7].1);
    assert_ne!(frames[1].1, frames[2].1);
}

#[test]
fn a_live_display_skips_images_and_says_so() {
    let sampled = Playing { live_sampled: Some(4), ..Playing::default() };
    let mut live = player(settings(Some(20), 1), sampled, List::default());
    let mut full = player(settings(Some(20), 1), Playing::default(), List::default());
    while live.step(0).is_some() {}
    while full.step(0).is_some() {}
    live.resume_at(2);
    assert_eq!(live.step(0).unwrap().truth.seq, 2);
    let (live, full) = (&live.line().outlet().frames, &full.line().outlet().frames);
    assert_eq!(live.len(), 5 + 1);
    for (k, (info, pixels)) in live[..5].iter().enumerate() {
        assert_eq!((info.id.seq.0, info.image_number), (k as u64, Some(4 * k as i64)));
        assert_eq!(info.continuity, Continuity::LiveSampled);
        assert_eq!(pixels, &full[4 * k].1, "image {}", 4 * k);
    }
    assert_eq!(live[5].1, full[8].1, "after starting again at 2");
}

#[test]
fn a_bank_that_does_not_fit_is_refused_before_it_is_made() {
    let settings = Settings { shape: Shape { width: 2048, height: 2048 }, ..settings(None, 1) };
    let microscope = VirtualMicroscope::new(settings).unwrap();
    let playing = Playing { bank: Some(1000), ..Playing::default() };
    let refused = Player::new(microscope, playing, List::default()).err().unwrap();
    assert!(refused.to_string().contains("at most 512"), "{refused}");
}
