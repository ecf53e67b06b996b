//! Exact Poisson numbers at a few nanoseconds each, for the millions of pixels of a camera.
//!
//! In: a mean. Out: a draw. The sum of Poisson numbers is a Poisson number of the summed mean: the whole part of
//! the mean comes from an alias table (Walker 1977) made once, the rest, below one, from inversion. Means from
//! [`LARGE`] on go to `rand_distr`. Never: an approximation by a normal distribution.

use rand::Rng;
use rand_distr::Distribution;

/// From this mean on the general algorithm is faster than the sum of tables.
pub const LARGE: f32 = 1024.0;
const TABLES: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Cell {
    /// The cell's own value is kept with this probability, of 2³².
    keep: u32,
    other: u32,
}

#[derive(Clone, Copy, Debug)]
struct Table {
    start: usize,
    cells: u64,
    lowest: u32,
}

/// Tables for the means 0 to 255; about half a megabyte.
#[derive(Clone, Debug)]
pub struct PoissonSampler {
    cells: Vec<Cell>,
    tables: Vec<Table>,
}

impl Default for PoissonSampler {
    fn default() -> Self {
        let mut cells = Vec::new();
        let mut tables = Vec::with_capacity(TABLES);
        for mean in 0..TABLES {
            let (lowest, weights) = weights(mean as f64);
            tables.push(Table { start: cells.len(), cells: weights.len() as u64, lowest });
            push_alias_cells(weights, &mut cells);
        }
        Self { cells, tables }
    }
}

impl PoissonSampler {
    /// A Poisson number of the given mean; 0 for a mean that is not positive.
    #[inline]
    pub fn sample(&self, mean: f32, rng: &mut impl Rng) -> u32 {
        if mean >= LARGE {
            return large(mean, rng);
        }
        if mean.is_nan() || mean <= 0.0 {
            return 0;
        }
        let mut whole = mean as usize;
        let mut count = below_one(mean - whole as f32, rng);
        while whole >= TABLES {
            count += self.whole(TABLES - 1, rng);
            whole -= TABLES - 1;
        }
        count + self.whole(whole, rng)
    }

    #[inline]
    fn whole(&self, mean: usize, rng: &mut impl Rng) -> u32 {
        let table = &self.tables[mean];
        let bits = rng.next_u64();
        let index = ((bits >> 32) * table.cells) >> 32;
        let cell = self.cells[table.start + index as usize];
        table.lowest + if (bits as u32) < cell.keep { index as u32 } else { cell.other }
    }
}

/// By inversion: the first k at which the cumulative probability exceeds a uniform number.
#[inline]
fn below_one(mean: f32, rng: &mut impl Rng) -> u32 {
    let mean = f64::from(mean);
    let mut uniform = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
    // exp(−m) ≥ 1 − m: most draws end here, without the exponential.
    if uniform < 1.0 - mean {
        return 0;
    }
    let mut probability = (-mean).exp();
    let mut count = 0;
    while uniform >= probability && count < 64 {
        uniform -= probability;
        count += 1;
        probability *= mean / f64::from(count);
    }
    count
}

#[cold]
fn large(mean: f32, rng: &mut impl Rng) -> u32 {
    // The mean is finite and positive here unless the caller's image overflowed; then the pixel is saturated.
    rand_distr::Poisson::new(f64::from(mean)).map_or(u32::MAX, |poisson| poisson.sample(rng) as u32)
}

/// Probabilities of the values from the first one returned on; what is left out has less than 1e-15 together.
fn weights(mean: f64) -> (u32, Vec<f64>) {
    let reach = 9.0 * mean.sqrt() + 20.0;
    let lowest = (mean - reach).max(0.0).floor();
    let highest = if mean > 0.0 { (mean + reach).ceil() } else { 0.0 };
    let log_factorial = |k: f64| (2..=k as u64).map(|i| (i as f64).ln()).sum::<f64>();
    let log_mean = if mean > 0.0 { mean.ln() } else { 0.0 };
    let mut weight = (lowest * log_mean - mean - log_factorial(lowest)).exp();
    let mut weights = Vec::new();
    let mut k = lowest;
    while k <= highest {
        weights.push(weight);
        k += 1.0;
        weight *= mean / k;
    }
    (lowest as u32, weights)
}

/// Vose's construction of an alias table.
fn push_alias_cells(weights: Vec<f64>, cells: &mut Vec<Cell>) {
    let total: f64 = weights.iter().sum();
    let mut scaled: Vec<f64> = weights.iter().map(|w| w * weights.len() as f64 / total).collect();
    let (mut poor, mut rich): (Vec<usize>, Vec<usize>) = (0..scaled.len()).partition(|&i| scaled[i] < 1.0);
    let start = cells.len();
    cells.extend((0..scaled.len()).map(|i| Cell { keep: u32::MAX, other: i as u32 }));
    while let (Some(p), Some(&r)) = (poor.pop(), rich.last()) {
        cells[start + p] = Cell { keep: (scaled[p] * 2f64.powi(32)) as u32, other: r as u32 };
        scaled[r] -= 1.0 - scaled[p];
        if scaled[r] < 1.0 {
            rich.pop();
            poor.push(r);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::{Purpose, fast_stream};

    #[test]
    fn mean_and_variance_equal_the_asked_mean() {
        let sampler = PoissonSampler::default();
        let mut rng = fast_stream(7, Purpose::Camera, 0, 0);
        for mean in [0.002f32, 0.4, 1.0, 7.3, 20.0, 254.9, 255.0, 700.5, 5000.0] {
            let draws = 200_000;
            let values: Vec<f64> = (0..draws).map(|_| f64::from(sampler.sample(mean, &mut rng))).collect();
            let average = values.iter().sum::<f64>() / f64::from(draws);
            let variance = values.iter().map(|v| (v - average).powi(2)).sum::<f64>() / f64::from(draws - 1);
            let m = f64::from(mean);
            // Four standard errors of the mean, and of the variance: √((m + 2m²)/n) for Poisson numbers.
            assert!((average - m).abs() < 4.0 * (m / f64::from(draws)).sqrt(), "{mean}: mean {average}");
            let error = ((m + 2.0 * m * m) / f64::from(draws)).sqrt();
            assert!((variance - m).abs() < 4.0 * error, "{mean}: variance {variance}");
        }
    }

    #[test]
    fn each_count_is_as_frequent_as_poisson_says() {
        let sampler = PoissonSampler::default();
        let mut rng = fast_stream(8, Purpose::Camera, 0, 0);
        let (draws, mean) = (400_000, 3.6f64);
        let mut seen = [0u32; 64];
        (0..draws).for_each(|_| seen[sampler.sample(mean as f32, &mut rng) as usize] += 1);
        let mut expected = f64::from(draws) * (-mean).exp();
        let mut chi2 = 0.0;
        for (k, &count) in seen.iter().enumerate().take(13) {
            chi2 += (f64::from(count) - expected).powi(2) / expected;
            expected *= mean / (k + 1) as f64;
        }
        // 13 cells: 99.9 % of chi-square are below 34.5.
        assert!(chi2 < 34.5, "{chi2}");
    }

    #[test]
    fn no_light_gives_no_count() {
        let sampler = PoissonSampler::default();
        let mut rng = fast_stream(9, Purpose::Camera, 0, 0);
        assert_eq!(sampler.sample(0.0, &mut rng), 0);
        assert_eq!(sampler.sample(-1.0, &mut rng), 0);
        assert_eq!(sampler.sample(f32::NAN, &mut rng), 0);
    }
}
