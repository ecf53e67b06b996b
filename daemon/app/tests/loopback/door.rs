//! The door itself, driven by hand: frames of several peers arriving at once, while series open and close.

use std::time::Duration;

use blinkd::clock::Clock;
use blinkd::files::FileJob;
use blinkd::ingest::{Ingest, Outs, Settings};
use blinkd::live::{Live, State};
use blinkd::localizer::ToLocalizer;
use blinkd::store::ring::{Policy, RingSettings, Spare};
use crossbeam_channel::{Receiver, bounded};
use smlm::frame::{FrameId, FrameInfo, Seq};
use smlm::localization::Filter;
use smlm::series::{Control, EndReason, Totals};
use wire::bad_message::BadMessage;
use wire::source::FrameSink;

use crate::rig::{SHAPE, balanced, id, lost};

struct Door {
    ingest: Ingest,
    live: std::sync::Arc<Live>,
    messages: Receiver<ToLocalizer>,
    _bell: Receiver<()>,
    _jobs: Receiver<FileJob>,
    _dir: tempfile::TempDir,
}

fn door(policy: Policy) -> Door {
    let dir = tempfile::tempdir().unwrap();
    let (to_localizer, messages) = bounded(64);
    let (bell, bell_end) = bounded(1);
    let (jobs, jobs_end) = bounded(16);
    let (_, spares) = bounded::<Spare>(1);
    let live = std::sync::Arc::new(Live::new());
    let settings = Settings {
        store: dir.path().join("store"),
        clock: Clock::start(),
        ring: RingSettings { dir: dir.path().join("rings"), bytes: 64 * 8192, policy },
        filter: Filter::default(),
        max_series: 4,
        idle_close: Duration::from_secs(60),
    };
    let outs = Outs { to_localizer, bell, spares, jobs };
    let ingest = Ingest::new(settings, live.clone(), Vec::new(), outs);
    Door { ingest, live, messages, _bell: bell_end, _jobs: jobs_end, _dir: dir }
}

fn frame(series: u8, seq: u64) -> FrameInfo {
    FrameInfo { id: FrameId { series: id(series), seq: Seq(seq) }, shape: SHAPE, ..FrameInfo::default() }
}

fn end(series: u8) -> Control {
    Control::SeriesEnd { series: id(series), reason: EndReason::Completed, totals: Totals::default() }
}

#[test]
fn a_frame_that_is_arriving_keeps_its_place_while_other_series_end() {
    let Door { mut ingest, live, messages, .. } = door(Policy::Lossless);
    let places: Vec<_> = (1..=3).map(|n| ingest.reserve(&frame(n, 0)).unwrap()).collect();
    ingest.commit(places[0], 1);
    ingest.control(end(1)); // its lane goes, and another one moves into its place
    for (n, place) in [(2, places[1]), (3, places[2])] {
        ingest.space(place).fill(n);
        ingest.commit(place, 1);
    }
    let mut readers = Vec::new();
    while let Ok(message) = messages.try_recv() {
        if let ToLocalizer::Open { series, reader, .. } = message {
            readers.push((series.id, reader));
        }
    }
    for (n, (series, reader)) in (1..).zip(&mut readers) {
        assert_eq!(*series, id(n));
        let (info, slot) = reader.next().unwrap();
        assert_eq!(info.id.series, id(n));
        assert!(n == 1 || reader.pixels(slot).iter().all(|pixel| *pixel == n), "series {n}");
        assert!(reader.next().is_none());
        assert_eq!(live.find(id(n)).unwrap().door().account.received(), 1);
    }
    assert_eq!(readers.len(), 3);
}

#[test]
fn a_series_that_ends_while_its_frame_is_arriving_ends_after_that_frame() {
    for whole in [true, false] {
        let Door { mut ingest, live, messages, .. } = door(Policy::Lossless);
        let place = ingest.reserve(&frame(1, 0)).unwrap();
        ingest.control(end(1)); // by another connection
        assert_eq!(ingest.space(place).len(), 8192, "the memory stays");
        let series = live.find(id(1)).unwrap();
        assert_eq!(series.door().state, State::Receiving);
        if whole {
            ingest.commit(place, 1);
        } else {
            ingest.abandon(place, BadMessage::PeerLeftMidMessage);
        }
        assert_eq!(series.door().state, State::Draining("completed".into()));
        assert_eq!(series.door().account.received(), u64::from(whole));
        let closed = messages.try_iter().any(|message| matches!(message, ToLocalizer::Close { .. }));
        assert!(closed, "the localizer is told");
    }
}

#[test]
fn a_second_peer_of_the_same_series_cannot_write_into_the_first_ones_frame() {
    let Door { mut ingest, live, messages, .. } = door(Policy::Lossless);
    let place = ingest.reserve(&frame(1, 0)).unwrap();
    ingest.space(place)[..4096].fill(1);
    assert!(ingest.reserve(&frame(1, 1)).is_none());
    ingest.space(place)[4096..].fill(1);
    ingest.commit(place, 1);
    let series = live.find(id(1)).unwrap();
    let account = series.door().account;
    assert_eq!((account.received(), account.waiting()), (2, 1));
    assert_eq!(lost(&account), [("series_busy", 1)]);
    balanced(&series);
    let Ok(ToLocalizer::Open { mut reader, .. }) = messages.try_recv() else { panic!("no ring") };
    let (_, slot) = reader.next().unwrap();
    assert!(reader.pixels(slot).iter().all(|pixel| *pixel == 1), "the frame is whole");
}

#[test]
fn a_skipped_frame_is_charged_to_its_own_tile_even_when_the_newcomer_is_given_up() {
    let Door { mut ingest, live, messages, .. } = door(Policy::Live);
    let in_tile = |seq: u64, tile: u32| {
        let info = frame(1, seq);
        FrameInfo { tile: smlm::frame::Tile { index: tile, ..info.tile }, ..info }
    };
    for seq in 0..64 {
        let place = ingest.reserve(&in_tile(seq, 0)).unwrap();
        ingest.commit(place, 1);
    }
    let place = ingest.reserve(&in_tile(64, 1)).unwrap();
    ingest.abandon(place, BadMessage::BadChecksum);
    let series = live.find(id(1)).unwrap();
    balanced(&series);
    assert_eq!(lost(&series.door().account), [("skipped_oldest", 1)]);
    assert_eq!(series.door().account.waiting(), 63);
    let tiles = series.door().tiles.clone();
    assert_eq!(tiles.len(), 1, "nothing of tile 1 has come");
    assert_eq!(lost(&tiles[0].account), [("skipped_oldest", 1)]);
    drop(messages);
}
