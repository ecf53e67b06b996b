//! Whether predicted σ are what the errors are: Speiser et al. 2021, figure 2b.
//!
//! In: predicted σ and errors of the pairs, in nm. Out: how they go together. Never: changes a σ.

use super::linearity::correlation;

/// Bins by predicted σ, of equal count.
const BINS: usize = 10;

/// One axis.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Calibration {
    /// √mean((error/σ)²): 1 when σ are right, above 1 when they promise too much.
    pub z_score_sd: Option<f64>,
    /// Pearson's, of σ against |error|.
    pub correlation: Option<f64>,
    pub bins: Vec<CalibrationBin>,
    /// Pearson's, of predicted against measured over the bins.
    pub bin_correlation: Option<f64>,
}

/// Pairs of similar predicted σ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CalibrationBin {
    /// √mean σ².
    pub predicted_nm: f64,
    /// √mean error².
    pub measured_nm: f64,
    pub count: u64,
}

/// Of (σ, error) pairs of one axis; a σ that is not above 0 is no prediction and is left out.
pub(super) fn calibration(pairs: impl Iterator<Item = (f64, f64)>) -> Calibration {
    let mut pairs: Vec<(f64, f64)> =
        pairs.filter(|(sigma, error)| *sigma > 0.0 && sigma.is_finite() && error.is_finite()).collect();
    // Stable, so that equal σ keep their order.
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mean = |pairs: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| {
        pairs.iter().map(of).sum::<f64>() / pairs.len() as f64
    };
    let bins: Vec<CalibrationBin> = equal_parts(&pairs)
        .map(|part| CalibrationBin {
            predicted_nm: mean(part, |pair| pair.0 * pair.0).sqrt(),
            measured_nm: mean(part, |pair| pair.1 * pair.1).sqrt(),
            count: part.len() as u64,
        })
        .collect();
    Calibration {
        z_score_sd: (!pairs.is_empty()).then(|| mean(&pairs, |pair| (pair.1 / pair.0).powi(2)).sqrt()),
        correlation: correlation(pairs.iter().map(|pair| (pair.0, pair.1.abs()))),
        bin_correlation: correlation(bins.iter().map(|bin| (bin.predicted_nm, bin.measured_nm))),
        bins,
    }
}

/// [`BINS`] parts whose sizes differ by at most one; empty ones are left out.
fn equal_parts<T>(list: &[T]) -> impl Iterator<Item = &[T]> {
    let start = |bin: usize| bin * list.len() / BINS;
    (0..BINS).map(move |bin| &list[start(bin)..start(bin + 1)]).filter(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_drawn_with_the_predicted_sigma_are_calibrated() {
        use rand::{RngExt, SeedableRng, rngs::StdRng};
        let mut dice = StdRng::seed_from_u64(3);
        let pairs: Vec<(f64, f64)> = (0..20_000)
            .map(|_| {
                let sigma = dice.random_range(3.0..30.0);
                let normal: f64 = (0..12).map(|_| dice.random::<f64>()).sum::<f64>() - 6.0;
                (sigma, sigma * normal)
            })
            .collect();
        let good = calibration(pairs.iter().copied());
        assert!((good.z_score_sd.unwrap() - 1.0).abs() < 0.02, "{good:?}");
        assert!(good.bin_correlation.unwrap() > 0.99);
        assert!(good.bins.iter().all(|bin| bin.count == 2000));
        assert!(good.bins.iter().all(|bin| (bin.measured_nm / bin.predicted_nm - 1.0).abs() < 0.1));
        let boastful = calibration(pairs.iter().map(|(sigma, error)| (sigma / 2.0, *error)));
        assert!((boastful.z_score_sd.unwrap() - 2.0).abs() < 0.04, "σ half as large promise twice too much");
    }

    #[test]
    fn parts_are_as_equal_as_they_can_be() {
        let list: Vec<usize> = (0..23).collect();
        let sizes: Vec<usize> = equal_parts(&list).map(<[usize]>::len).collect();
        assert_eq!(sizes, [2, 2, 2, 3, 2, 2, 3, 2, 2, 3]);
        assert_eq!(equal_parts(&list[..4]).count(), 4);
        assert_eq!(equal_parts::<usize>(&[]).count(), 0);
    }

    #[test]
    fn without_a_prediction_there_is_nothing_to_say() {
        assert_eq!(calibration([(0.0, 3.0), (f64::NAN, 1.0)].into_iter()), Calibration::default());
    }
}
