//! Correlation of two real pictures by Fourier transforms. In: two pictures of one size. Out: for each shift the sum
//! of products. Never: without the weights it is told.

use std::f64::consts::TAU;

use rustfft::FftDirection;
use rustfft::num_complex::Complex32;

use crate::fourier::transform;

/// Two pictures in one, the second as its imaginary part; row by row.
pub(super) struct Pair {
    pub width: usize,
    pub height: usize,
    pub values: Vec<Complex32>,
}

/// The next length without prime factors over 5, for which transforms are fast.
pub(super) fn fast_length(at_least: usize) -> usize {
    let smooth = |mut n: usize| {
        for prime in [2, 3, 5] {
            while n.is_multiple_of(prime) {
                n /= prime;
            }
        }
        n == 1
    };
    (at_least.max(1)..).find(|n| smooth(*n)).expect("there is a power of two above every length")
}

impl Pair {
    pub fn new(width: usize, height: usize) -> Self {
        Self { width, height, values: vec![Complex32::default(); width * height] }
    }

    /// The sum over all pixels r of `a(r) · b(r − s)`, at `s` in the real part (cyclic; negative shifts from the end). Not
    /// normalised: it is larger by the number of pixels. Both pictures are first blurred by a Gaussian of σ `blur` px.
    pub fn correlate(mut self, blur: f64) -> Self {
        let size = (self.width, self.height);
        transform(&mut self.values, size, FftDirection::Forward);
        let (rows, columns) = (self.width, self.height);
        // Of a + ib, with a and b real: A(k) = (F(k) + F*(−k)) / 2, B(k) = (F(k) − F*(−k)) / 2i.
        let mirrored = |k: usize, n: usize| if k == 0 { 0 } else { n - k };
        let low = |n: usize| (0..n).map(|k| low_pass(k, n, blur)).collect::<Vec<_>>();
        let (by_row, by_column) = (low(rows), low(columns));
        let mut product = vec![Complex32::default(); self.values.len()];
        for row in 0..rows {
            for column in 0..columns {
                let here = self.values[row * columns + column];
                let there = self.values[mirrored(row, rows) * columns + mirrored(column, columns)].conj();
                let (a, b) = ((here + there) * 0.5, (here - there) * Complex32::new(0.0, -0.5));
                product[row * columns + column] = a * b.conj() * (by_row[row] * by_column[column]);
            }
        }
        self.values = product;
        transform(&mut self.values, size, FftDirection::Inverse);
        self
    }
}

/// Both pictures are blurred, so the Gaussian's transform counts twice.
fn low_pass(k: usize, n: usize, sigma: f64) -> f32 {
    let frequency = TAU * k.min(n - k) as f64 / n as f64;
    (-(frequency * sigma).powi(2)).exp() as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_sum_of_products_at_every_shift() {
        let (width, height) = (12, 10);
        let value = |seed: usize, x: usize, y: usize| ((x * 7 + y * 13 + seed * 5) % 11) as f32 - 5.0;
        let mut pair = Pair::new(width, height);
        for y in 0..height {
            for x in 0..width {
                pair.values[y * width + x] = Complex32::new(value(0, x, y), value(3, x * y, y));
            }
        }
        let correlation = pair.correlate(0.0);
        for (dx, dy) in [(0, 0), (3, 0), (0, 4), (11, 9), (5, 2)] {
            let by_hand: f32 = (0..height)
                .flat_map(|y| (0..width).map(move |x| (x, y)))
                .map(|(x, y)| {
                    let (bx, by) = ((x + width - dx) % width, (y + height - dy) % height);
                    value(0, x, y) * value(3, bx * by, by)
                })
                .sum();
            let found = correlation.values[dy * width + dx].re / (width * height) as f32;
            assert!((found - by_hand).abs() < 1e-2, "{found} and {by_hand} at {dx} {dy}");
        }
    }

    #[test]
    fn fast_lengths_have_small_factors_only() {
        assert_eq!([1, 7, 11, 257, 1601].map(fast_length), [1, 8, 12, 270, 1620]);
    }
}
