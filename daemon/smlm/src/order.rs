//! Order statistics that a few strangers among the values cannot move.
//!
//! Comes in: values without order. Goes out: quantiles, a spread, a mode. Never: a mean.

/// Of a normal distribution: standard deviation per median absolute deviation.
pub const SD_PER_MAD: f64 = 1.482_602_218_505_602;

/// The value below which the part `part` (0 to 1) of `values` lies, interpolated; reorders them. `None` of nothing.
pub fn quantile(values: &mut [f64], part: f64) -> Option<f64> {
    let last = values.len().checked_sub(1)?;
    let place = part.clamp(0.0, 1.0) * last as f64;
    let low = place as usize;
    let (_, &mut at, above) = values.select_nth_unstable_by(low, f64::total_cmp);
    let next = above.iter().copied().min_by(f64::total_cmp).unwrap_or(at);
    Some(at + (place - low as f64) * (next - at))
}

pub fn median(values: &mut [f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Median, and standard deviation as the median absolute deviation says it.
pub fn centre_and_spread(values: &mut [f64]) -> Option<(f64, f64)> {
    let centre = median(values)?;
    let mut off: Vec<f64> = values.iter().map(|value| (value - centre).abs()).collect();
    Some((centre, SD_PER_MAD * median(&mut off)?))
}

/// The half-sample mode (Bickel and Frühwirth 2006): the densest half, again and again. Sorts the values.
pub fn half_sample_mode(values: &mut [f64]) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let mut rest = &*values;
    while rest.len() > 3 {
        let half = rest.len().div_ceil(2);
        let width = |at: &usize| rest[at + half - 1] - rest[*at];
        let best = (0..=rest.len() - half).min_by(|a, b| width(a).total_cmp(&width(b)))?;
        rest = &rest[best..best + half];
    }
    (!rest.is_empty()).then(|| rest.iter().sum::<f64>() / rest.len() as f64)
}

/// Mode, then the median of what lies within `reach` (relative) of it: as robust as a mode, and less noisy.
pub fn refined_mode(values: &mut [f64], reach: f64) -> Option<f64> {
    let mut centre = half_sample_mode(values)?;
    for _ in 0..5 {
        let near = |value: &&f64| (**value / centre - 1.0).abs() <= reach;
        let mut near: Vec<f64> = values.iter().filter(near).copied().collect();
        centre = median(&mut near)?;
    }
    Some(centre)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_the_values() {
        let mut values = [4.0, 1.0, 3.0, 2.0];
        assert_eq!(quantile(&mut values, 0.0), Some(1.0));
        assert_eq!(quantile(&mut values, 0.5), Some(2.5));
        assert_eq!(quantile(&mut values, 1.0), Some(4.0));
        assert_eq!(quantile(&mut [], 0.5), None);
    }

    #[test]
    fn a_third_of_strangers_does_not_move_mode_and_spread() {
        let mut values: Vec<f64> = (0..200).map(|i| 10.0 + 0.01 * f64::from(i % 20)).collect();
        values.extend((0..100).map(|i| 12.0 + f64::from(i)));
        let mode = refined_mode(&mut values, 0.1).unwrap();
        assert!((mode - 10.1).abs() < 0.05, "{mode}");
        let (centre, spread) = centre_and_spread(&mut values).unwrap();
        assert!((10.0..10.25).contains(&centre) && spread < 0.3, "{centre} {spread}");
    }
}
