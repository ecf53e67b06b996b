//! What is known of the finished tiles of a scan.
//!
//! In: one report per tile, from the finish stage, and where there is enough of the tile in hand. Out: verdicts, judged
//! again whenever a neighbour has finished. Never: a localization.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smlm::drift::Moved;
use smlm::enough::Enough;
use smlm::frame::Tile;
use smlm::stitch::{PlacedFrom, Seam};
use smlm::units::Nm;
use smlm::verdict::{Limits, TileFacts, Verdict, judge};

use super::pictures::Pictures;

/// A tile whose last frame is done and whose localizations have been looked at as a whole.
#[derive(Clone, Debug, PartialEq)]
pub struct TileReport {
    pub tile: Tile,
    /// Frames of its latest visit.
    pub seqs: (u64, u64),
    pub facts: TileFacts,
    /// Localizations once those of one emitter in successive frames are one.
    pub merged: u64,
    /// Median of the lateral deviations.
    pub sigma: Option<Nm>,
    /// Median photons of a localization.
    pub photons: Option<f64>,
    /// Standard deviation of the PSF's width in the facts, in pixels.
    pub psf_sd_px: Option<f64>,
    /// Where the sample was; empty: not known, and why.
    pub drift: Vec<Moved>,
    pub no_drift: Option<String>,
    pub no_frc: Option<String>,
    /// Of its first pixel, by stage or grid.
    pub corner: (Nm, Nm),
    /// Seams with tiles that had finished before.
    pub seams: Vec<Seam>,
    /// Where there was enough of it, and what ending it there saved; `None` where there never was.
    pub early: Option<Early>,
    /// What finishing it took.
    pub took_s: f64,
    pub finished_unix_ns: u64,
}

/// Of a tile that reached what was asked of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Early {
    pub enough: Enough,
    /// Announced, and not taken any more.
    pub frames_saved: u64,
    /// `None`: nobody knows how fast frames come.
    pub seconds_saved: Option<f64>,
}

/// Where a tile lies by what it shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Minus that of the stage.
    pub moved: (Nm, Nm),
    pub from: PlacedFrom,
}

/// The finished tiles of a scan, by index.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Book {
    tiles: BTreeMap<u32, (TileReport, Verdict)>,
    /// Row, column and index of each.
    grid: BTreeSet<(u32, u32, u32)>,
    places: BTreeMap<u32, Placed>,
    /// Tiles that have no report yet, or are being taken again.
    enough: BTreeMap<u32, Enough>,
    /// The tile of each report, in the order in which they came.
    reported: Vec<u32>,
    pub seams: Seams,
    pub pictures: Pictures,
    /// The series has ended and all its tiles are finished.
    pub complete: bool,
}

/// What became of the overlaps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seams {
    pub each: Arc<[SeamFate]>,
    /// Root mean square of what is left at those that count.
    pub residual: Option<Nm>,
}

/// What became of the overlap of two tiles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeamFate {
    /// Indices of the tiles; `a` was there first.
    pub a: u32,
    pub b: u32,
    pub fate: Fate,
}

/// In nm, x and y.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// By how much more b lies aside of a by what both show than by their places; the standard deviation of each. `rejected`:
    /// contradicted by others, and left out.
    Measured { residual_nm: (f64, f64), sd_nm: f64, rejected: bool },
    /// They share nothing to be matched by; why.
    Without(String),
}

impl Seams {
    pub fn count(&self, of: impl Fn(&Fate) -> bool) -> u32 {
        self.each.iter().filter(|seam| of(&seam.fate)).count() as u32
    }
}

impl Book {
    /// Puts a report in the place of an earlier one of the same tile, and judges it and those around it.
    pub fn put(&mut self, report: TileReport, limits: &Limits) {
        let tile = report.tile;
        self.insert(report);
        self.around(tile).into_iter().for_each(|index| self.judge(index, limits));
    }

    /// Puts many, and judges all that are there.
    pub fn put_all(&mut self, reports: impl IntoIterator<Item = TileReport>, limits: &Limits) {
        reports.into_iter().for_each(|report| self.insert(report));
        let all: Vec<u32> = self.tiles.keys().copied().collect();
        all.into_iter().for_each(|index| self.judge(index, limits));
    }

    fn insert(&mut self, report: TileReport) {
        let place = |tile: Tile| (tile.row, tile.column, tile.index);
        let tile = report.tile;
        self.enough.remove(&tile.index);
        self.reported.push(tile.index);
        if let Some((earlier, _)) = self.tiles.insert(tile.index, (report, Verdict::default())) {
            self.grid.remove(&place(earlier.tile));
        }
        self.grid.insert(place(tile));
    }

    /// Itself and those in the eight places around it.
    fn around(&self, tile: Tile) -> Vec<u32> {
        let columns = (tile.column.saturating_sub(1), tile.column.saturating_add(1));
        let rows = tile.row.saturating_sub(1)..=tile.row.saturating_add(1);
        rows.flat_map(|row| self.grid.range((row, columns.0, 0)..=(row, columns.1, u32::MAX)))
            .map(|(_, _, index)| *index)
            .collect()
    }

    fn judge(&mut self, index: u32, limits: &Limits) {
        let Some((report, _)) = self.tiles.get(&index) else { return };
        let beside = self.around(report.tile).into_iter().filter(|there| *there != index);
        let known = beside.filter_map(|there| self.tiles.get(&there));
        let neighbours: Vec<TileFacts> = known.map(|(there, _)| there.facts).collect();
        let verdict = judge(&report.facts, &neighbours, limits);
        if let Some((_, there)) = self.tiles.get_mut(&index) {
            *there = verdict;
        }
    }

    /// Where the tiles lie, all at once.
    pub fn set_places(&mut self, places: BTreeMap<u32, Placed>, seams: Seams) {
        (self.places, self.seams) = (places, seams);
    }

    pub fn places(&self) -> &BTreeMap<u32, Placed> {
        &self.places
    }

    /// Of each tile's first pixel, by what the tiles show, else by the stage; relative to the scan's first tile.
    pub fn corners(&self) -> BTreeMap<u32, (Nm, Nm)> {
        let of = |(report, _): &(TileReport, Verdict)| {
            let moved = self.places.get(&report.tile.index).map_or((Nm(0.0), Nm(0.0)), |placed| placed.moved);
            (report.tile.index, (Nm(report.corner.0.0 + moved.0.0), Nm(report.corner.1.0 + moved.1.0)))
        };
        self.tiles.values().map(of).collect()
    }

    /// There is enough of the tile in hand, or not yet.
    pub fn set_enough(&mut self, index: u32, enough: Option<Enough>) {
        match enough {
            Some(enough) => drop(self.enough.insert(index, enough)),
            None => drop(self.enough.remove(&index)),
        }
    }

    /// Where there was enough of a tile, of the visit in hand or else of the latest one that is over.
    pub fn enough(&self, index: u32) -> Option<Enough> {
        let over = || self.tiles.get(&index)?.0.early.map(|early| early.enough);
        self.enough.get(&index).copied().or_else(over)
    }

    /// Tiles that were reported after so many reports.
    pub fn reported_since(&self, reports: usize) -> &[u32] {
        self.reported.get(reports..).unwrap_or_default()
    }

    pub fn tile(&self, index: u32) -> Option<(&TileReport, &Verdict, Option<&Placed>)> {
        let (report, verdict) = self.tiles.get(&index)?;
        Some((report, verdict, self.places.get(&index)))
    }

    pub fn tiles(&self) -> impl Iterator<Item = (&TileReport, &Verdict)> {
        self.tiles.values().map(|(report, verdict)| (report, verdict))
    }

    pub fn len(&self) -> usize {
        self.tiles.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tiles.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(index: u32, row: u32, column: u32, localizations: u64) -> TileReport {
        TileReport {
            tile: Tile { index, row, column },
            seqs: (0, 99),
            facts: TileFacts { frames_processed: 100, localizations, ..TileFacts::default() },
            merged: localizations,
            sigma: None,
            photons: None,
            psf_sd_px: None,
            drift: Vec::new(),
            no_drift: None,
            no_frc: None,
            corner: (Nm(0.0), Nm(0.0)),
            seams: Vec::new(),
            early: None,
            took_s: 0.0,
            finished_unix_ns: 1,
        }
    }

    #[test]
    fn a_tile_is_judged_again_when_its_neighbours_have_finished() {
        let mut book = Book::default();
        let limits = Limits::default();
        book.put(report(4, 1, 1, 10), &limits);
        let suspect = |book: &Book| book.tile(4).is_some_and(|(_, verdict, _)| verdict.suspect());
        assert!(!suspect(&book), "nobody is there to compare with");
        for (index, row, column) in [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 0)] {
            book.put(report(index, row, column, 5000), &limits);
        }
        assert!(suspect(&book));
        book.put(report(4, 1, 1, 5000), &limits);
        assert!(!suspect(&book), "taken again, it is as good as the others");
    }

    #[test]
    fn far_tiles_judge_nobody() {
        let mut book = Book::default();
        let limits = Limits::default();
        (0..5).for_each(|i| book.put(report(i, 7, i, 5000), &limits));
        book.put(report(20, 1, 1, 10), &limits);
        assert!(book.tile(20).is_some_and(|(_, verdict, _)| !verdict.suspect()));
    }
}
