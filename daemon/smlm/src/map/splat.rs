//! A localization as a Gaussian, integrated over each pixel, cut at 3 σ and normalised to 1.
//!
//! It is separable, so a splat is two short rows of weights; the next level's weights are their pairwise sums,
//! which makes a coarse pixel exactly the sum of its four fine ones.

use super::BLOCK_PX;

const RADIUS_SIGMA: f64 = 3.0;
/// A worse localization is drawn no wider; a splat then touches at most two blocks in each direction.
pub(crate) const SIGMA_MAX_PX: f64 = 10.0;
/// What a localization without a σ gets, in pixels of the finest level.
const SIGMA_UNKNOWN_PX: f64 = 1.0;
const SIGMA_MIN_PX: f64 = 0.05;
const WEIGHTS: usize = BLOCK_PX as usize;
const TABLE: usize = 1536;

/// The weights along one axis.
pub(crate) struct Axis {
    pub first: i32,
    weights: [f32; WEIGHTS],
    len: usize,
}

impl Axis {
    const EMPTY: Self = Self { first: 0, weights: [0.0; WEIGHTS], len: 0 };

    /// Weights from pixel `first` on; their sum is 1.
    pub fn weights(&self) -> &[f32] {
        &self.weights[..self.len]
    }

    fn place(&mut self, weights: &Weights, centre: f64, sigma: f64) {
        let sigma = if sigma > 0.0 { sigma.clamp(SIGMA_MIN_PX, SIGMA_MAX_PX) } else { SIGMA_UNKNOWN_PX };
        let radius = RADIUS_SIGMA * sigma;
        self.first = (centre - radius).floor() as i32;
        self.len = ((centre + radius).floor() as i32 - self.first + 1) as usize;
        let per_px = (TABLE as f64 / (2.0 * radius)) as f32;
        let start = (f64::from(self.first) - (centre - radius)) as f32 * per_px;
        let mut below = 0.0;
        for (i, weight) in self.weights[..self.len].iter_mut().enumerate() {
            let here = weights.below(start + (i + 1) as f32 * per_px);
            *weight = here - below;
            below = here;
        }
    }

    fn halve(&mut self) {
        let odd = (self.first & 1) as usize;
        let len = (self.len + odd).div_ceil(2);
        for i in 0..len {
            // Pixel 2i of the coarse row's first pixel; one before the first weight when that is odd.
            let left = (2 * i).checked_sub(odd).map_or(0.0, |at| self.weights[at]);
            let right = 2 * i + 1 - odd;
            let right = if right < self.len { self.weights[right] } else { 0.0 };
            self.weights[i] = left + right;
        }
        self.first >>= 1;
        self.len = len;
    }
}

/// The normal distribution cut at ±3 σ, from 0 to 1.
pub(crate) struct Weights(Box<[f32]>);

/// A localization's rows of weights.
pub(crate) struct Splat {
    x: Axis,
    y: Axis,
}

impl Splat {
    pub const EMPTY: Self = Self { x: Axis::EMPTY, y: Axis::EMPTY };

    /// Centre and σ in pixels of the level, counted from the corner of pixel 0.
    pub fn place(&mut self, weights: &Weights, centre: (f64, f64), sigma: (f64, f64)) {
        self.x.place(weights, centre.0, sigma.0);
        self.y.place(weights, centre.1, sigma.1);
    }

    /// The same splat one level up.
    pub fn halve(&mut self) {
        self.x.halve();
        self.y.halve();
    }

    pub fn x(&self) -> &Axis {
        &self.x
    }

    pub fn y(&self) -> &Axis {
        &self.y
    }
}

impl Weights {
    /// Simpson's rule over the density; the ends are exactly 0 and 1.
    pub fn new() -> Self {
        let step = 2.0 * RADIUS_SIGMA / TABLE as f64;
        let density = |t: f64| (-0.5 * t * t).exp();
        let mut sum = 0.0;
        let mut table = vec![0.0; TABLE + 1];
        for i in 0..TABLE {
            let t = -RADIUS_SIGMA + i as f64 * step;
            sum += (density(t) + 4.0 * density(t + step / 2.0) + density(t + step)) * step / 6.0;
            table[i + 1] = sum;
        }
        Self(table.iter().map(|part| (part / sum) as f32).collect())
    }

    /// The part of the distribution below `at` steps of the table.
    fn below(&self, at: f32) -> f32 {
        if at >= TABLE as f32 {
            return 1.0;
        }
        let at = at.max(0.0);
        let i = at as usize;
        self.0[i] + (at - i as f32) * (self.0[i + 1] - self.0[i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_sum_to_one_at_every_level_and_sigma() {
        let (weights, mut splat) = (Weights::new(), Splat::EMPTY);
        for sigma in [f64::NAN, 0.0, 0.001, 0.3, 1.0, 4.7, 99.0] {
            splat.place(&weights, (-130.3, 63.999), (sigma, 1.0));
            for _ in 0..5 {
                let sum: f32 = splat.x().weights().iter().sum();
                assert!((sum - 1.0).abs() < 1e-5, "σ {sigma}: {sum}");
                splat.halve();
            }
        }
    }

    #[test]
    fn weights_are_the_gaussian_integrated_over_pixels() {
        let (weights, mut splat) = (Weights::new(), Splat::EMPTY);
        splat.place(&weights, (10.5, 0.0), (1.0, 1.0));
        // Centred on pixel 10: it holds Φ(0.5) − Φ(−0.5) = 0.38292, its neighbours 0.24173, of 0.99730.
        let x = splat.x();
        let at = |pixel: i32| x.weights()[(pixel - x.first) as usize];
        assert!((at(10) - 0.38292 / 0.99730).abs() < 1e-4);
        assert!((at(9) - 0.24173 / 0.99730).abs() < 1e-4 && (at(11) - at(9)).abs() < 1e-5);
    }
}
