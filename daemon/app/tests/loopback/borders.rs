//! Windows end at tiles, gaps and series; every frame is processed all the same.

use smlm::frame::{Continuity, FrameInfo, Shape};

use crate::rig::{Rig, assert_emitters, balanced, lost, missing};

/// The fake engine sums up every frame of a window and fails where a frame is torn or misnamed; that it sees three
/// frames is the configuration of the rig.
#[test]
fn frames_at_the_borders_of_tiles_and_gaps_are_all_processed() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.frames_per_tile = 3;
    sender.send(10); // three tiles and one frame
    sender.next += 4; // the rest of that tile, and more
    sender.send(1); // a tile of which only the last frame comes
    sender.next += 1;
    sender.send(7);
    sender.end();
    let account = rig.settled(1, 18);
    assert_eq!((account.processed(), missing(&account)), (18, (5, 0)));
    rig.done(1);
    let seqs = (0..10).chain([14]).chain(16..23);
    assert_emitters(&rig.journaled(1), seqs);
    for found in rig.journaled(1) {
        assert_eq!(found.tile, found.frame / 3, "frame {}: its tile is its own", found.frame);
    }
    rig.stop();
}

#[test]
fn the_last_frame_before_a_pause_is_its_own_neighbour_and_does_not_wait_for_the_next() {
    let rig = Rig::start(|config| config.frames.idle_flush_ms = 30);
    let mut sender = rig.publisher(1);
    sender.send(5);
    rig.settled(1, 5); // the fifth as well, though no sixth has come
    sender.send(5);
    let account = rig.settled(1, 10);
    assert_eq!(account.processed(), 10);
    sender.end();
    rig.done(1);
    assert_emitters(&rig.journaled(1), 0..10);
    rig.stop();
}

#[test]
fn interleaved_series_do_not_mix() {
    let rig = Rig::start(|_| ());
    let mut senders: Vec<_> = [1, 2, 3].map(|number| rig.publisher(number)).into();
    for _ in 0..100 {
        senders.iter_mut().for_each(|sender| sender.send(1));
    }
    senders.iter_mut().for_each(|sender| sender.end());
    for number in [1, 2, 3] {
        assert_eq!(rig.settled(number, 100).processed(), 100);
        rig.done(number);
        assert_emitters(&rig.journaled(number), 0..100);
    }
    rig.stop();
}

#[test]
fn a_sampled_display_is_processed_frame_by_frame_and_the_status_says_so() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.send_changed(40, |info| FrameInfo {
        continuity: Continuity::LiveSampled,
        image_number: Some(9 * info.id.seq.0 as i64),
        ..info
    });
    let account = rig.settled(1, 40);
    assert_eq!(account.processed(), 40);
    assert_eq!(missing(&account), (0, 0), "a display that skips loses nothing");
    let series = rig.series(1);
    assert!(series.door().live_sampled);
    let warnings = series.warnings();
    assert!(warnings.iter().any(|warning| warning.contains("LIVE_SAMPLED")), "{warnings:?}");
    let told = blinkd::summary::series(&series);
    assert_eq!(told["warnings"].as_array().map(Vec::len), Some(1));
    rig.stop();
}

#[test]
fn a_changed_shape_of_the_same_size_begins_a_new_burst_and_another_size_is_refused_by_name() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.send(10);
    sender.send_changed(10, |info| FrameInfo { shape: Shape { width: 128, height: 32 }, ..info });
    sender.send_changed(5, |info| FrameInfo { shape: Shape { width: 65, height: 64 }, ..info });
    sender.send(10);
    let account = rig.settled(1, 35);
    assert_eq!(account.processed(), 30);
    assert_eq!(lost(&account), [("shape_changed", 5)]);
    balanced(&rig.series(1));
    rig.stop();
}
