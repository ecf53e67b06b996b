//! The seam of two tiles. In: both, with what is kept of the edges where they meet. Out: their seam, or why there is
//! none. Never: a second look at an edge, which is then forgotten.

use std::ops::Range;

use super::correlate::{Peak, Strip, peak};
use super::edges::{Area, Points, Side};
use super::{Apart, Known, NoSeam, Seam, Settings};
use crate::drift;

/// With fewer localizations near the edge there is nothing to match.
const ENOUGH: usize = 50;
/// Localizations of b this close to the end of a have fewer neighbours there, which would draw the pile aside.
const MARGIN_NM: f64 = 120.0;
/// Distances at which pairs are neighbours in one structure, but not one molecule that was seen again.
const NEAR_NM: Range<f32> = 40.0..120.0;
const FAR_NM: Range<f32> = 160.0..250.0;
/// Tiles that share less of their structures only look alike somewhere: 0.1 to 0.4 of unrelated filaments, more than 0.9
/// of true overlaps, and from 0.5 on where these have few localizations.
const SHARED_MIN: f64 = 0.45;

/// The seam between a tile that was there and one that came beside it.
pub(super) fn between(a: &mut Known, b: &mut Known, settings: &Settings) -> Result<Seam, Apart> {
    let step = (b.corner.0 - a.corner.0, b.corner.1 - a.corner.1);
    let side = Side::facing(step);
    let near = (a.edges.take(side), b.edges.take(side.opposite()));
    let (a, b) = (a.tile.index, b.tile.index);
    let matched = Facing::new(side, step, settings).and_then(|facing| facing.matched(near, settings));
    let (peak, refined) = matched.map_err(|why| Apart { a, b, why })?;
    let offset_nm = (step.0 + refined.shift.0, step.1 + refined.shift.1);
    let Refined { sd_nm, shared, localizations, .. } = refined;
    Ok(Seam { a, b, offset_nm, sd_nm, confidence: peak.confidence, shared, localizations })
}

/// The strips in which two tiles may show the same, from a's corner.
struct Facing {
    step: (f64, f64),
    a: Area,
    b: Area,
}

struct Refined {
    shift: (f64, f64),
    sd_nm: f64,
    shared: f64,
    localizations: usize,
}

impl Facing {
    fn new(side: Side, step: (f64, f64), settings: &Settings) -> Result<Self, NoSeam> {
        let whole = Area { from: (0.0, 0.0), to: (settings.field.0.0, settings.field.1.0) };
        let (beside, by) = (whole.moved(step), settings.error_max.0);
        let strips = || {
            let a = side.strip(settings).and(beside.widened(by))?;
            let b = side.opposite().strip(settings).moved(step).and(whole.widened(by))?;
            Some(Self { step, a, b })
        };
        strips().ok_or(NoSeam::NoOverlap)
    }

    fn matched(&self, (a, mut b): (Points, Points), settings: &Settings) -> Result<(Peak, Refined), NoSeam> {
        // Few nm matter, so positions stay small numbers: from a's corner, not the scan's.
        for (x, y) in &mut b {
            (*x, *y) = (*x + self.step.0 as f32, *y + self.step.1 as f32);
        }
        let fewer = a.len().min(b.len());
        if fewer < ENOUGH {
            return Err(NoSeam::Empty(fewer));
        }
        let (of_a, of_b) = (Strip { area: self.a, points: &a }, Strip { area: self.b, points: &b });
        let peak = peak(&of_a, &of_b, settings)?;
        Ok((peak, self.refine(peak, &a, &b)?))
    }

    fn refine(&self, peak: Peak, a: &[(f32, f32)], b: &[(f32, f32)]) -> Result<Refined, NoSeam> {
        let overlap = self.a.and(self.b.moved(peak.shift)).ok_or(NoSeam::NoPile)?;
        let (width, height) = overlap.size();
        let margin = MARGIN_NM.min(width.min(height) / 4.0);
        let inner = self.a.widened(-margin).moved((-peak.shift.0, -peak.shift.1));
        let inner = within(inner, b);
        let mut near = within(overlap.widened(2.0 * MARGIN_NM), a);
        // What b shows lies aside by as much as its corner was taken wrong, the other way round.
        let from = (-peak.shift.0 as f32, -peak.shift.1 as f32);
        let (moved, sd_nm) = drift::shift(&mut near, &inner, from).ok_or(NoSeam::NoPile)?;
        let shift = (-moved.0, -moved.1);
        let (of_a, of_b) = (within(overlap, a), within(overlap.moved((moved.0, moved.1)), b));
        let localizations = of_a.len().min(of_b.len());
        let shared = shared(of_a, of_b, (moved.0 as f32, moved.1 as f32));
        if shared.is_nan() || shared < SHARED_MIN {
            return Err(NoSeam::Unlike { shared });
        }
        Ok(Refined { shift, sd_nm, shared, localizations })
    }
}

fn within(area: Area, points: &[(f32, f32)]) -> Points {
    points.iter().copied().filter(|point| area.has(*point)).collect()
}

/// The part of their structures that two sets of localizations share: pairs between the two, by the geometric mean of
/// those within each. 1 where both drew from one density. Two filaments that happen to lie alike are a small part of
/// what there is.
fn shared(mut a: Points, mut b: Points, apart: (f32, f32)) -> f64 {
    let own = |points: &mut Points| {
        let same = points.clone();
        drift::excess(points, &same, (0.0, 0.0), (NEAR_NM, FAR_NM)).max(0.0)
    };
    let alone = (own(&mut a) * own(&mut b)).sqrt();
    drift::excess(&mut a, &b, apart, (NEAR_NM, FAR_NM)) / alone
}
