//! The finish stage: a tile of a scan as a whole, once its last frame is done.
//!
//! In: the journals of scans, and a bell that says that a tile is over. Out: a report of each tile with its verdict, on
//! disk and in the series' book; where the tiles lie by what they show. Never: a wait of the picture stage; a tile of
//! which more may come; work that is lost by a kill (a tile that has no report is finished again).

mod assembly;
mod canvas;
mod drawn;
mod layer;
mod layers;
mod record;
pub(crate) mod runs;
mod scan;
pub(crate) mod tile;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use smlm::enough::Targets;
use smlm::series::Channel;
use smlm::units::Nm;
use smlm::verdict::Limits;

use crate::clock::Clock;
use crate::live::{Door, Live, Series, State, TileReport};
use crate::painting;
use crate::store::journal;
pub use assembly::{AssemblySettings, MOSAIC, TABLE};
pub use record::FOLDER;
use scan::ScanAtWork;
pub use tile::Steps;

/// What the stage needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    pub store: PathBuf,
    pub clock: Clock,
    pub steps: Steps,
    pub limits: Limits,
    /// When the tile in hand may end; `None`: that is not looked for.
    pub enough: Option<Targets>,
    /// How far the stage's step from a tile to the next may be off.
    pub stage_error: Nm,
    /// Put tiles together to one picture and one data set; `None`: neither.
    pub assembly: Option<AssemblySettings>,
    /// A network paints finished tiles: they become layers of that picture, which waits for them.
    pub painted: bool,
}

/// Between two looks for scans that nobody rang for: those of an earlier run.
const LOOK: Duration = Duration::from_secs(2);

/// The stage. Made by the pipeline, run on its thread.
pub struct Finisher {
    settings: Settings,
    live: Arc<Live>,
    scans: Vec<ScanAtWork>,
    /// Series that cannot be finished, or are.
    done: Vec<smlm::frame::SeriesId>,
    /// The painting stage's: a tile is finished. `None`: nothing is painted.
    painting: Option<Sender<()>>,
}

impl Finisher {
    pub fn new(settings: Settings, live: Arc<Live>, painting: Option<Sender<()>>) -> Self {
        Self { settings, live, scans: Vec::new(), done: Vec::new(), painting }
    }

    /// Works until the picture stage has gone and every tile that is over is finished, or there is no time left.
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
            let known = self.done.contains(&series.id) || self.scans.iter().any(|s| s.series.id == series.id);
            if known || !is_scan(&series.door()) {
                continue;
            }
            let folder = journal::folder(&self.settings.store, series.id);
            // Of earlier recordings only those whose finishing was cut off are taken up.
            let old = matches!(series.door().state, State::Done(_)) && series.is_past();
            if old && (!record::exists(&folder) || record::is_complete(&folder)) {
                self.done.push(series.id);
                continue;
            }
            if !folder.join(journal::FILE_NAME).is_file() {
                continue; // its first frame is not journaled yet
            }
            match ScanAtWork::open(series.clone(), &self.settings) {
                Ok(scan) => self.scans.push(scan),
                Err(error) => self.give_up(&series, &error),
            }
        }
    }

    /// One tile of one scan, in turn. `false`: nothing is to be done.
    fn step(&mut self) -> bool {
        for at in 0..self.scans.len() {
            let scan = &mut self.scans[at];
            match scan.step(&self.settings, &self.live) {
                Ok(true) => {
                    // Full: it rings already; gone: nothing is painted.
                    let _ = self.painting.as_ref().map(|bell| bell.try_send(()));
                    self.scans.rotate_left(at + 1);
                    return true;
                }
                Ok(false) => {}
                Err(error) => {
                    let scan = self.scans.remove(at);
                    self.give_up(&scan.series, &error);
                    return true;
                }
            }
        }
        let complete = |scan: &ScanAtWork| scan.series.book().complete;
        self.done.extend(self.scans.iter().filter(|scan| complete(scan)).map(|scan| scan.series.id));
        self.scans.retain(|scan| !complete(scan));
        false
    }

    fn give_up(&mut self, series: &Series, error: &anyhow::Error) {
        let error = format!("{error:#}");
        tracing::error!(series = %series.id, error, "the tiles of a scan are not finished any more; the journal has everything");
        series.exit().files_failed.push(format!("tiles are not finished: {error}"));
        self.done.push(series.id);
    }
}

/// A scan has a grid, or more than one tile.
pub fn is_scan(door: &Door) -> bool {
    let gridded = door.info.grid.is_some_and(|grid| grid.rows.max(grid.columns) > 1);
    door.info.channel == Channel::Localization && (gridded || door.tiles.len() > 1)
}

/// What was finished of a series, as it is on disk; none where there is nothing.
///
/// # Errors
/// What is kept of it cannot be read.
pub fn reports(folder: &Path) -> anyhow::Result<Vec<TileReport>> {
    record::read(folder)
}

/// What was finished of a recording of an earlier run.
///
/// # Errors
/// What is kept of it cannot be read.
pub fn reopen(series: &Series, folder: &Path) -> anyhow::Result<()> {
    scan::reopen(series, folder, &Limits::default())?;
    painting::reopen(series, folder)
}
