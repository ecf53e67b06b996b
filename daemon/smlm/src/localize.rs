//! From DECODE's output tensor to localizations.
//!
//! In: ten channels per pixel, borrowed from the engine, and a rule. Out: localizations in the inside
//! convention of [`crate::units`], appended to the caller's vector. Never: allocates beyond that vector.
//!
//! DECODE's own x runs along rows and its origin is the tensor's first pixel; both end here. The probability
//! map is integrated over neighbouring pixels as in Speiser et al. 2021, Methods, "Obtaining localizations
//! and postprocessing", in the form of the published code (`SpatialIntegration`): a candidate is a maximum
//! of its 3 x 3 pixels, not of four. Ties are all kept; everything but the probability is read at the
//! maximum. Where the published code would take a pixel of exactly 0 among candidates-free neighbours for a
//! maximum, this does not: the network's probabilities begin at 0.0003, so only padding could tell.

use crate::frame::{FrameInfo, Shape};
use crate::localization::{Filter, Localization};
use crate::tiling::Rect;

/// Channels of DECODE's output, in order.
pub const CHANNELS: usize = 10;

/// A network's output for one window and one tile.
#[derive(Clone, Copy, Debug)]
pub struct DecodeTensor<'a> {
    /// [10, height, width]: p, photons, x (along rows), y (along columns), z, their σ in the same order
    /// (photons, x, y, z), background; x, y and their σ in px, the rest in units of [`OutputScale`].
    pub data: &'a [f32],
    pub height: u32,
    pub width: u32,
    /// The camera frame. Pixels outside are padding: they take part in maxima and sums and yield nothing.
    pub frame: Shape,
    /// Row and column in the frame of the tensor's first pixel; negative where padding stands before it.
    pub origin: (i32, i32),
    /// The part of the tensor whose maxima count: all of it, or [`crate::tiling::Tile::core_in_input`].
    pub core: Rect,
}

/// What the card multiplies outputs with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutputScale {
    pub photons: f32,
    /// nm; 0 for a model that does not say z.
    pub z_nm: f32,
    pub background: f32,
}

/// When a pixel becomes a localization. `P` is the sum of p over the pixel and its four neighbours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// The paper's: p > `candidate` at a maximum, or p > `second` anywhere; and P > `accept`.
    Paper { candidate: f32, second: f32, accept: f32 },
    /// The published code's `raw_th`, 0 to 1: p > `raw_th` at a maximum, or p > 0.6 anywhere; and P >= `raw_th`.
    RawThreshold(f32),
}

impl Default for Rule {
    fn default() -> Self {
        Self::Paper { candidate: 0.3, second: 0.6, accept: 0.7 }
    }
}

/// DECODE's `_split_th`: what [`Rule::RawThreshold`] takes for `second`.
pub const SECOND_OF_CODE: f32 = 0.6;

/// What became of the maxima of one tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Found {
    /// Appended to the output.
    pub kept: usize,
    /// Outside the limits of the filter.
    pub filtered: usize,
    /// A value of a maximum, or a probability anywhere, was not finite: a fault of the model or its input.
    pub not_finite: usize,
}

/// A tensor whose parts do not fit each other: the engine's fault, not the data's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BadTensor {
    #[error("the network's output has {found} values where {CHANNELS} x {height} x {width} are needed")]
    Length { found: usize, height: u32, width: u32 },
    #[error("the core {core:?} does not lie in a network output of {height} x {width} px")]
    Core { core: Rect, height: u32, width: u32 },
}

/// Pixels looked at in one step of the scan: one cache line of p.
const STRIDE: usize = 16;

/// Appends the localizations of `tensor` to `out`, in reading order.
pub fn localize(
    tensor: &DecodeTensor<'_>,
    scale: &OutputScale,
    rule: Rule,
    filter: &Filter,
    info: &FrameInfo,
    out: &mut Vec<Localization>,
) -> Result<Found, BadTensor> {
    let field = Field::new(tensor)?;
    let least = rule.least();
    let mut found = Found::default();
    for row in field.rows() {
        let columns = field.columns();
        let line = &field.p[row * field.width..][columns.clone()];
        for (step, pixels) in line.chunks(STRIDE).enumerate() {
            if !pixels.iter().fold(false, |any, &p| any | matters(p, least)) {
                continue;
            }
            for (offset, _) in pixels.iter().enumerate().filter(|(_, p)| matters(**p, least)) {
                let column = columns.start + step * STRIDE + offset;
                let Some(probability) = field.judge(row, column, rule) else { continue };
                let localization = field.read(row, column, probability, scale, info);
                if !is_finite(&localization) {
                    found.not_finite += 1;
                } else if filter.keeps(&localization) {
                    found.kept += 1;
                    out.push(localization);
                } else {
                    found.filtered += 1;
                }
            }
        }
    }
    Ok(found)
}

impl Rule {
    const fn thresholds(self) -> (f32, f32) {
        match self {
            Self::Paper { candidate, second, .. } => (candidate, second),
            Self::RawThreshold(raw_th) => (raw_th, SECOND_OF_CODE),
        }
    }

    /// No pixel at or below this can become a localization.
    const fn least(self) -> f32 {
        let (candidate, second) = self.thresholds();
        candidate.min(second)
    }

    fn accepts(self, sum: f32) -> bool {
        match self {
            Self::Paper { accept, .. } => sum > accept,
            Self::RawThreshold(raw_th) => sum >= raw_th,
        }
    }
}

/// A checked tensor.
struct Field<'a> {
    p: &'a [f32],
    tensor: DecodeTensor<'a>,
    height: usize,
    width: usize,
}

impl<'a> Field<'a> {
    fn new(tensor: &DecodeTensor<'a>) -> Result<Self, BadTensor> {
        let DecodeTensor { data, height, width, core, .. } = *tensor;
        let pixels = height as usize * width as usize;
        if pixels.checked_mul(CHANNELS) != Some(data.len()) {
            return Err(BadTensor::Length { found: data.len(), height, width });
        }
        let fits =
            |start: u32, length: u32, side: u32| start.checked_add(length).is_some_and(|end| end <= side);
        if !fits(core.row, core.height, height) || !fits(core.column, core.width, width) {
            return Err(BadTensor::Core { core, height, width });
        }
        Ok(Self { p: &data[..pixels], tensor: *tensor, height: height as usize, width: width as usize })
    }

    /// Rows of the core that are rows of the frame.
    fn rows(&self) -> std::ops::Range<usize> {
        let core = self.tensor.core;
        within(self.tensor.origin.0, self.tensor.frame.height, core.row, core.end_row())
    }

    /// Columns of the core that are columns of the frame.
    fn columns(&self) -> std::ops::Range<usize> {
        let core = self.tensor.core;
        within(self.tensor.origin.1, self.tensor.frame.width, core.column, core.end_column())
    }

    /// The probability of a localization at this pixel, if the rule sees one; NaN where the network's is.
    fn judge(&self, row: usize, column: usize, rule: Rule) -> Option<f32> {
        let (candidate, second) = rule.thresholds();
        let p = self.p[row * self.width + column];
        if p.is_nan() {
            return Some(p);
        }
        let considered = p > second || (p > candidate && self.is_maximum(row, column, p));
        if !considered {
            return None;
        }
        let sum = self.plus(row, column, p);
        rule.accepts(sum).then_some(sum.min(1.0))
    }

    /// No neighbour of the 3 x 3 is larger. Clipping the map below the candidate threshold first, as the
    /// published code does, changes nothing for a pixel above it.
    fn is_maximum(&self, row: usize, column: usize, p: f32) -> bool {
        let columns = column.saturating_sub(1)..(column + 2).min(self.width);
        (row.saturating_sub(1)..(row + 2).min(self.height))
            .all(|r| self.p[r * self.width..][columns.clone()].iter().all(|&other| other <= p))
    }

    /// p and its four neighbours, unclipped; nothing beyond the tensor.
    fn plus(&self, row: usize, column: usize, p: f32) -> f32 {
        let at = row * self.width + column;
        let up = if row > 0 { self.p[at - self.width] } else { 0.0 };
        let down = if row + 1 < self.height { self.p[at + self.width] } else { 0.0 };
        let left = if column > 0 { self.p[at - 1] } else { 0.0 };
        let right = if column + 1 < self.width { self.p[at + 1] } else { 0.0 };
        up + left + p + right + down
    }

    fn read(
        &self,
        row: usize,
        column: usize,
        probability: f32,
        scale: &OutputScale,
        info: &FrameInfo,
    ) -> Localization {
        let pixels = self.height * self.width;
        let value = |channel: usize| self.tensor.data[channel * pixels + row * self.width + column];
        let (origin_row, origin_column) = self.tensor.origin;
        Localization {
            frame: u32::try_from(info.id.seq.0).unwrap_or(u32::MAX),
            tile: info.tile.index,
            x_px: (column as i64 + i64::from(origin_column)) as f32 + value(3),
            y_px: (row as i64 + i64::from(origin_row)) as f32 + value(2),
            z_nm: scale.z_nm * value(4),
            photons: scale.photons * value(1),
            background: scale.background * value(9),
            sigma_x_px: value(7),
            sigma_y_px: value(6),
            sigma_z_nm: scale.z_nm * value(8),
            sigma_photons: scale.photons * value(5),
            probability,
        }
    }
}

/// Above the least that a rule looks at, or NaN, which must not pass for an empty field.
fn matters(p: f32, least: f32) -> bool {
    p > least || p.is_nan()
}

/// The part of `start..end` (tensor) that lies in `0..side` (frame).
fn within(origin: i32, side: u32, start: u32, end: u32) -> std::ops::Range<usize> {
    let clamp = |at: i64| at.clamp(i64::from(start), i64::from(end)) as usize;
    clamp(-i64::from(origin))..clamp(i64::from(side) - i64::from(origin))
}

fn is_finite(l: &Localization) -> bool {
    let values = [
        [l.x_px, l.y_px, l.z_nm, l.photons, l.background],
        [l.sigma_x_px, l.sigma_y_px, l.sigma_z_nm, l.sigma_photons, l.probability],
    ];
    values.as_flattened().iter().all(|value| value.is_finite())
}

#[cfg(test)]
#[path = "localize_tests.rs"]
mod tests;
