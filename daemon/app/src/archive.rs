//! Recordings of earlier runs: listed when there is nothing else to do, drawn again when somebody looks.
//!
//! In: the series' folders. Out: finished series among those the daemon knows; a lane with map and statistics made
//! again from a journal. Never: a journal changed; a series that is not finished (those are [`crate::recover`]'s).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use smlm::account::{Account, LossReason};
use smlm::frame::{GapCause, Shape};
use smlm::localization::Filter;
use smlm::series::SeriesInfo;

use crate::finish;
use crate::live::{Live, Series, State};
use crate::picture::{self, Lane};
use crate::recover;
use crate::store::journal::{self, JournalError, JournalReader};

/// So many of the latest are listed.
const MOST: usize = 256;

/// Journals that were not looked at yet.
pub struct Archive {
    live: Arc<Live>,
    /// The oldest first.
    folders: Vec<PathBuf>,
}

impl Archive {
    /// The latest series' folders; nothing is read of them yet.
    pub fn new(store: &Path, live: Arc<Live>) -> Self {
        let entries = std::fs::read_dir(store).into_iter().flatten().flatten();
        let mut dated: Vec<(SystemTime, PathBuf)> = entries
            .filter_map(|entry| {
                let changed = entry.path().join(journal::FILE_NAME).metadata().ok()?.modified().ok()?;
                Some((changed, entry.path()))
            })
            .collect();
        dated.sort_unstable();
        let from = dated.len().saturating_sub(MOST);
        Self { live, folders: dated.drain(from..).map(|(_, folder)| folder).collect() }
    }

    /// Looks at one more, the latest first; false: there is none left.
    pub fn look_at_one(&mut self) -> bool {
        let Some(folder) = self.folders.pop() else { return false };
        match finished(&folder) {
            Ok(Some(series)) if self.live.find(series.id).is_none() => {
                self.live.remember_past(Arc::new(series))
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(folder = %folder.display(), %error, "an earlier recording cannot be listed");
            }
        }
        true
    }
}

/// The series whose journal says that it is complete.
fn finished(folder: &Path) -> Result<Option<Series>, JournalError> {
    let reader = JournalReader::open(folder)?;
    let past = reader.totals();
    let Some(why) = past.ended.clone() else { return Ok(None) };
    let info = past.info.clone();
    let series = Series::new(
        info.unwrap_or_else(|| SeriesInfo { id: past.series, ..SeriesInfo::default() }),
        Filter::default(),
    );
    {
        let mut door = series.door();
        door.account = account(&past);
        door.tiles = recover::tiles(Some(&past), &BTreeMap::new());
        door.next_seq = past.last_seq.map_or(0, |last| last + 1);
        door.shape = shape(&reader);
        door.state = State::Done(why);
    }
    {
        let mut exit = series.exit();
        exit.localizations = past.localizations;
        exit.true_for_seq = past.last_seq;
        exit.files = files(folder);
    }
    if let Err(error) = finish::reopen(&series, folder) {
        tracing::warn!(folder = %folder.display(), %error, "its finished tiles cannot be shown");
    }
    Ok(Some(series))
}

fn account(past: &journal::Recovered) -> Account {
    let mut account = Account::recovered(past.processed, 0);
    for reason in LossReason::ALL {
        account.refuse_many(reason, past.account.lost[reason]);
    }
    account.miss(GapCause::Transport, past.account.missing_transport);
    account.miss(GapCause::Camera, past.account.missing_camera);
    account
}

fn shape(reader: &JournalReader) -> Shape {
    let heads =
        reader.blocks().map(|block| Shape { width: block.head.width_px, height: block.head.height_px });
    heads.into_iter().find(|shape| shape.pixels() > 0).unwrap_or_default()
}

/// Tables and pictures that lie beside the journal.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let known = |path: &PathBuf| {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        ["parquet", "csv", "hdf5", "yaml", "png", "json"].contains(&extension)
    };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(known).collect();
    files.sort_unstable();
    files
}

/// Map and statistics of a finished series, made again from its journal; takes seconds per million localizations.
///
/// # Errors
/// The journal cannot be read.
pub fn redraw(series: Arc<Series>, settings: &picture::Settings) -> Result<Lane, JournalError> {
    let reader = JournalReader::open(&journal::folder(&settings.store, series.id))?;
    let mut lane = Lane::finished(series, reader.pixel_size(), settings);
    let reports = lane.series.book().tiles().map(|(report, _)| (report.tile.index, report.clone())).collect();
    lane.redraw(reader, &reports);
    lane.resolve();
    Ok(lane)
}
