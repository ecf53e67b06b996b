//! Where a filtered image has spots: its local maxima above a threshold.
//!
//! In: the image behind the wavelet filter. Out: places to start a fit from. Never: a fit.

use super::Rows;

/// A local maximum, and the centre of mass of the 3 × 3 pixels around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    pub column: usize,
    pub row: usize,
    /// From the pixel's centre.
    pub dx_px: f32,
    pub dy_px: f32,
}

/// Pixels that are looked at together before one is looked at alone.
const CHUNK: usize = 16;

/// Adds the peaks of the rows `own` of `image` (`width` columns) to `peaks`, row by row.
///
/// A peak is above `threshold` and not below any of its eight neighbours; of equal neighbours the first one counts.
/// What is not a number is never a peak.
pub fn peaks(image: &[f32], width: usize, own: Rows, threshold: f32, peaks: &mut Vec<Peak>) {
    for row in own.first..own.end {
        let line = &image[row * width..][..width];
        for (chunk, values) in line.chunks(CHUNK).enumerate() {
            if !values.iter().fold(false, |any, &value| any | (value > threshold)) {
                continue;
            }
            for (i, &value) in values.iter().enumerate() {
                let column = chunk * CHUNK + i;
                if value > threshold && is_peak(image, width, column, row) {
                    peaks.push(centred(image, width, column, row));
                }
            }
        }
    }
}

/// The 3 × 3 pixels around a place, as far as they are in the image: column, row, value.
fn around(
    image: &[f32],
    width: usize,
    column: usize,
    row: usize,
) -> impl Iterator<Item = (usize, usize, f32)> {
    let height = image.len() / width;
    let (columns, rows) =
        (column.saturating_sub(1)..(column + 2).min(width), row.saturating_sub(1)..(row + 2).min(height));
    rows.flat_map(move |y| columns.clone().map(move |x| (x, y, image[y * width + x])))
}

fn is_peak(image: &[f32], width: usize, column: usize, row: usize) -> bool {
    let here = image[row * width + column];
    around(image, width, column, row).all(|(x, y, value)| {
        let before = (y, x) < (row, column);
        if before { value < here } else { value <= here }
    })
}

fn centred(image: &[f32], width: usize, column: usize, row: usize) -> Peak {
    let (mut sum, mut sum_x, mut sum_y) = (0.0, 0.0, 0.0);
    for (x, y, value) in around(image, width, column, row) {
        let weight = value.max(0.0);
        sum += weight;
        sum_x += weight * (x as f32 - column as f32);
        sum_y += weight * (y as f32 - row as f32);
    }
    Peak { column, row, dx_px: sum_x / sum, dy_px: sum_y / sum }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: usize = 20;
    const ALL: Rows = Rows { first: 0, end: WIDTH };

    fn found(bright: &[(usize, usize, f32)]) -> Vec<Peak> {
        let mut image = vec![0.0; WIDTH * WIDTH];
        bright.iter().for_each(|&(x, y, value)| image[y * WIDTH + x] = value);
        let mut found = Vec::new();
        peaks(&image, WIDTH, ALL, 1.0, &mut found);
        found
    }

    #[test]
    fn a_peak_starts_at_the_centre_of_mass_around_it() {
        let found = found(&[(5, 7, 3.0), (6, 7, 1.5), (5, 6, 0.5)]);
        assert_eq!(found, [Peak { column: 5, row: 7, dx_px: 0.3, dy_px: -0.1 }]);
    }

    #[test]
    fn corners_and_borders_have_peaks_too() {
        let found = found(&[(0, 0, 2.0), (19, 0, 2.0), (0, 19, 2.0), (19, 19, 2.0), (19, 9, 2.0)]);
        assert_eq!(found.len(), 5);
    }

    #[test]
    fn a_plateau_is_one_peak() {
        let found = found(&[(5, 5, 3.0), (6, 5, 3.0), (5, 6, 3.0), (6, 6, 3.0)]);
        assert_eq!(found.iter().map(|peak| (peak.column, peak.row)).collect::<Vec<_>>(), [(5, 5)]);
    }

    #[test]
    fn what_is_at_the_threshold_or_no_number_is_not_a_peak() {
        assert_eq!(found(&[(5, 5, 1.0), (9, 9, f32::NAN), (10, 9, 5.0)]), []);
    }
}
