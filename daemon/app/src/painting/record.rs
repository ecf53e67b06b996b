//! Reports of painted tiles on disk, beside those of finished ones.
//!
//! In: reports. Out: the same after a restart. Never: a report before its files are there.

use std::path::{Path, PathBuf};

use crate::finish::FOLDER;
use crate::live::{PictureReport, Series};
use crate::store::lines::{self, Lines};
use anyhow::Context as _;

const FILE: &str = "pictures.jsonl";
/// Empty: there when every finished tile of an ended series is painted.
const COMPLETE: &str = "pictures.complete";

/// The file of a scan, open for appending.
pub struct Records(Lines<PictureReport>);

impl Records {
    /// Opens or makes it, and reads what is there.
    ///
    /// # Errors
    /// The folder cannot be written to or read.
    pub fn open(series_folder: &Path) -> anyhow::Result<(Self, Vec<PictureReport>)> {
        let (lines, before) = Lines::open(at(series_folder, FILE))?;
        Ok((Self(lines), before))
    }

    /// Appends one report; on the disk itself when it returns.
    ///
    /// # Errors
    /// The disk is full; what was there before stays.
    pub fn append(&mut self, report: &PictureReport) -> anyhow::Result<()> {
        self.0.append(report)
    }
}

fn at(series_folder: &Path, name: &str) -> PathBuf {
    series_folder.join(FOLDER).join(name)
}

/// Whether tiles were ever painted here.
pub fn exists(series_folder: &Path) -> bool {
    at(series_folder, FILE).is_file()
}

/// Whether all of them were.
pub fn is_complete(series_folder: &Path) -> bool {
    at(series_folder, COMPLETE).is_file()
}

/// All of them are.
///
/// # Errors
/// The folder cannot be written to.
pub fn set_complete(series_folder: &Path) -> anyhow::Result<()> {
    let path = at(series_folder, COMPLETE);
    std::fs::write(&path, []).with_context(|| format!("cannot write {}", path.display()))
}

/// What was painted of a recording of an earlier run, into its series.
///
/// # Errors
/// The file cannot be read.
pub fn reopen(series: &Series, folder: &Path) -> anyhow::Result<()> {
    let made: Vec<PictureReport> = lines::read(&at(folder, FILE))?;
    series.book().pictures.made = made.into_iter().map(|report| (report.tile, report)).collect();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::frame::SeriesId;

    #[test]
    fn a_report_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let report = PictureReport {
            tile: 7,
            seqs: (10, 19),
            model: "tiny 1".into(),
            structure: "filaments".into(),
            localizations: 5,
            windows: 49,
            widefield: Some(SeriesId([0xa1; 16])),
            error: Some(0.25),
            share: Some(0.5),
            rsp: Some(-0.5),
            not_to_be_trusted: Some("half of it".into()),
            took_s: 1.5,
            painted_unix_ns: 9,
            ..PictureReport::default()
        };
        let (mut records, before) = Records::open(folder.path()).unwrap();
        assert!(before.is_empty());
        records.append(&report).unwrap();
        drop(records);
        assert_eq!(Records::open(folder.path()).unwrap().1, [report]);
    }
}
