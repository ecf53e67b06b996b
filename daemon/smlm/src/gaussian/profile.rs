//! A Gaussian on the pixels of a line, in single precision and without a call to the mathematics library.
//!
//! In: centre and width in px. Out: the part of the light in each pixel, and how that changes. Never: data.
//!
//! Plain loops over arrays of fixed length, so that the compiler does several pixels at once.

/// What the pixels of a line get of a Gaussian along it; 0 beyond the last pixel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Profile<const W: usize> {
    /// Part of the light, 0 to 1. Off by at most 2e-7.
    pub part: [f32; W],
    /// By the centre, per px.
    pub by_centre: [f32; W],
    /// By the width, per px.
    pub by_sigma: [f32; W],
}

impl<const W: usize> Profile<W> {
    /// On the pixels 0 to `side - 1`, whose centres are at these integers; `side` is below `W`.
    pub fn new(centre: f32, sigma: f32, side: usize) -> Self {
        debug_assert!(side < W);
        let (mut below, mut density, mut moment) = ([0.0; W], [0.0; W], [0.0; W]);
        let per_sigma = 1.0 / sigma;
        let height = per_sigma * 0.398_942_3;
        for edge in 0..W {
            let z = (edge as f32 - 0.5 - centre) * per_sigma;
            let fall = exp_below_0(-0.5 * z * z);
            below[edge] = part_below(z, fall);
            density[edge] = height * fall;
            moment[edge] = z * density[edge];
        }
        let mut profile = Self { part: [0.0; W], by_centre: [0.0; W], by_sigma: [0.0; W] };
        for pixel in 0..side {
            profile.part[pixel] = below[pixel + 1] - below[pixel];
            profile.by_centre[pixel] = density[pixel] - density[pixel + 1];
            profile.by_sigma[pixel] = moment[pixel] - moment[pixel + 1];
        }
        profile
    }
}

/// The part of a normal distribution below `z`, where `fall` is `exp(-z²/2)`; off by at most 1e-7 (Abramowitz and
/// Stegun, 7.1.26).
#[inline(always)]
fn part_below(z: f32, fall: f32) -> f32 {
    const TERMS: [f32; 5] = [1.061_405_4, -1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6];
    let t = 1.0 / (1.0 + 0.327_591_1 * std::f32::consts::FRAC_1_SQRT_2 * z.abs());
    let mut series = 0.0;
    for term in TERMS {
        series = (series + term) * t;
    }
    let tail = 0.5 * series * fall;
    if z < 0.0 { tail } else { 1.0 - tail }
}

/// `exp(x)` for `x` up to 0, to a relative error of 2e-7; below -80 it stays at `exp(-80)`.
#[inline(always)]
pub(super) fn exp_below_0(x: f32) -> f32 {
    // Adding this rounds to an integer, which then stands in the last bits.
    const ROUND: f32 = 12_582_912.0;
    let x = if x > -80.0 { x } else { -80.0 };
    let shifted = x * std::f32::consts::LOG2_E + ROUND;
    let whole = shifted - ROUND;
    let rest = (x - whole * 0.693_359_4) + whole * 2.121_944_4e-4;
    const TERMS: [f32; 7] = [1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0];
    let mut series = 0.0;
    for term in TERMS {
        series = (series + term) * rest;
    }
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1.0f32.to_bits()));
    (series + 1.0) * power
}

/// `ln(x)` for `x` above 0, to a relative error of 3e-7; of 0 it is a finite number below -87.
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    const HALF_ROOT: u32 = 0x3f35_04f3; // √½: the mantissa then lies around 1.
    let bits = x.to_bits().wrapping_sub(HALF_ROOT);
    let exponent = ((bits as i32) >> 23) as f32;
    let mantissa = f32::from_bits((bits & 0x007f_ffff).wrapping_add(HALF_ROOT));
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let series = 2.0 * s * (1.0 + square * (1.0 / 3.0 + square * (0.2 + square * (1.0 / 7.0))));
    // ln 2 in two parts: the first is short, so that its product is exact.
    exponent * 0.693_359_4 + (series - exponent * 2.121_944_4e-4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponentials_and_logarithms_are_as_close_as_said() {
        for i in 0..200_000 {
            let x = -80.0 * (i as f32 / 200_000.0).powi(2);
            let exact = f64::from(x).exp();
            assert!((f64::from(exp_below_0(x)) / exact - 1.0).abs() < 2e-7, "{x}");
            let x = 1e-6 * 1.000_2f32.powi(i / 2);
            let exact = f64::from(x).ln();
            assert!((f64::from(ln(x)) - exact).abs() <= 3e-7 * exact.abs(), "{x}: {}", ln(x));
        }
        assert!(ln(0.0) < -87.0 && ln(0.0).is_finite());
        assert!(exp_below_0(f32::NEG_INFINITY) < 2e-35);
    }

    #[test]
    fn parts_are_those_of_an_exact_integral_and_slopes_those_of_differences() {
        for (centre, sigma) in [(3.0f32, 1.3f32), (2.4, 0.6), (4.9, 2.5), (-0.4, 1.1)] {
            let profile = Profile::<8>::new(centre, sigma, 7);
            let exact = |centre: f64, sigma: f64, pixel: usize| {
                let steps = 2000;
                let at = |i: i32| pixel as f64 - 0.5 + (f64::from(i) + 0.5) / f64::from(steps);
                let density = |x: f64| (-0.5 * ((x - centre) / sigma).powi(2)).exp();
                let sum: f64 = (0..steps).map(|i| density(at(i))).sum();
                sum / f64::from(steps) / (sigma * std::f64::consts::TAU.sqrt())
            };
            let (c, s) = (f64::from(centre), f64::from(sigma));
            for pixel in 0..7 {
                assert!((f64::from(profile.part[pixel]) - exact(c, s, pixel)).abs() < 3e-7, "{pixel}");
                let by_centre = (exact(c + 1e-3, s, pixel) - exact(c - 1e-3, s, pixel)) / 2e-3;
                let by_sigma = (exact(c, s + 1e-3, pixel) - exact(c, s - 1e-3, pixel)) / 2e-3;
                assert!((f64::from(profile.by_centre[pixel]) - by_centre).abs() < 3e-6);
                assert!((f64::from(profile.by_sigma[pixel]) - by_sigma).abs() < 3e-6);
            }
            assert_eq!((profile.part[7], profile.by_centre[7], profile.by_sigma[7]), (0.0, 0.0, 0.0));
        }
    }
}
