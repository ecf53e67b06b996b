//! Focus and light of a tile, from some of its frames.
//!
//! In: every frame of a series, in order. Out: of a few of them, how many pixels are at the camera's largest value, and how
//! broad what blinks is: sums that add up over a tile. Never: more than [`RUNS`] runs of [`RUN`] frames of a tile, and of a
//! frame more than [`PIXELS`] pixels and a crop of [`SIDE_PX`]² in its middle; memory taken once the shape is known.

use std::ops::AddAssign;

use crate::frame::{Continuity, FrameInfo, PixelType, Shape};
use crate::sharpness::{Blinking, Energy, Width};

/// Frames that are looked at together: five products of neighbouring differences.
pub const RUN: u64 = 10;
/// Runs of a tile, at most; spread over its length where that is announced.
pub const RUNS: u64 = 16;
/// Frames from the beginning of one run to that of the next, at least.
pub const EVERY: u64 = 100;
/// Side of the crop in which the width is measured.
pub const SIDE_PX: u32 = 128;
/// Pixels of a frame that are compared with the largest value, at most: whole rows, evenly spread.
pub const PIXELS: usize = 1 << 16;
/// A width that is less sure says nothing of the focus: the rule that compares it asks for a fifth more.
const SURE: f64 = 0.05;

/// What was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Look {
    pub frames: u64,
    pub pixels: u64,
    /// Of these, at the camera's largest value.
    pub saturated: u64,
    pub energy: Energy,
}

impl Look {
    /// Part of the pixels, 0 to 1; `None` where none was looked at.
    pub fn saturated_share(&self) -> Option<f64> {
        (self.pixels > 0).then(|| self.saturated as f64 / self.pixels as f64)
    }

    /// σ of the PSF, where it is known to a twentieth.
    pub fn width(&self) -> Option<Width> {
        self.energy.width().filter(|width| width.sd_px <= SURE * width.sigma_px)
    }
}

impl AddAssign for Look {
    fn add_assign(&mut self, more: Self) {
        self.frames += more.frames;
        self.pixels += more.pixels;
        self.saturated += more.saturated;
        self.energy += more.energy;
    }
}

/// Looks at the frames of one series.
#[derive(Default)]
pub struct Looks {
    last: Option<FrameInfo>,
    /// Frames of the tile in hand.
    seen: u64,
    /// Its shape, and the crop's; the inner `None`: it is too small.
    blinking: Option<(Shape, Option<Crop>)>,
    gathered: Look,
}

struct Crop {
    x: usize,
    y: usize,
    blinking: Blinking,
}

impl Looks {
    /// Takes a frame in, if its turn has come. `bytes` are its pixels; `bit_depth`: of the camera, 0 where it is not known
    /// (then a pixel's whole range is the camera's).
    pub fn take(&mut self, info: &FrameInfo, bytes: &[u8], bit_depth: u32) {
        let before = self.last.replace(*info);
        let same = before.is_some_and(|last| last.tile.index == info.tile.index);
        self.seen = if same { self.seen + 1 } else { 0 };
        if !is_wanted(self.seen, info.frames_per_tile) || bytes.len() != info.payload_bytes() {
            return;
        }
        let follows = |last: FrameInfo| {
            let begins = self.seen.is_multiple_of(spacing(info.frames_per_tile));
            same && last.id.seq.0 + 1 == info.id.seq.0 && last.shape == info.shape && !begins
        };
        if !(before.is_some_and(follows) && info.continuity == Continuity::Burst) {
            self.interrupt();
        }
        self.gathered.frames += 1;
        self.count(info, bytes, largest(info.pixel_type, bit_depth));
        self.blink(info, bytes);
    }

    /// What was seen since the last time; `None`: nothing.
    pub fn give(&mut self) -> Option<Look> {
        (self.gathered.frames > 0).then(|| std::mem::take(&mut self.gathered))
    }

    fn interrupt(&mut self) {
        if let Some((_, Some(crop))) = &mut self.blinking {
            crop.blinking.interrupt();
        }
    }

    fn count(&mut self, info: &FrameInfo, bytes: &[u8], largest: u16) {
        let row = info.shape.width as usize * info.pixel_type.bytes();
        if row == 0 {
            return;
        }
        let every = info.shape.pixels().div_ceil(PIXELS);
        for row in bytes.chunks_exact(row).step_by(every) {
            let saturated = match info.pixel_type {
                PixelType::U8 => row.iter().filter(|value| u16::from(**value) >= largest).count(),
                PixelType::U16 => {
                    let pixels = row.as_chunks::<2>().0.iter();
                    pixels.filter(|value| u16::from_le_bytes(**value) >= largest).count()
                }
            };
            self.gathered.pixels += u64::from(info.shape.width);
            self.gathered.saturated += saturated as u64;
        }
    }

    fn blink(&mut self, info: &FrameInfo, bytes: &[u8]) {
        if self.blinking.as_ref().is_none_or(|(shape, _)| *shape != info.shape) {
            self.blinking = Some((info.shape, Crop::of(info.shape)));
        }
        let Some((_, Some(crop))) = &mut self.blinking else { return };
        let width = info.shape.width as usize;
        let from = |row: usize| (crop.y + row) * width + crop.x;
        let more = match info.pixel_type {
            PixelType::U8 => crop.blinking.add(|row, to| {
                let pixels = &bytes[from(row)..from(row) + to.len()];
                to.iter_mut().zip(pixels).for_each(|(to, value)| *to = f32::from(*value));
            }),
            PixelType::U16 => {
                let all = bytes.as_chunks::<2>().0;
                crop.blinking.add(|row, to| {
                    let pixels = &all[from(row)..from(row) + to.len()];
                    to.iter_mut().zip(pixels).for_each(|(to, v)| *to = f32::from(u16::from_le_bytes(*v)));
                })
            }
        };
        more.into_iter().for_each(|more| self.gathered.energy += more);
    }
}

impl Crop {
    /// The middle.
    fn of(whole: Shape) -> Option<Self> {
        let shape = Shape { width: whole.width.min(SIDE_PX), height: whole.height.min(SIDE_PX) };
        let middle = |whole: u32, part: u32| ((whole - part) / 2) as usize;
        let (x, y) = (middle(whole.width, shape.width), middle(whole.height, shape.height));
        Some(Self { x, y, blinking: Blinking::new(shape)? })
    }
}

/// Frames from the beginning of one run to that of the next.
fn spacing(frames_per_tile: u32) -> u64 {
    (u64::from(frames_per_tile) / RUNS).max(EVERY)
}

fn is_wanted(seen: u64, frames_per_tile: u32) -> bool {
    let spacing = spacing(frames_per_tile);
    seen / spacing < RUNS && seen % spacing < RUN
}

fn largest(pixel: PixelType, bit_depth: u32) -> u16 {
    let bits = match pixel {
        PixelType::U8 => 8,
        PixelType::U16 => 16,
    };
    let known = if (1..=bits).contains(&bit_depth) { bit_depth } else { bits };
    (((1u32 << known) - 1) & 0xffff) as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{FrameId, Seq, Tile};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const SHAPE: Shape = Shape { width: 300, height: 64 };

    fn info(seq: u64, tile: u32, frames_per_tile: u32) -> FrameInfo {
        FrameInfo {
            id: FrameId { seq: Seq(seq), ..FrameId::default() },
            tile: Tile { index: tile, ..Tile::default() },
            frames_per_tile,
            shape: SHAPE,
            pixel_type: PixelType::U16,
            ..FrameInfo::default()
        }
    }

    fn bytes(counts: &[u16]) -> Vec<u8> {
        counts.iter().flat_map(|count| count.to_le_bytes()).collect()
    }

    /// A frame with emitters that each shine for three of them.
    fn blinking(seq: u64, sigma: f32) -> Vec<u8> {
        let mut counts = vec![100.0f32; SHAPE.pixels()];
        for i in 0..40 {
            let mut random = ChaCha8Rng::seed_from_u64((seq + i) / 3 * 40 + i);
            let (x, y) = (random.random_range(0.0..300.0f32), random.random_range(0.0..64.0f32));
            for (at, count) in counts.iter_mut().enumerate() {
                let (dx, dy) = ((at % 300) as f32 - x, (at / 300) as f32 - y);
                *count += 4000.0 / (sigma * sigma) * (-(dx * dx + dy * dy) / (2.0 * sigma * sigma)).exp();
            }
        }
        bytes(&counts.iter().map(|count| *count as u16).collect::<Vec<_>>())
    }

    #[test]
    fn the_width_of_a_tile_is_that_of_what_blinks_in_the_frames_looked_at() {
        for sigma in [1.3f32, 2.0] {
            let (mut looks, mut whole) = (Looks::default(), Look::default());
            for seq in 0..RUN {
                looks.take(&info(seq, 0, 40), &blinking(seq, sigma), 0);
                whole += looks.give().expect("the first frames are looked at");
            }
            let width = whole.width().expect("it blinks");
            assert!((width.sigma_px / f64::from(sigma) - 1.0).abs() < 0.05, "{sigma}: {width:?}");
        }
    }

    #[test]
    fn pixels_at_the_largest_value_of_the_camera_are_counted() {
        let mut counts = vec![100u16; SHAPE.pixels()];
        counts[5] = 4095;
        counts[7] = 65_535;
        let share = |bit_depth: u32| {
            let mut looks = Looks::default();
            looks.take(&info(0, 0, 0), &bytes(&counts), bit_depth);
            looks.give().and_then(|look| look.saturated_share()).unwrap() * SHAPE.pixels() as f64
        };
        assert_eq!([0, 12, 16, 99].map(|depth| share(depth).round()), [1.0, 2.0, 1.0, 1.0]);
    }

    #[test]
    fn of_a_long_tile_few_frames_are_looked_at_and_of_the_next_one_as_many() {
        let frame = vec![0; SHAPE.pixels() * 2];
        let looked = |frames: u64, announced: u32| {
            let mut looks = Looks::default();
            (0..2 * frames).for_each(|seq| {
                looks.take(&info(seq, (seq / frames) as u32, announced), &frame, 0);
            });
            looks.give().map_or(0, |look| look.frames)
        };
        assert_eq!(looked(3200, 3200), 2 * RUNS * RUN);
        assert_eq!(looked(3200, 0), 2 * RUNS * RUN);
        assert_eq!(looked(7, 7), 14);
        assert_eq!(looked(150, 150), 4 * RUN);
    }

    #[test]
    fn frames_that_are_no_neighbours_have_no_width_and_none_is_made_across_tiles() {
        let seen = |info: &dyn Fn(u64) -> FrameInfo| {
            let mut looks = Looks::default();
            (0..RUN).for_each(|seq| looks.take(&info(seq), &blinking(seq, 1.3), 0));
            looks.give().unwrap()
        };
        let sampled = |seq| FrameInfo { continuity: Continuity::LiveSampled, ..info(seq, 0, 40) };
        for look in
            [seen(&sampled), seen(&|seq| info(2 * seq, 0, 40)), seen(&|seq| info(seq, seq as u32 / 5, 5))]
        {
            assert_eq!((look.frames, look.energy), (RUN, Energy::default()));
        }
    }
}
