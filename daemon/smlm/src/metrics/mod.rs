//! How good localizations are, judged against the truth: which belongs to which, the scores, and where they are good.
//!
//! In: true and found emitters in nm. Out: pairs, scores, a report. Never: pixels' indices, files, foreign conventions.

mod assignment;
mod bins;
mod bound;
mod calibration;
mod linearity;
mod matches;
mod matching;
mod report;
mod score;
mod subpixel;

pub use bins::{Bin, NEIGHBOUR_NM};
pub use bound::Optics;
pub use calibration::{Calibration, CalibrationBin};
pub use linearity::{Linearity, LinearityBin};
pub use matches::Matches;
pub use matching::{Gate, MAX_PAIRS_PER_FRAME, MAX_POINTS_PER_FRAME, MatchError, Matcher, Pair};
pub use report::{Question, Report, judge};
pub use score::{Scores, Tally, evaluate};
pub use subpixel::{BINS as SUBPIXEL_BINS, Subpixel};

/// An emitter's place in a frame, true or found. Any origin and axes will do, if both sides use the same.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Point {
    pub frame: u32,
    pub x_nm: f64,
    pub y_nm: f64,
    pub z_nm: f64,
}

/// An emitter in a frame with what a table says of it; `None` where it says nothing.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Emitter {
    /// From the corner of the first pixel.
    pub at: Point,
    pub photons: Option<f64>,
    /// Photons per pixel.
    pub background: Option<f64>,
    /// Predicted σ along x, y, z; 0 where there is none.
    pub sigma_nm: Option<[f64; 3]>,
}

#[cfg(test)]
mod tests;
