//! Scans that a stage works through beside the recording: a tile of each in turn.
//!
//! In: series as they come, a bell that says that there is something to do. Out: calls of the stage's craft. Never: a queue
//! of its own: what is to be done is what is over and not done, so that nothing overflows and a kill forgets nothing; a scan
//! whose failure holds up another.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use smlm::frame::SeriesId;
use smlm::series::Channel;

use crate::live::{Door, Live, Series, State};
use crate::store::journal;

/// Between two looks for scans that nobody rang for: those of an earlier run.
const LOOK: Duration = Duration::from_secs(2);

/// What is done with the tiles of scans.
pub trait Craft {
    /// A scan that is worked at.
    type Scan;

    /// Whether an earlier run began with a recording, by what stands in its folder, and did not end.
    fn was_cut_off(&self, folder: &Path) -> bool;

    /// A scan is worked at from now on.
    fn begin(&self, _: &Series) {}

    /// # Errors
    /// What is kept of it cannot be read.
    fn open(&self, series: &Arc<Series>, folder: &Path) -> anyhow::Result<Self::Scan>;

    /// A tile, or what comes after the last one. `false`: nothing is to be done now.
    ///
    /// # Errors
    /// The scan cannot be worked at any further.
    fn step(&mut self, scan: &mut Self::Scan, live: &Arc<Live>) -> anyhow::Result<bool>;

    fn is_complete(&self, scan: &Self::Scan) -> bool;

    /// Says that no more comes of a scan.
    fn give_up(&self, series: &Series, error: &str);
}

/// A stage.
pub struct Turns<C: Craft> {
    craft: C,
    store: PathBuf,
    live: Arc<Live>,
    scans: Vec<(Arc<Series>, C::Scan)>,
    /// Series that cannot be worked at, or need not be any more.
    done: Vec<SeriesId>,
}

impl<C: Craft> Turns<C> {
    pub fn new(craft: C, store: PathBuf, live: Arc<Live>) -> Self {
        Self { craft, store, live, scans: Vec::new(), done: Vec::new() }
    }

    /// Works until the stage before has gone and every tile that is over is done, or there is no time left.
    pub fn run(mut self, bell: &Receiver<()>) {
        loop {
            let rung = bell.recv_timeout(LOOK);
            self.look();
            while self.step() {
                if self.live.is_left() {
                    return;
                }
            }
            if rung == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    /// Takes up scans that have begun since.
    fn look(&mut self) {
        for series in self.live.all() {
            let at_work = self.scans.iter().any(|(known, _)| known.id == series.id);
            if at_work || self.done.contains(&series.id) || !is_scan(&series.door()) {
                continue;
            }
            let folder = journal::folder(&self.store, series.id);
            let old = matches!(series.door().state, State::Done(_)) && series.is_past();
            if old && !self.craft.was_cut_off(&folder) {
                self.done.push(series.id);
                continue;
            }
            self.craft.begin(&series);
            if !folder.join(journal::FILE_NAME).is_file() {
                continue; // its first frame is not journaled yet
            }
            match self.craft.open(&series, &folder) {
                Ok(scan) => self.scans.push((series, scan)),
                Err(error) => self.give_up(&series, &error),
            }
        }
    }

    /// One tile of one scan. `false`: nothing is to be done.
    fn step(&mut self) -> bool {
        for at in 0..self.scans.len() {
            match self.craft.step(&mut self.scans[at].1, &self.live) {
                Ok(true) => {
                    self.scans.rotate_left(at + 1);
                    return true;
                }
                Ok(false) => {}
                Err(error) => {
                    let (series, _) = self.scans.remove(at);
                    self.give_up(&series, &error);
                    return true;
                }
            }
        }
        let complete = self.scans.extract_if(.., |(_, scan)| self.craft.is_complete(scan));
        self.done.extend(complete.map(|(series, _)| series.id));
        false
    }

    fn give_up(&mut self, series: &Series, error: &anyhow::Error) {
        self.craft.give_up(series, &format!("{error:#}"));
        self.done.push(series.id);
    }
}

/// A scan has a grid, or more than one tile.
pub fn is_scan(door: &Door) -> bool {
    let gridded = door.info.grid.is_some_and(|grid| grid.rows.max(grid.columns) > 1);
    door.info.channel == Channel::Localization && (gridded || door.tiles.len() > 1)
}
