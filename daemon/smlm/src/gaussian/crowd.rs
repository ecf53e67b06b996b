//! Neighbours: whose light falls into a spot's square.
//!
//! In: the peaks of a strip, row by row, and a first fit of each. Out: the fits of those near one of them. Never: a fit.

use super::detect::Peak;
use super::fit::Fit;

/// A spot matters to a square from so far outside of it on, in px.
pub const BEYOND_PX: usize = 3;

/// First fits of the peaks within `near_px` rows and columns of the one at `index`.
pub fn others<'a>(
    peaks: &'a [Peak],
    fits: &'a [Option<Fit>],
    index: usize,
    near_px: usize,
) -> impl Iterator<Item = &'a Fit> {
    let here = peaks[index];
    let near = move |other: &usize| peaks[*other].row.abs_diff(here.row) <= near_px;
    let before = (0..index).rev().take_while(near);
    let behind = (index + 1..peaks.len()).take_while(near);
    before
        .chain(behind)
        .filter(move |other| peaks[*other].column.abs_diff(here.column) <= near_px)
        .filter_map(|other| fits[other].as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_those_within_rows_and_columns_whose_fit_settled() {
        let peak = |column: usize, row: usize| Peak { column, row, dx_px: 0.0, dy_px: 0.0 };
        let peaks =
            [peak(5, 2), peak(9, 4), peak(30, 9), peak(10, 10), peak(12, 13), peak(10, 17), peak(3, 16)];
        let fit = |x_px: f64| Fit {
            x_px,
            y_px: 0.0,
            photons: 1.0,
            background: 0.0,
            sigma_x_px: 1.0,
            sigma_y_px: 1.0,
            covariance: [[0.0; 6]; 6],
            deviance: 1.0,
        };
        let mut fits: Vec<Option<Fit>> = (0..7).map(|index| Some(fit(f64::from(index)))).collect();
        let near =
            |fits: &[Option<Fit>]| -> Vec<f64> { others(&peaks, fits, 3, 6).map(|fit| fit.x_px).collect() };
        assert_eq!(near(&fits), [1.0, 4.0]);
        fits[4] = None;
        assert_eq!(near(&fits), [1.0]);
    }
}
