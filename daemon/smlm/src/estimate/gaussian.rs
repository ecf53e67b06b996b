//! A Gaussian over pixels: its share in a pixel, and what is left of it when it is laid over itself.
//!
//! Comes in: widths and places in px. Goes out: shares of the light and their slopes. Never: data.

/// The complementary error function, relative error below 1.2e-7 (a Chebyshev fit; Press et al., section 6.2).
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.5 * x.abs());
    let terms = [
        0.170_872_77,
        -0.822_152_23,
        1.488_515_87,
        -1.135_203_98,
        0.278_868_07,
        -0.186_288_06,
        0.096_784_18,
        0.374_091_96,
        1.000_023_68,
        -1.265_512_23,
    ];
    let series = terms.into_iter().fold(0.0, |sum, term| sum * t + term);
    let tail = t * (series - x * x).exp();
    if x >= 0.0 { tail } else { 2.0 - tail }
}

/// The part of a normal distribution below `z` standard deviations.
fn below(z: f64) -> f64 {
    0.5 * erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

fn density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / std::f64::consts::TAU.sqrt()
}

/// What a pixel gets of a Gaussian along one axis, and how that changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Share {
    /// Part of the light, 0 to 1.
    pub part: f64,
    /// By the centre, per px.
    pub by_centre: f64,
    /// By the width, per px.
    pub by_sigma: f64,
}

/// Shares of the pixels 0, 1, 2 … of a line, whose centres are at these integers.
pub fn shares(centre: f64, sigma: f64, line: &mut [Share]) {
    let edge = |pixel: usize| {
        let z = (pixel as f64 - 0.5 - centre) / sigma;
        (below(z), density(z) / sigma, z)
    };
    let mut left = edge(0);
    for (pixel, share) in line.iter_mut().enumerate() {
        let right = edge(pixel + 1);
        *share = Share {
            part: right.0 - left.0,
            by_centre: left.1 - right.1,
            by_sigma: left.2 * left.1 - right.2 * right.1,
        };
        left = right;
    }
}

/// The autocorrelation of a pixel-integrated Gaussian along one axis, averaged over its place in the pixel, at a
/// shift in px: the triangle of two pixels laid over a Gaussian of √2 σ.
pub fn autocorrelation(shift: f64, sigma: f64) -> f64 {
    let wide = std::f64::consts::SQRT_2 * sigma;
    let ramp = |at: f64| at * below(at / wide) + wide * density(at / wide);
    ramp(shift + 1.0) - 2.0 * ramp(shift) + ramp(shift - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_their_slopes_are_those_of_differences() {
        let mut line = [Share::default(); 21];
        shares(10.3, 1.4, &mut line);
        assert!((line.iter().map(|s| s.part).sum::<f64>() - 1.0).abs() < 1e-6);
        let (mut moved, mut wider) = (line, line);
        shares(10.301, 1.4, &mut moved);
        shares(10.3, 1.401, &mut wider);
        for i in 0..line.len() {
            assert!(((moved[i].part - line[i].part) / 1e-3 - line[i].by_centre).abs() < 1e-3);
            assert!(((wider[i].part - line[i].part) / 1e-3 - line[i].by_sigma).abs() < 1e-3);
        }
    }

    #[test]
    fn the_autocorrelation_is_the_mean_product_of_shares() {
        let (mut a, steps) = ([Share::default(); 25], 50);
        for shift in [0usize, 1, 3] {
            let mut sum = 0.0;
            for step in 0..steps {
                shares(12.0 + (f64::from(step) + 0.5) / f64::from(steps) - 0.5, 1.3, &mut a);
                sum += (shift..25).map(|i| a[i].part * a[i - shift].part).sum::<f64>() / f64::from(steps);
            }
            assert!((sum / autocorrelation(shift as f64, 1.3) - 1.0).abs() < 1e-4, "{shift}");
        }
    }
}
