//! One scan in the painting stage.
//!
//! In: runs of its journal, one at a time, each once its tile is finished. Out: a picture and a report of each tile.
//! Never: a tile painted before its drift is known; two runs in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use infer::Painter;
use smlm::frame::SeriesId;
use smlm::grey::Grey;
use smlm::placement::Field;

use super::Settings;
use crate::finish::runs::{Run, Runs};
use crate::finish::tile::again;
use crate::live::{Live, PictureReport, Series, TileReport};
use crate::painting::record::{self, Records};
use crate::painting::{PaintError, Picture, Sitting, files, paint};
use crate::store::journal::JournalReader;
use crate::widefield;

/// A scan whose tiles are being painted.
pub struct ScanAtWork {
    pub series: Arc<Series>,
    folder: PathBuf,
    runs: Runs,
    /// It is over, and its tile perhaps not finished yet.
    waiting: Option<Run>,
    records: Records,
    /// First frames of the runs that were painted before a restart.
    before: BTreeSet<u64>,
    /// The series has ended and every finished tile is painted.
    pub complete: bool,
}

/// What the finish stage has made of a run.
enum Finished {
    Yes(Box<TileReport>),
    NotYet,
    /// The tile was taken again since.
    Superseded,
}

impl ScanAtWork {
    /// Opens a scan's journal and what was painted of it.
    ///
    /// # Errors
    /// The journal or the folder cannot be read.
    pub fn open(series: Arc<Series>, folder: &Path) -> anyhow::Result<Self> {
        let runs = Runs::new(JournalReader::open(folder)?);
        let (records, reports) = Records::open(folder)?;
        let before = reports.iter().map(|report| report.seqs.0).collect();
        let made: BTreeMap<u32, PictureReport> =
            reports.into_iter().map(|report| (report.tile, report)).collect();
        series.book().pictures.made = made;
        let folder = folder.to_owned();
        Ok(Self { series, folder, runs, waiting: None, records, before, complete: false })
    }

    /// Paints the next tile that is finished. `false`: there is none yet.
    ///
    /// # Errors
    /// The journal cannot be read on.
    pub fn step(&mut self, painter: &mut Painter, settings: &Settings, live: &Live) -> anyhow::Result<bool> {
        if self.waiting.is_none() {
            self.waiting = self.runs.next().context("the journal of a scan cannot be read on")?;
        }
        let Some(run) = self.waiting.take() else {
            if self.runs.ended() && !self.complete {
                let all = self.series.book().pictures.failed.is_empty();
                if all {
                    record::set_complete(&self.folder)?;
                }
                self.complete = true;
            }
            return Ok(false);
        };
        if self.before.contains(&run.first_seq) {
            return Ok(true);
        }
        match self.finished(&run) {
            Finished::Superseded => {}
            Finished::NotYet => {
                self.waiting = Some(run);
                return Ok(false);
            }
            Finished::Yes(report) => self.paint(painter, settings, live, run, &report),
        }
        Ok(true)
    }

    fn finished(&self, run: &Run) -> Finished {
        let book = self.series.book();
        match book.tile(run.tile.index) {
            Some((report, ..)) if report.seqs.0 == run.first_seq => Finished::Yes(Box::new(report.clone())),
            Some((report, ..)) if report.seqs.0 > run.first_seq => Finished::Superseded,
            _ => Finished::NotYet,
        }
    }

    /// What fails is told and left out: it is tried again after a restart.
    fn paint(
        &mut self,
        painter: &mut Painter,
        settings: &Settings,
        live: &Live,
        run: Run,
        report: &TileReport,
    ) {
        let first_seq = run.first_seq;
        match self.try_paint(painter, settings, live, run, report) {
            Ok(Some(painted)) => {
                let mut book = self.series.book();
                book.pictures.failed.remove(&painted.tile);
                book.pictures.made.insert(painted.tile, painted);
            }
            Ok(None) => {} // left: the process ends
            Err(error) => {
                let (tile, error) = (report.tile.index, format!("{error:#}"));
                tracing::error!(series = %self.series.id, tile, error, "a tile is not painted; it is tried again after a restart");
                self.series.book().pictures.failed.insert(tile, (first_seq, error));
            }
        }
    }

    fn try_paint(
        &mut self,
        painter: &mut Painter,
        settings: &Settings,
        live: &Live,
        run: Run,
        report: &TileReport,
    ) -> anyhow::Result<Option<PictureReport>> {
        let began = Instant::now();
        let (tile, seqs) = (run.tile.index, (run.first_seq, run.last_seq));
        let pixel = self.runs.pixel_size();
        let field = Field { shape: run.shape, pixel };
        let localizations = again(run, pixel, &settings.steps, &report.drift);
        let (pass, mean) = self.widefield(settings, live, tile, field).unzip();
        let sitting = Sitting { localizations: &localizations, field, widefield: mean.as_ref() };
        let picture = match paint(painter, &sitting, || !live.is_left()) {
            Ok(picture) => picture,
            Err(PaintError::Left) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        files::write(&self.folder, tile, report.corner, &picture)?;
        let card = painter.card();
        let painted = PictureReport {
            tile,
            seqs,
            model: format!("{} {}", card.name, card.version),
            structure: settings.structure.clone(),
            pixel_nm: picture.pixel.0,
            localizations: localizations.len() as u64,
            widefield: pass,
            took_s: began.elapsed().as_secs_f64(),
            painted_unix_ns: settings.clock.now_unix_ns(),
            ..said_of(picture)
        };
        self.records.append(&painted)?;
        Ok(Some(painted))
    }

    /// The widefield pass of this scan and its mean of the tile, where both are of one field.
    fn widefield(
        &self,
        settings: &Settings,
        live: &Live,
        tile: u32,
        field: Field,
    ) -> Option<(SeriesId, Grey)> {
        let pass = widefield::series_for(live, self.series.id)?;
        let mean = widefield::of_tile(&settings.store, pass, tile)?;
        (mean.picture.shape() == field.shape).then_some((pass, mean.picture))
    }
}

fn said_of(picture: Picture) -> PictureReport {
    let said = PictureReport { windows: picture.windows as u32, ..PictureReport::default() };
    let Some(judged) = picture.judged else { return said };
    PictureReport {
        widefield_is_even: judged.even,
        error: judged.error.is_some().then_some(judged.summary),
        share: judged.error.is_some().then_some(judged.share),
        rsp: judged.rsp,
        rse_adu: judged.rse_adu,
        not_to_be_trusted: judged.not_to_be_trusted,
        ..said
    }
}
