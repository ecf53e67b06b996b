//! A widefield pass: averaged by tile, never localized; its frames wait in the ring until their mean is in a file.

use blinkd::config::Config;
use blinkd::live::State;
use blinkd::widefield::{of_tile, path, series_for};
use bytes::Bytes;
use smlm::frame::{FrameInfo, PixelType, Tile};
use smlm::series::{Channel, Grid, SeriesInfo};
use smlm::widefield::MeanPicture;

use crate::rig::{LIMIT, Rig, SHAPE, Sender, balanced, emitter, id, lost, missing, until};

const PASS: u8 = 7;
const SCAN: u8 = 8;
const GRID: Grid = Grid { rows: 2, columns: 2, overlap: None, snake: false };

/// A series in which nothing is found has no picture: its summary is its only file here.
fn rig(change: impl FnOnce(&mut Config)) -> Rig {
    Rig::start(|config| {
        config.store.files = vec!["summary".into()];
        change(config);
    })
}

fn describe(info: &mut SeriesInfo) {
    (info.grid, info.expected_tiles, info.source) = (Some(GRID), 4, "virtual".into());
}

fn pass(rig: &Rig) -> Sender {
    let mut sender = rig.publisher(PASS);
    sender.frames_per_tile = 5;
    sender.start(|info| {
        describe(info);
        info.channel = Channel::Widefield;
    });
    sender
}

/// Counts of pixel `at` of frame `number` of a tile: no mean of frames can be taken for another.
fn count(tile: u32, number: u32, at: usize) -> u16 {
    (1000 * tile as u16 + 100 * number as u16 * (number as u16 + 1)) + at as u16 % 97
}

/// Sends frames whose pixels are [`count`]s.
fn send(sender: &mut Sender, frames: u64) {
    for _ in 0..frames {
        let info = sender.info();
        let info = FrameInfo {
            tile: Tile { row: info.tile.index / 2, column: info.tile.index % 2, ..info.tile },
            pixel_type: PixelType::U16,
            ..info
        };
        let counts =
            (0..SHAPE.pixels()).flat_map(|at| count(info.tile.index, info.frame_in_tile, at).to_le_bytes());
        let pixels: Bytes = counts.collect::<Vec<u8>>().into();
        sender.publisher.send_lossless(&info, pixels, LIMIT).unwrap();
        sender.next += 1;
    }
    sender.publisher.flush(LIMIT).unwrap();
}

/// The mean over the numbers that count, to the rounding of an f32.
#[track_caller]
fn expect_mean(found: Option<MeanPicture>, tile: u32, numbers: std::ops::Range<u32>) {
    let found = found.expect("the mean is there");
    assert_eq!(found.frames as usize, numbers.len(), "frames of tile {tile}");
    for (at, value) in found.picture.values().iter().enumerate() {
        let sum: u32 = numbers.clone().map(|number| u32::from(count(tile, number, at))).sum();
        let expected = f64::from(sum) / numbers.len() as f64;
        let off = (f64::from(*value) - expected).abs();
        assert!(
            off <= expected * f64::from(f32::EPSILON) / 2.0,
            "tile {tile}, pixel {at}: {value}, not {expected}"
        );
    }
}

#[test]
fn a_widefield_pass_is_averaged_by_tile_and_its_scan_is_localized() {
    let rig = rig(|_| ());
    let store = rig.config.store.dir.clone();
    let mut wide = pass(&rig);
    send(&mut wide, 20);
    wide.end();
    assert_eq!(rig.done(PASS), "completed");
    let account = rig.settled(PASS, 20);
    assert_eq!((account.processed(), lost(&account), missing(&account)), (20, vec![], (0, 0)));
    for tile in 0..4 {
        expect_mean(of_tile(&store, id(PASS), tile), tile, 2..5);
    }
    assert!(rig.journaled(PASS).is_empty(), "nothing is looked for in a widefield");
    let tiles = rig.series(PASS).door().tiles.clone();
    assert!(tiles.iter().all(|tile| tile.account.processed() == 5 && tile.localizations == 0), "{tiles:?}");

    let mut scan = rig.publisher(SCAN);
    scan.frames_per_tile = 10;
    scan.start(describe);
    scan.send(40);
    scan.end();
    rig.done(SCAN);
    assert_eq!(rig.journaled(SCAN).len(), 40, "one emitter in each frame, the first at {:?}", emitter(0));
    assert_eq!(series_for(&rig.live, id(SCAN)), Some(id(PASS)));
    rig.stop();
}

#[test]
fn the_publisher_may_say_how_many_frames_are_left_out_of_a_mean() {
    let rig = rig(|_| ());
    let mut wide = rig.publisher(PASS);
    wide.frames_per_tile = 5;
    wide.start(|info| (info.channel, info.widefield_skip_frames) = (Channel::Widefield, Some(0)));
    send(&mut wide, 5);
    wide.end();
    rig.done(PASS);
    expect_mean(of_tile(&rig.config.store.dir, id(PASS), 0), 0, 0..5);
    rig.stop();
}

#[test]
fn a_tile_is_complete_when_the_next_one_begins_whether_its_length_was_told_or_not() {
    let rig = rig(|_| ());
    let mut wide = pass(&rig);
    wide.frames_per_tile = 5;
    send(&mut wide, 4); // the fifth is lost on the way
    wide.next += 1;
    send(&mut wide, 1);
    let account = rig.series(PASS);
    until("the first tile is done", || account.door().account.processed() == 4);
    expect_mean(of_tile(&rig.config.store.dir, id(PASS), 0), 0, 2..4);
    assert_eq!(rig.account(PASS).waiting(), 1, "the second tile is not complete");
    balanced(&account);
    wide.end();
    rig.done(PASS);
    expect_mean(of_tile(&rig.config.store.dir, id(PASS), 1), 1, 0..1);
    rig.stop();
}

#[test]
fn a_tile_without_end_is_averaged_up_to_the_limit_and_holds_up_no_frame() {
    let rig = rig(|config| config.ring.mib = 1); // 128 frames, of which a third are averaged: 42
    let mut wide = rig.publisher(PASS);
    wide.start(|info| info.channel = Channel::Widefield);
    wide.send(400);
    let series = rig.series(PASS);
    until("the frames are through", || {
        let account = series.door().account;
        account.received() == 400 && account.processed() + account.lost_total() >= 400 - 42
    });
    wide.end();
    rig.done(PASS);
    balanced(&series);
    let mean = of_tile(&rig.config.store.dir, id(PASS), 0).unwrap();
    assert_eq!(mean.frames, 40, "42 less the first two");
    assert!(rig.journaled(PASS).is_empty());
    rig.stop();
}

#[test]
fn a_tile_that_a_stop_cuts_in_two_is_averaged_as_a_whole() {
    let rig = rig(|_| ());
    let mut wide = pass(&rig);
    send(&mut wide, 5 + 3);
    let series = rig.series(PASS);
    until("the first tile is done", || series.door().account.processed() == 5);
    let next = wide.next;
    let stopped = rig.stop();
    let account = stopped.live.all()[0].door().account;
    assert_eq!((account.received(), account.waiting()), (8, 3), "they wait for the rest of their tile");
    go_on(stopped.start_again(), next);
}

#[test]
fn a_tile_in_hand_when_the_process_is_killed_is_averaged_again_from_the_ring() {
    let rig = rig(|_| ());
    let mut wide = pass(&rig);
    send(&mut wide, 5 + 3);
    let series = rig.series(PASS);
    until("the first tile is done", || series.door().account.processed() == 5);
    until("the others have come", || series.door().account.received() == 8);
    // The files as they are now: what a kill would leave.
    let killed = rig.copy();
    std::fs::remove_file(path(&rig.config.store.dir, id(PASS), 0)).unwrap();
    go_on(killed.start_again(), wide.next);
    rig.stop();
}

/// The daemon after the restart: the first tile is done, three frames of the second wait.
fn go_on(rig: Rig, next: u64) {
    let account = rig.account(PASS);
    assert_eq!((account.received(), account.processed(), account.waiting()), (8, 5, 3));
    let mut wide = rig.publisher(PASS);
    (wide.next, wide.frames_per_tile) = (next, 5);
    wide.start(|info| {
        describe(info);
        info.channel = Channel::Widefield;
    });
    send(&mut wide, 2 + 10);
    wide.end();
    assert_eq!(rig.done(PASS), "completed");
    let account = rig.settled(PASS, 20);
    assert_eq!((account.processed(), lost(&account), missing(&account)), (20, vec![], (0, 0)));
    for tile in 0..4 {
        expect_mean(of_tile(&rig.config.store.dir, id(PASS), tile), tile, 2..5);
    }
    assert!(rig.journaled(PASS).is_empty());
    rig.stop();
}

#[test]
fn frames_wait_as_long_as_their_mean_cannot_be_written() {
    let rig = rig(|_| ());
    let mut wide = pass(&rig);
    let series = rig.series(PASS);
    let blocked = path(&rig.config.store.dir, id(PASS), 0);
    let folder = blocked.parent().unwrap();
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    std::fs::write(folder, b"not a folder").unwrap();
    send(&mut wide, 5);
    until("the alarm is on", || rig.live.alarms().iter().any(|alarm| alarm.contains("widefield")));
    let account = series.door().account;
    assert_eq!((account.received(), account.waiting(), account.processed()), (5, 5, 0));
    std::fs::remove_file(folder).unwrap();
    rig.settled(PASS, 5);
    assert!(rig.live.alarms().is_empty(), "{:?}", rig.live.alarms());
    expect_mean(of_tile(&rig.config.store.dir, id(PASS), 0), 0, 2..5);
    assert!(!matches!(series.door().state, State::Done(_)));
    rig.stop();
}
