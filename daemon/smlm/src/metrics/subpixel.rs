//! Whether positions favour some places within a pixel: a bias that the eye sees as a grid.
//!
//! In: positions in pixels. Out: a histogram over the pixel, and the error at each place of it. Never: corrects.

/// Bins across a pixel.
pub const BINS: usize = 20;

/// One axis; 0.5 is the pixel's centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subpixel {
    /// Found positions, as fractions of all.
    pub histogram: [f64; BINS],
    /// √mean (20 h − 1)²: 0 when uniform.
    pub rms_deviation: Option<f64>,
    /// √(19/n): what a uniform distribution gives by chance.
    pub expected_rms_deviation: Option<f64>,
    /// Mean error of the pairs by the true place; `None` where there are none.
    pub bias_nm: [Option<f64>; BINS],
}

/// `found`: positions from the corner of the first pixel, in pixels. `pairs`: true position, likewise, and error in nm.
pub(super) fn subpixel(
    found: impl Iterator<Item = f64>,
    pairs: impl Iterator<Item = (f64, f64)>,
) -> Subpixel {
    let mut counts = [0u64; BINS];
    found.filter(|px| px.is_finite()).for_each(|px| counts[bin(px)] += 1);
    let total: u64 = counts.iter().sum();
    let histogram = counts.map(|count| if total == 0 { 0.0 } else { count as f64 / total as f64 });
    let deviation = |h: &f64| (BINS as f64 * h - 1.0).powi(2);
    let mut errors = [(0u64, 0.0f64); BINS];
    for (px, error) in pairs.filter(|(px, _)| px.is_finite()) {
        let (count, sum) = &mut errors[bin(px)];
        (*count, *sum) = (*count + 1, *sum + error);
    }
    Subpixel {
        histogram,
        rms_deviation: (total > 0)
            .then(|| (histogram.iter().map(deviation).sum::<f64>() / BINS as f64).sqrt()),
        expected_rms_deviation: (total > 0).then(|| ((BINS - 1) as f64 / total as f64).sqrt()),
        bias_nm: errors.map(|(count, sum)| (count > 0).then(|| sum / count as f64)),
    }
}

fn bin(px: f64) -> usize {
    // Rounding may lift a fraction just below 1 to 1.
    (((px - px.floor()) * BINS as f64) as usize).min(BINS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_drawn_to_the_centre_of_the_pixel_stand_out_of_the_chance_of_uniform_ones() {
        let even = |at: u32| f64::from(at) / 1000.0 * 7.0;
        let uniform = subpixel((0..1000).map(even), std::iter::empty());
        let chance = uniform.expected_rms_deviation.unwrap();
        assert!((chance - (19.0f64 / 1000.0).sqrt()).abs() < 1e-12);
        assert!(uniform.rms_deviation.unwrap() < chance);
        let drawn = |at: u32| {
            let px = even(at);
            px + 0.3 * (px.floor() + 0.5 - px)
        };
        let biased =
            subpixel((0..1000).map(drawn), (0..1000).map(|at| (even(at), (drawn(at) - even(at)) * 100.0)));
        assert!(biased.rms_deviation.unwrap() > 3.0 * chance);
        // 0.3 of the way from the middle of each bin to the centre, 100 nm per pixel.
        assert!((biased.bias_nm[0].unwrap() - 0.3 * 47.5).abs() < 0.5);
        assert!((biased.bias_nm[19].unwrap() + 0.3 * 47.5).abs() < 0.5);
    }

    #[test]
    fn negative_positions_and_empty_lists_have_a_place() {
        let one = subpixel([-0.01].into_iter(), std::iter::empty());
        assert_eq!(one.histogram[19], 1.0);
        let none = subpixel(std::iter::empty(), std::iter::empty());
        assert_eq!((none.rms_deviation, none.expected_rms_deviation), (None, None));
    }
}
