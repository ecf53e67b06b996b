//! A tile that drifted, and one that is taken again, as the map shows them before and after.

use super::*;
use smlm::account::Account;
use smlm::drift::Moved;
use smlm::frame::{FrameId, FrameInfo, Seq, Shape, Tile};
use smlm::map::{LEVELS, MapSettings};
use smlm::verdict::{Limits, TileFacts};

use crate::store::journal::JournalWriter;

const SERIES: SeriesId = SeriesId([7; 16]);
const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };
const CORNERS: [(Nm, Nm); 2] = [(Nm(0.0), Nm(0.0)), (Nm(5000.0), Nm(0.0))];

struct Scanned {
    store: tempfile::TempDir,
    journal: JournalWriter,
    corrections: Corrections,
    map: LiveMap,
    book: Book,
}

/// 100 localizations of a frame.
fn found(seq: u64) -> Vec<Localization> {
    let at = |i: u64, factor: u64| 5.0 + ((seq * 100 + i) * factor % 4001) as f32 / 100.0;
    let one =
        |i| Localization { frame: seq as u32, x_px: at(i, 2657), y_px: at(i, 3931), ..Default::default() };
    (0..100).map(one).collect()
}

fn map() -> LiveMap {
    LiveMap::new(MapSettings::default()).unwrap()
}

impl Scanned {
    fn new() -> Self {
        let store = tempfile::tempdir().unwrap();
        let journal = JournalWriter::create(store.path(), SERIES, PIXEL).unwrap();
        Self { journal, corrections: Corrections::default(), map: map(), book: Book::default(), store }
    }

    /// Frames of a tile, journaled and drawn, ten to a block.
    fn take(&mut self, tile: u32, seqs: std::ops::Range<u64>) {
        for first in seqs.step_by(10) {
            let frames: Vec<FrameInfo> = (first..first + 10)
                .map(|seq| FrameInfo {
                    id: FrameId { series: SERIES, seq: Seq(seq) },
                    tile: Tile { index: tile, row: 0, column: tile },
                    shape: Shape { width: 50, height: 50 },
                    ..FrameInfo::default()
                })
                .collect();
            let found: Vec<_> = (first..first + 10).flat_map(found).collect();
            let from = self.journal.bytes();
            self.journal.append(&frames, &found, false, &Account::default()).unwrap();
            let corner = CORNERS[tile as usize];
            self.map.add_at(&found, PIXEL, corner);
            let span = (from, self.journal.bytes());
            let place = Place { tile, first_seq: first, span, pixel: PIXEL, corner };
            self.corrections.came(place, Shown::AsTheyCame);
        }
        self.corrections.follow(self.store.path(), SERIES).unwrap();
    }

    fn report(&mut self, tile: u32, seqs: (u64, u64), drift_nm: f64) -> Vec<Moved> {
        let moved = |seq, x_nm| Moved { seq, x_nm, y_nm: 0.0, sd_nm: 1.0 };
        let drift = vec![moved(seqs.0, 0.0), moved(seqs.1, drift_nm)];
        let report = TileReport {
            tile: Tile { index: tile, row: 0, column: tile },
            seqs,
            facts: TileFacts { drift: Some(Nm(drift_nm)), ..TileFacts::default() },
            merged: 0,
            sigma: None,
            photons: None,
            psf_sd_px: None,
            drift: drift.clone(),
            no_drift: None,
            no_frc: None,
            corner: CORNERS[tile as usize],
            seams: Vec::new(),
            early: None,
            took_s: 0.0,
            finished_unix_ns: 1,
        };
        self.book.put(report, &Limits::default());
        drift
    }

    /// Steps until nothing is due; how many of them changed the map, and the most that one of them changed.
    fn correct(&mut self) -> (usize, u64) {
        self.corrections.look(&self.book);
        let (mut steps, mut most) = (0, 0);
        while self.corrections.is_due() {
            let (version, before) = (self.map.version(), self.map.localizations());
            let report = |tile| self.book.tile(tile).map(|(report, ..)| report.clone());
            self.corrections.step(&mut self.map, report, (self.store.path(), SERIES)).unwrap();
            steps += usize::from(self.map.version() > version);
            most = most.max(before.abs_diff(self.map.localizations()));
        }
        (steps, most)
    }
}

/// Localizations of frames of a tile, moved back.
fn moved_back(seqs: std::ops::Range<u64>, moved: Vec<Moved>) -> Vec<Localization> {
    let mut all: Vec<_> = seqs.clone().flat_map(found).collect();
    correct(&mut all, &Drift::of_moved(moved, (seqs.start, seqs.end - 1)).unwrap(), PIXEL);
    all
}

#[track_caller]
fn assert_alike(one: &LiveMap, other: &LiveMap) {
    assert_eq!(one.localizations(), other.localizations());
    for level in [0, 3, LEVELS - 1] {
        let side = 1100 >> level;
        for (x, y) in (-2..side).flat_map(|x| (-2..side).map(move |y| (x, y))) {
            assert_eq!(one.count_at(level, x, y), other.count_at(level, x, y), "level {level} {x} {y}");
        }
    }
}

#[test]
fn a_tile_that_drifted_is_moved_back_in_small_pieces_and_no_other_one() {
    let mut scanned = Scanned::new();
    scanned.take(0, 0..40);
    scanned.take(1, 40..80);
    let moved = scanned.report(0, (0, 39), 80.0);
    scanned.report(1, (40, 79), 9.0);
    let (steps, most) = scanned.correct();
    assert!(steps >= 4000 / PIECE && most == 0, "{steps} steps, {most}");
    let mut expected = map();
    expected.add_at(&moved_back(0..40, moved), PIXEL, CORNERS[0]);
    expected.add_at(&(40..80).flat_map(found).collect::<Vec<_>>(), PIXEL, CORNERS[1]);
    assert_alike(&scanned.map, &expected);
    assert_eq!(scanned.correct(), (0, 0), "nothing is moved twice");
}

#[test]
fn a_tile_that_was_taken_again_counts_once_and_while_it_is_taken_both_are_shown() {
    let mut scanned = Scanned::new();
    scanned.take(0, 0..40);
    scanned.take(1, 40..60);
    scanned.report(0, (0, 39), 50.0);
    scanned.correct();
    scanned.take(0, 60..90);
    assert_eq!((scanned.correct(), scanned.map.localizations()), ((0, 0), 9000));
    scanned.take(1, 90..100);
    let moved = scanned.report(0, (60, 89), 30.0);
    let (_, most) = scanned.correct();
    assert!(most <= PIECE as u64);
    let mut expected = map();
    expected.add_at(&moved_back(60..90, moved), PIXEL, CORNERS[0]);
    expected.add_at(&(40..60).chain(90..100).flat_map(found).collect::<Vec<_>>(), PIXEL, CORNERS[1]);
    assert_alike(&scanned.map, &expected);
}
