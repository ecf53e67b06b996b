//! Pictures of tiles that were read, each with smaller ones of it.
//!
//! In: pictures as they lie in files. Out: the one whose pixel fits what is drawn. Never: more than the limit: the large
//! ones of those that nobody looked at for longest go first, then these pictures whole.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use smlm::grey::{Grey, halve};
use smlm::units::{Nm, PixelSize};

use super::Source;

/// The most that is kept.
const BYTES_MAX: usize = 256 << 20;
/// Smaller ones of a picture end here.
const LEAST_PX: usize = 32;
/// Of a picture that was not looked at for long so many of the larger ones go: what is left is 1/256 of it.
const LARGE: usize = 4;
/// Ends of the widefield's colours, in percent of the pixels.
const ENDS_PERCENT: (f64, f64) = (1.0, 99.8);

/// The shelf.
#[derive(Default)]
pub struct Shelf {
    kept: HashMap<PathBuf, Kept>,
    bytes: usize,
    clock: u64,
}

struct Kept {
    version: u64,
    /// The largest first; `None`: given up.
    sizes: Vec<Option<Arc<Grey>>>,
    pixel: PixelSize,
    range: (f32, f32),
    looked_at: u64,
}

/// A picture at one size.
pub struct Plate {
    grey: Arc<Grey>,
    pixel: PixelSize,
}

impl Plate {
    /// Bilinear, at nm from the picture's corner; `None`: beyond it.
    pub fn at(&self, x_nm: f64, y_nm: f64) -> Option<f32> {
        let (width, height) = (self.grey.width(), self.grey.height());
        let (x, y) = (x_nm / self.pixel.x.0, y_nm / self.pixel.y.0);
        if x < 0.0 || y < 0.0 || x >= width as f64 || y >= height as f64 {
            return None;
        }
        let between = |at: f64, length: usize| {
            let at = (at - 0.5).clamp(0.0, (length - 1) as f64);
            let first = at as usize;
            (first, (first + 1).min(length - 1), (at - first as f64) as f32)
        };
        let ((left, right, along), (above, below, down)) = (between(x, width), between(y, height));
        let value = |row: usize, column: usize| self.grey.values()[row * width + column];
        let mix = |row| value(row, left) + along * (value(row, right) - value(row, left));
        Some(mix(above) + down * (mix(below) - mix(above)))
    }
}

impl Shelf {
    /// The picture of a source whose pixel is at most `pixel`, or the finest there is of coarser ones; `None`: it must be
    /// read.
    pub fn find(&mut self, source: &Source, pixel: Nm) -> Option<Plate> {
        self.clock += 1;
        let kept = self.kept.get_mut(&source.file).filter(|kept| kept.version == source.version)?;
        kept.looked_at = self.clock;
        kept.plate(pixel)
    }

    /// Keeps a picture that was read, and gives it out at the size that is drawn.
    pub fn put(&mut self, source: &Source, whole: Grey, pixel: Nm) -> Plate {
        self.clock += 1;
        let range = range(&whole);
        let whole = Arc::new(whole);
        let mut sizes = vec![Some(whole.clone())];
        let mut last = whole.clone();
        while last.width().min(last.height()) / 2 >= LEAST_PX {
            last = Arc::new(halve(&last));
            sizes.push(Some(last.clone()));
        }
        let kept = Kept { version: source.version, sizes, pixel: source.pixel, range, looked_at: self.clock };
        let plate = kept.plate(pixel).unwrap_or(Plate { grey: whole, pixel: source.pixel });
        self.bytes += kept.bytes();
        if let Some(before) = self.kept.insert(source.file.clone(), kept) {
            self.bytes -= before.bytes();
        }
        self.make_room();
        plate
    }

    #[cfg(test)]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Ends of the colours over those of these pictures that were read.
    pub fn range(&self, sources: &[Source]) -> (f32, f32) {
        let known = sources.iter().filter_map(|source| self.kept.get(&source.file)).map(|kept| kept.range);
        let ends = known.reduce(|(a, b), (c, d)| (a.min(c), b.max(d)));
        let (low, high) = ends.unwrap_or((0.0, 1.0));
        (low, if high > low { high } else { low + 1.0 })
    }

    fn make_room(&mut self) {
        while self.bytes > BYTES_MAX {
            let oldest = |kept: &HashMap<PathBuf, Kept>, large: bool| {
                let all = kept.iter().filter(|(_, kept)| !large || kept.has_large());
                all.min_by_key(|(_, kept)| kept.looked_at).map(|(path, _)| path.clone())
            };
            if let Some(path) = oldest(&self.kept, true) {
                let Some(kept) = self.kept.get_mut(&path) else { return };
                let before = kept.bytes();
                kept.sizes.iter_mut().take(LARGE).for_each(|size| *size = None);
                self.bytes -= before - kept.bytes();
            } else if let Some(gone) = oldest(&self.kept, false).and_then(|path| self.kept.remove(&path)) {
                self.bytes -= gone.bytes();
            } else {
                return;
            }
        }
    }
}

impl Kept {
    /// Those that fit, the smallest of them: it is drawn without a pixel left out.
    fn plate(&self, pixel: Nm) -> Option<Plate> {
        let scale = |step: usize| (1u64 << step) as f64;
        let finest = self.pixel.x.0.max(self.pixel.y.0);
        let fits = |step: &usize| finest * scale(*step) <= pixel.0 * 1.001;
        let step = (0..self.sizes.len()).rev().find(fits).unwrap_or(0);
        let grey = self.sizes[step].clone()?;
        let PixelSize { x, y } = self.pixel;
        Some(Plate { grey, pixel: PixelSize { x: Nm(x.0 * scale(step)), y: Nm(y.0 * scale(step)) } })
    }

    fn has_large(&self) -> bool {
        self.sizes.iter().take(LARGE).any(Option::is_some)
    }

    fn bytes(&self) -> usize {
        self.sizes.iter().flatten().map(|grey| size_of_val(grey.values())).sum()
    }
}

/// Of a sample: a picture has millions of pixels.
fn range(picture: &Grey) -> (f32, f32) {
    let step = picture.values().len().div_ceil(1 << 16).max(1);
    let mut sample: Vec<f64> = picture.values().iter().step_by(step).map(|value| f64::from(*value)).collect();
    let at = |sample: &mut [f64], percent: f64| smlm::order::quantile(sample, percent / 100.0).unwrap_or(0.0);
    let (low, high) = (at(&mut sample, ENDS_PERCENT.0), at(&mut sample, ENDS_PERCENT.1));
    (low as f32, high as f32)
}
