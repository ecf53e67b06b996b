//! What was localized in the last second or so, and how long frames took. In: localizations, durations and the
//! time, all passed in. Out: rates, medians, percentiles. Memory is fixed; recording allocates nothing. Never:
//! reads a clock.

mod course;
mod distribution;
mod history;
mod on_time;

pub use course::{Course, Span};
pub use distribution::{Distribution, Quantity};
pub use history::History;

use crate::localization::Localization;
use crate::units::PixelSize;

const SLOTS: usize = 8;

/// Statistics of a sliding window of time, in eighths of it.
pub struct RecentStatistics {
    slot_ns: u64,
    slots: Box<[Slot; SLOTS]>,
}

/// Of the localizations of the window.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Statistics {
    pub frames: u64,
    pub localizations_per_frame: f64,
    /// Localizations per µm² and frame.
    pub density_per_um2: f64,
    pub photons_median: f64,
    /// Photons per pixel.
    pub background_median: f64,
    /// Of the mean of σx and σy.
    pub sigma_lateral_median_nm: f64,
}

/// The frames that became localizations at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Batch<'a> {
    pub frames: u32,
    /// Of one frame.
    pub area_um2: f64,
    pub pixel: PixelSize,
    pub localizations: &'a [Localization],
}

#[derive(Clone, Default)]
struct Slot {
    /// Number of the slot's time since the beginning; a slot of another time is out of date.
    epoch: u64,
    frames: u64,
    localizations: u64,
    area_um2: f64,
    photons: LogBins,
    background: LogBins,
    sigma_nm: LogBins,
}

impl RecentStatistics {
    /// A window of this length; 0 counts as 1 ms.
    pub fn new(window_ms: u64) -> Self {
        let slot_ns = window_ms.max(1).saturating_mul(1_000_000) / SLOTS as u64;
        Self { slot_ns, slots: Box::new(std::array::from_fn(|_| Slot::default())) }
    }

    /// Frames that are done now, on any clock that does not run backwards.
    pub fn record(&mut self, now_ns: u64, batch: &Batch) {
        // From 1 on: an untouched slot is of time 0.
        let epoch = now_ns / self.slot_ns + 1;
        let slot = &mut self.slots[(epoch % SLOTS as u64) as usize];
        if slot.epoch != epoch {
            slot.restart(epoch);
        }
        slot.add(batch);
    }

    /// Of the window that ends now; `None` when no frame was done in it.
    pub fn at(&self, now_ns: u64) -> Option<Statistics> {
        let last = now_ns / self.slot_ns + 1;
        let first = (last + 1).saturating_sub(SLOTS as u64).max(1);
        Statistics::of(self.slots.iter().filter(|slot| (first..=last).contains(&slot.epoch)))
    }
}

impl Statistics {
    /// `None` without a frame.
    fn of<'a>(slots: impl Iterator<Item = &'a Slot> + Clone) -> Option<Self> {
        let frames: u64 = slots.clone().map(|slot| slot.frames).sum();
        if frames == 0 {
            return None;
        }
        let localizations = slots.clone().map(|slot| slot.localizations).sum::<u64>() as f64;
        let area: f64 = slots.clone().map(|slot| slot.area_um2).sum();
        Some(Self {
            frames,
            localizations_per_frame: localizations / frames as f64,
            density_per_um2: if area > 0.0 { localizations / area } else { 0.0 },
            photons_median: median(slots.clone().map(|slot| &slot.photons)),
            background_median: median(slots.clone().map(|slot| &slot.background)),
            sigma_lateral_median_nm: median(slots.map(|slot| &slot.sigma_nm)),
        })
    }
}

/// Statistics of the frames since it was made, without an end.
#[derive(Clone, Default)]
pub struct TileStatistics(Box<Slot>);

impl TileStatistics {
    pub fn record(&mut self, batch: &Batch) {
        self.0.add(batch);
    }

    /// Of nothing: all 0.
    pub fn now(&self) -> Statistics {
        Statistics::of(std::iter::once(&*self.0)).unwrap_or_default()
    }
}

impl Slot {
    fn add(&mut self, batch: &Batch) {
        self.frames += u64::from(batch.frames);
        self.area_um2 += f64::from(batch.frames) * batch.area_um2;
        self.localizations += batch.localizations.len() as u64;
        let (half_x, half_y) = (batch.pixel.x.0 as f32 / 2.0, batch.pixel.y.0 as f32 / 2.0);
        for l in batch.localizations {
            self.photons.add(l.photons);
            self.background.add(l.background);
            self.sigma_nm.add(l.sigma_x_px * half_x + l.sigma_y_px * half_y);
        }
    }

    fn restart(&mut self, epoch: u64) {
        (self.epoch, self.frames, self.localizations, self.area_um2) = (epoch, 0, 0, 0.0);
        for bins in [&mut self.photons, &mut self.background, &mut self.sigma_nm] {
            bins.0.fill(0);
        }
    }
}

const BINS: usize = 512;
/// Sixteenths of an octave: exponent and four bits of an `f32`.
const DROPPED_BITS: u32 = 19;
/// 2^-8 and everything below it, 0 and negative numbers too, fall into bin 0.
const LOWEST: u32 = (127 - 8) << 4;

/// How often a number was about so large, from 2^-8 to 2^24, in sixteenths of an octave.
#[derive(Clone)]
struct LogBins([u32; BINS]);

impl Default for LogBins {
    fn default() -> Self {
        Self([0; BINS])
    }
}

impl LogBins {
    /// NaN is left out.
    fn add(&mut self, value: f32) {
        if !value.is_nan() {
            let bin = (value.max(0.0).to_bits() >> DROPPED_BITS).saturating_sub(LOWEST) as usize;
            self.0[bin.min(BINS - 1)] += 1;
        }
    }

    fn lower_edge(bin: usize) -> f64 {
        if bin == 0 { 0.0 } else { f64::from(f32::from_bits((bin as u32 + LOWEST) << DROPPED_BITS)) }
    }
}

/// The median, evenly spread within its bin: off by at most 1/16 of itself. 0 of nothing.
fn median<'a>(bins: impl Iterator<Item = &'a LogBins> + Clone) -> f64 {
    let in_bin = |bin: usize| bins.clone().map(|bins| u64::from(bins.0[bin])).sum::<u64>();
    let half = (0..BINS).map(in_bin).sum::<u64>() as f64 / 2.0;
    let mut below = 0.0;
    for bin in 0..BINS {
        let here = in_bin(bin) as f64;
        if here > 0.0 && below + here >= half {
            let (low, high) = (LogBins::lower_edge(bin), LogBins::lower_edge(bin + 1));
            return low + (high - low) * (half - below) / here;
        }
        below += here;
    }
    0.0
}

/// 32nds.
const PARTS_LOG2: u32 = 5;
const DURATIONS: usize = ((64 - PARTS_LOG2 + 1) << PARTS_LOG2) as usize;

/// How long frames took, in 32nds of an octave; from 1 ns to centuries.
pub struct LatencyHistogram {
    counts: Box<[u64; DURATIONS]>,
    frames: u64,
    max_ns: u64,
}

/// Percentiles, too large by at most 1/32 of themselves; the maximum is exact.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct Latency {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    pub frames: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self { counts: Box::new([0; DURATIONS]), frames: 0, max_ns: 0 }
    }
}

impl LatencyHistogram {
    pub fn record(&mut self, took_ns: u64) {
        self.counts[Self::bin(took_ns)] += 1;
        self.frames += 1;
        self.max_ns = self.max_ns.max(took_ns);
    }

    pub fn latency(&self) -> Latency {
        let ms = |ns: u64| ns as f64 / 1e6;
        let (p50_ms, p99_ms) = (ms(self.quantile_ns(0.50)), ms(self.quantile_ns(0.99)));
        Latency { p50_ms, p99_ms, max_ms: ms(self.max_ns), frames: self.frames }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.counts.fill(0);
        (self.frames, self.max_ns) = (0, 0);
    }

    /// What this part (0 to 1) of the frames did not exceed; 0 of no frames.
    pub fn quantile_ns(&self, part: f64) -> u64 {
        let rank = ((self.frames as f64 * part).ceil() as u64).max(1);
        let mut seen = 0;
        for (bin, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Self::last_ns(bin).min(self.max_ns);
            }
        }
        0
    }

    fn bin(ns: u64) -> usize {
        let shift = ns.max(1).ilog2().saturating_sub(PARTS_LOG2);
        // Below 64 the shift is 0 and the bin is the number itself.
        ((u64::from(shift) << PARTS_LOG2) + (ns >> shift)) as usize
    }

    /// The longest duration of a bin.
    fn last_ns(bin: usize) -> u64 {
        let bin = bin as u64;
        let shift = (bin >> PARTS_LOG2).saturating_sub(1);
        let first = bin - (shift << PARTS_LOG2);
        (first << shift) + ((1 << shift) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Nm;

    const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(120.0) };

    fn batch(localizations: &[Localization]) -> Batch<'_> {
        Batch { frames: 1, area_um2: 50.0, pixel: PIXEL, localizations }
    }

    fn emitter(photons: f32) -> Localization {
        let background = photons / 100.0;
        Localization { photons, background, sigma_x_px: 0.1, sigma_y_px: 0.1, ..Localization::default() }
    }

    #[test]
    fn medians_and_density_are_those_of_the_localizations() {
        let mut recent = RecentStatistics::new(1000);
        let emitters: Vec<_> = (1..=999u16).map(|i| emitter(10.0 * f32::from(i))).collect();
        recent.record(5_000_000_000, &batch(&emitters));
        recent.record(5_300_000_000, &batch(&[]));
        let now = recent.at(5_400_000_000).expect("two frames were recorded");
        assert_eq!((now.frames, now.localizations_per_frame), (2, 499.5));
        assert!((now.density_per_um2 - 9.99).abs() < 1e-9);
        assert!((now.photons_median / 5000.0 - 1.0).abs() < 0.02, "{now:?}");
        assert!((now.background_median / 50.0 - 1.0).abs() < 0.02, "{now:?}");
        assert!((now.sigma_lateral_median_nm / 11.0 - 1.0).abs() < 0.07, "{now:?}");
    }

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut recent = RecentStatistics::new(1000);
        assert_eq!(recent.at(0), None);
        recent.record(0, &batch(&[emitter(100.0)]));
        assert!(recent.at(800_000_000).is_some());
        assert_eq!(recent.at(1_100_000_000), None);
        recent.record(2_000_000_000, &batch(&[emitter(8000.0), emitter(f32::NAN)]));
        let now = recent.at(2_000_000_000).expect("one frame was recorded");
        assert_eq!((now.frames, now.localizations_per_frame), (1, 2.0));
        assert!((now.photons_median / 8000.0 - 1.0).abs() < 0.07, "{now:?}");
    }

    #[test]
    fn extreme_numbers_stay_within_the_bins() {
        let mut bins = LogBins::default();
        for value in [0.0, -1.0, f32::MIN_POSITIVE, 1e30, f32::INFINITY, f32::NEG_INFINITY] {
            bins.add(value);
        }
        assert_eq!((bins.0[0], bins.0[BINS - 1]), (4, 2));
    }

    #[test]
    fn latency_percentiles_are_true_to_a_32nd() {
        let mut histogram = LatencyHistogram::default();
        assert_eq!(histogram.latency(), Latency::default());
        (1..=10_000).for_each(|i| histogram.record(i * 1000));
        histogram.record(u64::MAX);
        let latency = histogram.latency();
        assert!((5.0..5.0 * 33.0 / 32.0).contains(&latency.p50_ms), "{latency:?}");
        assert!((9.9..9.9 * 33.0 / 32.0).contains(&latency.p99_ms), "{latency:?}");
        assert_eq!((latency.frames, latency.max_ms), (10_001, u64::MAX as f64 / 1e6));
    }

    #[test]
    fn every_duration_lies_in_its_own_bin() {
        for ns in (0..5000).chain((6..64).flat_map(|bit| [(1 << bit) - 1, 1 << bit])).chain([u64::MAX]) {
            let last = LatencyHistogram::last_ns(LatencyHistogram::bin(ns));
            assert!(last >= ns && last - ns <= ns / 32, "{ns} {last}");
            assert_eq!(LatencyHistogram::bin(last), LatencyHistogram::bin(ns));
        }
    }
}
