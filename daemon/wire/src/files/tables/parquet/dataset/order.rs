//! Which rows lie together: row groups that are small boxes on the stage.
//!
//! In: places. Out: the numbers of the rows, box by box. Never: moves a row.
//!
//! Sort, tile, recurse (Leutenegger et al. 1997, "STR: a simple and efficient algorithm for R-tree packing"):
//! strips of equal count along y, each cut into boxes of equal count along x. Against a grid of fixed cells, in row
//! order, the boxes follow the density and no box is as wide as the tile. Within a box rows are in order of frame.

/// Rows of a box at most; 3 MiB in memory while it is read, some 600 KiB in the file.
pub(super) const GROUP_ROWS: usize = 16 << 10;

/// The places of one tile, on the stage, and their frames.
pub(super) struct Places {
    pub(super) nm: Vec<(f64, f64)>,
    pub(super) frames: Vec<u32>,
}

/// The numbers of all rows, box by box, and where each box ends.
pub(super) struct Boxes {
    rows: Vec<u32>,
    ends: Vec<usize>,
}

impl Boxes {
    pub(super) fn of(places: &Places) -> Self {
        let count = places.nm.len();
        let at = |row: u32| places.nm[row as usize];
        let mut rows: Vec<u32> = (0..).take(count).collect();
        let mut ends = Vec::new();
        let strips = (count.div_ceil(GROUP_ROWS) as f64).sqrt().ceil() as usize;
        rows.sort_unstable_by(|a, b| at(*a).1.total_cmp(&at(*b).1).then(a.cmp(b)));
        let mut begin = 0;
        for strip in rows.chunks_mut(count.div_ceil(strips.max(1)).max(1)) {
            strip.sort_unstable_by(|a, b| at(*a).0.total_cmp(&at(*b).0).then(a.cmp(b)));
            let boxes = strip.len().div_ceil(GROUP_ROWS);
            for group in strip.chunks_mut(strip.len().div_ceil(boxes)) {
                group.sort_unstable_by_key(|row| (places.frames[*row as usize], *row));
                begin += group.len();
                ends.push(begin);
            }
        }
        Self { rows, ends }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &[u32]> {
        let begins = std::iter::once(0).chain(self.ends.iter().copied());
        begins.zip(&self.ends).map(|(begin, end)| &self.rows[begin..*end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_box_and_no_box_is_too_large() {
        for count in [0, 1, GROUP_ROWS, GROUP_ROWS + 1, 5 * GROUP_ROWS + 7] {
            let nm = (0..count).map(|i| ((i * 7919 % 1000) as f64, (i * 104_729 % 1013) as f64)).collect();
            let places = Places { nm, frames: (0..).take(count).collect() };
            let boxes = Boxes::of(&places);
            let mut seen: Vec<u32> = boxes.iter().flatten().copied().collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq((0..).take(count)));
            assert!(
                boxes.iter().all(|rows| !rows.is_empty() && rows.len() <= GROUP_ROWS && rows.is_sorted())
            );
            let least = count.div_ceil(GROUP_ROWS);
            let most = least + (least as f64).sqrt().ceil() as usize;
            assert!((least..=most).contains(&boxes.iter().count()), "{count}");
        }
    }
}
