//! The painting stage: every finished tile of a scan gets its picture.
//!
//! In: reports of finished tiles, their localizations in the journal, the means of their widefield. Out: pictures in
//! files, a report of each on disk before it is told, in the series' book. Never: a wait of any other stage; a tile
//! forgotten: what is to be done is what is finished and not painted, so that a queue cannot overflow and a kill loses
//! nothing; two tiles in memory.

mod scan;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError};
use infer::Painter;
use smlm::frame::SeriesId;

use super::record;
use crate::clock::Clock;
use crate::finish::Steps;
use crate::finish::is_scan;
use crate::live::{Live, Series, State};
use crate::store::journal;
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

/// Between two looks for tiles that nobody rang for.
const LOOK: Duration = Duration::from_secs(2);

/// The stage. Made by the pipeline, run on its thread.
pub struct PaintingStage {
    settings: Settings,
    live: Arc<Live>,
    painter: Painter,
    scans: Vec<ScanAtWork>,
    /// Series that cannot be painted, or are.
    done: Vec<SeriesId>,
}

impl PaintingStage {
    pub fn new(settings: Settings, live: Arc<Live>, painter: Painter) -> Self {
        Self { settings, live, painter, scans: Vec::new(), done: Vec::new() }
    }

    /// Works until the finish stage has gone and every finished tile is painted, or there is no time left.
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
            // Of earlier recordings only those whose painting was cut off are taken up.
            let old = matches!(series.door().state, State::Done(_)) && series.is_past();
            if old && (!record::exists(&folder) || record::is_complete(&folder)) {
                self.done.push(series.id);
                continue;
            }
            series.book().pictures.wanted = true;
            if !folder.join(journal::FILE_NAME).is_file() {
                continue; // its first frame is not journaled yet
            }
            match ScanAtWork::open(series.clone(), &folder) {
                Ok(scan) => self.scans.push(scan),
                Err(error) => self.give_up(&series, &error),
            }
        }
    }

    /// One tile of one scan, in turn. `false`: nothing is to be done.
    fn step(&mut self) -> bool {
        for at in 0..self.scans.len() {
            let scan = &mut self.scans[at];
            match scan.step(&mut self.painter, &self.settings, &self.live) {
                Ok(true) => {
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
        self.done.extend(self.scans.iter().filter(|scan| scan.complete).map(|scan| scan.series.id));
        self.scans.retain(|scan| !scan.complete);
        false
    }

    fn give_up(&mut self, series: &Series, error: &anyhow::Error) {
        let error = format!("{error:#}");
        tracing::error!(series = %series.id, error, "a scan's tiles are not painted any more; the journal has everything");
        series.exit().files_failed.push(format!("tiles are not painted: {error}"));
        // Nobody waits for them.
        series.book().pictures.wanted = false;
        self.done.push(series.id);
    }
}
