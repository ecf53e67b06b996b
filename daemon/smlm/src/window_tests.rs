//! Windows: every border of a burst, every kind of gap, and random streams against clamping by hand.

use super::*;
use crate::frame::{FrameId, Shape, Tile};
use rand::{RngExt, SeedableRng, rngs::StdRng};

fn frame(seq: u64) -> FrameInfo {
    FrameInfo {
        id: FrameId { seq: Seq(seq), ..FrameId::default() },
        frame_in_tile: seq as u32,
        shape: Shape { width: 64, height: 64 },
        ..FrameInfo::default()
    }
}

fn at(info: &FrameInfo) -> Member {
    Member { id: info.id, slot: slot(info) }
}

fn slot(info: &FrameInfo) -> u64 {
    1000 + info.id.seq.0
}

fn run(windower: &mut Windower, frames: &[FrameInfo]) -> Vec<Event> {
    let mut events: Vec<_> = frames.iter().flat_map(|info| windower.push(info, slot(info))).collect();
    events.extend(windower.flush());
    events
}

/// Numbers of (previous, this, next).
type Windows = Vec<[u64; 3]>;
/// (before, frames, cause).
type Gaps = Vec<(u64, u64, GapCause)>;

fn told(frames: &[FrameInfo]) -> (Windows, Gaps) {
    let (mut windows, mut gaps) = (vec![], vec![]);
    for event in run(&mut Windower::new(WindowFrames::Three), frames) {
        match event {
            Event::Window(w) => windows.push([w.previous.id.seq.0, w.this.id.seq.0, w.next.id.seq.0]),
            Event::Gap(g) => gaps.push((g.before.seq.0, g.frames, g.cause)),
        }
    }
    (windows, gaps)
}

#[test]
fn the_ends_of_a_burst_stand_for_their_missing_neighbours() {
    let frames: Vec<_> = (0..4).map(frame).collect();
    assert_eq!(told(&frames).0, [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]);
    assert_eq!(told(&frames[..1]).0, [[0, 0, 0]]);
}

#[test]
fn a_jump_in_seq_ends_the_burst_and_is_reported_before_the_next_window() {
    let frames: Vec<_> = [0, 1, 5, 6].map(frame).to_vec();
    let (windows, gaps) = told(&frames);
    assert_eq!(windows, [[0, 0, 1], [0, 1, 1], [5, 5, 6], [5, 6, 6]]);
    assert_eq!(gaps, [(5, 3, GapCause::Transport)]);
    let events = run(&mut Windower::new(WindowFrames::Three), &frames);
    assert!(matches!(events[2], Event::Gap(_)), "{events:?}");
}

#[test]
fn a_jump_of_the_image_number_alone_is_the_cameras() {
    let mut frames: Vec<_> = (0..4).map(frame).collect();
    for (info, number) in frames.iter_mut().zip([10, 11, 14, 15]) {
        info.image_number = Some(number);
    }
    let (windows, gaps) = told(&frames);
    assert_eq!(gaps, [(2, 2, GapCause::Camera)]);
    assert_eq!(windows, [[0, 0, 1], [0, 1, 1], [2, 2, 3], [2, 3, 3]]);
}

#[test]
fn a_hole_with_several_causes_names_each_with_its_share() {
    let mut first = frame(0);
    let mut second = frame(6);
    first.image_number = Some(0);
    second.image_number = Some(9);
    let mut windower = Windower::new(WindowFrames::Three);
    windower.push(&first, 0);
    windower.note_daemon_loss(2);
    let gaps: Vec<_> = windower
        .push(&second, 1)
        .filter_map(|event| if let Event::Gap(gap) = event { Some((gap.cause, gap.frames)) } else { None })
        .collect();
    assert_eq!(gaps, [(GapCause::Daemon, 2), (GapCause::Transport, 3), (GapCause::Camera, 3)]);
}

#[test]
fn a_loss_noted_early_waits_for_its_hole() {
    let mut windower = Windower::new(WindowFrames::Three);
    windower.push(&frame(0), 0);
    windower.note_daemon_loss(1);
    assert!(!windower.push(&frame(1), 1).any(|event| matches!(event, Event::Gap(_))));
    let gap = windower.push(&frame(3), 3).find(|event| matches!(event, Event::Gap(_)));
    assert!(matches!(gap, Some(Event::Gap(Gap { frames: 1, cause: GapCause::Daemon, .. }))));
    let later = windower.push(&frame(5), 5).find(|event| matches!(event, Event::Gap(_)));
    assert!(matches!(later, Some(Event::Gap(Gap { frames: 1, cause: GapCause::Transport, .. }))));
}

#[test]
fn a_stream_that_does_not_begin_where_expected_begins_with_a_gap() {
    let events = run(&mut Windower::starting_at(WindowFrames::Three, Seq(3)), &[frame(5)]);
    assert!(matches!(events[0], Event::Gap(Gap { frames: 2, cause: GapCause::Transport, .. })));
    let events = run(&mut Windower::starting_at(WindowFrames::Three, Seq(5)), &[frame(5)]);
    assert!(matches!(events[..], [Event::Window(_)]));
}

#[test]
fn the_last_frame_of_a_tile_does_not_wait_for_the_stage() {
    let mut windower = Windower::new(WindowFrames::Three);
    let frames: Vec<_> = (0..3).map(|n| FrameInfo { frames_per_tile: 3, ..frame(n) }).collect();
    assert_eq!(windower.push(&frames[0], 0).count(), 0);
    assert_eq!(windower.push(&frames[1], 1).count(), 1);
    assert_eq!(windower.push(&frames[2], 2).count(), 2);
    assert_eq!(windower.oldest_needed_slot(), None);
    assert_eq!(windower.flush().count(), 0);
}

#[test]
fn changes_of_tile_shape_roi_and_restarted_counters_are_borders_without_loss() {
    let next = frame(1);
    let other = |change: fn(&mut FrameInfo)| {
        let mut changed = next;
        change(&mut changed);
        changed
    };
    let changes = [
        other(|info| info.tile = Tile { index: 1, row: 0, column: 1 }),
        other(|info| info.shape.width = 32),
        other(|info| info.roi_x = 8),
        other(|info| info.binning = 2),
        other(|info| info.image_number = Some(3)),
        other(|info| info.continuity = Continuity::LiveSampled),
        other(|info| info.frame_in_tile = 5),
    ];
    let first = FrameInfo { image_number: Some(4), ..frame(0) };
    for changed in changes {
        let (windows, gaps) = told(&[first, changed]);
        assert_eq!((windows, gaps.len()), (vec![[0, 0, 0], [1, 1, 1]], 0), "{changed:?}");
    }
}

#[test]
fn images_that_the_camera_took_between_two_tiles_are_not_missing() {
    let first = FrameInfo { image_number: Some(4), ..frame(0) };
    let tile = Tile { index: 1, row: 0, column: 1 };
    let (windows, gaps) = told(&[first, FrameInfo { image_number: Some(90), tile, ..frame(1) }]);
    assert_eq!((windows, gaps.len()), (vec![[0, 0, 0], [1, 1, 1]], 0));
}

#[test]
fn counters_that_nobody_fills_in_do_not_break_the_burst() {
    let frames: Vec<_> =
        (0..3).map(|n| FrameInfo { frame_in_tile: 0, image_number: Some(0), ..frame(n) }).collect();
    assert_eq!(told(&frames).0, [[0, 0, 1], [0, 1, 2], [1, 2, 2]]);
}

#[test]
fn sampled_live_frames_and_one_frame_windows_leave_at_once() {
    let live = FrameInfo { continuity: Continuity::LiveSampled, image_number: Some(7), ..frame(0) };
    let later = FrameInfo { image_number: Some(19), ..live };
    let later = FrameInfo { id: FrameId { seq: Seq(1), ..later.id }, ..later };
    let (windows, gaps) = told(&[live, later]);
    assert_eq!((windows, gaps.len()), (vec![[0, 0, 0], [1, 1, 1]], 0));
    let mut one = Windower::new(WindowFrames::One);
    for n in 0..3 {
        assert_eq!(one.push(&frame(n), n).count(), 1);
        assert_eq!(one.oldest_needed_slot(), None);
    }
}

#[test]
fn a_pause_ends_the_burst_but_loss_during_it_is_seen() {
    let mut windower = Windower::new(WindowFrames::Three);
    windower.push(&frame(0), 0);
    assert_eq!(windower.flush().count(), 1);
    let events: Vec<_> = windower.push(&frame(3), 3).collect();
    assert!(matches!(events[..], [Event::Gap(Gap { frames: 2, .. })]));
    assert_eq!(windower.oldest_needed_slot(), Some(3));
}

#[test]
fn only_one_and_three_frames_make_a_window() {
    assert_eq!(WindowFrames::try_from(3), Ok(WindowFrames::Three));
    let text = WindowFrames::try_from(5).unwrap_err().to_string();
    assert!(text.contains("5") && text.contains("card.toml"), "{text}");
}

/// A stream with every kind of border, and for each frame whether it begins a burst, known by construction.
fn random_stream(dice: &mut StdRng) -> (Vec<FrameInfo>, Vec<bool>, u64) {
    let mut info = FrameInfo { image_number: Some(50), ..frame(dice.random_range(0..5)) };
    let (mut frames, mut begins, mut lost) = (vec![info], vec![true], 0);
    for _ in 0..dice.random_range(0..60) {
        let mut border = true;
        let hole = dice.random_range(1..4u64);
        let (mut seq_step, mut image_step) = (1, 1);
        match dice.random_range(0..10) {
            0 => (seq_step, image_step, lost) = (1 + hole, 1 + hole, lost + hole),
            1 => (image_step, lost) = (1 + hole, lost + hole),
            2 => info.tile.index += 1,
            3 => info.shape.height += 8,
            _ => border = info.continuity == Continuity::LiveSampled,
        }
        if dice.random_range(0..15) == 0 {
            border = true;
            info.continuity = match info.continuity {
                Continuity::Burst => Continuity::LiveSampled,
                Continuity::LiveSampled => Continuity::Burst,
            };
        }
        let crosses_live = frames.last().unwrap().continuity == Continuity::LiveSampled
            || info.continuity == Continuity::LiveSampled;
        if crosses_live && seq_step == 1 && image_step > 1 {
            lost -= image_step - 1; // A display skips images by design.
        }
        info.id.seq.0 += seq_step;
        info.frame_in_tile += seq_step as u32;
        info.image_number = info.image_number.map(|number| number + image_step as i64);
        frames.push(info);
        begins.push(border || crosses_live);
    }
    (frames, begins, lost)
}

#[test]
fn random_streams_give_what_clamping_within_each_burst_gives() {
    for seed in 0..300 {
        let (frames, begins, lost) = random_stream(&mut StdRng::seed_from_u64(seed));
        let events = run(&mut Windower::new(WindowFrames::Three), &frames);
        let windows: Vec<Window> =
            events.iter().filter_map(|e| if let Event::Window(w) = e { Some(*w) } else { None }).collect();
        let expected: Vec<Window> = (0..frames.len())
            .map(|i| Window {
                previous: at(&frames[if begins[i] { i } else { i - 1 }]),
                this: frames[i],
                this_slot: slot(&frames[i]),
                next: at(&frames[if begins.get(i + 1).copied().unwrap_or(true) { i } else { i + 1 }]),
            })
            .collect();
        assert_eq!(windows, expected, "seed {seed}");
        let told: u64 = events.iter().map(|e| if let Event::Gap(g) = e { g.frames } else { 0 }).sum();
        assert_eq!(told, lost, "seed {seed}");
    }
}

#[test]
fn no_window_names_a_slot_older_than_the_oldest_needed() {
    for seed in 0..100 {
        let (frames, ..) = random_stream(&mut StdRng::seed_from_u64(seed));
        let mut windower = Windower::new(WindowFrames::Three);
        let mut released = 0;
        for info in &frames {
            for event in windower.push(info, slot(info)) {
                if let Event::Window(w) = event {
                    assert!([w.previous.slot, w.this_slot, w.next.slot].iter().all(|&s| s >= released));
                }
            }
            released = windower.oldest_needed_slot().unwrap_or(slot(info) + 1);
        }
    }
}
