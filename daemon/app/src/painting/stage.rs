//! The painting stage: every finished tile of a scan gets its picture.
//!
//! In: reports of finished tiles, their localizations in the journal, the means of their widefield. Out: pictures in
//! files, a report of each on disk before it is told, in the series' book. Never: a wait of any other stage; a tile
//! forgotten: what is to be done is what is finished and not painted, so that a queue cannot overflow and a kill loses
//! nothing; two tiles in memory.

mod scan;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use infer::Painter;

use super::record;
use crate::clock::Clock;
use crate::finish::Steps;
use crate::live::{Live, Series};
use crate::turns::{Craft, Turns};
use scan::ScanAtWork;

/// What the stage needs to know.
#[derive(Clone, Debug)]
pub struct Settings {
    pub store: PathBuf,
    pub clock: Clock,
    /// As configured; told in reports.
    pub structure: String,
    /// What is done with a tile's localizations before they are painted.
    pub steps: Steps,
}

/// The painting stage's craft.
pub struct TilePainter {
    settings: Settings,
    painter: Painter,
}

/// The stage. Made by the pipeline, run on its thread.
pub fn stage(settings: Settings, live: Arc<Live>, painter: Painter) -> Turns<TilePainter> {
    let store = settings.store.clone();
    Turns::new(TilePainter { settings, painter }, store, live)
}

impl Craft for TilePainter {
    type Scan = ScanAtWork;

    fn was_cut_off(&self, folder: &Path) -> bool {
        record::exists(folder) && !record::is_complete(folder)
    }

    fn begin(&self, series: &Series) {
        series.book().pictures.wanted = true;
    }

    fn open(&self, series: &Arc<Series>, folder: &Path) -> anyhow::Result<ScanAtWork> {
        ScanAtWork::open(series.clone(), folder)
    }

    fn step(&mut self, scan: &mut ScanAtWork, live: &Arc<Live>) -> anyhow::Result<bool> {
        scan.step(&mut self.painter, &self.settings, live)
    }

    fn is_complete(&self, scan: &ScanAtWork) -> bool {
        scan.complete
    }

    fn give_up(&self, series: &Series, error: &str) {
        tracing::error!(series = %series.id, error, "a scan's tiles are not painted any more; the journal has everything");
        series.exit().files_failed.push(format!("tiles are not painted: {error}"));
        // Nobody waits for them.
        series.book().pictures.wanted = false;
    }
}
