//! The à trous wavelet filter: spots stand out, noise of single pixels and slow background are gone.
//!
//! In: an image in photons, row-major. Out: `F = V1 − V2`, and how much the first plane `F1 = I − V1` varies. Never: a
//! threshold.
//!
//! V1 is the image smoothed by a B-spline of order 3 sampled at scale 2, which is (1, 4, 6, 4, 1)/16 along both axes;
//! V2 is V1 smoothed by the same with a hole between its taps (Izeddin et al. 2012; Ovesny et al. 2014, supplement).
//! Beyond the border the image is mirrored at the centre of its last pixel.

use super::Rows;

const TAPS: [f32; 3] = [6.0 / 16.0, 4.0 / 16.0, 1.0 / 16.0];
/// An output pixel depends on pixels up to this far away.
pub const REACH_PX: usize = 6;
/// Of the second plane, the wider one: what a row is padded with on each side.
const PAD: usize = 4;

/// Number, sum and sum of squares of values, to be added up over the strips of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    pub values: f64,
    pub sum: f64,
    pub squares: f64,
}

impl Spread {
    pub fn add(&mut self, other: Self) {
        self.values += other.values;
        self.sum += other.sum;
        self.squares += other.squares;
    }

    /// The standard deviation; 0 of nothing.
    pub fn deviation(&self) -> f64 {
        let mean = self.sum / self.values.max(1.0);
        (self.squares / self.values.max(1.0) - mean * mean).max(0.0).sqrt()
    }

    /// Of a row less another one; what is not finite counts as 0.
    fn of_difference(a: &[f32], b: &[f32]) -> Self {
        let (mut sums, mut squares) = ([0.0f32; 8], [0.0f32; 8]);
        let mut add = |lane: usize, difference: f32| {
            let value = if difference.abs() < f32::INFINITY { difference } else { 0.0 };
            sums[lane] += value;
            squares[lane] += value * value;
        };
        let (whole_a, rest_a) = a.as_chunks::<8>();
        let (whole_b, rest_b) = b.as_chunks::<8>();
        for (a, b) in whole_a.iter().zip(whole_b) {
            (0..8).for_each(|lane| add(lane, a[lane] - b[lane]));
        }
        rest_a.iter().zip(rest_b).enumerate().for_each(|(lane, (a, b))| add(lane, a - b));
        let total = |lanes: [f32; 8]| lanes.into_iter().map(f64::from).sum();
        Self { values: a.len() as f64, sum: total(sums), squares: total(squares) }
    }
}

/// Buffers of the filter, kept from frame to frame.
#[derive(Debug, Default)]
pub struct Wavelet {
    smooth: Vec<f32>,
    padded: Vec<f32>,
}

impl Wavelet {
    /// Fills `filtered` with F of `image` (`width` columns) and gives the spread of F1 over the rows `own`.
    ///
    /// Allocates only where the image is larger than any before.
    pub fn filter(&mut self, image: &[f32], width: usize, own: Rows, filtered: &mut Vec<f32>) -> Spread {
        let mut spread = Spread::default();
        filtered.resize(image.len(), 0.0);
        self.smooth.resize(image.len(), 0.0);
        self.padded.resize(width + 2 * PAD, 0.0);
        if image.is_empty() {
            return spread;
        }
        let height = image.len() / width;
        for y in 0..height {
            down(image, width, y, 1, &mut self.padded[PAD..PAD + width]);
            mirror(&mut self.padded, width);
            let smooth = &mut self.smooth[y * width..][..width];
            across(&self.padded, 1, smooth);
            if own.contains(y) {
                spread.add(Spread::of_difference(&image[y * width..][..width], smooth));
            }
        }
        for y in 0..height {
            down(&self.smooth, width, y, 2, &mut self.padded[PAD..PAD + width]);
            mirror(&mut self.padded, width);
            let out = &mut filtered[y * width..][..width];
            across(&self.padded, 2, out);
            let smooth = &self.smooth[y * width..][..width];
            out.iter_mut().zip(smooth).for_each(|(out, smooth)| *out = smooth - *out);
        }
        spread
    }
}

/// Place `at` of a line of `length`, mirrored into it at the centres of its first and last pixel.
fn mirrored(at: isize, length: usize) -> usize {
    let period = (2 * (length as isize - 1)).max(1);
    let at = at.rem_euclid(period) as usize;
    if length == 1 { 0 } else { at.min(period as usize - at) }
}

/// Row `y`, smoothed along columns with taps `step` apart.
fn down(image: &[f32], width: usize, y: usize, step: isize, out: &mut [f32]) {
    let row = |offset: isize| {
        let row = mirrored(y as isize + offset * step, image.len() / width);
        &image[row * width..][..out.len()]
    };
    let (a, b, c, d, e) = (row(-2), row(-1), row(0), row(1), row(2));
    for (i, out) in out.iter_mut().enumerate() {
        *out = TAPS[2] * (a[i] + e[i]) + TAPS[1] * (b[i] + d[i]) + TAPS[0] * c[i];
    }
}

/// Fills the pads of a row with its mirror image.
fn mirror(padded: &mut [f32], width: usize) {
    for i in 0..PAD {
        padded[i] = padded[PAD + mirrored(i as isize - PAD as isize, width)];
        padded[PAD + width + i] = padded[PAD + mirrored((width + i) as isize, width)];
    }
}

/// A padded row, smoothed along itself with taps `step` apart.
fn across(padded: &[f32], step: usize, out: &mut [f32]) {
    let from = |offset: usize| &padded[PAD + offset - 2 * step..][..out.len()];
    let (a, b, c, d, e) = (from(0), from(step), from(2 * step), from(3 * step), from(4 * step));
    for (i, out) in out.iter_mut().enumerate() {
        *out = TAPS[2] * (a[i] + e[i]) + TAPS[1] * (b[i] + d[i]) + TAPS[0] * c[i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filtered(image: &[f32], width: usize) -> (Vec<f32>, Spread) {
        let mut out = Vec::new();
        let own = Rows { first: 0, end: image.len() / width.max(1) };
        let spread = Wavelet::default().filter(image, width, own, &mut out);
        (out, spread)
    }

    #[test]
    fn a_single_bright_pixel_becomes_the_difference_of_both_splines() {
        let (width, middle) = (31, 15);
        let mut image = vec![0.0; width * width];
        image[middle * width + middle] = 1.0;
        let (out, spread) = filtered(&image, width);
        let first = [1.0, 4.0, 6.0, 4.0, 1.0].map(|tap: f64| tap / 16.0);
        let mut second = [0.0; 13];
        for (i, a) in first.iter().enumerate() {
            for (j, b) in first.iter().enumerate() {
                second[i + 2 * j] += a * b;
            }
        }
        let narrow = |d: isize| first.get((d + 2) as usize).copied().unwrap_or(0.0);
        let wide = |d: isize| second.get((d + 6) as usize).copied().unwrap_or(0.0);
        for y in 0..width {
            for x in 0..width {
                let (dx, dy) = (x as isize - middle as isize, y as isize - middle as isize);
                let expected = narrow(dx) * narrow(dy) - wide(dx) * wide(dy);
                assert!((f64::from(out[y * width + x]) - expected).abs() < 1e-6, "{x} {y}");
            }
        }
        // F1 is 1 − V1: its squares are 1 − 2·(6/16)² + (Σ taps²)².
        let expected = 1.0 - 2.0 * (6.0f64 / 16.0).powi(2) + (70.0f64 / 256.0).powi(2);
        assert!((spread.squares - expected).abs() < 1e-6 && spread.sum.abs() < 1e-6, "{spread:?}");
    }

    #[test]
    fn what_is_even_vanishes_up_to_the_border() {
        for (width, height) in [(1, 1), (2, 1), (1, 5), (3, 2), (40, 17)] {
            let (out, spread) = filtered(&vec![7.0; width * height], width);
            assert!(out.iter().all(|value| value.abs() < 1e-5), "{width} {height}");
            assert!(spread.deviation() < 1e-5);
        }
    }

    #[test]
    fn beyond_the_border_is_the_mirror_image() {
        // A row and its mirror image side by side, joined at one pixel, are smooth at the joint.
        let row: Vec<f32> = (0..12).map(|i| (i * i % 7) as f32).collect();
        let doubled: Vec<f32> = row.iter().rev().chain(&row[1..]).copied().collect();
        let (single, both) = (filtered(&row, row.len()).0, filtered(&doubled, doubled.len()).0);
        for i in 0..6 {
            assert!((single[i] - both[11 + i]).abs() < 1e-6, "{i}");
        }
    }

    #[test]
    fn a_strip_with_enough_rows_around_it_gives_what_the_whole_frame_gives() {
        let (width, height) = (23, 40);
        let image: Vec<f32> = (0..width * height).map(|i| (i * 7919 % 311) as f32).collect();
        let (whole, _) = filtered(&image, width);
        let (from, to) = (10, 20);
        let strip = &image[(from - REACH_PX) * width..(to + REACH_PX) * width];
        let (part, _) = filtered(strip, width);
        assert_eq!(part[REACH_PX * width..(REACH_PX + to - from) * width], whole[from * width..to * width]);
    }
}
