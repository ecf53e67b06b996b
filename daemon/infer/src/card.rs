//! A model bundle's card: what the model was made for and how its files are to be used.
//!
//! In: the text of a `card.toml`. Out: a [`Card`], or every problem of the text at once, each with its
//! field. Never: a default for something that changes numbers, an unknown key passed over, another file.

pub(crate) mod fields;
mod fit;
pub(crate) mod read;

use std::collections::BTreeMap;

use smlm::localize::{OutputScale, Rule};
use smlm::units::Camera;

pub use fit::{Astigmatism, Misfit, Setup, check_fit, reasons};

use crate::pixels::Scaling;

/// The version of the card's own layout.
pub const SCHEMA: i64 = 1;
/// DECODE's ten outputs, in order.
pub const CHANNELS: [&str; smlm::localize::CHANNELS] =
    ["p", "photons", "x", "y", "z", "photons_sigma", "x_sigma", "y_sigma", "z_sigma", "background"];

/// A card that has been read whole and found consistent.
#[derive(Clone, Debug, PartialEq)]
pub struct Card {
    pub name: String,
    pub version: String,
    pub description: String,
    pub licence: String,
    pub graphs: Graphs,
    /// `fp32`, `fp16` or `int8`: inside; what goes in and out is always f32.
    pub precision: String,
    /// File name to lower-case hexadecimal digest.
    pub sha256: BTreeMap<String, String>,
    pub network: Network,
    pub input: Scaling,
    pub output: OutputScale,
    pub rule: Rule,
    pub range: Range,
    pub psf: Psf,
    /// How the model was made; free.
    pub training: toml::Table,
    /// What it reached; free.
    pub metrics: Vec<toml::Table>,
    pub golden: Option<Golden>,
}

/// The ONNX files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Graphs {
    /// `frame` runs once per frame, `context` once per window on three frames' features.
    Split { frame: String, context: String },
    /// One graph with a three-frame (or one-frame) input.
    Single { model: String },
}

impl Graphs {
    /// File names, in the order in which they run.
    pub fn files(&self) -> Vec<&str> {
        match self {
            Self::Split { frame, context } => vec![frame, context],
            Self::Single { model } => vec![model],
        }
    }
}

/// The network's geometry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Network {
    /// 1 or 3.
    pub window_frames: u32,
    /// Channels of the frame graph's output; 0 where there is none.
    pub features: u32,
    /// An output pixel depends on input pixels at most this far away.
    pub halo_px: u32,
    /// Sides of the input are multiples of this.
    pub grid_px: u32,
    pub mflop_per_px: f64,
}

/// From and to, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    pub low: f64,
    pub high: f64,
}

impl Span {
    pub fn holds(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.low, self.high)
    }
}

/// What the model has seen while it was trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    pub pixel_size_nm: Span,
    pub psf_sigma_nm: Span,
    pub photons: Span,
    pub background_photons: Span,
    /// Emitters that shine, per µm² and frame.
    pub density_per_um2: Span,
    pub z_nm: Span,
}

/// The PSF that the model was trained with.
#[derive(Clone, Debug, PartialEq)]
pub struct Psf {
    /// `gaussian`, `astigmatic`, `spline`, ...
    pub kind: String,
    /// Of an astigmatic or measured PSF: width in focus, distance of both foci from the focal plane, depth of focus.
    pub sigma_nm: Option<Span>,
    pub focus_nm: Option<Span>,
    pub depth_nm: Option<Span>,
    /// Of a measured PSF: the file that it came from and its digest.
    pub file: Option<String>,
    pub sha256: Option<String>,
}

impl Psf {
    /// Whether emitters at different z are wide along different axes; `None` where the kind does not say.
    pub fn astigmatic(&self) -> Option<bool> {
        match self.kind.as_str() {
            "gaussian" => Some(false),
            "astigmatic" => Some(true),
            _ => None,
        }
    }
}

/// Frames with known results.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden {
    pub camera: Camera,
    /// Within the folder `golden`.
    pub sha256: BTreeMap<String, String>,
}

/// Every problem of a card's text.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[error("{file}: {}", .problems.join("; "))]
#[must_use]
pub struct BadCard {
    pub file: String,
    /// Each begins with the field.
    pub problems: Vec<String>,
}

#[cfg(test)]
#[path = "card/tests.rs"]
mod tests;
