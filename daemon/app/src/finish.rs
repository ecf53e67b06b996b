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
mod layout;
mod record;
pub(crate) mod runs;
mod scan;
pub(crate) mod tile;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossbeam_channel::Sender;
use smlm::enough::Targets;
use smlm::units::Nm;
use smlm::verdict::Limits;

use crate::clock::Clock;
use crate::live::{Live, Series, TileReport};
use crate::painting;
use crate::turns::{Craft, Turns};
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

/// The finish stage's craft.
pub struct Finisher {
    settings: Settings,
    /// The painting stage's: a tile is finished. `None`: nothing is painted.
    painting: Option<Sender<()>>,
}

/// The stage. Made by the pipeline, run on its thread.
pub fn stage(settings: Settings, live: Arc<Live>, painting: Option<Sender<()>>) -> Turns<Finisher> {
    let store = settings.store.clone();
    Turns::new(Finisher { settings, painting }, store, live)
}

impl Craft for Finisher {
    type Scan = ScanAtWork;

    fn was_cut_off(&self, folder: &Path) -> bool {
        record::exists(folder) && !record::is_complete(folder)
    }

    fn open(&self, series: &Arc<Series>, _: &Path) -> anyhow::Result<ScanAtWork> {
        ScanAtWork::open(series.clone(), &self.settings)
    }

    fn step(&mut self, scan: &mut ScanAtWork, live: &Arc<Live>) -> anyhow::Result<bool> {
        let stepped = scan.step(&self.settings, live)?;
        if stepped {
            // Full: it rings already; gone: nothing is painted.
            let _ = self.painting.as_ref().map(|bell| bell.try_send(()));
        }
        Ok(stepped)
    }

    fn is_complete(&self, scan: &ScanAtWork) -> bool {
        scan.series.book().complete
    }

    fn give_up(&self, series: &Series, error: &str) {
        tracing::error!(series = %series.id, error, "the tiles of a scan are not finished any more; the journal has everything");
        series.exit().files_failed.push(format!("tiles are not finished: {error}"));
    }
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
