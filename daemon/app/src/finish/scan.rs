//! One scan in the finish stage.
//!
//! In: runs of its journal, one at a time. Out: a report of each tile, on disk before it is told; seams with the tiles
//! beside it; the places of all tiles; picture and data set of all. Never: two tiles in memory; a report that waits for
//! the picture.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use smlm::enough::Enough;
use smlm::frame::{StagePosition, Tile};
use smlm::localization::Localization;
use smlm::placement::{Field, place};
use smlm::series::{Overlap, SeriesInfo};
use smlm::stitch::{Seam, Settings as StitchSettings, Stitcher};
use smlm::units::{Nm, PixelSize, Px};
use smlm::verdict::Limits;

use super::assembly::{Assembly, Done, Ending, Plan};
use super::canvas::Spot;
use super::layout::{self, Layout};
use super::record::{self, Records};
use super::runs::{Run, Runs};
use super::tile::{self, Worked};
use super::{Settings, layers};
use crate::live::{Early, Live, Placed, Series, TileReport, Visit};
use crate::painting;
use crate::store::journal::{self, JournalReader};

/// Overlap where the publisher does not say it, and the least that is assumed.
const OVERLAP: Nm = Nm(1000.0);

/// A scan whose tiles are being finished.
pub struct ScanAtWork {
    pub series: Arc<Series>,
    runs: Runs,
    records: Records,
    /// Finished before a restart, by first frame.
    before: HashMap<u64, TileReport>,
    /// Where the stage stood at the first tile.
    first_stage: Option<StagePosition>,
    stitcher: Option<Stitcher>,
    laid_out: Option<Instant>,
    assembling: Assembling,
    /// Where all tiles lie at last; the series has ended.
    at_last: Option<BTreeMap<u32, (Nm, Nm)>>,
}

/// Picture and data set of the scan.
enum Assembling {
    /// Not wanted, or whole.
    No,
    /// The first tile is not finished yet.
    NotYet,
    Going(Box<Assembly>),
    /// It goes on after a restart: the scan is not complete on disk.
    Failed,
}

/// Between two times at which all places are found anew, which takes longer the more tiles there are.
const LAY_OUT: Duration = Duration::from_secs(2);

impl ScanAtWork {
    /// Opens a scan's journal and what was finished of it.
    ///
    /// # Errors
    /// The journal or the folder cannot be read.
    pub fn open(series: Arc<Series>, settings: &Settings) -> anyhow::Result<Self> {
        let folder = journal::folder(&settings.store, series.id);
        let reader = JournalReader::open(&folder)?;
        let (records, reports) = Records::open(&folder)?;
        series.book().pictures.wanted |= settings.painted;
        let before: HashMap<u64, TileReport> =
            reports.into_iter().map(|report| (report.seqs.0, report)).collect();
        let mut runs = Runs::new(reader);
        if let Some(targets) = settings.enough {
            runs.watch(targets, before.keys().copied().collect());
        }
        Ok(Self {
            series,
            runs,
            records,
            before,
            first_stage: None,
            stitcher: None,
            laid_out: None,
            assembling: if settings.assembly.is_some() { Assembling::NotYet } else { Assembling::No },
            at_last: None,
        })
    }

    /// Finishes the next tile that is over. `false`: there is none yet.
    ///
    /// # Errors
    /// The journal cannot be read on, or the report not be written; the tile is tried again after a restart.
    pub fn step(&mut self, settings: &Settings, live: &Arc<Live>) -> anyhow::Result<bool> {
        let run = self.runs.next().context("the journal of a scan cannot be read on")?;
        if let Some((tile, enough)) = self.runs.growing().filter(|_| settings.enough.is_some()) {
            self.series.book().set_enough(tile, enough);
        }
        let Some(run) = run else {
            if self.runs.ended() {
                return self.end(settings);
            }
            self.assembled(|assembly| assembly.flush_if_due());
            return Ok(false);
        };
        let pixel = self.runs.pixel_size();
        self.first_stage = self.first_stage.or(run.stage);
        let info = self.series.info();
        let field = Field { shape: run.shape, pixel };
        let corner = place(&info, field, run.tile, self.first_stage, run.stage).corner;
        let known = self.before.remove(&run.first_seq).filter(|report| report.tile == run.tile);
        let stage = run.stage;
        let (report, localizations) = match known {
            // Only what the tiles beside it need is done again.
            Some(report) => {
                let localizations = tile::again(run, pixel, &settings.steps, &report.drift);
                self.stitch(settings, (report.tile, corner), field, &localizations);
                (report, localizations)
            }
            None => self.finish(run, corner, field, settings)?,
        };
        if matches!(self.assembling, Assembling::NotYet) {
            self.begin(&report, field, stage, (settings, live));
        }
        self.assemble(&report, field, &localizations, settings);
        self.series.book().put(report, &settings.limits);
        if self.laid_out.is_none_or(|at| at.elapsed() > LAY_OUT) {
            self.lay_out();
            self.laid_out = Some(Instant::now());
        }
        Ok(true)
    }

    fn finish(
        &mut self,
        run: Run,
        corner: (Nm, Nm),
        field: Field,
        settings: &Settings,
    ) -> anyhow::Result<(TileReport, Vec<Localization>)> {
        let began = Instant::now();
        let (tile, seqs) = (run.tile, (run.first_seq, run.last_seq));
        let early = run.enough.map(|enough| self.early(enough, tile, seqs));
        let mut worked = tile::work(run, field.pixel, &settings.steps);
        let seams = self.stitch(settings, (tile, corner), field, &worked.localizations);
        self.complete(&mut worked, tile);
        let report = TileReport {
            tile,
            seqs,
            facts: worked.facts,
            merged: worked.localizations.len() as u64,
            sigma: worked.sigma,
            photons: worked.photons,
            psf_sd_px: worked.psf_sd_px,
            drift: worked.drift,
            no_drift: worked.no_drift,
            no_frc: worked.no_frc,
            corner,
            seams,
            early,
            took_s: began.elapsed().as_secs_f64(),
            finished_unix_ns: settings.clock.now_unix_ns(),
        };
        self.records.append(&report)?;
        Ok((report, worked.localizations))
    }

    /// Opens picture and data set with the first tile.
    fn begin(
        &mut self,
        first: &TileReport,
        field: Field,
        stage: Option<StagePosition>,
        (settings, live): (&Settings, &Arc<Live>),
    ) {
        let Some(wanted) = settings.assembly else { return };
        let first = Spot { tile: first.tile, corner: first.corner, shape: field.shape, pixel: field.pixel };
        let stage = stage.map(|at| (Nm(at.x_um * 1e3), Nm(at.y_um * 1e3)));
        let folder = record::folder(&journal::folder(&settings.store, self.series.id));
        let opened = Assembly::open(&folder, &self.series.info(), &Plan { first, stage }, wanted);
        let opened = opened.and_then(|mut assembly| {
            assembly.add_layer(|folder, name, extent| {
                layers::widefield((folder, name, extent), &settings.store, live, self.series.id)
            })?;
            let painted = settings.painted.then_some([painting::Kind::ANet, painting::Kind::Error]);
            for kind in painted.into_iter().flatten() {
                assembly.add_layer(|folder, name, extent| {
                    layers::painted((folder, name, extent), &settings.store, &self.series, kind)
                })?;
            }
            Ok(assembly)
        });
        match opened {
            Ok(assembly) => self.assembling = Assembling::Going(Box::new(assembly)),
            Err(error) => self.fail(&error),
        }
    }

    /// Adds a tile to picture and data set, unless it is there.
    fn assemble(
        &mut self,
        report: &TileReport,
        field: Field,
        localizations: &[Localization],
        settings: &Settings,
    ) {
        let mut spot =
            Spot { tile: report.tile, corner: report.corner, shape: field.shape, pixel: field.pixel };
        let done = || Done {
            drift: report
                .no_drift
                .clone()
                .unwrap_or_else(|| "mean shift, to the middle of the tile's frames".into()),
            merge: settings
                .steps
                .merge
                .map_or_else(String::new, |nm| format!("successive frames, {} nm", nm.0)),
        };
        self.assembled(|assembly| {
            if assembly.has(report.tile, report.seqs.0) {
                return Ok(());
            }
            spot.corner = assembly.place(report.tile, report.corner, &report.seams);
            assembly.add(spot, report.seqs.0, localizations, done())
        });
    }

    /// Does something to picture and data set, where there are some; `None` where not, or where that failed.
    fn assembled<T>(&mut self, work: impl FnOnce(&mut Assembly) -> anyhow::Result<T>) -> Option<T> {
        let Assembling::Going(assembly) = &mut self.assembling else { return None };
        work(assembly).map_err(|error| self.fail(&error)).ok()
    }

    /// Reports and verdicts go on without picture and data set.
    fn fail(&mut self, error: &anyhow::Error) {
        let error = format!("{error:#}");
        tracing::error!(series = %self.series.id, error, "the mosaic of a scan cannot be written; it goes on after a restart");
        self.series.exit().files_failed.push(format!("mosaic: {error}"));
        self.assembling = Assembling::Failed;
    }

    /// The series is over: one tile of the last picture, or the end of all.
    fn end(&mut self, settings: &Settings) -> anyhow::Result<bool> {
        let at_last = match self.at_last.take() {
            Some(at_last) => at_last,
            None => {
                self.lay_out();
                self.series.book().corners()
            }
        };
        let ending = self.assembled(|assembly| assembly.finish(&at_last)).unwrap_or(Ending::Whole);
        self.at_last = Some(at_last);
        if ending != Ending::Whole {
            return Ok(ending == Ending::More);
        }
        if !matches!(self.assembling, Assembling::Failed) {
            let folder = journal::folder(&settings.store, self.series.id);
            let layout = Layout::of(&self.series.book());
            layout.write(&folder)?;
            record::set_complete(&folder)?;
        }
        self.series.book().complete = true;
        Ok(false)
    }

    /// What only the account of frames knows. Frames that were announced and never taken, because the tile ended early,
    /// are not lost.
    fn complete(&self, worked: &mut Worked, tile: Tile) {
        let door = self.series.door();
        let count = door.tiles.iter().rfind(|count| count.tile.index == tile.index);
        // Of a tile that was taken again the account is of all visits; then the gaps within this one must do.
        if let Some(count) = count.filter(|count| count.visits <= 1) {
            worked.facts.frames_lost = count.account.lost_total() + count.account.missing_total();
        }
    }

    /// What was saved where a tile ended early. Of frames that came before a restart only the series' description says how
    /// many there were to be, and how fast they came.
    fn early(&self, enough: Enough, tile: Tile, seqs: (u64, u64)) -> Early {
        let door = self.series.door();
        let count = door.tiles.iter().rfind(|count| count.tile.index == tile.index);
        let ends_it = |visit: &Visit| visit.taken > 0 && (visit.seqs.0..=visit.seqs.1).contains(&seqs.1);
        let visit = count.map(|count| count.latest).filter(ends_it);
        let info = &door.info;
        let usual = info.expected_frames.checked_div(info.expected_tiles.into()).unwrap_or(0);
        let announced = visit.map(|visit| u64::from(visit.announced)).filter(|frames| *frames > 0);
        let taken = visit.map_or(seqs.1 + 1 - seqs.0, |visit| visit.taken.into());
        let frames_saved = announced.unwrap_or(usual).saturating_sub(taken);
        let exposure_s = Some(info.exposure_ms / 1e3).filter(|seconds| *seconds > 0.0);
        let period_s = visit.and_then(|visit| visit.period_s()).or(exposure_s);
        Early { enough, frames_saved, seconds_saved: period_s.map(|period| period * frames_saved as f64) }
    }

    fn stitch(
        &mut self,
        settings: &Settings,
        (tile, corner): (Tile, (Nm, Nm)),
        Field { shape, pixel }: Field,
        localizations: &[Localization],
    ) -> Vec<Seam> {
        let info = self.series.info();
        let size = |side: u32, pixel: Nm| Nm(f64::from(side) * pixel.0);
        let field = (size(shape.width, pixel.x), size(shape.height, pixel.y));
        let stitcher = self.stitcher.get_or_insert_with(|| {
            let overlap = overlap(&info, field, pixel);
            let shortest = field.0.0.min(field.1.0);
            // A small field cannot be off by more than a part of itself.
            let error_max = Nm(settings.stage_error.0.min(shortest / 4.0));
            Stitcher::new(StitchSettings { overlap, error_max, ..StitchSettings::of(field) })
        });
        let points: Vec<(f32, f32)> = localizations
            .iter()
            .map(|l| {
                let (x, y) = pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
                (x.0 as f32, y.0 as f32)
            })
            .collect();
        stitcher.add_tile(tile, corner, &points).into_iter().filter_map(Result::ok).collect()
    }

    /// Tells where the tiles lie by all seams so far.
    fn lay_out(&self) {
        let Some(stitcher) = &self.stitcher else { return };
        let solution = stitcher.solve();
        let mut book = self.series.book();
        let places: BTreeMap<u32, Placed> = solution
            .places
            .iter()
            .filter_map(|at| {
                let (report, ..) = book.tile(at.index)?;
                let moved = (Nm(at.corner.0.0 - report.corner.0.0), Nm(at.corner.1.0 - report.corner.1.0));
                Some((at.index, Placed { moved, from: at.from }))
            })
            .collect();
        book.set_places(places, layout::seams(stitcher, &solution));
    }
}

/// What the publisher announced, of the side with less of it.
fn overlap(info: &SeriesInfo, field: (Nm, Nm), pixel: PixelSize) -> Nm {
    let announced = info.grid.and_then(|grid| grid.overlap).map(|overlap| match overlap {
        Overlap::Um(x, y) => (x * 1e3, y * 1e3),
        Overlap::Px(x, y) => (x * pixel.x.0, y * pixel.y.0),
        Overlap::Percent(x, y) => (x / 100.0 * field.0.0, y / 100.0 * field.1.0),
    });
    let least = announced.map_or(OVERLAP.0, |(x, y)| x.min(y));
    Nm(least.clamp(0.0, field.0.0.min(field.1.0) / 2.0))
}

/// What was finished of a recording of an earlier run, into its series.
///
/// # Errors
/// The file cannot be read.
pub fn reopen(series: &Series, folder: &Path, limits: &Limits) -> anyhow::Result<()> {
    let reports = record::read(folder)?;
    let mut book = series.book();
    book.put_all(reports, limits);
    book.complete = record::is_complete(folder);
    layout::reopen(folder, &mut book)
}
