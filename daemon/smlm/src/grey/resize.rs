//! Smaller pictures of the same field. In: a picture. Out: one of half or a quarter of its sides, pixel centres where
//! those of the large one are. Never: a picture made larger.

use super::Grey;
use crate::frame::Shape;

/// Means of 2 × 2 pixels; an odd last row or column is left out.
pub fn halve(picture: &Grey) -> Grey {
    sample(picture, 2, 0)
}

/// Bilinear at a quarter of the sides, pixel centres kept (pixel i of the result lies at 4 i + 1.5): the mean of the
/// middle 2 × 2 of each 4 × 4 pixels. What is left over at the end of a side is left out. Without a blur before, what is
/// finer than four pixels folds over; a widefield picture at the pixel of a super-resolved one holds nothing so fine.
pub fn quarter(picture: &Grey) -> Grey {
    sample(picture, 4, 1)
}

/// Means of the 2 × 2 pixels that begin `from` pixels into each `step` × `step`.
fn sample(picture: &Grey, step: usize, from: usize) -> Grey {
    let (width, height) = (picture.width() / step, picture.height() / step);
    let mut values = Vec::with_capacity(width * height);
    for y in 0..height {
        let first = (y * step + from) * picture.width();
        let (upper, lower) = (&picture.values[first..], &picture.values[first + picture.width()..]);
        values.extend((0..width).map(|x| {
            let at = x * step + from;
            (upper[at] + upper[at + 1] + lower[at] + lower[at + 1]) / 4.0
        }));
    }
    Grey { shape: Shape { width: width as u32, height: height as u32 }, values }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_stays_where_it_was() {
        let shape = Shape { width: 10, height: 9 };
        let ramp = Grey::new(shape, (0..90).map(|i| (i % 10) as f32).collect()).unwrap();
        let (half, quarter) = (halve(&ramp), quarter(&ramp));
        assert_eq!((half.width(), half.height()), (5, 4));
        assert_eq!(half.values()[..5], [0.5, 2.5, 4.5, 6.5, 8.5]);
        assert_eq!((quarter.width(), quarter.height()), (2, 2));
        assert_eq!(quarter.values(), [1.5, 5.5, 1.5, 5.5]);
    }
}
