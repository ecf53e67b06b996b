//! One tile as a whole: its drift taken out, successive localizations merged, its resolution measured.
//!
//! In: a run of the journal. Out: localizations as they go into the mosaic, and what is known of the tile. Never: a
//! localization of the journal changed.

use smlm::drift::{self, Drift, Moved};
use smlm::frc::{Halves, NoResolution};
use smlm::localization::Localization;
use smlm::merge::{Rule, merged};
use smlm::order::median;
use smlm::units::{Nm, Photons, PixelSize, Px};
use smlm::verdict::TileFacts;

use super::runs::Run;

/// What is done with every tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Steps {
    /// Take the drift out.
    pub drift: bool,
    /// Localizations in successive frames nearer than this are one emitter; `None`: each stands for itself.
    pub merge: Option<Nm>,
}

impl Steps {
    fn merge(&self, localizations: Vec<Localization>, pixel: PixelSize) -> Vec<Localization> {
        match self.merge {
            // A run is ordered by frame and of one tile: nothing is out of order.
            Some(distance) => {
                merged(&localizations, Rule { distance, ..Rule::usual(pixel) }).unwrap_or(localizations)
            }
            None => localizations,
        }
    }
}

/// A tile that was worked through.
#[derive(Clone, Debug, Default)]
pub struct Worked {
    /// Without drift, merged; ordered by frame, in pixels of the camera.
    pub localizations: Vec<Localization>,
    pub facts: TileFacts,
    pub drift: Vec<Moved>,
    pub no_drift: Option<String>,
    pub no_frc: Option<String>,
    pub sigma: Option<Nm>,
    pub photons: Option<f64>,
    /// Of the PSF's width.
    pub psf_sd_px: Option<f64>,
}

/// The localizations of a run that was worked through before a restart: without the drift it had, merged.
pub fn again(run: Run, pixel: PixelSize, steps: &Steps, known: &[Moved]) -> Vec<Localization> {
    let mut localizations = run.localizations;
    if let Some(drift) = Drift::of_moved(known.to_vec(), (run.first_seq, run.last_seq)) {
        drift::correct(&mut localizations, &drift, pixel);
    }
    steps.merge(localizations, pixel)
}

/// Works a run through. Takes up to some seconds.
pub fn work(run: Run, pixel: PixelSize, steps: &Steps) -> Worked {
    let found = run.localizations.len() as u64;
    let mut localizations = run.localizations;
    let mut worked = Worked::default();
    if steps.drift {
        match Drift::of_tile(&localizations, pixel) {
            Ok(drift) => {
                drift::correct(&mut localizations, &drift, pixel);
                worked.facts.drift = Some(drift.farthest());
                worked.drift = drift.moved().to_vec();
            }
            Err(why) => worked.no_drift = Some(why.to_string()),
        }
    }
    localizations = steps.merge(localizations, pixel);
    match resolution(&localizations, pixel) {
        Ok(frc) => worked.facts.frc = Some(frc),
        Err(why) => worked.no_frc = Some(why.to_string()),
    }
    let lateral =
        |l: &Localization| (f64::from(l.sigma_x_px) * pixel.x.0 + f64::from(l.sigma_y_px) * pixel.y.0) / 2.0;
    worked.sigma = median_of(&localizations, lateral).map(Nm);
    worked.photons = median_of(&localizations, |l| l.photons.into());
    worked.facts.background = median_of(&localizations, |l| l.background.into()).map(Photons);
    worked.facts.localizations = found;
    worked.facts.frames_processed = run.processed;
    worked.facts.saturated_share = run.look.saturated_share();
    let width = run.look.width();
    worked.facts.psf_sigma_px = width.map(|width| width.sigma_px);
    worked.psf_sd_px = width.map(|width| width.sd_px);
    let span = run.last_seq + 1 - run.first_seq.min(run.last_seq);
    worked.facts.frames_lost = span.saturating_sub(run.processed);
    worked.localizations = localizations;
    worked
}

/// In the busiest part of the field.
fn resolution(localizations: &[Localization], pixel: PixelSize) -> Result<Nm, NoResolution> {
    let places: Vec<(u64, Nm, Nm)> = localizations
        .iter()
        .map(|l| {
            let (x, y) = pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
            (u64::from(l.frame), x, y)
        })
        .collect();
    let mut halves = Halves::around_busiest(places.iter().map(|(_, x, y)| (*x, *y)));
    places.into_iter().for_each(|(seq, x, y)| halves.add(seq, x, y));
    halves.resolution()
}

fn median_of(localizations: &[Localization], of: impl Fn(&Localization) -> f64) -> Option<f64> {
    let mut values: Vec<f64> = localizations.iter().map(of).filter(|value| value.is_finite()).collect();
    median(&mut values)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PIXEL: PixelSize = PixelSize { x: Nm(100.0), y: Nm(100.0) };
    const FRAMES: u64 = 400;

    /// Sites that are localized again and again while the sample moves by 40 nm.
    fn moving() -> Run {
        let mut run = Run { last_seq: FRAMES - 1, processed: FRAMES, ..Run::default() };
        for frame in 0..FRAMES as u32 {
            let shift = 0.4 * frame as f32 / FRAMES as f32;
            let off = |salt: u32| ((frame * 7919 + salt * 104_729) % 601) as f32 / 3000.0 - 0.1;
            for i in (frame % 4..200).step_by(4) {
                run.localizations.push(Localization {
                    frame,
                    x_px: 5.0 + (i * 37 % 61) as f32 + off(i) + shift,
                    y_px: 5.0 + (i * 11 % 59) as f32 + off(i + 1000),
                    photons: 1000.0,
                    background: 10.0,
                    sigma_x_px: 0.1,
                    sigma_y_px: 0.1,
                    ..Localization::default()
                });
            }
        }
        run
    }

    fn spread_nm(localizations: &[Localization], from: usize) -> f64 {
        let first: f64 = localizations[..from].iter().map(|l| f64::from(l.x_px)).sum::<f64>() / from as f64;
        let last = &localizations[localizations.len() - from..];
        let last = last.iter().map(|l| f64::from(l.x_px)).sum::<f64>() / from as f64;
        100.0 * (last - first)
    }

    #[test]
    fn a_tile_loses_its_drift_and_says_how_much_it_was() {
        let steps = Steps { drift: true, merge: None };
        let before = spread_nm(&moving().localizations, 2000);
        let worked = work(moving(), PIXEL, &steps);
        let drift = worked.facts.drift.expect("it moved").0;
        assert!((drift - 40.0).abs() < 6.0, "{drift} nm");
        // Four sites in turn are seen in each frame: their means agree over 2,000 localizations.
        let after = spread_nm(&worked.localizations, 2000);
        assert!(before > 30.0 && after.abs() < 5.0, "{before} nm before, {after} nm after");
        assert_eq!((worked.facts.localizations, worked.facts.frames_processed), (20_000, FRAMES));
    }

    #[test]
    fn a_drift_known_from_before_is_not_measured_again() {
        let steps = Steps { drift: true, merge: Some(Nm(20.0)) };
        let first = work(moving(), PIXEL, &steps);
        assert_eq!(first.localizations, again(moving(), PIXEL, &steps, &first.drift));
    }

    #[test]
    fn what_shines_on_is_one_localization_with_all_its_photons() {
        let lit =
            |frame| Localization { frame, x_px: 3.0, y_px: 4.0, photons: 500.0, ..Localization::default() };
        let run =
            Run { last_seq: 4, processed: 5, localizations: vec![lit(0), lit(1), lit(4)], ..Run::default() };
        let worked = work(run, PIXEL, &Steps { drift: false, merge: Some(Nm(20.0)) });
        let photons: Vec<f32> = worked.localizations.iter().map(|l| l.photons).collect();
        assert_eq!(photons, [1000.0, 500.0]);
        assert_eq!(worked.facts.localizations, 3);
    }

    #[test]
    fn an_empty_tile_is_worked_through_and_says_what_is_unknown() {
        let worked = work(Run::default(), PIXEL, &Steps { drift: true, merge: Some(Nm(20.0)) });
        assert!(
            worked.localizations.is_empty() && worked.facts.frc.is_none() && worked.facts.drift.is_none()
        );
        assert!(worked.no_drift.is_some() && worked.no_frc.is_some());
    }
}
