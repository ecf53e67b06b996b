//! A series' map and statistics made again from its journal.
//!
//! In: blocks of the journal, reports of its finished tiles. Out: what the lane would hold if it had been there all along
//! and every correction was done. Never: a block in the map twice.

use std::collections::BTreeMap;

use smlm::frame::{FrameId, FrameInfo, Seq, Shape, Tile};
use smlm::units::PixelSize;

use super::{Lane, Shown};
use crate::live::TileReport;
use crate::resolving;
use crate::store::journal::{Block, JournalReader};

/// A block of the journal is a batch, and has no more frames unless most of them were lost.
const FRAMES_IN_BLOCK: usize = 4096;
/// Localizations of the journal that enter the map together (12 MiB).
const UNSORTED: usize = 1 << 18;

impl Lane {
    /// Adds all of a journal to the map and to what is counted, as when it came, but for what `reports` say of finished
    /// tiles, by their index.
    pub fn redraw(&mut self, journal: JournalReader, reports: &BTreeMap<u32, TileReport>) {
        let mut from = JournalReader::START;
        for (block, next) in journal.blocks_from(from) {
            if block.head.frames > 0 {
                let report = reports.get(&block.head.tile);
                self.add(&block, (from, next), report, journal.pixel_size());
            }
            from = next;
        }
        self.enter();
        self.corrections.keep(journal);
    }

    /// `span`: where the block begins and ends in the journal; `pixel`: the journal's.
    fn add(&mut self, block: &Block<'_>, span: (u64, u64), report: Option<&TileReport>, pixel: PixelSize) {
        let head = &block.head;
        let tile = Tile { index: head.tile, row: head.tile_row, column: head.tile_column };
        let shape = Shape { width: head.width_px, height: head.height_px };
        let info = FrameInfo { tile, shape, ..FrameInfo::default() };
        let begins = self.tile.index != Some(tile.index);
        if begins || self.unsorted.len() > UNSORTED {
            self.enter();
        }
        {
            let mut door = self.series.door();
            door.shape = if door.shape.pixels() == 0 { shape } else { door.shape };
        }
        self.arrive(&info);
        if begins {
            self.tile.shown = Shown::by(report, head.first_seq);
        }
        let from = self.unsorted.len();
        self.unsorted.extend_from_slice(block.localizations);
        if !self.tile.shown.place(&mut self.unsorted[from..], pixel) {
            self.unsorted.truncate(from);
        }
        if let Some(place) = self.place(head.first_seq, span) {
            self.corrections.came(place, self.tile.shown.clone());
        }
        // Which frames between the first and the last were lost is not known any more: they count as empty ones.
        let frames: Vec<_> = (head.first_seq..=head.last_seq)
            .take(FRAMES_IN_BLOCK)
            .map(|seq| FrameInfo { id: FrameId { series: self.series.id, seq: Seq(seq) }, ..info })
            .collect();
        self.history.record(&frames, block.localizations, self.pixel);
        self.resolution.take(&self.series, &info, block.localizations, self.pixel);
        self.true_for_seq = self.true_for_seq.max(head.last_seq);
    }

    /// What the localizations so far resolve, measured at once.
    pub fn resolve(&self) {
        self.resolution.due(&self.series).iter().for_each(resolving::run);
    }

    /// Everything that was added is in the map.
    fn enter(&mut self) {
        self.map.add_sorted(&mut self.unsorted, self.pixel, self.tile.placement.corner);
        self.unsorted.clear();
    }
}
