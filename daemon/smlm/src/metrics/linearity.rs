//! Whether what was found grows as the truth does: a line through pairs of values.
//!
//! In: (true, found) values. Out: the least-squares line, the median ratio, means by brightness. Never: positions.

use super::bins::{PHOTON_EDGES, photon_bin};
use crate::order::median;

/// found = slope · true + intercept.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Linearity {
    pub slope: Option<f64>,
    pub intercept: Option<f64>,
    /// Median of found / true.
    pub ratio_median: Option<f64>,
    /// By true photons; empty where the values are not photons.
    pub bins: Vec<LinearityBin>,
}

/// Means of the pairs whose true value lies in a bin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearityBin {
    pub low: f64,
    pub high: Option<f64>,
    pub true_mean: Option<f64>,
    pub found_mean: Option<f64>,
    pub count: u64,
}

/// The line through (true, found) values; those that are not finite are left out.
pub(super) fn line(pairs: &[(f64, f64)]) -> Linearity {
    let pairs = pairs.iter().copied().filter(|(a, b)| a.is_finite() && b.is_finite());
    let Moments { mean, squares: [xx, _], product, .. } = Moments::of(pairs.clone());
    let slope = (xx > 0.0).then(|| product / xx);
    let ratios = pairs.filter(|(truth, _)| *truth > 0.0).map(|(truth, found)| found / truth);
    Linearity {
        slope,
        intercept: slope.map(|slope| mean[1] - slope * mean[0]),
        ratio_median: median(&mut ratios.collect::<Vec<_>>()),
        bins: Vec::new(),
    }
}

/// The same for photons, with means by the edges of [`PHOTON_EDGES`].
pub(super) fn photon_line(pairs: &[(f64, f64)]) -> Linearity {
    let mut sums = [(0u64, 0.0f64, 0.0f64); PHOTON_EDGES.len()];
    for &(truth, found) in pairs.iter().filter(|(_, found)| found.is_finite()) {
        let Some(bin) = photon_bin(Some(truth)) else { continue };
        let (count, of_truth, of_found) = &mut sums[bin];
        (*count, *of_truth, *of_found) = (*count + 1, *of_truth + truth, *of_found + found);
    }
    let bins = sums.iter().enumerate().map(|(at, &(count, truth, found))| LinearityBin {
        low: PHOTON_EDGES[at],
        high: PHOTON_EDGES.get(at + 1).copied(),
        true_mean: (count > 0).then(|| truth / count as f64),
        found_mean: (count > 0).then(|| found / count as f64),
        count,
    });
    Linearity { bins: bins.collect(), ..line(pairs) }
}

/// Pearson's; `None` where one side does not vary.
pub(super) fn correlation(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Option<f64> {
    let Moments { squares: [xx, yy], product, .. } = Moments::of(pairs);
    (xx > 0.0 && yy > 0.0).then(|| product / (xx * yy).sqrt())
}

/// Means, and sums about them.
struct Moments {
    mean: [f64; 2],
    squares: [f64; 2],
    product: f64,
}

impl Moments {
    /// In two passes: sums of squares of photons would lose what small differences say.
    fn of(pairs: impl Iterator<Item = (f64, f64)> + Clone) -> Self {
        let (mut count, mut sums) = (0u64, [0.0; 2]);
        for (x, y) in pairs.clone() {
            (count, sums) = (count + 1, [sums[0] + x, sums[1] + y]);
        }
        let mean = sums.map(|sum| sum / count.max(1) as f64);
        let (mut squares, mut product) = ([0.0; 2], 0.0);
        for (x, y) in pairs {
            let (dx, dy) = (x - mean[0], y - mean[1]);
            squares = [squares[0] + dx * dx, squares[1] + dy * dy];
            product += dx * dy;
        }
        Self { mean, squares, product }
    }
}

/// The middle value, or the mean of the two.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_again() {
        let pairs: Vec<(f64, f64)> =
            (1..=10).map(|i| (f64::from(i) * 300.0, f64::from(i) * 240.0 + 50.0)).collect();
        let found = photon_line(&pairs);
        assert!((found.slope.unwrap() - 0.8).abs() < 1e-12 && (found.intercept.unwrap() - 50.0).abs() < 1e-9);
        let ratio = (0.8 + 50.0 / 1500.0 + 0.8 + 50.0 / 1800.0) / 2.0;
        assert!((found.ratio_median.unwrap() - ratio).abs() < 1e-12);
        let counts: Vec<u64> = found.bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, [0, 1, 2, 3, 4, 0, 0]);
        assert_eq!(found.bins[1].true_mean, Some(300.0));
        assert_eq!(found.bins[6].high, None);
        assert_eq!(correlation(pairs.iter().copied()), Some(1.0));
    }

    #[test]
    fn values_that_do_not_vary_have_no_slope_and_no_correlation() {
        let pairs = [(20.0, 15.0), (20.0, 25.0), (20.0, f64::NAN)];
        let found = line(&pairs);
        assert_eq!((found.slope, found.intercept, found.ratio_median), (None, None, Some(1.0)));
        assert_eq!(correlation([(1.0, 2.0), (1.0, 3.0)].into_iter()), None);
        assert_eq!(line(&[]), Linearity::default());
    }
}
