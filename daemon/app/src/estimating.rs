//! Looks at the beginning of each series and says what microscope and sample it shows, and whether the network fits.
//!
//! Comes in: the first frames of a series, on the infer thread; later the sample they make, on the files thread. Goes
//! out: the estimate in the series, and warnings. Never: more on the infer thread than copying a crop of at most
//! [`SIDE_PX`]² pixels of at most [`FRAMES`] frames; a wait.

use std::sync::Arc;

use crossbeam_channel::{Sender, TrySendError};
use infer::card::{Astigmatism, Card, Setup, Span, reasons};
use smlm::estimate::{Estimate, FRAMES, Given, Measured, PsfShape, SIDE_PX, Sample, busiest, estimate};
use smlm::frame::{Continuity, FrameInfo};
use smlm::series::Channel;
use smlm::units::{Camera, PixelSize};

use crate::files::FileJob;
use crate::live::Series;
use crate::localizer::Lane;

const _: () = assert!(SIDE_PX as usize * SIDE_PX as usize * FRAMES * 2 <= 8 << 20, "8 MiB per open series");

/// Collects the sample of a series.
pub struct Collector {
    sample: Option<Box<Sample>>,
    last: Option<FrameInfo>,
    done: bool,
}

impl Collector {
    /// `wanted`: otherwise nothing is ever collected.
    pub fn new(wanted: bool) -> Self {
        Self { sample: None, last: None, done: !wanted }
    }

    /// Takes a frame in, if it is one of the first. `bytes` are its pixels.
    pub fn take(&mut self, info: &FrameInfo, bytes: &[u8]) {
        if self.done || self.is_full() {
            return;
        }
        let (shape, kind) = (info.shape, info.pixel_type);
        let sample = self
            .sample
            .get_or_insert_with(|| Box::new(Sample::with_room(busiest(bytes, shape, kind), FRAMES)));
        let alike = |last: &FrameInfo| last.shape == shape && last.pixel_type == kind;
        if self.last.as_ref().is_some_and(|last| !alike(last)) {
            return;
        }
        let follows = self.last.as_ref().is_some_and(|last| {
            last.tile.index == info.tile.index
                && last.id.seq.0 + 1 == info.id.seq.0
                && info.continuity == Continuity::Burst
        });
        sample.push(bytes, shape, kind, follows);
        self.last = Some(*info);
    }

    fn is_full(&self) -> bool {
        self.sample.as_ref().is_some_and(|sample| sample.is_full())
    }

    /// The sample, once: when it is full, or at the series' end as it is.
    pub fn ready(&mut self, ended: bool) -> Option<Box<Sample>> {
        if self.done || !(ended || self.is_full()) {
            return None;
        }
        self.done = true;
        self.sample.take()
    }

    /// Nobody could take the sample: it is offered again.
    pub fn put_back(&mut self, sample: Box<Sample>) {
        self.sample = Some(sample);
        self.done = false;
    }
}

/// Where beginnings of series leave the infer thread.
pub struct SampleOutlet {
    /// Series are looked at.
    pub wanted: bool,
    /// Where the publisher does not know it.
    pub pixel_size: PixelSize,
    /// Of the network; `None` for engines without one.
    pub card: Option<Arc<Card>>,
    /// To the files stage.
    pub jobs: Sender<FileJob>,
}

impl SampleOutlet {
    /// Hands a complete sample over. Nobody waits for that: where the files stage is busy it is offered again with the
    /// next frames, and dropped at the series' end.
    pub fn offer(&self, lane: &mut Lane, ended: bool) {
        if lane.channel == Channel::Widefield || self.jobs.is_full() {
            return;
        }
        let Some(sample) = lane.collector.ready(ended) else { return };
        let pixel = lane.series.info().pixel_size_or(self.pixel_size);
        let given = Given { pixel, camera: Some(lane.camera) };
        let job = Job { series: lane.series.clone(), sample, given, card: self.card.clone() };
        let sent = self.jobs.try_send(FileJob::Estimate(job));
        if let Err(TrySendError::Full(FileJob::Estimate(job))) = sent {
            lane.collector.put_back(job.sample);
        }
    }
}

/// A sample that is to be looked at.
pub struct Job {
    pub series: Arc<Series>,
    pub sample: Box<Sample>,
    pub given: Given,
    /// Of the network that runs; `None` for engines without one.
    pub card: Option<Arc<Card>>,
}

/// Estimates and publishes with the series. Takes a second or so of one core.
pub fn run(job: &Job) {
    let found = estimate(&job.sample, &job.given);
    match &found {
        Ok(estimate) => {
            let mut warnings = misfits(estimate, job.given.pixel, job.card.as_deref());
            warnings.extend(job.given.camera.and_then(|camera| wrong_camera(estimate, camera)));
            warnings.iter().for_each(|text| job.series.warn(text));
            tracing::info!(series = %job.series.id, "{}", crate::summary::estimate::lines(estimate, 0).trim_end().replace('\n', "; "));
        }
        Err(trouble) => tracing::info!(series = %job.series.id, %trouble, "no estimate of optics and sample"),
    }
    job.series.exit().estimate = Some(Arc::new(found));
}

fn misfits(estimate: &Estimate, pixel: PixelSize, card: Option<&Card>) -> Vec<String> {
    let Some(card) = card else { return Vec::new() };
    let setup = Setup { pixel_size: pixel, ..setup(estimate, pixel, card) };
    // The pixel size is warned of as soon as it is known.
    let reasons = reasons(card, &setup).into_iter().filter(|reason| !reason.starts_with("pixel"));
    reasons.map(|reason| format!("the network does not fit this recording: {reason}")).collect()
}

/// What an estimate says to a card. A number that may as well lie within the card's range counts as inside.
pub fn setup(estimate: &Estimate, pixel: PixelSize, card: &Card) -> Setup {
    let range = &card.range;
    let value = |found: Option<Measured>, span: Span| {
        let m = found?;
        let unsure = 2.0 * m.sd;
        let near = m.value >= span.low - unsure && m.value <= span.high + unsure;
        Some(if near { m.value.clamp(span.low, span.high) } else { m.value })
    };
    let psf = estimate.psf.ok();
    Setup {
        pixel_size: pixel,
        psf_sigma_nm: value(psf.map(|psf| psf.sigma_nm), range.psf_sigma_nm),
        photons: value(estimate.photons.ok().map(|photons| photons.median), range.photons),
        background_photons: value(estimate.background.ok().map(|b| b.median), range.background_photons),
        density_per_um2: value(estimate.density_per_um2.ok(), range.density_per_um2),
        astigmatism: psf.and_then(|psf| match psf.shape {
            PsfShape::Round => Some(Astigmatism::None),
            PsfShape::Astigmatic { .. } => Some(Astigmatism::AlongAxes),
            PsfShape::DiagonallyAstigmatic => Some(Astigmatism::AlongDiagonals),
            PsfShape::Unclear => None,
        }),
    }
}

/// A given calibration that the noise contradicts: every number of photons is then wrong.
pub fn wrong_camera(estimate: &Estimate, camera: Camera) -> Option<String> {
    const FACTOR: f64 = 1.4;
    let (excess, slope) = (estimate.noise.excess.ok()?, estimate.noise.transfer_adu.ok()?);
    let expected = if camera.em_gain.is_some() { 2.0 } else { 1.0 };
    let off = excess.value / expected;
    let sure = (excess.value - expected).abs() > 3.0 * excess.sd;
    if !sure || (1.0 / FACTOR..FACTOR).contains(&off) {
        return None;
    }
    let (seen, given) = (slope.value / expected, camera.em_gain.unwrap_or(1.0) / camera.e_per_adu);
    Some(format!(
        "the noise shows {seen:.2} ADU per photo-electron where the camera's calibration says {given:.2}: all photons \
         are off by a factor of {off:.2}; correct camera.e_per_adu (or camera.em_gain) or what the publisher sends"
    ))
}

#[cfg(test)]
#[path = "estimating/tests.rs"]
mod tests;
