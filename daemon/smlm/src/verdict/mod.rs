//! Whether a finished tile of a scan should be taken again, and why.
//!
//! In: what is known of the tile and of those next to it. Out: reasons in numbers and in words. Never: a tile called
//! suspect for what is not known of it; a tile called suspect because nothing is there, where little is around it either.
//!
//! A rule compares with a fixed limit where physics sets one (frames lost, saturation, drift) and with the neighbours where
//! the sample does (number, focus, background, resolution). A tile is judged again whenever a neighbour has finished.

mod reason;
#[cfg(test)]
mod tests;

pub use reason::Reason;

use crate::order::quantile;
use crate::sharpness::{Compared, compared};
use crate::units::{Nm, Photons};

/// What is known of a finished tile; `None` is not known.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct TileFacts {
    /// Frames that the publisher announced.
    pub frames_expected: Option<u64>,
    pub frames_processed: u64,
    /// Received but not processed, or sent and never received.
    pub frames_lost: u64,
    pub localizations: u64,
    /// Part of the pixels that were looked at that are at the camera's largest value, 0 to 1.
    pub saturated_share: Option<f64>,
    /// σ of the PSF in the focus it was taken in, in camera pixels.
    pub psf_sigma_px: Option<f64>,
    /// Farthest the sample was from where it began.
    pub drift: Option<Nm>,
    /// Fourier ring resolution.
    pub frc: Option<Nm>,
    /// Photons per pixel and frame, beside what is localized.
    pub background: Option<Photons>,
}

impl TileFacts {
    /// Localizations per processed frame; `None` before any.
    pub fn rate(&self) -> Option<f64> {
        (self.frames_processed > 0).then(|| self.localizations as f64 / self.frames_processed as f64)
    }
}

/// Limits, each with the reason for its default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Neighbours of which a number must be known before it is compared. A corner has 3.
    pub neighbours_min: usize,
    /// A tile has too few localizations below this part of what three quarters of its neighbours have at least. A fifth:
    /// from tile to tile cells differ less, a wrong focus or a dead laser costs more.
    pub few_part: f64,
    /// Neighbours are as good as empty below this many localizations per frame, and nothing is compared. One: false
    /// detections of a network on an empty field are fewer.
    pub sparse_rate: f64,
    /// Share of lost frames. 5 %: as many localizations are lost, far below what tiles differ by.
    pub lost_share: f64,
    /// Share of saturated pixels. 1e-3: some ten times the hot pixels of a scientific CMOS camera, and with 20 emitters in
    /// 256 × 256 pixels the brightest third of them.
    pub saturated_share: f64,
    /// 100 nm: one camera pixel. A stage that has settled moves by less in a minute, and the widefield picture fits no more.
    pub drift: Nm,
    /// PSF over the neighbours' median, or over [`Limits::psf_sigma_px`]. 1.2: of a Gaussian PSF with a depth of 400 nm,
    /// 265 nm out of focus.
    pub broad_factor: f64,
    /// The PSF that is expected where no neighbours are known, in pixels; the model's, or the estimate's.
    pub psf_sigma_px: Option<f64>,
    /// Background over the neighbours' median. 2: photons of the background decide the precision once they outweigh the
    /// emitter's, and twice as many cost up to 40 % of it (Mortensen et al. 2010).
    pub bright_factor: f64,
    /// Fourier ring resolution over the neighbours' median. 1.5: with the same sample it takes half the localizations or
    /// half as much precision again.
    pub coarse_factor: f64,
    /// Robust deviations from the neighbours' median that a comparison demands besides. 5: by chance in none of a scan's
    /// thousand tiles.
    pub deviations: f64,
    /// Least relative deviation of the neighbours. 4 %: what the PSF varies by across a field; five of them are no more
    /// than the smallest factor above.
    pub deviation_floor: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            neighbours_min: 3,
            few_part: 0.2,
            sparse_rate: 1.0,
            lost_share: 0.05,
            saturated_share: 1e-3,
            drift: Nm(100.0),
            broad_factor: 1.2,
            psf_sigma_px: None,
            bright_factor: 2.0,
            coarse_factor: 1.5,
            deviations: 5.0,
            deviation_floor: 0.04,
        }
    }
}

/// What is to be said of a tile.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Verdict {
    pub reasons: Vec<Reason>,
    /// What could not be judged, because the tile or its neighbours do not tell.
    pub unknown: Vec<&'static str>,
}

impl Verdict {
    /// Whether it should be looked at, and taken again if it can be.
    pub fn suspect(&self) -> bool {
        !self.reasons.is_empty()
    }
}

/// Judges a finished tile by itself and by those next to it (up to eight of a grid, in any order).
pub fn judge(tile: &TileFacts, neighbours: &[TileFacts], limits: &Limits) -> Verdict {
    let mut verdict = Verdict::default();
    let mut rule = |name: &'static str, finding: Finding| match finding {
        Finding::Bad(reason) => verdict.reasons.push(reason),
        Finding::Unknown => verdict.unknown.push(name),
        Finding::Good => {}
    };
    rule("lost frames", lost(tile, limits));
    rule("number of localizations", few(tile, neighbours, limits));
    rule("saturation", saturated(tile, limits));
    rule("focus", focus(tile, neighbours, limits));
    rule("drift", drifted(tile, limits));
    rule("background", bright(tile, neighbours, limits));
    rule("resolution", coarse(tile, neighbours, limits));
    verdict
}

/// What a rule says.
enum Finding {
    Good,
    Unknown,
    Bad(Reason),
}

impl Finding {
    fn of(bad: bool, reason: Reason) -> Self {
        if bad { Self::Bad(reason) } else { Self::Good }
    }
}

/// Frames that were announced and not processed, or are known to be lost, whichever are more.
fn lost(tile: &TileFacts, limits: &Limits) -> Finding {
    let missing = tile.frames_expected.map_or(0, |expected| expected.saturating_sub(tile.frames_processed));
    let lost = tile.frames_lost.max(missing);
    let expected = tile.frames_expected.unwrap_or(0).max(tile.frames_processed.saturating_add(lost));
    if expected == 0 {
        return Finding::Unknown;
    }
    Finding::of(lost as f64 > limits.lost_share * expected as f64, Reason::FramesLost { lost, expected })
}

/// Compared with the lower quartile of the neighbours: a tile at the edge of the cells, a quarter of whose neighbours are
/// empty too, is what it looks like. And the difference must be more than counting explains.
fn few(tile: &TileFacts, neighbours: &[TileFacts], limits: &Limits) -> Finding {
    let mut rates: Vec<f64> = neighbours.iter().filter_map(TileFacts::rate).collect();
    let Some(found) = tile.rate().filter(|_| rates.len() >= limits.neighbours_min) else {
        return Finding::Unknown;
    };
    let Some(usual) = quantile(&mut rates, 0.25) else { return Finding::Unknown };
    let expected = usual * tile.frames_processed as f64;
    let by_chance = limits.deviations * expected.sqrt();
    let few = usual >= limits.sparse_rate
        && found < limits.few_part * usual
        && expected - tile.localizations as f64 > by_chance;
    Finding::of(few, Reason::TooFew { found, neighbours: usual })
}

fn saturated(tile: &TileFacts, limits: &Limits) -> Finding {
    let Some(share) = tile.saturated_share else { return Finding::Unknown };
    Finding::of(share > limits.saturated_share, Reason::Saturated { share })
}

fn drifted(tile: &TileFacts, limits: &Limits) -> Finding {
    let Some(drift) = tile.drift else { return Finding::Unknown };
    Finding::of(drift > limits.drift, Reason::Drifted { by: drift, limit: limits.drift })
}

/// Against the neighbours, or against the PSF that is expected where they are too few.
fn focus(tile: &TileFacts, neighbours: &[TileFacts], limits: &Limits) -> Finding {
    let of = |tile: &TileFacts| tile.psf_sigma_px;
    let Some(sigma_px) = tile.psf_sigma_px else { return Finding::Unknown };
    if let Some((usual_px, bad)) = above(of, tile, neighbours, limits.broad_factor, limits) {
        return Finding::of(bad, Reason::OutOfFocus { sigma_px, usual_px });
    }
    let Some(usual_px) = limits.psf_sigma_px else { return Finding::Unknown };
    Finding::of(sigma_px > limits.broad_factor * usual_px, Reason::OutOfFocus { sigma_px, usual_px })
}

fn bright(tile: &TileFacts, neighbours: &[TileFacts], limits: &Limits) -> Finding {
    let of = |tile: &TileFacts| tile.background.map(|photons| photons.0);
    let found = tile.background.zip(above(of, tile, neighbours, limits.bright_factor, limits));
    let Some((background, (usual, bad))) = found else { return Finding::Unknown };
    Finding::of(bad, Reason::Bright { background, neighbours: Photons(usual) })
}

fn coarse(tile: &TileFacts, neighbours: &[TileFacts], limits: &Limits) -> Finding {
    let of = |tile: &TileFacts| tile.frc.map(|nm| nm.0);
    let found = tile.frc.zip(above(of, tile, neighbours, limits.coarse_factor, limits));
    let Some((frc, (usual, bad))) = found else { return Finding::Unknown };
    Finding::of(bad, Reason::Coarse { frc, neighbours: Nm(usual) })
}

/// The neighbours' median of a number, and whether the tile's lies above `factor` times it and far outside their spread.
/// `None`: it is not known, or of too few neighbours.
fn above(
    of: impl Fn(&TileFacts) -> Option<f64>,
    tile: &TileFacts,
    neighbours: &[TileFacts],
    factor: f64,
    limits: &Limits,
) -> Option<(f64, bool)> {
    let value = of(tile)?;
    let known: Vec<f64> = neighbours.iter().filter_map(of).collect();
    let Compared { median, sd, .. } = compared(value, &known, f64::MIN_POSITIVE, limits.neighbours_min)?;
    let spread = sd.max(limits.deviation_floor * median.abs());
    Some((median, value > factor * median && value - median > limits.deviations * spread))
}
