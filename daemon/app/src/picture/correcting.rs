//! A finished tile in the live map: without its drift, and once.
//!
//! In: where the localizations of each visit of a tile stand in the journal and lie in the map; the finish stage's reports.
//! Out: the map with the visit that counts moved back by its drift, and without earlier ones. Never: more than [`PIECE`]
//! localizations at once, so that no batch waits; a localization that is not in the journal; a tile of which more comes.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use smlm::drift::{Drift, correct};
use smlm::frame::SeriesId;
use smlm::localization::Localization;
use smlm::map::LiveMap;
use smlm::units::{Nm, PixelSize};

use crate::live::{Book, TileReport};
use crate::store::journal::{self, JournalError, JournalReader};

/// A drift of less is not seen in a picture: the map's pixel.
const VISIBLE: Nm = Nm(10.0);
/// Localizations that change places together: about a millisecond.
const PIECE: usize = 512;
/// Stretches of the journal that are remembered (some 10 MiB); later ones stay as they came.
const STRETCHES: usize = 1 << 16;

/// How localizations of a visit are shown.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Shown {
    #[default]
    AsTheyCame,
    WithoutDrift(Arc<Drift>),
    /// The tile was taken again.
    Not,
}

impl Shown {
    /// Of a visit that begins with frame `first_seq`, by the latest report of its tile.
    pub fn by(report: Option<&TileReport>, first_seq: u64) -> Self {
        let Some(report) = report.filter(|report| first_seq <= report.seqs.1) else {
            return Self::AsTheyCame;
        };
        if first_seq < report.seqs.0 {
            return Self::Not;
        }
        let seen = report.facts.drift.is_some_and(|drift| drift >= VISIBLE);
        let drift = seen.then(|| Drift::of_moved(report.drift.clone(), report.seqs)).flatten();
        drift.map_or(Self::AsTheyCame, |drift| Self::WithoutDrift(Arc::new(drift)))
    }

    /// Puts them where they are shown; `false`: they are not. `pixel`: the journal's.
    pub fn place(&self, localizations: &mut [Localization], pixel: PixelSize) -> bool {
        if let Self::WithoutDrift(drift) = self {
            correct(localizations, drift, pixel);
        }
        *self != Self::Not
    }
}

/// Where a block lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub tile: u32,
    pub first_seq: u64,
    /// Where it begins in the journal, and where it ends.
    pub span: (u64, u64),
    /// What it entered the map with.
    pub pixel: PixelSize,
    pub corner: (Nm, Nm),
}

/// Blocks of one visit of a tile that lie in the map alike.
struct Stretch {
    place: Place,
    shown: Shown,
}

/// A stretch on its way to be shown otherwise.
struct Work {
    tile: u32,
    stretch: usize,
    to: Shown,
    /// The block in hand, and how many of its localizations are done.
    position: u64,
    done: usize,
}

/// Of one series.
#[derive(Default)]
pub struct Corrections {
    /// By tile, in the order of the journal.
    stretches: BTreeMap<u32, Vec<Stretch>>,
    remembered: usize,
    latest: Option<u32>,
    /// Reports that were seen.
    reports: usize,
    stale: VecDeque<u32>,
    work: Option<Work>,
    reader: Option<JournalReader>,
    piece: Vec<Localization>,
}

impl Corrections {
    /// A block entered the map. Blocks come in the order of the journal.
    pub fn came(&mut self, place: Place, shown: Shown) {
        let same_visit = self.latest.replace(place.tile) == Some(place.tile);
        let stretches = self.stretches.entry(place.tile).or_default();
        let alike = |there: &Stretch| {
            let Place { pixel, corner, .. } = there.place;
            same_visit && (pixel, corner) == (place.pixel, place.corner) && there.shown == shown
        };
        match stretches.last_mut().filter(|there| alike(there)) {
            Some(there) => there.place.span.1 = place.span.1,
            None if self.remembered < STRETCHES => {
                self.remembered += 1;
                stretches.push(Stretch { place, shown });
            }
            None => self.latest = None,
        }
    }

    /// The journal as far as it is known to be whole.
    pub fn keep(&mut self, reader: JournalReader) {
        self.reader = Some(reader);
    }

    /// A tile is over: its part of the journal is taken in now, so that no single look at it has much to read.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn follow(&mut self, store: &Path, series: SeriesId) -> Result<(), JournalError> {
        match &mut self.reader {
            Some(reader) => reader.refresh().map(drop),
            None => {
                self.reader = Some(JournalReader::open(&journal::folder(store, series))?);
                Ok(())
            }
        }
    }

    /// Sees which tiles were reported since.
    pub fn look(&mut self, book: &Book) {
        let new = book.reported_since(self.reports);
        self.reports += new.len();
        self.stale.extend(new);
    }

    /// Whether [`Self::step`] has something to do.
    pub fn is_due(&self) -> bool {
        self.work.is_some() || !self.stale.is_empty()
    }

    /// A piece of the work; `book`: the series'.
    ///
    /// # Errors
    /// The journal cannot be read on; what is left stays as it is shown.
    pub fn step(
        &mut self,
        map: &mut LiveMap,
        book: impl FnOnce(u32) -> Option<TileReport>,
        (store, series): (&Path, SeriesId),
    ) -> Result<(), JournalError> {
        if self.work.is_none() {
            let Some(tile) = self.stale.pop_front() else { return Ok(()) };
            self.begin(tile, book(tile).as_ref());
            if self.work.is_some() {
                self.stale.push_front(tile); // it may have more than one stretch
                self.follow(store, series)?;
            }
            return Ok(());
        }
        self.go_on(map);
        Ok(())
    }

    /// Takes up a stretch that is not shown as it should be.
    fn begin(&mut self, tile: u32, report: Option<&TileReport>) {
        let stretches = self.stretches.get(&tile).into_iter().flatten().enumerate();
        for (at, Stretch { place, shown }) in stretches {
            let to = Shown::by(report, place.first_seq);
            if to != *shown {
                self.work = Some(Work { tile, stretch: at, to, position: place.span.0, done: 0 });
                return;
            }
        }
    }

    fn go_on(&mut self, map: &mut LiveMap) {
        let (Some(mut work), Some(reader)) = (self.work.take(), &self.reader) else { return };
        let stretch = self.stretches.get_mut(&work.tile).and_then(|all| all.get_mut(work.stretch));
        let Some(Stretch { place, shown }) = stretch else { return };
        let mut room = PIECE;
        for (block, next) in reader.blocks_from(work.position) {
            if work.position >= place.span.1 {
                break;
            }
            let left = &block.localizations[work.done..];
            let now = &left[..left.len().min(room)];
            for (change, how) in [(LiveMap::remove_at as Change, &*shown), (LiveMap::add_at, &work.to)] {
                self.piece.clear();
                self.piece.extend_from_slice(now);
                if how.place(&mut self.piece, reader.pixel_size()) {
                    change(map, &self.piece, place.pixel, place.corner);
                }
            }
            room -= now.len();
            work.done += now.len();
            if work.done == block.localizations.len() {
                (work.position, work.done) = (next, 0);
            }
            if room == 0 {
                self.work = Some(work);
                return;
            }
        }
        *shown = work.to;
    }
}

type Change = fn(&mut LiveMap, &[Localization], PixelSize, (Nm, Nm));

#[cfg(test)]
#[path = "correcting/tests.rs"]
mod tests;
