//! Means of widefield tiles: their files, and which of them belong to a scan.
//!
//! Comes in: a mean from the infer thread, on the files thread. Goes out: `<store>/<series>/widefield/tile-<index>.tif`
//! in ADU, whole under its name or not there; the same read again. Never: a wait of the infer thread for a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::Context as _;
use crossbeam_channel::Sender;
use smlm::frame::{SeriesId, Shape, Tile};
use smlm::grey::Grey;
use smlm::series::SeriesInfo;
use smlm::units::PixelSize;
use smlm::widefield::{self, MeanPicture};
use wire::files::ome_tiff::{self, About};

use crate::files::{self, FileJob};
use crate::live::{Live, Series};
use crate::store::journal;

/// A larger picture is none of ours: the limit of a frame on the wire, 16,384 x 16,384.
const PIXELS_MAX: usize = 1 << 28;

/// Where means leave the infer thread.
pub struct Outlet {
    pub store: PathBuf,
    /// First frames of each tile, left out of its mean, where the publisher does not say how many.
    pub skip_frames: u32,
    /// Where the publisher does not know it.
    pub pixel_size: PixelSize,
    /// To the files stage.
    pub jobs: Sender<FileJob>,
}

/// A mean that is to be written.
#[derive(Clone)]
pub struct Job {
    pub series: Arc<Series>,
    pub tile: Tile,
    pub mean: Arc<MeanPicture>,
    pub pixel: PixelSize,
    pub to: PathBuf,
    pub progress: Arc<Progress>,
}

/// How far a file is. Whoever gave the job looks; nobody waits.
#[derive(Debug, Default)]
pub struct Progress(AtomicU8);

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Pending,
    Written,
    Failed,
}

impl Progress {
    pub fn get(&self) -> Outcome {
        match self.0.load(Ordering::Acquire) {
            0 => Outcome::Pending,
            1 => Outcome::Written,
            _ => Outcome::Failed,
        }
    }

    pub fn set(&self, outcome: Outcome) {
        self.0.store(outcome as u8, Ordering::Release);
    }
}

/// Writes a mean, and says so.
pub fn run(job: &Job) {
    let written = write(job);
    if let Err(error) = &written {
        let (series, tile) = (job.series.id, job.tile.index);
        let error = format!("{error:#}");
        tracing::error!(%series, tile, error, "a tile's widefield is not written: its frames wait in the ring");
    }
    job.progress.set(if written.is_ok() { Outcome::Written } else { Outcome::Failed });
}

fn write(job: &Job) -> anyhow::Result<()> {
    let folder = job.to.parent().context("a file without a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let corner = {
        let door = job.series.door();
        let known = door.tiles.iter().rfind(|tile| tile.tile.index == job.tile.index);
        known.map_or((0.0, 0.0), |tile| {
            let (x, y) = door.placement(tile, job.pixel).corner;
            (x.0, y.0)
        })
    };
    let frames = job.mean.frames;
    let channel = format!("{CHANNEL}{frames}");
    let about = About { pixel_nm: (job.pixel.x.0, job.pixel.y.0), corner_nm: corner, channel: &channel };
    let picture = &job.mean.picture;
    let Shape { width, height } = picture.shape();
    let mut bytes = Vec::new();
    ome_tiff::encode(width, height, picture.values(), &about, &mut bytes)?;
    files::put(&job.to, &bytes).map(drop)
}

/// The channel's name in a file; the number of frames follows.
const CHANNEL: &str = "widefield in ADU, mean of frames: ";

/// Where a tile's mean lies once it is written.
pub fn path(store: &Path, series: SeriesId, tile_index: u32) -> PathBuf {
    journal::folder(store, series).join("widefield").join(format!("tile-{tile_index}.tif"))
}

/// The mean of a tile of a widefield series; `None` as long as it is not written, and where its file cannot be used,
/// which the log says.
pub fn of_tile(store: &Path, series: SeriesId, tile_index: u32) -> Option<MeanPicture> {
    let path = path(store, series, tile_index);
    let read = match std::fs::read(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => Err(error.into()),
        Ok(bytes) => read(&bytes),
    };
    read.inspect_err(|error| {
        let error = format!("{error:#}");
        tracing::warn!(file = %path.display(), error, "a tile's widefield cannot be read");
    })
    .ok()
}

fn read(bytes: &[u8]) -> anyhow::Result<MeanPicture> {
    let read = ome_tiff::decode(bytes, PIXELS_MAX)?;
    let frames = read.channel.strip_prefix(CHANNEL).and_then(|frames| frames.parse().ok());
    let frames = frames.context("it is no mean of widefield frames")?;
    let shape = Shape { width: read.width, height: read.height };
    Ok(MeanPicture { picture: Grey::new(shape, read.values)?, frames })
}

/// The widefield series of a localization series, among those that the daemon knows; see [`widefield::scan_of`].
pub fn series_for(live: &Live, scan: SeriesId) -> Option<SeriesId> {
    let infos: Vec<Arc<SeriesInfo>> = live.all().iter().map(|series| series.info()).collect();
    let infos: Vec<&SeriesInfo> = infos.iter().map(|info| &**info).collect();
    widefield::widefield_of(scan, &infos)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::localization::Filter;
    use smlm::series::Channel;
    use smlm::units::Nm;

    const SERIES: SeriesId = SeriesId([9; 16]);

    fn job(store: &Path) -> Job {
        let shape = Shape { width: 3, height: 2 };
        let picture = Grey::new(shape, vec![100.25, 2.0, 3.0, 4.0, 5.0, 65_535.0]).unwrap();
        let info = SeriesInfo { id: SERIES, channel: Channel::Widefield, ..SeriesInfo::default() };
        Job {
            series: Arc::new(Series::new(info, Filter::default())),
            tile: Tile { index: 7, row: 1, column: 2 },
            mean: Arc::new(MeanPicture { picture, frames: 3 }),
            pixel: PixelSize { x: Nm(108.0), y: Nm(109.0) },
            to: path(store, SERIES, 7),
            progress: Arc::default(),
        }
    }

    #[test]
    fn a_mean_comes_back_from_its_file_with_its_number_of_frames() {
        let store = tempfile::tempdir().unwrap();
        let job = job(store.path());
        assert_eq!(of_tile(store.path(), SERIES, 7), None);
        run(&job);
        assert_eq!(job.progress.get(), Outcome::Written);
        assert_eq!(of_tile(store.path(), SERIES, 7).as_ref(), Some(&*job.mean));
        assert_eq!(of_tile(store.path(), SERIES, 8), None);
        let folder = job.to.parent().unwrap();
        assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1, "nothing lies beside it");
    }

    #[test]
    fn a_file_that_cannot_be_written_is_told_and_leaves_nothing() {
        let store = tempfile::tempdir().unwrap();
        let job = job(store.path());
        std::fs::create_dir_all(job.to.join("in the way")).unwrap();
        run(&job);
        assert_eq!(job.progress.get(), Outcome::Failed);
        assert!(!job.to.with_extension("part").exists());
        assert_eq!(of_tile(store.path(), SERIES, 7), None, "a folder is no mean");
    }

    #[test]
    fn a_damaged_file_is_no_mean() {
        let store = tempfile::tempdir().unwrap();
        let job = job(store.path());
        run(&job);
        let bytes = std::fs::read(&job.to).unwrap();
        std::fs::write(&job.to, &bytes[..bytes.len() / 2]).unwrap();
        assert_eq!(of_tile(store.path(), SERIES, 7), None);
    }

    #[test]
    fn the_widefield_of_a_scan_is_found_among_the_series_that_are_known() {
        let live = Live::new();
        let scan = SeriesInfo { id: SeriesId([1; 16]), ..SeriesInfo::default() };
        let pass = SeriesInfo { id: SERIES, channel: Channel::Widefield, ..SeriesInfo::default() };
        live.remember(Arc::new(Series::new(pass, Filter::default())), 8);
        assert_eq!(series_for(&live, scan.id), None);
        live.remember(Arc::new(Series::new(scan.clone(), Filter::default())), 8);
        assert_eq!(series_for(&live, scan.id), Some(SERIES));
    }
}
