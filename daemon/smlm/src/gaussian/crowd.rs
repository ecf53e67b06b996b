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
