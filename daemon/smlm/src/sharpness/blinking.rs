//! The width of what blinks, frame by frame.
//!
//! In: consecutive frames of a tile. Out: sums that may be kept and added up, and the width they say. Never: memory taken
//! once it is made.

use std::ops::AddAssign;

use super::{STEP_PX, Width, sigma_px};
use crate::frame::Shape;

/// Differences are taken between frames that lie so far apart; far enough that the noise of no frame meets itself in a
/// product, near enough that the light has not faded.
const APART: usize = 4;
/// Frames, at least: two neighbouring differences.
pub const FRAMES_MIN: usize = APART + 2;
/// Bands of rows that are looked at apart, to see how sure the width is.
pub const BANDS: usize = 8;
/// Sides of a picture, at least.
pub const SIDE_MIN: usize = 2 * STEP_PX + BANDS;
/// A width is told where the products stand out from their spread over the bands so many times.
const SIGNIFICANT: f64 = 5.0;
/// Sums of a row that are added side by side.
const LANES: usize = 16;

/// Sums of products by band of rows: of Laplacians, and of gradients. Those of several stretches of a tile add up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Energy {
    pub laplacian: [f64; BANDS],
    pub gradient: [f64; BANDS],
}

impl Energy {
    /// Adds products of two pictures, each row to its band; the border's pixels have no Laplacian.
    pub(super) fn add(&mut self, one: &[f32], other: &[f32], width: usize) {
        const H: usize = STEP_PX;
        let rows = one.len() / width;
        for y in H..rows - H {
            let band = (y - H) * BANDS / (rows - 2 * H);
            let (laplacian, gradient) = row(one, other, y, width);
            self.laplacian[band] += f64::from(laplacian);
            self.gradient[band] += f64::from(gradient);
        }
    }

    /// Of all bands.
    pub(super) fn whole(&self) -> (f64, f64) {
        (self.laplacian.iter().sum(), self.gradient.iter().sum())
    }

    /// The width of all bands, its deviation from leaving out one after the other; `None` where nothing blinks.
    pub fn width(&self) -> Option<Width> {
        let (laplacian, gradient) = self.whole();
        let mean = gradient / BANDS as f64;
        let spread = self.gradient.iter().map(|band| (band - mean).powi(2)).sum::<f64>() / (BANDS - 1) as f64;
        // Written so that NaN fails.
        let stands_out = mean > SIGNIFICANT * (spread / BANDS as f64).sqrt();
        if !stands_out {
            return None;
        }
        let without =
            |band: usize| sigma_px((laplacian - self.laplacian[band]) / (gradient - self.gradient[band]));
        let widths = (0..BANDS).map(without).collect::<Option<Vec<f64>>>()?;
        let middle = widths.iter().sum::<f64>() / BANDS as f64;
        let squares = widths.iter().map(|width| (width - middle).powi(2)).sum::<f64>();
        let sd_px = (squares * (BANDS - 1) as f64 / BANDS as f64).sqrt();
        Some(Width { sigma_px: sigma_px(laplacian / gradient)?, sd_px })
    }
}

impl AddAssign for Energy {
    fn add_assign(&mut self, more: Self) {
        self.laplacian.iter_mut().zip(more.laplacian).for_each(|(sum, more)| *sum += more);
        self.gradient.iter_mut().zip(more.gradient).for_each(|(sum, more)| *sum += more);
    }
}

/// Takes frames one after the other.
pub struct Blinking {
    width: usize,
    row: Vec<f32>,
    /// The latest, each in the place of the one before it by [`APART`].
    frames: [Vec<f32>; APART],
    /// The latest two differences.
    changes: [Vec<f32>; 2],
    consecutive: usize,
}

impl Blinking {
    /// For frames of this shape; `None` for those that are too small.
    pub fn new(shape: Shape) -> Option<Self> {
        let (width, height) = (shape.width as usize, shape.height as usize);
        let picture = || vec![0.0; shape.pixels()];
        (width.min(height) >= SIDE_MIN).then(|| Self {
            width,
            row: vec![0.0; width],
            frames: std::array::from_fn(|_| picture()),
            changes: [picture(), picture()],
            consecutive: 0,
        })
    }

    /// The next frame does not follow the last one.
    pub fn interrupt(&mut self) {
        self.consecutive = 0;
    }

    /// Takes a frame, whose rows are asked for one after the other, in counts or photons; says what they add.
    pub fn add(&mut self, mut row: impl FnMut(usize, &mut [f32])) -> Option<Energy> {
        let at = self.consecutive;
        let earlier = self.frames[at % APART].chunks_exact_mut(self.width);
        let changes = self.changes[at % 2].chunks_exact_mut(self.width);
        for (y, (earlier, changes)) in earlier.zip(changes).enumerate() {
            row(y, &mut self.row);
            for ((earlier, change), now) in earlier.iter_mut().zip(changes).zip(&self.row) {
                *change = *earlier - now;
                *earlier = *now;
            }
        }
        self.consecutive += 1;
        if self.consecutive < FRAMES_MIN {
            return None;
        }
        let mut energy = Energy::default();
        energy.add(&self.changes[(at + 1) % 2], &self.changes[at % 2], self.width);
        Some(energy)
    }
}

/// σ of the PSF from what blinks in consecutive `frames`, each of `shape`, in counts or photons. `None` where frames are
/// too few or too small, do not fit the shape, or nothing blinks in them.
pub fn blinking_width(frames: &[&[f32]], shape: Shape) -> Option<Width> {
    if frames.iter().any(|frame| frame.len() != shape.pixels()) {
        return None;
    }
    let mut blinking = Blinking::new(shape)?;
    let mut energy = Energy::default();
    for frame in frames {
        let mut rows = frame.chunks_exact(shape.width as usize);
        let more = blinking.add(|_, to| rows.next().into_iter().for_each(|row| to.copy_from_slice(row)));
        more.into_iter().for_each(|more| energy += more);
    }
    energy.width()
}

/// Of one row, without its ends.
fn row(one: &[f32], other: &[f32], y: usize, width: usize) -> (f32, f32) {
    const H: usize = STEP_PX;
    let (a, b) = (around(one, y, width), around(other, y, width));
    let (mut laplacian, mut gradient) = ([0.0f32; LANES], [0.0f32; LANES]);
    let columns = width - 2 * H;
    let mut add = |lane: usize, x: usize| {
        let [a, b] = [&a, &b].map(|[up, here, down]| {
            let across = here[x + 2 * H] - here[x + H];
            let along = down[x + H] - here[x + H];
            let second = across + along - (here[x + H] - here[x]) - (here[x + H] - up[x + H]);
            (across, along, second)
        });
        laplacian[lane] += a.2 * b.2;
        gradient[lane] += a.0 * b.0 + a.1 * b.1;
    };
    let whole = columns - columns % LANES;
    for x in (0..whole).step_by(LANES) {
        (0..LANES).for_each(|lane| add(lane, x + lane));
    }
    (whole..columns).for_each(|x| add(0, x));
    (laplacian.iter().sum(), gradient.iter().sum())
}

/// The rows above, here and below.
fn around(picture: &[f32], y: usize, width: usize) -> [&[f32]; 3] {
    [y - STEP_PX, y, y + STEP_PX].map(|y| &picture[y * width..(y + 1) * width])
}
