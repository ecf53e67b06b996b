//! Blurring along rows, then along columns. In: a picture and the taps of one axis. Out: a picture of the same shape.
//! Never: a kernel that is not symmetric and separable.

use super::Grey;

/// What lies beyond the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    /// Nothing: the result fades towards the border.
    Zero,
    /// The border's pixels go on: an even picture stays even.
    Repeat,
}

/// Half of a symmetric kernel: the middle tap, then those to either side. Sums to 1 over both sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Kernel(Vec<f32>);

impl Kernel {
    /// A Gaussian of standard deviation `sigma_px` > 0, sampled at pixel centres up to `radius_px` and scaled to sum 1.
    pub fn gaussian(sigma_px: f64, radius_px: usize) -> Self {
        let tap = |at: usize| (-0.5 * (at as f64 / sigma_px).powi(2)).exp();
        let sum = tap(0) + 2.0 * (1..=radius_px).map(tap).sum::<f64>();
        Self((0..=radius_px).map(|at| (tap(at) / sum) as f32).collect())
    }

    pub const fn radius_px(&self) -> usize {
        self.0.len() - 1
    }
}

/// A Gaussian blur whose taps reach to 4 σ (they miss 6e-5 of the whole); the picture itself where `sigma_px` is 0.
pub fn blur(picture: &Grey, sigma_px: f64, border: Border) -> Grey {
    if sigma_px <= 0.0 {
        return picture.clone();
    }
    convolve(picture, &Kernel::gaussian(sigma_px, (4.0 * sigma_px).ceil() as usize), border)
}

/// `out(y, x) = Σ_i Σ_j k_i k_j in(y + i, x + j)`.
pub fn convolve(picture: &Grey, kernel: &Kernel, border: Border) -> Grey {
    if picture.values.is_empty() {
        return picture.clone();
    }
    let mut out = vec![0.0; picture.values.len()];
    let (width, height, radius) = (picture.width(), picture.height(), kernel.radius_px());
    let mut wide = vec![0.0; width + 2 * radius];
    let mut column = vec![0.0; width];
    let beyond = |edge: f32| if border == Border::Repeat { edge } else { 0.0 };
    for y in 0..height {
        // Along the columns first, so that the sum over rows is the contiguous loop.
        column.fill(0.0);
        for (offset, tap) in kernel.0.iter().enumerate() {
            let above = row(picture, y as isize - offset as isize, border);
            add(&mut column, above, *tap);
            if offset > 0 {
                add(&mut column, row(picture, (y + offset) as isize, border), *tap);
            }
        }
        wide[..radius].fill(beyond(column[0]));
        wide[radius..radius + width].copy_from_slice(&column);
        wide[radius + width..].fill(beyond(column[width - 1]));
        let line = &mut out[y * width..(y + 1) * width];
        for (offset, tap) in kernel.0.iter().enumerate() {
            add(line, Some(&wide[radius - offset..radius - offset + width]), *tap);
            if offset > 0 {
                add(line, Some(&wide[radius + offset..radius + offset + width]), *tap);
            }
        }
    }
    Grey { shape: picture.shape, values: out }
}

/// A row, also beyond the picture; `None` where that is nothing.
fn row(picture: &Grey, y: isize, border: Border) -> Option<&[f32]> {
    let (width, last) = (picture.width(), picture.height() as isize - 1);
    let within = y.clamp(0, last);
    (within == y || border == Border::Repeat)
        .then(|| &picture.values[within as usize * width..(within as usize + 1) * width])
}

fn add(sums: &mut [f32], values: Option<&[f32]>, tap: f32) {
    let Some(values) = values else { return };
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += tap * value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Shape;

    #[test]
    fn a_point_becomes_the_kernel_and_keeps_its_light() {
        let shape = Shape { width: 41, height: 31 };
        let mut values = vec![0.0; shape.pixels()];
        values[15 * 41 + 20] = 1.0;
        let out = blur(&Grey::new(shape, values).unwrap(), 2.0, Border::Zero);
        assert!((out.values().iter().sum::<f32>() - 1.0).abs() < 1e-5);
        let ratio = out.values()[15 * 41 + 23] / out.values()[15 * 41 + 20];
        assert!((ratio - (-9.0f32 / 8.0).exp()).abs() < 1e-5, "{ratio}");
        assert_eq!(out.values()[13 * 41 + 19], out.values()[17 * 41 + 21]);
    }

    #[test]
    fn beyond_the_border_there_is_nothing_or_more_of_the_same() {
        let shape = Shape { width: 9, height: 5 };
        let even = Grey::even(shape, 3.0);
        let same = blur(&even, 6.0, Border::Repeat);
        assert!(same.values().iter().all(|value| (value - 3.0).abs() < 1e-5));
        let faded = convolve(&even, &Kernel::gaussian(1.0, 2), Border::Zero);
        assert!((faded.values()[2 * 9 + 4] - 3.0).abs() < 1e-5 && faded.values()[0] < 2.0);
    }
}
