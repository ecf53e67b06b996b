//! Measures how fine the structures are that each series resolves.
//!
//! Comes in: localizations, on the picture thread; now and then the two half pictures they make, on the files thread.
//! Goes out: the resolution, in the series. Never: more on the picture thread than counting, and a copy of 2 MiB when
//! there is a third more; a wait.

use std::sync::Arc;

use crossbeam_channel::{Sender, TrySendError};
use smlm::frame::FrameInfo;
use smlm::frc::{Halves, NoResolution};
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize, Px};

use crate::files::FileJob;
use crate::live::Series;

/// Localizations among which the busiest place is looked for.
const SCOUTS: usize = 4000;
/// The next measurement is due when there are so many times as many localizations.
const GROWTH: f64 = 4.0 / 3.0;

/// What the two halves of the data resolve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    pub frc: Result<Nm, Missing>,
    /// In the part of the field that was looked at.
    pub localizations: u64,
}

/// Why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    #[error(transparent)]
    No(#[from] NoResolution),
    #[error("of a scan: its tiles show different places")]
    OfAScan,
}

/// Collects the halves of a series.
#[derive(Default)]
pub struct Collector {
    scouts: Vec<(u64, Nm, Nm)>,
    halves: Option<Halves>,
    measured: u64,
    tile: Option<u32>,
    given_up: bool,
}

impl Collector {
    /// Takes localizations of one tile in.
    pub fn take(&mut self, series: &Series, first: &FrameInfo, found: &[Localization], pixel: PixelSize) {
        if self.given_up {
            return;
        }
        if self.tile.replace(first.tile.index).is_some_and(|tile| tile != first.tile.index) {
            *self = Self { given_up: true, ..Self::default() };
            series.exit().resolution = Some(Resolution { frc: Err(Missing::OfAScan), localizations: 0 });
            return;
        }
        for l in found {
            let (x, y) = pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
            self.add(l.frame.into(), x, y);
        }
    }

    fn add(&mut self, seq: u64, x: Nm, y: Nm) {
        match &mut self.halves {
            Some(halves) => halves.add(seq, x, y),
            None => {
                self.scouts.push((seq, x, y));
                if self.scouts.len() == SCOUTS {
                    let mut halves = Halves::around_busiest(self.scouts.iter().map(|(_, x, y)| (*x, *y)));
                    self.scouts.drain(..).for_each(|(seq, x, y)| halves.add(seq, x, y));
                    self.halves = Some(halves);
                }
            }
        }
    }

    /// A measurement, if one is due.
    pub fn due(&self, series: &Arc<Series>) -> Option<Job> {
        let halves = self.halves.as_ref()?;
        let due =
            halves.localizations() as f64 >= GROWTH * self.measured as f64 && halves.localizations() > 0;
        due.then(|| Job { series: series.clone(), halves: Box::new(halves.clone()) })
    }

    /// Hands a measurement over, if one is due; where the files stage is busy, later.
    pub fn offer(&mut self, series: &Arc<Series>, jobs: &Sender<FileJob>) {
        if jobs.is_full() {
            return;
        }
        let Some(job) = self.due(series) else { return };
        let localizations = job.halves.localizations();
        match jobs.try_send(FileJob::Resolution(job)) {
            Ok(()) => self.measured = localizations,
            Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => self.given_up = true, // the daemon stops
        }
    }
}

/// Two halves that are to be compared.
pub struct Job {
    series: Arc<Series>,
    halves: Box<Halves>,
}

/// Compares and publishes with the series. Takes some tens of milliseconds of one core.
pub fn run(job: &Job) {
    let frc = job.halves.resolution().map_err(Missing::from);
    job.series.exit().resolution = Some(Resolution { frc, localizations: job.halves.localizations() });
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::frame::Tile;
    use smlm::localization::Filter;
    use smlm::series::SeriesInfo;

    const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };

    /// Two hundred sites in each of a thousand frames, off by some nm from frame to frame.
    fn record(collector: &mut Collector, series: &Arc<Series>, tile: impl Fn(u32) -> u32) -> usize {
        let (jobs, inbox) = crossbeam_channel::bounded(1);
        let mut measured = 0;
        for frame in 0..1000u32 {
            let off = |salt: u32| ((frame * 7919 + salt * 104_729) % 601) as f32 / 1000.0 - 0.3;
            let at = |i: u32| Localization {
                frame,
                x_px: 5.0 + (i * 37 % 61) as f32 / 1.7 + off(i),
                y_px: 5.0 + (i * 11 % 59) as f32 / 1.9 + off(i + 1000),
                ..Localization::default()
            };
            let found: Vec<_> = (0..200).map(at).collect();
            let info =
                FrameInfo { tile: Tile { index: tile(frame), ..Tile::default() }, ..FrameInfo::default() };
            collector.take(series, &info, &found, PIXEL);
            collector.offer(series, &jobs);
            inbox.try_iter().for_each(|job| {
                if let FileJob::Resolution(job) = job {
                    run(&job);
                    measured += 1;
                }
            });
        }
        measured
    }

    #[test]
    fn a_series_is_measured_now_and_then_as_it_grows() {
        let series = Arc::new(Series::new(SeriesInfo::default(), Filter::default()));
        let measured = record(&mut Collector::default(), &series, |_| 0);
        assert!((10..20).contains(&measured), "{measured} times");
        let resolution = series.exit().resolution.expect("it was measured");
        assert!(resolution.frc.is_ok_and(|nm| (20.0..200.0).contains(&nm.0)), "{resolution:?}");
    }

    #[test]
    fn a_scan_has_no_resolution_and_says_why() {
        let series = Arc::new(Series::new(SeriesInfo::default(), Filter::default()));
        assert!(record(&mut Collector::default(), &series, |frame| frame / 500) > 0);
        assert_eq!(series.exit().resolution.map(|r| r.frc), Some(Err(Missing::OfAScan)));
    }
}
