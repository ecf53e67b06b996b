//! Whether a super-resolved picture explains the widefield picture of the same field (SQUIRREL: Culley et al. 2018,
//! Nature Methods 15, 263, Online Methods).
//!
//! In: both pictures at one pixel size, in any units. Out: the blur, scale and offset that make the one of the other, how
//! well that goes, and what the widefield should then look like. Never: a shift of one against the other; a judgement of
//! anything finer than the widefield's resolution.
//!
//! `W ≈ α (I ⊗ RSF) + β` with a Gaussian RSF. For a given σ the α and β of least squares have a closed form, and what
//! is left falls as Pearson's r of W and the blurred picture rises, so that only σ is searched for.

use crate::frame::Shape;
use crate::grey::{Border, Grey, blur};

/// σ that are tried before the best of them is refined; a picture of dots may have more than one good σ.
const COARSE: usize = 8;
/// Golden sections after that: the bracket shrinks by 0.618 each, to about a hundredth of σ.
const SECTIONS: usize = 10;
const GOLDEN: f64 = 0.618_033_988_749_895;

/// Why a picture cannot be held against a widefield.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[must_use]
pub enum SquirrelError {
    #[error(
        "the picture has {} x {} pixels, the widefield {} x {}: they must be of one shape",
        picture.width, picture.height, widefield.width, widefield.height
    )]
    Shapes { picture: Shape, widefield: Shape },
    #[error("the {0} picture is even: nothing in it can be compared")]
    Even(&'static str),
    #[error("sigma must lie between {0} and {1} px, both above 0 and in this order")]
    Sigmas(f64, f64),
}

/// What makes the widefield of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolution {
    /// Widefield per unit of the picture; 0 where the two contradict each other.
    pub alpha: f64,
    /// Widefield where the picture is 0.
    pub beta: f64,
    /// Standard deviation of the resolution scaling function.
    pub sigma_px: f64,
    /// Resolution-scaled Pearson correlation, -1 to 1; independent of the units of both pictures.
    pub rsp: f64,
    /// Resolution-scaled error: root mean square of `W − (α I ⊗ RSF + β)`, in the unit of the widefield.
    pub rse: f64,
}

/// The best fit and the widefield that it expects, in the unit of the widefield.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    pub fit: Resolution,
    pub expected: Grey,
}

impl Explained {
    /// `|W − (α I ⊗ RSF + β)|` at every pixel, in the unit of the widefield.
    pub fn error(&self, widefield: &Grey) -> Grey {
        let pairs = widefield.values().iter().zip(self.expected.values());
        Grey::of(widefield.shape(), pairs.map(|(w, e)| (w - e).abs()).collect())
    }
}

/// Fits α ≥ 0, β and σ between `sigmas_px` (lowest, highest). Takes some 30 blurs of the picture.
///
/// # Errors
/// The pictures are not of one shape, one of them is even, or the limits of σ are none.
pub fn explain(picture: &Grey, widefield: &Grey, sigmas_px: (f64, f64)) -> Result<Explained, SquirrelError> {
    let (low, high) = sigmas_px;
    if picture.shape() != widefield.shape() {
        return Err(SquirrelError::Shapes { picture: picture.shape(), widefield: widefield.shape() });
    }
    if !(low > 0.0 && high > low && high.is_finite()) {
        return Err(SquirrelError::Sigmas(low, high));
    }
    for (name, one) in [("super-resolved", picture), ("widefield", widefield)] {
        let (low, high) = one.range();
        if low >= high {
            return Err(SquirrelError::Even(name));
        }
    }
    let at = |sigma_px: f64| Line::new(&blur(picture, sigma_px, Border::Repeat), widefield).rsp();
    let sigma_px = best(at, (low, high));
    let blurred = blur(picture, sigma_px, Border::Repeat);
    let fit = Line::new(&blurred, widefield).fit(sigma_px);
    let expected = blurred.map(|value| (fit.alpha * f64::from(value) + fit.beta) as f32);
    Ok(Explained { fit, expected })
}

/// Where `value` is largest, on a logarithmic scale.
fn best(value: impl Fn(f64) -> f64, (low, high): (f64, f64)) -> f64 {
    let step = (high / low).ln() / COARSE as f64;
    let at = |i: f64| low * (i * step).exp();
    let coarse: Vec<f64> = (0..=COARSE).map(|i| value(at(i as f64))).collect();
    let top = (0..=COARSE).max_by(|a, b| coarse[*a].total_cmp(&coarse[*b])).unwrap_or(0) as f64;
    let (mut from, mut to) = ((top - 1.0).max(0.0), (top + 1.0).min(COARSE as f64));
    let (mut left, mut right) = (to - GOLDEN * (to - from), from + GOLDEN * (to - from));
    let (mut at_left, mut at_right) = (value(at(left)), value(at(right)));
    for _ in 0..SECTIONS {
        if at_left > at_right {
            (to, right, at_right) = (right, left, at_left);
            left = to - GOLDEN * (to - from);
            at_left = value(at(left));
        } else {
            (from, left, at_left) = (left, right, at_right);
            right = from + GOLDEN * (to - from);
            at_right = value(at(right));
        }
    }
    at((from + to) / 2.0)
}

/// Means, variances and covariance of a blurred picture (x) and a widefield (y).
struct Line {
    means: (f64, f64),
    variances: (f64, f64),
    covariance: f64,
}

impl Line {
    fn new(blurred: &Grey, widefield: &Grey) -> Self {
        let n = blurred.values().len() as f64;
        let mean = |grey: &Grey| grey.values().iter().map(|value| f64::from(*value)).sum::<f64>() / n;
        let means = (mean(blurred), mean(widefield));
        let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
        for (x, y) in blurred.values().iter().zip(widefield.values()) {
            let (x, y) = (f64::from(*x) - means.0, f64::from(*y) - means.1);
            (xx, yy, xy) = (xx + x * x, yy + y * y, xy + x * y);
        }
        Self { means, variances: (xx / n, yy / n), covariance: xy / n }
    }

    fn rsp(&self) -> f64 {
        let (x, y) = self.variances;
        self.covariance / (x * y).sqrt().max(f64::MIN_POSITIVE)
    }

    fn fit(&self, sigma_px: f64) -> Resolution {
        let ((x, y), (variance, whole)) = (self.means, self.variances);
        let alpha = (self.covariance / variance.max(f64::MIN_POSITIVE)).max(0.0);
        let rse = (whole - alpha * self.covariance).max(0.0).sqrt();
        Resolution { alpha, beta: y - alpha * x, sigma_px, rsp: self.rsp(), rse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const SHAPE: Shape = Shape { width: 128, height: 96 };

    /// Points of different brightness.
    fn points(seed: u64) -> Grey {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut values = vec![0.0; SHAPE.pixels()];
        for _ in 0..300 {
            values[random.random_range(0..SHAPE.pixels())] += random.random_range(0.2..3.0);
        }
        Grey::new(SHAPE, values).unwrap()
    }

    fn widefield(picture: &Grey, sigma: f64, noise: f32) -> Grey {
        let mut random = ChaCha8Rng::seed_from_u64(9);
        let blurred = blur(picture, sigma, Border::Repeat);
        let mut values = blurred.values().to_vec();
        values.iter_mut().for_each(|v| *v = 250.0 * *v + 100.0 + noise * random.random_range(-1.0..1.0f32));
        Grey::new(SHAPE, values).unwrap()
    }

    #[test]
    fn blur_scale_and_offset_are_found_again() {
        let picture = points(1);
        for sigma in [0.7, 2.0, 5.5] {
            let found = explain(&picture, &widefield(&picture, sigma, 0.0), (0.3, 10.0)).unwrap().fit;
            assert!((found.sigma_px / sigma - 1.0).abs() < 0.02, "{sigma}: {found:?}");
            assert!(
                (found.alpha / 250.0 - 1.0).abs() < 0.03 && (found.beta - 100.0).abs() < 0.3,
                "{found:?}"
            );
            assert!(found.rsp > 0.999, "{found:?}");
        }
    }

    #[test]
    fn what_is_left_is_the_noise() {
        let picture = points(1);
        let found = explain(&picture, &widefield(&picture, 2.0, 6.0), (0.3, 10.0)).unwrap();
        // Even noise of ±6: 6/√3.
        assert!((found.fit.rse / (6.0 / 3f64.sqrt()) - 1.0).abs() < 0.03, "{:?}", found.fit);
        let error = found.error(&widefield(&picture, 2.0, 6.0));
        let squares = error.values().iter().map(|e| f64::from(e * e)).sum::<f64>() / SHAPE.pixels() as f64;
        assert!((squares.sqrt() / found.fit.rse - 1.0).abs() < 1e-3);
    }

    #[test]
    fn the_units_of_a_picture_do_not_matter() {
        let picture = points(1);
        let widefield = widefield(&picture, 2.0, 6.0);
        let (one, other) = (
            explain(&picture, &widefield, (0.3, 10.0)).unwrap().fit,
            explain(&picture.map(|v| 0.01 * v + 7.0), &widefield, (0.3, 10.0)).unwrap().fit,
        );
        assert!((one.rsp - other.rsp).abs() < 1e-4 && (one.rse / other.rse - 1.0).abs() < 1e-3);
        assert!((other.alpha / one.alpha / 100.0 - 1.0).abs() < 1e-2);
    }

    #[test]
    fn another_sample_explains_nothing() {
        let found = explain(&points(2), &widefield(&points(1), 2.0, 0.0), (0.3, 10.0)).unwrap().fit;
        assert!(found.rsp < 0.4, "{found:?}");
        let negative = points(1).map(|v| -v);
        let found = explain(&negative, &widefield(&points(1), 2.0, 0.0), (0.3, 10.0)).unwrap().fit;
        assert!(found.alpha == 0.0 && found.rsp < 0.0, "{found:?}");
    }

    #[test]
    fn nothing_to_compare_is_an_error() {
        let (even, picture) = (Grey::even(SHAPE, 4.0), points(1));
        assert_eq!(explain(&even, &picture, (0.3, 9.0)), Err(SquirrelError::Even("super-resolved")));
        assert_eq!(explain(&picture, &even, (0.3, 9.0)), Err(SquirrelError::Even("widefield")));
        assert_eq!(explain(&picture, &picture, (2.0, 1.0)), Err(SquirrelError::Sigmas(2.0, 1.0)));
        let small = Grey::even(Shape { width: 2, height: 2 }, 0.0);
        let refused = SquirrelError::Shapes { picture: SHAPE, widefield: small.shape() };
        assert_eq!(explain(&picture, &small, (0.3, 9.0)), Err(refused));
    }
}
