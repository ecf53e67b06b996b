//! How positions, z, time and σ are spread over all localizations, for colour ranges and views taken from the
//! data. Fixed memory.

use super::Colours;
use super::accumulate::Change;

const BINS: usize = 512;
const Z_LIMIT_NM: f32 = 2048.0;
pub(crate) const SIGMA_MAX_NM: f32 = 512.0;

/// Histograms of fixed size.
pub(crate) struct Spread {
    z: [u64; BINS],
    sigma: [u64; BINS],
    frame_first: f32,
    frame_last: f32,
    low: (f64, f64),
    high: (f64, f64),
}

impl Default for Spread {
    fn default() -> Self {
        Self {
            z: [0; BINS],
            sigma: [0; BINS],
            frame_first: f32::INFINITY,
            frame_last: 0.0,
            low: (f64::INFINITY, f64::INFINITY),
            high: (f64::NEG_INFINITY, f64::NEG_INFINITY),
        }
    }
}

impl Spread {
    /// A position in whole base pixels comes or goes. What goes leaves its place in the bounds.
    pub fn change(&mut self, change: Change, (x, y): (f64, f64), Colours { z_nm, frame, sigma_nm }: Colours) {
        change.apply(&mut self.z[bin((z_nm + Z_LIMIT_NM) / (2.0 * Z_LIMIT_NM))], 1);
        change.apply(&mut self.sigma[bin(sigma_nm / SIGMA_MAX_NM)], 1);
        if change == Change::Remove {
            return;
        }
        self.low = (self.low.0.min(x), self.low.1.min(y));
        self.high = (self.high.0.max(x), self.high.1.max(y));
        self.frame_first = self.frame_first.min(frame);
        self.frame_last = self.frame_last.max(frame);
    }

    /// Lowest and highest position.
    pub fn positions(&self) -> ((f64, f64), (f64, f64)) {
        (self.low, self.high)
    }

    /// nm, within ±2048; without the outer 2 % on either side.
    pub fn z(&self) -> (f32, f32) {
        let (low, high) = inner(&self.z);
        ((2.0 * low - 1.0) * Z_LIMIT_NM, (2.0 * high - 1.0) * Z_LIMIT_NM)
    }

    /// nm, at most 512.
    pub fn sigma(&self) -> (f32, f32) {
        let (low, high) = inner(&self.sigma);
        (low * SIGMA_MAX_NM, high * SIGMA_MAX_NM)
    }

    /// First and last frame with a localization.
    pub fn frames(&self) -> (f32, f32) {
        (self.frame_first.min(self.frame_last), self.frame_last)
    }
}

fn bin(part: f32) -> usize {
    ((part * BINS as f32) as usize).min(BINS - 1)
}

/// Edges, 0 to 1, of the bins that hold the inner 96 %.
fn inner(bins: &[u64; BINS]) -> (f32, f32) {
    let cut = bins.iter().sum::<u64>() / 50;
    let reached = |seen: &mut u64, pixels: &u64| {
        *seen += pixels;
        Some(*seen)
    };
    let low = bins.iter().scan(0, reached).take_while(|seen| *seen <= cut).count().min(BINS - 1);
    let high = bins.iter().rev().scan(0, reached).take_while(|seen| *seen <= cut).count().min(BINS - 1);
    let high = BINS - 1 - high;
    (low as f32 / BINS as f32, (high + 1) as f32 / BINS as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_leave_outliers_out() {
        let mut spread = Spread::default();
        let colours = |z_nm, frame, sigma_nm| Colours { z_nm, frame, sigma_nm };
        let add = |spread: &mut Spread, colours| spread.change(Change::Add, (0.0, 0.0), colours);
        (0..1000u16).for_each(|i| add(&mut spread, colours(f32::from(i % 401) - 200.0, f32::from(i), 10.0)));
        add(&mut spread, colours(1e9, 5.0, 500.0));
        let (low, high) = spread.z();
        assert!((-208.0..-180.0).contains(&low) && (180.0..208.0).contains(&high), "{low} {high}");
        assert_eq!((spread.frames(), spread.sigma()), ((0.0, 999.0), (10.0, 11.0)));
    }
}
