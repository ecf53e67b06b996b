//! How good localizations are, judged against the truth: which belongs to which, and the scores.
//!
//! In: true and found points in nm. Out: pairs and scores. Never: pixels, files, foreign conventions.

mod assignment;
mod matching;
mod score;

pub use matching::{Gate, MAX_PAIRS_PER_FRAME, MAX_POINTS_PER_FRAME, MatchError, Matcher, Pair};
pub use score::{Scores, Tally, evaluate};

/// An emitter in a frame, true or found. Any origin and axes will do, if both sides use the same.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Point {
    pub frame: u32,
    pub x_nm: f64,
    pub y_nm: f64,
    pub z_nm: f64,
}

#[cfg(test)]
mod tests;
