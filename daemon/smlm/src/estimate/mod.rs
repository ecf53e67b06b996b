//! What a recording itself says of its microscope and sample: density, photons, background, on-time, PSF, noise.
//!
//! Comes in: a [`Sample`] of frames, the pixel size, the camera where it is known. Goes out: an [`Estimate`], each
//! number with its deviation, or why it cannot be had. Never: files, threads, clocks; a guess in place of a number;
//! more work than [`FRAMES`] frames of [`SIDE_PX`]² pixels and some thousand fits take.
//!
//! In the order of the work: `correlate` reads the width of the PSF off the flicker, `decay` the on-time and `brightness` the
//! light of an emitter, whatever the crowding; `detect` finds spots; `noise` the background and the photon-transfer curve
//! between them; `emitters` fits those that are alone; `shape` tells round from astigmatic; `camera` makes photons of
//! counts; `assemble` puts the parts together; `ranges` says what to train a network with.

mod assemble;
mod brightness;
mod camera;
mod correlate;
mod decay;
mod detect;
mod emitters;
mod gaussian;
mod noise;
mod ranges;
mod sample;
mod shape;
mod spot_fit;

pub use assemble::estimate;
pub use ranges::Ranges;
pub use sample::{FRAMES, SIDE_PX, Sample, busiest};
pub use shape::{PsfShape, PsfWidth};

use crate::units::{Camera, PixelSize};

/// An emitter counts as visible in a frame in which it sends at least this many photons (DECODE, training details).
pub const VISIBLE_PHOTONS: f64 = 50.0;

/// A number and its standard deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    pub value: f64,
    pub sd: f64,
}

impl Measured {
    fn times(self, factor: f64) -> Self {
        Self { value: self.value * factor, sd: self.sd * factor.abs() }
    }
}

/// From the tenth to the ninetieth percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    pub low: f64,
    pub high: f64,
}

impl Part {
    fn times(self, factor: f64) -> Self {
        Self { low: self.low * factor, high: self.high * factor }
    }
}

/// Why a number cannot be had, as a half sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
#[must_use]
pub struct Missing(pub &'static str);

/// A number, or why there is none.
pub type Finding = Result<Measured, Missing>;

/// What is known beforehand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Given {
    pub pixel: PixelSize,
    /// `None`: read off the photon-transfer curve, as far as that goes.
    pub camera: Option<Camera>,
}

/// What a recording says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    pub frames: usize,
    /// Of the crop that was looked at.
    pub area_um2: f64,
    /// Spots seen in all frames, and emitters that stood alone and were fitted.
    pub spots: usize,
    pub fitted: usize,
    pub psf: Result<PsfWidth, Missing>,
    /// Photons of an emitter in a frame through which it shines.
    pub photons: Result<Photons, Missing>,
    pub background: Result<Background, Missing>,
    /// Emitters of at least [`VISIBLE_PHOTONS`] photons per µm² and frame.
    pub density_per_um2: Finding,
    /// Mean of the exponential on-time.
    pub on_time_frames: Finding,
    pub noise: Noise,
    /// What makes the numbers doubtful, each a sentence.
    pub doubts: Vec<String>,
}

/// Brightness over emitters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Photons {
    pub median: Measured,
    pub part: Part,
    /// Relative standard deviation from emitter to emitter, without that of the measurement.
    pub spread: f64,
}

/// Photons per pixel and frame that do not come from blinking emitters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Background {
    pub median: Measured,
    /// Relative standard deviation over blocks of 16 pixels.
    pub unevenness: f64,
}

/// What the photon-transfer curve says of the camera.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Slope of variance against mean: counts per photo-electron, times the excess noise of a multiplying camera (2).
    pub transfer_adu: Finding,
    /// Counts without light. Given, or where the curve meets zero with a read noise of about 1.6 electrons.
    pub offset_adu: Finding,
    pub read_noise_e: Finding,
    /// Variance of the shot noise per that of photo-electrons: 1, and 2 with electron multiplication. Needs the camera.
    pub excess: Finding,
    /// Part of the counts at the top of the scale.
    pub saturated: f64,
}

/// Nothing can be said at all.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[must_use]
pub enum Trouble {
    #[error("there are {frames} frames and at least {needed} in a row are needed: give a longer recording")]
    TooFewFrames { frames: usize, needed: usize },
    #[error("the frames are {width} x {height} pixels and at least {needed} on each side are needed")]
    TooSmall { width: u32, height: u32, needed: u32 },
    #[error(
        "nothing changes from frame to frame: these are not frames of a camera, or its shutter was closed and its \
         noise was removed; give the raw recording"
    )]
    Constant,
    #[error(
        "{percent:.0} % of the counts are at the top of the scale ({top}): the camera is saturated; record with less \
         light, gain or exposure"
    )]
    Saturated { percent: f64, top: u16 },
    #[error(
        "nothing blinks here: {spots} spots in {frames} frames stand out of the noise; check that the laser was on \
         and the sample in focus, and that this is a blinking recording"
    )]
    NoEmitters { spots: usize, frames: usize },
}
