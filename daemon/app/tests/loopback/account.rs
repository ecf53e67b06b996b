//! received = processed + waiting + lost, at every instant, per series and per tile.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use sim::faults::FaultPlan;
use sim::microscope::VirtualMicroscope;
use sim::publish::{Player, Playing, SystemClock};
use sim::settings::{Scan, Settings};
use smlm::frame::FrameInfo;
use wire::publisher::{Publisher, PublisherSettings};

use crate::rig::{Rig, SHAPE, assert_emitters, balanced, id, lost, missing};

#[test]
fn the_account_balances_at_every_instant_while_two_publishers_send() {
    const FRAMES: u64 = 1500;
    let rig = Rig::start(|config| config.ring.mib = 16); // room for all: nothing may be lost
    let sending = AtomicUsize::new(2);
    let mut samples = 0;
    std::thread::scope(|scope| {
        for (number, frames_per_tile) in [(1, 500), (2, 37)] {
            let (rig, sending) = (&rig, &sending);
            scope.spawn(move || {
                let mut sender = rig.publisher(number);
                sender.frames_per_tile = frames_per_tile;
                sender.start(|_| ());
                sender.send(FRAMES);
                sender.end();
                sending.fetch_sub(1, Ordering::Release);
            });
        }
        while sending.load(Ordering::Acquire) > 0 || samples < 100 {
            for series in rig.live.all() {
                balanced(&series);
                samples += 1;
            }
            std::thread::yield_now();
        }
    });
    for (number, tiles) in [(1, 3), (2, 41)] {
        let account = rig.settled(number, FRAMES);
        assert_eq!((account.processed(), account.lost_total(), missing(&account)), (FRAMES, 0, (0, 0)));
        assert_eq!(rig.series(number).door().tiles.len(), tiles);
        assert_eq!(rig.done(number), "completed");
        assert_emitters(&rig.journaled(number), 0..FRAMES);
        assert_eq!(rig.series(number).exit().localizations, FRAMES);
    }
    assert!(rig.live.bad().is_empty(), "{:?}", rig.live.bad());
    rig.stop();
}

#[test]
fn numbers_that_jump_are_missing_on_the_way_and_image_numbers_that_jump_are_missing_in_the_camera() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.send(10);
    sender.next += 3; // lost on the way, seen by both counters
    sender.send(10);
    // The camera lost two images here; the publisher numbers what it got.
    sender.send_changed(5, |info| FrameInfo {
        image_number: info.image_number.map(|number| number + 2),
        ..info
    });
    let account = rig.settled(1, 25);
    assert_eq!(missing(&account), (3, 2));
    assert_eq!((account.processed(), lost(&account)), (25, vec![]));
    assert_eq!(rig.series(1).door().next_seq, 28);
    rig.stop();
}

#[test]
fn a_frame_that_comes_twice_is_refused_and_counted_and_localized_once() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.send(20);
    sender.next = 12; // a publisher that rewound too far
    sender.send(18);
    sender.end();
    let account = rig.settled(1, 30);
    assert_eq!((account.processed(), lost(&account), missing(&account)), (30, vec![], (0, 0)));
    rig.done(1);
    assert_eq!(rig.bad("duplicate"), 8);
    assert_emitters(&rig.journaled(1), 0..30);
    rig.stop();
}

/// Every kind of damage at once, from the virtual microscope: the daemon's account must say what was planned.
#[test]
fn planned_faults_and_the_account_agree_exactly() {
    let rig = Rig::start(|_| ());
    let scan = Scan { rows: 2, columns: 3, frames_per_tile: Some(100), ..Settings::default().scan };
    let settings = Settings { shape: SHAPE, scan, series: id(9), ..Settings::default() };
    let microscope = VirtualMicroscope::new(settings).unwrap();
    let faults = FaultPlan { stall: 0.0, ..FaultPlan::each(5, 0.03) };
    let publisher = Publisher::new(&rig.endpoint, PublisherSettings::default()).unwrap();
    let player = Player::new(microscope, Playing { faults, ..Playing::default() }, publisher).unwrap();
    let (totals, line) = player.play(0.0, &SystemClock, |_| ControlFlow::Continue(()));
    let counts = line.counts();
    let mut publisher = line.finish();
    publisher.flush(crate::rig::LIMIT).unwrap();
    assert_eq!(totals.captured, 600);
    rig.done(9);
    let account = rig.account(9);
    balanced(&rig.series(9));
    let received = account.received();
    assert_eq!((account.processed(), lost(&account)), (received, vec![]));
    // A frame sent after its successor comes too late and is refused as one that was counted already, unless that
    // successor never came.
    let valid = totals.captured - counts.never_valid();
    let late = valid - received;
    assert!(late <= counts.reorder && late + counts.never_valid() >= counts.reorder, "{late} of {counts:?}");
    assert_eq!(rig.bad("duplicate"), counts.duplicate + late);
    assert_eq!(rig.bad("broken_protobuf"), counts.corrupt_header);
    assert_eq!(rig.bad("bad_checksum"), counts.corrupt_pixels);
    assert_eq!(rig.bad("wrong_pixel_count"), counts.truncated_pixels + counts.wrong_size);
    let (transport, camera) = missing(&account);
    let next = rig.series(9).door().next_seq;
    assert_eq!(transport, next - received, "every number below the last one is received or missing");
    assert!(camera <= counts.camera_images_missing, "{camera} of {counts:?}");
    assert!(counts.camera_gap > 5 && camera > 0, "{camera} of {counts:?}");
    rig.stop();
}
