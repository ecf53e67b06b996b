//! The ordinary fluorescence picture of one tile: the mean of the frames that a widefield pass took there.
//!
//! In: pixels as they lie in the ring, with each frame's number in its tile. Out: the mean in ADU, with the number of
//! frames it is of. Never: more memory than one number per pixel; a frame kept; a mean of frames of two shapes.
//!
//! ANNA-PALM took five frames at each of 1,089 positions and left the first two out, because of motion blur (Ouyang et
//! al. 2018, Nature Biotechnology 36, 460, Online Methods, "Microscopy").

mod pairing;

pub use pairing::{scan_of, widefield_of};

use crate::frame::{PixelType, Shape};
use crate::grey::Grey;

/// A mean is of no more frames; later ones change nothing. It is then an eighth as noisy as one frame.
pub const MOST_FRAMES: u32 = 64;
/// Whole numbers up to here are exact in an f32: so is every sum.
const EXACT: u64 = 1 << 24;
const _: () = assert!(MOST_FRAMES as u64 * u16::MAX as u64 <= EXACT);

/// Why a frame cannot be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[must_use]
pub enum WidefieldError {
    #[error("{bytes} bytes are no frame of {needed} bytes")]
    Length { bytes: usize, needed: usize },
}

/// Sums of one tile's frames.
#[derive(Clone, Debug)]
pub struct Mean {
    shape: Shape,
    skip: u32,
    sums: Vec<f32>,
    frames: u32,
    /// Added, skipped ones too.
    seen: u32,
    /// The sum is a frame that should be skipped: the first one that should not takes its place.
    stands_in: bool,
}

/// A mean as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanPicture {
    /// In ADU.
    pub picture: Grey,
    /// That it is the mean of.
    pub frames: u32,
}

impl Mean {
    /// Nothing added yet. The first `skip` frames of the tile are left out; where there are no others, the last of
    /// them stands alone: a picture with motion blur tells more than none.
    pub fn new(shape: Shape, skip: u32) -> Self {
        Self { shape, skip, sums: vec![0.0; shape.pixels()], frames: 0, seen: 0, stands_in: false }
    }

    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Adds a frame. `number` is its place in the tile, from 0: so a frame that was lost on the way makes no other one
    /// count as the tile's first. A publisher that does not number its frames gives 0; then they are counted here.
    ///
    /// # Errors
    /// `bytes` are not the pixels of a frame of this shape; nothing is added then.
    pub fn add(&mut self, number: u32, bytes: &[u8], kind: PixelType) -> Result<(), WidefieldError> {
        let needed = self.shape.pixels() * kind.bytes();
        if bytes.len() != needed {
            return Err(WidefieldError::Length { bytes: bytes.len(), needed });
        }
        let skipped = number.max(self.seen) < self.skip;
        self.seen = self.seen.saturating_add(1);
        let kept = self.frames > 0 && !self.stands_in;
        if (skipped && kept) || self.frames >= MOST_FRAMES {
            return Ok(());
        }
        if self.stands_in || skipped {
            self.sums.fill(0.0);
            self.frames = 0;
        }
        self.stands_in = skipped;
        self.frames += 1;
        match kind {
            PixelType::U8 => self.sum(bytes.iter().map(|byte| f32::from(*byte))),
            PixelType::U16 => {
                self.sum(bytes.chunks_exact(2).map(|two| f32::from(u16::from_le_bytes([two[0], two[1]]))));
            }
        }
        Ok(())
    }

    fn sum(&mut self, counts: impl Iterator<Item = f32>) {
        self.sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }

    /// Frames the mean is of so far.
    pub const fn frames(&self) -> u32 {
        self.frames
    }

    /// The mean, rounded once per pixel: off by at most half a unit in the last place of an f32. `None` without a
    /// frame.
    pub fn picture(mut self) -> Option<MeanPicture> {
        let frames = self.frames;
        self.sums.iter_mut().for_each(|sum| *sum /= frames as f32);
        (frames > 0).then(|| MeanPicture { picture: Grey::of(self.shape, self.sums), frames })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { width: 3, height: 2 };

    /// Every pixel of frame `k` is `counts[k]` plus its place.
    fn mean(skip: u32, numbered: &[(u32, u16)]) -> MeanPicture {
        let mut mean = Mean::new(SHAPE, skip);
        for (number, count) in numbered {
            let bytes: Vec<u8> = (0..6u16).flat_map(|at| (count + at).to_le_bytes()).collect();
            mean.add(*number, &bytes, PixelType::U16).unwrap();
        }
        mean.picture().unwrap()
    }

    #[track_caller]
    fn expect(found: &MeanPicture, frames: u32, first: f32) {
        assert_eq!(found.frames, frames);
        let values: Vec<f32> = (0..6u8).map(|at| first + f32::from(at)).collect();
        assert_eq!(found.picture.values(), values);
    }

    #[test]
    fn the_mean_of_five_frames_leaves_the_first_two_out() {
        let five = [(0, 9000), (1, 5000), (2, 100), (3, 200), (4, 600)];
        expect(&mean(2, &five), 3, 300.0);
        expect(&mean(0, &five), 5, 2980.0);
    }

    #[test]
    fn where_every_frame_should_be_skipped_the_last_one_stands_alone() {
        expect(&mean(2, &[(0, 10)]), 1, 10.0);
        expect(&mean(2, &[(0, 10), (1, 30)]), 1, 30.0);
        expect(&mean(4, &[(0, 10), (1, 30), (2, 50)]), 1, 50.0);
    }

    #[test]
    fn a_frame_lost_on_the_way_makes_no_other_one_the_first() {
        expect(&mean(2, &[(1, 9000), (2, 100), (3, 200)]), 2, 150.0);
        expect(&mean(2, &[(2, 100), (4, 200)]), 2, 150.0);
    }

    #[test]
    fn frames_without_numbers_are_counted() {
        expect(&mean(2, &[(0, 9000), (0, 5000), (0, 100), (0, 300)]), 2, 200.0);
    }

    #[test]
    fn sums_of_the_brightest_frames_are_exact_and_end_at_the_limit() {
        let bright: Vec<(u32, u16)> = (0..MOST_FRAMES).map(|number| (number, 65_530)).collect();
        expect(&mean(0, &bright), MOST_FRAMES, 65_530.0);
        let more = [&bright[..], &[(MOST_FRAMES, 0), (MOST_FRAMES + 1, 0)]].concat();
        expect(&mean(0, &more), MOST_FRAMES, 65_530.0);
    }

    #[test]
    fn eight_bits_and_sixteen_are_read_as_they_lie_in_the_ring() {
        let mut eight = Mean::new(SHAPE, 0);
        eight.add(0, &[0, 1, 2, 3, 4, 255], PixelType::U8).unwrap();
        eight.add(1, &[1, 1, 2, 3, 4, 255], PixelType::U8).unwrap();
        assert_eq!(eight.picture().unwrap().picture.values(), [0.5, 1.0, 2.0, 3.0, 4.0, 255.0]);
        let mut sixteen = Mean::new(Shape { width: 1, height: 1 }, 0);
        sixteen.add(0, &[0x01, 0x02], PixelType::U16).unwrap();
        assert_eq!(sixteen.picture().unwrap().picture.values(), [513.0]);
    }

    #[test]
    fn what_is_no_frame_is_refused_and_no_frame_is_no_picture() {
        let mut mean = Mean::new(SHAPE, 0);
        let refused = mean.add(0, &[0; 11], PixelType::U16);
        assert_eq!(refused, Err(WidefieldError::Length { bytes: 11, needed: 12 }));
        assert_eq!(mean.frames(), 0);
        assert!(mean.picture().is_none());
    }
}
