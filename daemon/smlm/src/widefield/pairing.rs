//! Which widefield pass belongs to which scan.
//!
//! In: what publishers said of their series, in the order in which these began. Out: the one that belongs to a given
//! one. Never: a look at pictures; a choice by name.
//!
//! A pass belongs to the series that its publisher names. Where it names none: to the localization series of the same
//! source and the same grid that begins next, or, as long as none has, to the newest one that began before.

use crate::frame::SeriesId;
use crate::series::{Channel, SeriesInfo};

/// The localization series that a widefield pass belongs to. `all`: every series, the oldest first; start times decide
/// before that order, where publishers give them. `None`: it is no pass, or no series fits yet.
///
/// A series that is named need not be in `all`.
pub fn scan_of(pass: SeriesId, all: &[&SeriesInfo]) -> Option<SeriesId> {
    let all = in_order(all);
    let place = all.iter().position(|info| info.id == pass && info.channel == Channel::Widefield)?;
    let info = all[place];
    let fits = |other: &&&SeriesInfo| {
        other.channel == Channel::Localization && other.source == info.source && other.grid == info.grid
    };
    let guessed = || all[place..].iter().find(fits).or_else(|| all[..place].iter().rev().find(fits));
    info.widefield_of.or_else(|| guessed().map(|scan| scan.id))
}

/// The widefield pass of a localization series: of those that belong to it one that names it before others, the newest
/// before older ones. `all` as in [`scan_of`].
pub fn widefield_of(scan: SeriesId, all: &[&SeriesInfo]) -> Option<SeriesId> {
    let ordered = in_order(all);
    let passes = ordered.iter().rev().filter(|info| info.channel == Channel::Widefield);
    let named = passes.clone().find(|info| info.widefield_of == Some(scan));
    let mut others = passes.filter(|info| info.widefield_of.is_none());
    named.or_else(|| others.find(|info| scan_of(info.id, all) == Some(scan))).map(|info| info.id)
}

/// By the time of beginning; a sort that leaves equal ones as they are.
fn in_order<'a>(all: &[&'a SeriesInfo]) -> Vec<&'a SeriesInfo> {
    let mut ordered = all.to_vec();
    ordered.sort_by_key(|info| info.start_unix_ns);
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Grid;

    fn id(number: u8) -> SeriesId {
        SeriesId([number; 16])
    }

    fn scan(number: u8) -> SeriesInfo {
        let grid = Grid { rows: 2, columns: 2, overlap: None, snake: false };
        SeriesInfo { id: id(number), source: "a".into(), grid: Some(grid), ..SeriesInfo::default() }
    }

    fn pass(number: u8) -> SeriesInfo {
        SeriesInfo { channel: Channel::Widefield, ..scan(number) }
    }

    /// The scan of pass `number`, and that scan's pass.
    fn pair(number: u8, all: &[SeriesInfo]) -> (Option<SeriesId>, Option<SeriesId>) {
        let all: Vec<&SeriesInfo> = all.iter().collect();
        let scan = scan_of(id(number), &all);
        (scan, scan.and_then(|scan| widefield_of(scan, &all)))
    }

    #[test]
    fn a_pass_belongs_to_the_scan_that_begins_next() {
        assert_eq!(pair(2, &[scan(1), pass(2), scan(3), scan(4)]), (Some(id(3)), Some(id(2))));
    }

    #[test]
    fn a_pass_that_comes_last_belongs_to_the_newest_scan_before() {
        assert_eq!(pair(3, &[scan(1), scan(2), pass(3)]), (Some(id(2)), Some(id(3))));
    }

    #[test]
    fn a_series_that_is_named_goes_before_any_other_even_before_it_began() {
        let named = SeriesInfo { widefield_of: Some(id(1)), ..pass(2) };
        assert_eq!(pair(2, &[scan(1), named.clone(), scan(3)]), (Some(id(1)), Some(id(2))));
        assert_eq!(scan_of(id(2), &[&named]), Some(id(1)));
        let newer = [scan(1), named, pass(4)];
        assert_eq!(pair(4, &newer), (Some(id(1)), Some(id(2))), "the pass that names it is its pass");
    }

    #[test]
    fn of_two_passes_the_newer_one_counts() {
        let all = [pass(1), pass(2), scan(3)];
        let all: Vec<&SeriesInfo> = all.iter().collect();
        assert_eq!(scan_of(id(1), &all), Some(id(3)));
        assert_eq!(widefield_of(id(3), &all), Some(id(2)));
    }

    #[test]
    fn another_source_another_grid_and_other_passes_do_not_fit() {
        let elsewhere = SeriesInfo { source: "b".into(), ..scan(2) };
        let larger = Grid { rows: 3, columns: 2, overlap: None, snake: false };
        let larger = SeriesInfo { grid: Some(larger), ..scan(3) };
        let all = [pass(1), elsewhere, larger, pass(4)];
        assert_eq!(pair(1, &all), (None, None));
        assert_eq!(scan_of(id(2), &all.iter().collect::<Vec<_>>()), None, "a scan is no pass");
        assert_eq!(widefield_of(id(2), &all.iter().collect::<Vec<_>>()), None);
    }

    #[test]
    fn start_times_decide_before_the_order_in_which_series_are_listed() {
        let at = |info: SeriesInfo, start_unix_ns| SeriesInfo { start_unix_ns, ..info };
        let all = [at(scan(3), 30), at(scan(1), 10), at(pass(2), 20)];
        assert_eq!(pair(2, &all), (Some(id(3)), Some(id(2))));
    }
}
