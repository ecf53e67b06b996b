//! Reports of finished tiles on disk: one line of JSON each, appended.
//!
//! In: reports. Out: the same after a restart. Never: a report lost that was told; a torn last line believed: a line
//! counts when it is whole, and of two lines of one tile the last one does.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use smlm::drift::Moved;
use smlm::enough::Enough;
use smlm::frame::Tile;
use smlm::stitch::Seam;
use smlm::units::{Nm, Photons};
use smlm::verdict::TileFacts;

use crate::live::{Early, TileReport};
use crate::store::lines::{self, Lines};

/// In the series' folder.
pub const FOLDER: &str = "scan";
const FILE: &str = "tiles.jsonl";
/// Empty: there when every tile of an ended series is finished.
const COMPLETE: &str = "complete";
/// The file of a scan, open for appending.
pub struct Records(Lines<Line>);

impl Records {
    /// Opens or makes it, and reads what is there.
    ///
    /// # Errors
    /// The folder cannot be written to or read.
    pub fn open(series_folder: &Path) -> anyhow::Result<(Self, Vec<TileReport>)> {
        let (lines, before) = Lines::open(series_folder.join(FOLDER).join(FILE))?;
        Ok((Self(lines), before.into_iter().map(Line::report).collect()))
    }

    /// Appends one report; on the disk itself when it returns.
    ///
    /// # Errors
    /// The disk is full; what was there before stays.
    pub fn append(&mut self, report: &TileReport) -> anyhow::Result<()> {
        self.0.append(&Line::of(report))
    }
}

/// Where all of it lies.
pub fn folder(series_folder: &Path) -> PathBuf {
    series_folder.join(FOLDER)
}

/// Whether a scan's tiles were ever finished here.
pub fn exists(series_folder: &Path) -> bool {
    series_folder.join(FOLDER).join(FILE).is_file()
}

/// Whether all of them were.
pub fn is_complete(series_folder: &Path) -> bool {
    series_folder.join(FOLDER).join(COMPLETE).is_file()
}

/// All of them are.
///
/// # Errors
/// The folder cannot be written to.
pub fn set_complete(series_folder: &Path) -> anyhow::Result<()> {
    let path = series_folder.join(FOLDER).join(COMPLETE);
    std::fs::write(&path, []).with_context(|| format!("cannot write {}", path.display()))
}

/// Every whole line, in the order of writing; none where there is no file.
///
/// # Errors
/// The file cannot be read.
pub fn read(series_folder: &Path) -> anyhow::Result<Vec<TileReport>> {
    let lines = lines::read::<Line>(&series_folder.join(FOLDER).join(FILE))?;
    Ok(lines.into_iter().map(Line::report).collect())
}

#[derive(Serialize, Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Line {
    tile: u32,
    row: u32,
    column: u32,
    seqs: (u64, u64),
    frames_expected: Option<u64>,
    frames_processed: u64,
    frames_lost: u64,
    localizations: u64,
    saturated_share: Option<f64>,
    psf_sigma_px: Option<f64>,
    drift_nm: Option<f64>,
    frc_nm: Option<f64>,
    background_photons: Option<f64>,
    merged: u64,
    sigma_nm: Option<f64>,
    photons: Option<f64>,
    psf_sd_px: Option<f64>,
    /// Frame, x and y in nm, their deviation.
    drift: Vec<(u64, f64, f64, f64)>,
    no_drift: Option<String>,
    no_frc: Option<String>,
    corner_nm: (f64, f64),
    seams: Vec<SeamLine>,
    early: Option<EarlyLine>,
    took_s: f64,
    finished_unix_ns: u64,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct SeamLine {
    a: u32,
    b: u32,
    offset_nm: (f64, f64),
    sd_nm: f64,
    confidence: f64,
    shared: f64,
    localizations: usize,
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct EarlyLine {
    seq: u64,
    frames: u64,
    localizations: u64,
    frc_nm: Option<f64>,
    frames_saved: u64,
    seconds_saved: Option<f64>,
}

impl Line {
    fn of(report: &TileReport) -> Self {
        let facts = &report.facts;
        Self {
            tile: report.tile.index,
            row: report.tile.row,
            column: report.tile.column,
            seqs: report.seqs,
            frames_expected: facts.frames_expected,
            frames_processed: facts.frames_processed,
            frames_lost: facts.frames_lost,
            localizations: facts.localizations,
            saturated_share: facts.saturated_share,
            psf_sigma_px: facts.psf_sigma_px,
            drift_nm: facts.drift.map(|nm| nm.0),
            frc_nm: facts.frc.map(|nm| nm.0),
            background_photons: facts.background.map(|photons| photons.0),
            merged: report.merged,
            sigma_nm: report.sigma.map(|nm| nm.0),
            photons: report.photons,
            psf_sd_px: report.psf_sd_px,
            drift: report.drift.iter().map(|m| (m.seq, m.x_nm, m.y_nm, m.sd_nm)).collect(),
            no_drift: report.no_drift.clone(),
            no_frc: report.no_frc.clone(),
            corner_nm: (report.corner.0.0, report.corner.1.0),
            seams: report.seams.iter().map(SeamLine::of).collect(),
            early: report.early.as_ref().map(EarlyLine::of),
            took_s: report.took_s,
            finished_unix_ns: report.finished_unix_ns,
        }
    }

    fn report(self) -> TileReport {
        let moved = |(seq, x_nm, y_nm, sd_nm)| Moved { seq, x_nm, y_nm, sd_nm };
        TileReport {
            tile: Tile { index: self.tile, row: self.row, column: self.column },
            seqs: self.seqs,
            facts: TileFacts {
                frames_expected: self.frames_expected,
                frames_processed: self.frames_processed,
                frames_lost: self.frames_lost,
                localizations: self.localizations,
                saturated_share: self.saturated_share,
                psf_sigma_px: self.psf_sigma_px,
                drift: self.drift_nm.map(Nm),
                frc: self.frc_nm.map(Nm),
                background: self.background_photons.map(Photons),
            },
            merged: self.merged,
            sigma: self.sigma_nm.map(Nm),
            photons: self.photons,
            psf_sd_px: self.psf_sd_px,
            drift: self.drift.into_iter().map(moved).collect(),
            no_drift: self.no_drift,
            no_frc: self.no_frc,
            corner: (Nm(self.corner_nm.0), Nm(self.corner_nm.1)),
            seams: self.seams.iter().map(SeamLine::seam).collect(),
            early: self.early.map(|early| early.early()),
            took_s: self.took_s,
            finished_unix_ns: self.finished_unix_ns,
        }
    }
}

impl EarlyLine {
    fn of(early: &Early) -> Self {
        let Early { enough: Enough { seq, frames, localizations, frc }, frames_saved, seconds_saved } =
            *early;
        Self { seq, frames, localizations, frc_nm: frc.map(|nm| nm.0), frames_saved, seconds_saved }
    }

    fn early(&self) -> Early {
        let Self { seq, frames, localizations, frc_nm, frames_saved, seconds_saved } = *self;
        let enough = Enough { seq, frames, localizations, frc: frc_nm.map(Nm) };
        Early { enough, frames_saved, seconds_saved }
    }
}

impl SeamLine {
    fn of(seam: &Seam) -> Self {
        let Seam { a, b, offset_nm, sd_nm, confidence, shared, localizations } = *seam;
        Self { a, b, offset_nm, sd_nm, confidence, shared, localizations }
    }

    fn seam(&self) -> Seam {
        let Self { a, b, offset_nm, sd_nm, confidence, shared, localizations } = *self;
        Seam { a, b, offset_nm, sd_nm, confidence, shared, localizations }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(index: u32) -> TileReport {
        TileReport {
            tile: Tile { index, row: 1, column: 2 },
            seqs: (10, 19),
            facts: TileFacts {
                frames_processed: 10,
                localizations: 100,
                frc: Some(Nm(41.5)),
                ..TileFacts::default()
            },
            merged: 80,
            sigma: Some(Nm(12.0)),
            photons: None,
            psf_sd_px: Some(0.02),
            drift: vec![Moved { seq: 12, x_nm: 1.5, y_nm: -2.0, sd_nm: 0.5 }],
            no_drift: None,
            no_frc: Some("not yet".into()),
            corner: (Nm(55_300.0), Nm(-4.0)),
            seams: vec![Seam {
                a: 0,
                b: 1,
                offset_nm: (1.0, 2.0),
                sd_nm: 3.0,
                confidence: 9.0,
                shared: 1.0,
                localizations: 50,
            }],
            early: Some(Early {
                enough: Enough { seq: 17, frames: 8, localizations: 90, frc: Some(Nm(50.0)) },
                frames_saved: 4,
                seconds_saved: Some(0.2),
            }),
            took_s: 0.5,
            finished_unix_ns: 77,
        }
    }

    #[test]
    fn reports_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let (mut records, before) = Records::open(folder.path()).unwrap();
        assert!(before.is_empty() && exists(folder.path()));
        records.append(&report(3)).unwrap();
        records.append(&report(4)).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [report(3), report(4)]);
    }

    #[test]
    fn a_torn_line_costs_its_own_tile_only() {
        let folder = tempfile::tempdir().unwrap();
        let (mut records, _) = Records::open(folder.path()).unwrap();
        records.append(&report(3)).unwrap();
        let path = folder.path().join(FOLDER).join(FILE);
        let mut bytes = std::fs::read(&path).unwrap();
        let whole = bytes.clone();
        bytes.extend_from_slice(&whole[..whole.len() / 2]);
        std::fs::write(&path, bytes).unwrap();
        let (mut records, before) = Records::open(folder.path()).unwrap();
        assert_eq!(before, [report(3)]);
        records.append(&report(5)).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [report(3), report(5)]);
    }
}
