//! A shard in memory. In: pixels put or added. Out: its values, and halves of what changed. Never: outside its square.

use super::{Reduce, Value};

/// A rectangle within a shard: from, and to behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub from: (usize, usize),
    pub to: (usize, usize),
}

impl Part {
    pub fn width(&self) -> usize {
        self.to.0 - self.from.0
    }

    fn around(self, other: Self) -> Self {
        let from = (self.from.0.min(other.from.0), self.from.1.min(other.from.1));
        Self { from, to: (self.to.0.max(other.to.0), self.to.1.max(other.to.1)) }
    }
}

/// What is done with the value that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Put {
    Replace,
    Add,
}

/// Rows of values that lie `stride` apart.
#[derive(Clone, Copy)]
pub(super) struct Rows<'v, T> {
    pub values: &'v [T],
    pub stride: usize,
}

/// A square of pixels.
pub(super) struct Shard<T> {
    pub side: usize,
    pub values: Vec<T>,
    /// What is not in the file yet.
    pub changed: Option<Part>,
    /// When it was last wanted.
    pub used: u64,
}

impl<T: Value> Shard<T> {
    pub fn put(&mut self, part: Part, rows: Rows<'_, T>, put: Put) {
        for (y, row) in (part.from.1..part.to.1).zip(rows.values.chunks(rows.stride)) {
            let into = &mut self.values[y * self.side + part.from.0..y * self.side + part.to.0];
            match put {
                Put::Replace => into.copy_from_slice(&row[..part.width()]),
                Put::Add => into.iter_mut().zip(row).for_each(|(into, value)| *into = into.plus(*value)),
            }
        }
        self.changed = Some(self.changed.map_or(part, |changed| changed.around(part)));
    }

    /// A part at half the size: its place in the halved shard, and its values. Pixels from `valid` on lie outside of
    /// the picture and do not count in a mean.
    pub fn halved(&self, part: Part, valid: (usize, usize), reduce: Reduce) -> (Part, Vec<T>) {
        let to = (part.to.0.min(valid.0), part.to.1.min(valid.1));
        let half = Part {
            from: (part.from.0 / 2, part.from.1 / 2),
            to: (to.0.div_ceil(2).max(part.from.0 / 2), to.1.div_ceil(2).max(part.from.1 / 2)),
        };
        let mut values = Vec::with_capacity(half.width() * (half.to.1 - half.from.1));
        for y in half.from.1..half.to.1 {
            let row = |y: usize| &self.values[y * self.side..y * self.side + valid.0];
            let above = row(2 * y);
            let below = if 2 * y + 1 < valid.1 { row(2 * y + 1) } else { &[] };
            for x in half.from.0..half.to.0 {
                let pair = |row: &'_ [T]| (row.get(2 * x).copied(), row.get(2 * x + 1).copied());
                values.push(match (pair(above), pair(below)) {
                    ((Some(a), Some(b)), (Some(c), Some(d))) => T::reduced(&[a, b, c, d], reduce),
                    ((Some(a), Some(b)), _) => T::reduced(&[a, b], reduce),
                    ((Some(a), None), (Some(c), _)) => T::reduced(&[a, c], reduce),
                    ((Some(a), None), _) => a,
                    ((None, _), _) => T::default(),
                });
            }
        }
        (half, values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shard() -> Shard<u16> {
        Shard { side: 4, values: (0..16).collect(), changed: None, used: 0 }
    }

    #[test]
    fn halves_are_sums_or_means_of_four() {
        let whole = Part { from: (0, 0), to: (4, 4) };
        let (half, sums) = shard().halved(whole, (4, 4), Reduce::Sum);
        assert_eq!((half, sums), (Part { from: (0, 0), to: (2, 2) }, vec![10, 18, 42, 50]));
        assert_eq!(shard().halved(whole, (4, 4), Reduce::Mean).1, [3, 5, 11, 13]);
    }

    #[test]
    fn what_lies_outside_of_the_picture_does_not_count() {
        let whole = Part { from: (0, 0), to: (4, 4) };
        let (half, means) = shard().halved(whole, (3, 3), Reduce::Mean);
        assert_eq!((half.to, means), ((2, 2), vec![3, 4, 9, 10]));
    }

    #[test]
    fn a_part_that_begins_at_an_odd_pixel_changes_the_pixel_it_shares() {
        let (half, sums) = shard().halved(Part { from: (1, 3), to: (2, 4) }, (4, 4), Reduce::Sum);
        assert_eq!((half, sums), (Part { from: (0, 1), to: (1, 2) }, vec![42]));
    }

    #[test]
    fn counts_add_up_and_stop_at_the_largest() {
        let mut shard = shard();
        let part = Part { from: (2, 0), to: (4, 1) };
        shard.put(part, Rows { values: &[1, u16::MAX, 9], stride: 3 }, Put::Add);
        assert_eq!(shard.values[..4], [0, 1, 3, u16::MAX]);
        assert_eq!(shard.changed, Some(part));
    }
}
