//! A scan's journal, cut into visits of tiles.
//!
//! In: the journal of a series, while it grows. Out: one run of blocks after the other, once it is over: a block of
//! another tile follows, or the series' end; of the one that is growing, whether there is enough of it. Never: more than
//! one run in memory.

use std::collections::HashSet;

use smlm::enough::{Enough, Targets, Watch};
use smlm::frame::{Shape, StagePosition, Tile};
use smlm::localization::Localization;
use smlm::looks::Look;
use smlm::units::PixelSize;

use crate::store::journal::{Block, BlockKind, JournalError, JournalReader};

/// The frames of one visit of a tile, and what was found in them.
#[derive(Clone, Debug, Default)]
pub struct Run {
    pub tile: Tile,
    pub first_seq: u64,
    pub last_seq: u64,
    pub processed: u64,
    pub failed: u64,
    pub shape: Shape,
    pub stage: Option<StagePosition>,
    /// What was seen of focus and light.
    pub look: Look,
    /// Where there was enough of it.
    pub enough: Option<Enough>,
    /// Ordered by frame.
    pub localizations: Vec<Localization>,
}

/// Reads runs.
pub struct Runs {
    reader: JournalReader,
    position: u64,
    open: Option<Run>,
    /// The last block that says something is the series' end.
    ended: bool,
    targets: Option<Targets>,
    /// First frames of runs that are not watched: they are finished already.
    unwatched: HashSet<u64>,
    watch: Option<Watch>,
}

impl Runs {
    pub fn new(reader: JournalReader) -> Self {
        Self {
            reader,
            position: JournalReader::START,
            open: None,
            ended: false,
            targets: None,
            unwatched: HashSet::new(),
            watch: None,
        }
    }

    /// Runs are watched until there is enough of them, but for those that begin with one of these frames.
    pub fn watch(&mut self, targets: Targets, unwatched: HashSet<u64>) {
        (self.targets, self.unwatched) = (Some(targets), unwatched);
    }

    /// The tile of the run that is growing, and whether there is enough of it.
    pub fn growing(&self) -> Option<(u32, Option<Enough>)> {
        self.open.as_ref().map(|run| (run.tile.index, run.enough))
    }

    /// The camera's pixel.
    pub fn pixel_size(&self) -> PixelSize {
        self.reader.pixel_size()
    }

    /// Whether the journal has its end, and every run before it was given out.
    pub fn ended(&self) -> bool {
        self.ended && self.open.is_none()
    }

    /// The next run that is over; `None`: none yet.
    ///
    /// # Errors
    /// The journal cannot be read on.
    pub fn next(&mut self) -> Result<Option<Run>, JournalError> {
        self.reader.refresh()?;
        let mut over = None;
        for (block, next) in self.reader.blocks_from(self.position) {
            let ends = block.head.kind == BlockKind::SeriesEnd;
            let frames = block.head.frames > 0;
            if ends || (frames && self.open.as_ref().is_some_and(|run| run.tile.index != block.head.tile)) {
                over = self.open.take();
            }
            self.ended = ends || (self.ended && !frames);
            if over.is_some() && !ends {
                break; // the block is read again as the first one of its own run
            }
            if frames {
                if self.open.is_none() {
                    let watched = self.targets.filter(|_| !self.unwatched.contains(&block.head.first_seq));
                    self.watch = watched.and_then(|targets| Watch::new(targets, self.reader.pixel_size()));
                }
                let run = self.open.get_or_insert_with(|| Run::begin(&block));
                run.add(&block);
                if let Some(watch) = &mut self.watch {
                    watch.take(block.head.frames, run.last_seq, block.localizations);
                    run.enough = watch.reached();
                }
            }
            let open = self.open.as_mut().filter(|run| run.tile.index == block.head.tile);
            if let Some((run, look)) = open.zip(block.look()) {
                run.look += look;
            }
            self.position = next;
            if over.is_some() {
                break;
            }
        }
        Ok(over.map(Run::sorted))
    }
}

impl Run {
    fn begin(block: &Block<'_>) -> Self {
        let head = &block.head;
        Self {
            tile: Tile { index: head.tile, row: head.tile_row, column: head.tile_column },
            first_seq: head.first_seq,
            last_seq: head.last_seq,
            shape: Shape { width: head.width_px, height: head.height_px },
            stage: head.stage.map(|stage| stage.position()),
            ..Self::default()
        }
    }

    fn add(&mut self, block: &Block<'_>) {
        let head = &block.head;
        self.first_seq = self.first_seq.min(head.first_seq);
        self.last_seq = self.last_seq.max(head.last_seq);
        match head.kind {
            BlockKind::Failed => self.failed += head.frames,
            _ => self.processed += head.frames,
        }
        self.localizations.extend_from_slice(block.localizations);
    }

    fn sorted(mut self) -> Self {
        // A large field comes piece by piece, and pieces of different frames in any order.
        self.localizations.sort_by_key(|l| l.frame);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::account::Account;
    use smlm::frame::{FrameId, FrameInfo, Seq, SeriesId};
    use smlm::units::Nm;

    use crate::store::journal::{self, JournalWriter};

    const SERIES: SeriesId = SeriesId([7; 16]);

    fn append(journal: &mut JournalWriter, tile: u32, seqs: std::ops::Range<u64>) {
        let frames: Vec<FrameInfo> = seqs
            .clone()
            .map(|seq| FrameInfo {
                id: FrameId { series: SERIES, seq: Seq(seq) },
                tile: Tile { index: tile, row: 0, column: tile },
                shape: Shape { width: 32, height: 32 },
                ..FrameInfo::default()
            })
            .collect();
        let found: Vec<Localization> = seqs
            .rev()
            .map(|seq| Localization { frame: seq as u32, tile, ..Localization::default() })
            .collect();
        journal.append(&frames, &found, false, &Account::default()).unwrap();
    }

    #[test]
    fn what_was_seen_in_the_frames_of_a_run_adds_up() {
        let store = tempfile::tempdir().unwrap();
        let mut journal = JournalWriter::create(store.path(), SERIES, PixelSize::square(Nm(100.0))).unwrap();
        let mut runs = Runs::new(JournalReader::open(&journal::folder(store.path(), SERIES)).unwrap());
        let look = |saturated| Look { frames: 1, pixels: 1000, saturated, ..Look::default() };
        let mut seen = |tile: u32, seqs: std::ops::Range<u64>, saturated| {
            append(&mut journal, tile, seqs);
            let tile = Tile { index: tile, row: 0, column: tile };
            journal.look(tile, &look(saturated), &Account::default()).unwrap();
        };
        seen(0, 0..3, 5);
        seen(0, 3..5, 7);
        seen(1, 5..7, 100);
        let run = runs.next().unwrap().unwrap();
        assert_eq!((run.tile.index, run.look), (0, Look { frames: 2, pixels: 2000, ..look(12) }));
        journal.close("over", &Account::default()).unwrap();
        assert_eq!(runs.next().unwrap().unwrap().look, look(100));
    }

    #[test]
    fn a_run_of_which_there_is_enough_says_so_while_it_grows_and_again_after_a_restart() {
        let store = tempfile::tempdir().unwrap();
        let mut journal = JournalWriter::create(store.path(), SERIES, PixelSize::square(Nm(100.0))).unwrap();
        let folder = journal::folder(store.path(), SERIES);
        let targets = Targets { frc: None, localizations: Some(5), least_frames: 0, every_frames: 2 };
        let runs = |unwatched: &[u64]| {
            let mut runs = Runs::new(JournalReader::open(&folder).unwrap());
            runs.watch(targets, unwatched.iter().copied().collect());
            runs
        };
        let mut live = runs(&[]);
        append(&mut journal, 3, 10..14);
        assert!(live.next().unwrap().is_none());
        assert_eq!(live.growing(), Some((3, None)));
        append(&mut journal, 3, 14..17);
        append(&mut journal, 3, 17..20);
        assert!(live.next().unwrap().is_none());
        let enough = Enough { seq: 16, frames: 7, localizations: 7, frc: None };
        assert_eq!(live.growing(), Some((3, Some(enough))));
        append(&mut journal, 4, 20..21);
        assert_eq!(live.next().unwrap().unwrap().enough, Some(enough));
        assert!(live.next().unwrap().is_none());
        assert_eq!(live.growing(), Some((4, None)));
        assert_eq!(runs(&[]).next().unwrap().unwrap().enough, Some(enough), "all at once it is the same");
        assert_eq!(runs(&[10]).next().unwrap().unwrap().enough, None);
    }

    #[test]
    fn a_run_is_given_out_when_another_tile_or_the_end_follows() {
        let store = tempfile::tempdir().unwrap();
        let pixel = PixelSize::square(Nm(100.0));
        let mut journal = JournalWriter::create(store.path(), SERIES, pixel).unwrap();
        let folder = journal::folder(store.path(), SERIES);
        let mut runs = Runs::new(JournalReader::open(&folder).unwrap());
        append(&mut journal, 0, 0..3);
        append(&mut journal, 0, 3..5);
        assert!(runs.next().unwrap().is_none(), "more frames of the tile may come");
        append(&mut journal, 1, 5..7);
        let run = runs.next().unwrap().unwrap();
        assert_eq!((run.tile.index, run.first_seq, run.last_seq, run.processed), (0, 0, 4, 5));
        assert!(run.localizations.is_sorted_by_key(|l| l.frame) && run.localizations.len() == 5);
        assert!(runs.next().unwrap().is_none());
        append(&mut journal, 0, 7..8);
        assert_eq!(runs.next().unwrap().unwrap().tile.index, 1);
        journal.close("over", &Account::default()).unwrap();
        let again = runs.next().unwrap().unwrap();
        assert_eq!((again.tile.index, again.first_seq, again.processed), (0, 7, 1));
        assert!(runs.next().unwrap().is_none() && runs.ended());
    }
}
