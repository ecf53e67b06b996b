//! Runs a picture bundle's golden window again and compares with what its maker's reference drew.

use super::{Painter, PainterError};
use crate::bundle::read_proven;
use crate::golden::GoldenError;
use crate::npy::{Npy, Values};

/// Pictures are kept at every so many pixels of each axis.
const STEP: usize = 4;
/// Largest difference of a pixel that passes, of 0 to 1.
pub const TOLERANCE: f32 = 5e-4;

/// One way to draw the golden window.
#[derive(Clone, Debug, PartialEq)]
pub struct GoldenDifference {
    /// `sparse`, `both` or `widefield`.
    pub inputs: &'static str,
    pub picture: f32,
    pub estimate: f32,
}

impl GoldenDifference {
    pub fn passes(&self) -> bool {
        self.picture <= TOLERANCE && self.estimate <= TOLERANCE
    }
}

/// Draws the golden window from localizations, from both, and from the widefield.
pub fn check(painter: &mut Painter) -> Result<Vec<GoldenDifference>, GoldenError> {
    let side = painter.window_px();
    let counts = plane(painter, "counts.npy", side)?;
    let widefield: Vec<f32> = plane(painter, "widefield.npy", side)?.iter().map(|v| v / 255.0).collect();
    let cases = ["sparse", "both", "widefield"].map(|inputs| {
        let painted = match inputs {
            "sparse" => painter.paint(&counts, None),
            "both" => painter.paint(&counts, Some(&widefield)),
            _ => painter.paint_widefield(&widefield),
        };
        let painted = painted.map_err(painter_failed)?;
        let difference = |name: &str, found: &[f32], side: usize| {
            let expected = plane(painter, &format!("{inputs}_{name}.npy"), side.div_ceil(STEP))?;
            let kept = (0..side).step_by(STEP).flat_map(|y| (0..side).step_by(STEP).map(move |x| (y, x)));
            let apart = kept.zip(&expected).map(|((y, x), expected)| (found[y * side + x] - expected).abs());
            Ok::<_, GoldenError>(apart.fold(0.0, f32::max))
        };
        Ok(GoldenDifference {
            inputs,
            picture: difference("picture", &painted.picture, side)?,
            estimate: difference("estimate", &painted.estimate, side / super::ESTIMATE_STEP)?,
        })
    });
    cases.into_iter().collect()
}

fn painter_failed(error: PainterError) -> GoldenError {
    GoldenError::Painter(Box::new(error))
}

/// A square of bytes or f32 with `side` pixels.
fn plane(painter: &Painter, name: &str, side: usize) -> Result<Vec<f32>, GoldenError> {
    let card = painter.card();
    let golden = card.golden.as_ref().ok_or_else(|| GoldenError::None(card.name.clone()))?;
    let file = || name.to_owned();
    let expected = golden.sha256.get(name).ok_or_else(|| GoldenError::File {
        file: file(),
        problem: "the card does not name it; export the bundle again".to_owned(),
    })?;
    let bytes = read_proven(&painter.bundle.folder.join("golden"), name, expected)?;
    let array = Npy::read(&bytes).map_err(|error| GoldenError::Npy { file: file(), error })?;
    if array.shape != [side, side] {
        let problem = format!("{:?} is not the shape [{side}, {side}]", array.shape);
        return Err(GoldenError::File { file: file(), problem });
    }
    match array.values {
        Values::F32(values) => Ok(values),
        Values::U8(values) => Ok(values.into_iter().map(f32::from).collect()),
        Values::U16(values) => Ok(values.into_iter().map(f32::from).collect()),
    }
}
