//! The estimate, put together from what each step found.

use super::brightness;
use super::correlate::{self, Spread};
use super::decay;
use super::detect::{self, Spots};
use super::emitters::{self, Emitter, Light};
use super::noise::{self, Block, Quiet};
use super::sample::{Movie, Sample};
use super::spot_fit::NoiseLine;
use super::{
    Background, Estimate, Finding, Given, Measured, Missing, Photons, PsfShape, PsfWidth, Trouble,
    VISIBLE_PHOTONS, camera, shape,
};
use crate::order::quantile;

/// Frames in a row, at least.
const FRAMES_MIN: usize = 4;
/// Pixels on a side, at least.
const SIDE_MIN_PX: u32 = 24;
const SPOTS_MAX: usize = 400_000;
/// Of an oil objective; where to begin when nothing flickers.
const USUAL_SIGMA_NM: f64 = 135.0;
/// Fewer spots than these are no recording of blinking; noise alone makes one in so many widths.
const SPOTS_MIN: usize = 30;
const FALSE_PER_WIDTH: f64 = 3e-4;
/// Pixels are quiet this many widths from each spot; closer where there are too few of them.
const QUIET_FROM: [f64; 3] = [4.5, 3.5, 2.5];
const QUIET_SHARE_MIN: f64 = 0.01;

/// Everything that the sample says.
///
/// # Errors
/// [`Trouble`] where not even one number can be had.
pub fn estimate(sample: &Sample, given: &Given) -> Result<Estimate, Trouble> {
    let saturated = check(sample)?;
    let movie = sample.movie();
    let flicker = correlate::spread(&movie);
    let usual = USUAL_SIGMA_NM / pixel_nm(given);
    let sigma_px = flicker.map_or(usual, |f| f.sigma_px()).clamp(0.7, 4.0);
    let filtered = detect::filtered(&movie, sigma_px);
    let (spots, quiet) = spots_and_quiet(&movie, &filtered, sigma_px)?;
    let (line, slope) = noise::transfer(&movie, &spots, &quiet.pixels, sigma_px);
    // Fleeting emitters are never steady: what looks so is one after another at the same place.
    let slope = slope.filter(|_| flicker.is_none_or(|flicker| !flicker.fleeting));
    let found = Found { movie, given: *given, sigma_px, flicker, spots, quiet, line, slope };
    let on_time = if found.fleeting() { None } else { decay::on_time(&filtered) };
    Ok(found.estimate(on_time, saturated))
}

/// The part of counts at the top of the scale, unless nothing can be done with the sample.
fn check(sample: &Sample) -> Result<f64, Trouble> {
    let crop = sample.crop();
    if crop.width.min(crop.height) < SIDE_MIN_PX {
        return Err(Trouble::TooSmall { width: crop.width, height: crop.height, needed: SIDE_MIN_PX });
    }
    let frames = sample.longest_burst();
    if frames < FRAMES_MIN {
        return Err(Trouble::TooFewFrames { frames, needed: FRAMES_MIN });
    }
    if sample.counts().iter().all(|count| Some(count) == sample.counts().first()) {
        return Err(Trouble::Constant);
    }
    let (saturated, top) = camera::saturated(sample.counts());
    if saturated > 0.2 {
        return Err(Trouble::Saturated { percent: 100.0 * saturated, top });
    }
    Ok(saturated)
}

fn pixel_nm(given: &Given) -> f64 {
    (given.pixel.x.0 * given.pixel.y.0).sqrt()
}

/// Pixels for the background, and whether they really are without emitters.
struct Still {
    pixels: Quiet,
    widths_away: f64,
}

/// Spots need the noise, the noise quiet pixels, and these need spots: in rounds.
fn spots_and_quiet(movie: &Movie, filtered: &Movie, sigma_px: f64) -> Result<(Spots, Still), Trouble> {
    let mut noise = detect::noise(filtered).ok_or(Trouble::Constant)?;
    let mut spots = detect::spots(filtered, noise, SPOTS_MAX);
    for _ in 0..4 {
        let Some(quiet) = noise::quiet(movie, &spots, 3.5 * sigma_px) else { break };
        let better = noise::middle(&quiet, |b| b.variance).sqrt() * detect::noise_gain(sigma_px);
        let settled = better > 0.95 * noise;
        noise = better.min(noise);
        spots = detect::spots(filtered, noise, SPOTS_MAX);
        if settled {
            break;
        }
    }
    let widths = movie.values.len() as f64 / sigma_px.powi(2);
    if (spots.all.len() as f64) < (FALSE_PER_WIDTH * widths).max(SPOTS_MIN as f64) {
        return Err(Trouble::NoEmitters { spots: spots.all.len(), frames: movie.frames() });
    }
    let quiet = QUIET_FROM.into_iter().find_map(|widths_away| {
        let pixels = noise::quiet(movie, &spots, widths_away * sigma_px)?;
        (pixels.share >= QUIET_SHARE_MIN).then_some(Still { pixels, widths_away })
    });
    Ok((spots, quiet.unwrap_or_else(|| darkest(movie, noise / detect::noise_gain(sigma_px)))))
}

/// Where emitters are everywhere: the darkest tenth stands for the background.
fn darkest(movie: &Movie, noise: f64) -> Still {
    let every = (movie.values.len() / 100_000).max(1);
    let mut values: Vec<f64> = movie.values.iter().step_by(every).map(|&v| f64::from(v)).collect();
    let mean = quantile(&mut values, 0.1).unwrap_or(0.0);
    let block = Block { mean, mean_sd: noise, variance: noise * noise };
    Still { pixels: Quiet { blocks: vec![block], share: 0.0 }, widths_away: 0.0 }
}

/// What the steps found, in counts.
struct Found {
    movie: Movie,
    given: Given,
    sigma_px: f64,
    flicker: Option<Spread>,
    spots: Spots,
    quiet: Still,
    line: NoiseLine,
    slope: Option<Measured>,
}

impl Found {
    fn estimate(&self, on_time: Option<Measured>, saturated: f64) -> Estimate {
        let curve = camera::Curve { line: self.line, slope: self.slope, crowding: self.crowding() };
        let noise = curve.noise(self.given.camera, saturated);
        let units = curve.units(self.given.camera, &noise);
        let line = match self.slope {
            Some(_) => self.line,
            // Nearly the same noise everywhere: what is left when the camera is not known either.
            None => NoiseLine {
                slope: self.given.camera.map_or(0.01 * self.line.variance.sqrt(), camera::expected_slope),
                ..self.line
            },
        };
        let fits = emitters::fitted(&self.movie, &self.spots, self.sigma_px, &line);
        let psf = shape::psf(&fits, self.flicker.map(|f| f.shape), self.given.pixel, self.crowding());
        let light = self.light(&fits, &line, psf.as_ref().ok());
        let units =
            units.ok_or(Missing("the gain of the camera is unknown and too few steady spots tell it"));
        let photons = light.and_then(|light| Ok(photons(&light, units?.adu_per_photon)));
        let background = units.and_then(|units| self.background(units));
        let density_per_um2 = self.density(light.ok().zip(photons.ok()), on_time);
        let mut estimate = Estimate {
            frames: self.movie.frames(),
            area_um2: self.area_um2(),
            spots: self.spots.all.len(),
            fitted: fits.len(),
            psf,
            photons,
            background,
            density_per_um2,
            on_time_frames: on_time.ok_or(Missing(if self.fleeting() {
                "emitters do not last from one frame to the next"
            } else {
                "too few frames in a row, or nothing blinks within them"
            })),
            noise,
            doubts: Vec::new(),
        };
        estimate.doubts = self.doubts(&estimate);
        estimate
    }

    fn fleeting(&self) -> bool {
        self.flicker.is_some_and(|flicker| flicker.fleeting)
    }

    fn area_um2(&self) -> f64 {
        self.movie.pixels() as f64 * self.pixel_um2()
    }

    fn pixel_um2(&self) -> f64 {
        pixel_nm(&self.given).powi(2) / 1e6
    }

    /// Spots per frame and area of a spot.
    fn crowding(&self) -> f64 {
        let per_px = self.spots.all.len() as f64 / self.movie.values.len() as f64;
        per_px * std::f64::consts::PI * (2.0 * self.sigma_px).powi(2)
    }

    fn mean(&self) -> f64 {
        self.movie.values.iter().map(|&value| f64::from(value)).sum::<f64>() / self.movie.values.len() as f64
    }

    /// Light of an emitter in counts: fitted where emitters stand alone, from three frames' covariance where they are
    /// crowded.
    fn light(&self, fits: &[Emitter], line: &NoiseLine, psf: Option<&PsfWidth>) -> Result<Light, Missing> {
        let round = psf.filter(|psf| matches!(psf.shape, PsfShape::Round | PsfShape::Unclear));
        let round_px = round.map(|psf| psf.sigma_nm.value / pixel_nm(&self.given));
        let fitted = emitters::light(&self.movie, fits, line, self.sigma_px, round_px, self.fleeting());
        let fitted =
            fitted.ok_or(Missing("too few emitters that stand alone shine through a whole frame"))?;
        let own = 0.02 + 0.6 * self.crowding() + 4.0 * fitted.noise.powi(2);
        let sd = fitted.median.sd.hypot(fitted.median.value * own);
        let median = Measured { sd, ..fitted.median };
        let flicker = self.flicker.filter(|_| round_px.is_some());
        let covariance = flicker.and_then(|flicker| match flicker.fleeting {
            false => brightness::of_emitters(&self.movie, &flicker.shape),
            true => brightness::of_fleeting(&self.movie, &flicker.shape),
        });
        let Some(covariance) = covariance else { return Ok(Light { median, ..fitted }) };
        let square = fitted.spread.min(0.3).powi(2);
        let covariance = covariance.times((1.0 + square) / (1.0 + 3.0 * square));
        let covariance = Measured { sd: covariance.sd.hypot(0.06 * covariance.value), ..covariance };
        let apart = (covariance.value / median.value).ln();
        let limit = 0.3 + 2.0 * self.crowding();
        let median = match apart {
            // Some emitters are so much brighter than most that a mean says little of these.
            apart if apart > limit => median,
            // What is fitted is several at once.
            apart if apart < -limit => {
                Measured { sd: covariance.sd.hypot(0.15 * covariance.value), ..covariance }
            }
            _ => weighted(&[median, covariance]),
        };
        let moved = median.value / fitted.median.value;
        Ok(Light { median, part: fitted.part.times(moved), ..fitted })
    }

    fn background(&self, units: camera::Units) -> Result<Background, Missing> {
        if self.quiet.widths_away == 0.0 {
            return Err(Missing("emitters are everywhere: no pixel shows the background alone"));
        }
        let photons = |counts: f64| (counts - units.offset_adu) / units.adu_per_photon;
        let blocks = &self.quiet.pixels.blocks;
        let mut levels: Vec<f64> = blocks.iter().map(|block| photons(block.mean)).collect();
        let noise = noise::middle(&self.quiet.pixels, |block| block.mean_sd) / units.adu_per_photon;
        let (value, spread) =
            crate::order::centre_and_spread(&mut levels).ok_or(Missing("no pixel is quiet"))?;
        // Light of emitters reaches further than is looked at, more so in a crowd.
        let leaked = 0.012 * (photons(self.mean()) - value).max(0.0);
        let own = (spread.powi(2) - noise.powi(2)).max(0.0).sqrt();
        let sd = (0.01 * value).hypot(leaked).hypot(units.level_sd);
        Ok(Background {
            median: Measured { value, sd },
            unevenness: if value > 0.0 { own / value } else { 0.0 },
        })
    }

    /// From the light above the background and from the power of the flicker, each per light of one emitter.
    fn density(&self, light: Option<(Light, Photons)>, on_time: Option<Measured>) -> Finding {
        let (light, photons) = light.ok_or(Missing("the light of one emitter is not known"))?;
        if on_time.is_none() && !self.fleeting() {
            return Err(Missing("the on-time is not known"));
        }
        // Of no use to fleeting emitters, which are seen in one frame each.
        let on_time = on_time.map_or(0.0, |on_time| on_time.value);
        let one = light.median.value;
        let unsure = light.median.sd / one;
        let above = self.mean() - self.line.level;
        let budget = above / one;
        let leaked = 0.004 * self.line.level.abs() + self.line.variance.sqrt() * 0.005;
        let budget =
            Measured { value: budget, sd: budget.abs() * unsure.hypot(leaked / above.max(1e-9)).hypot(0.03) };
        let power = self.flicker.map(|flicker| {
            let value = flicker.power(on_time) / (one * one * (1.0 + light.spread.min(0.5).powi(2)));
            Measured { value, sd: value * (2.0 * unsure).hypot(flicker.power_relative_sd()).hypot(0.04) }
        });
        let shining: Vec<Measured> =
            [Some(budget), power].into_iter().flatten().filter(|m| m.value > 0.0).collect();
        if shining.is_empty() {
            return Err(Missing("nothing shines above the background"));
        }
        let limit = (VISIBLE_PHOTONS / photons.median.value).min(1.0);
        // Frames in which a flash is visible, per mean on-time.
        let lasting = || (-limit / on_time).exp() * (1.0 - limit + on_time) / on_time;
        let seen = if self.fleeting() { 1.0 } else { lasting() };
        let density = weighted(&shining).times(seen / self.pixel_um2());
        let apart = match shining[..] {
            [a, b] => (a.value / b.value).ln().abs() * 0.25,
            _ => 0.1,
        };
        Ok(Measured { sd: density.sd.hypot(apart * density.value), ..density })
    }

    fn doubts(&self, estimate: &Estimate) -> Vec<String> {
        let mut doubts = Vec::new();
        if estimate.noise.saturated > 0.0 {
            let percent = 100.0 * estimate.noise.saturated;
            doubts.push(format!(
                "{percent:.3} % of the counts are at the top of the scale: bright emitters are cut off"
            ));
        }
        if self.crowding() > 0.18 {
            doubts.push("emitters overlap in most places: what is fitted may be two of them".to_owned());
        }
        if self.given.camera.is_none() && self.slope.is_some() {
            doubts.push(
                "the camera is taken from its noise: with electron multiplication all photons are half of what is there; \
                 give the camera's calibration to be sure"
                    .to_owned(),
            );
        }
        if self.fleeting() {
            doubts.push(
                "emitters do not last from one frame to the next: their photons are those of one frame, whole or not"
                    .to_owned(),
            );
        }
        if self.quiet.widths_away < QUIET_FROM[0] {
            doubts.push("few pixels are far from all emitters: the background is an upper bound".to_owned());
        }
        doubts
    }
}

fn photons(light: &Light, adu_per_photon: f64) -> Photons {
    Photons {
        median: light.median.times(1.0 / adu_per_photon),
        part: light.part.times(1.0 / adu_per_photon),
        spread: light.spread,
    }
}

/// The mean in logarithms, weighted by how sure each is.
fn weighted(values: &[Measured]) -> Measured {
    let weight = |m: &Measured| (m.value / m.sd).powi(2);
    let weights: f64 = values.iter().map(weight).sum();
    let ln = values.iter().map(|m| m.value.ln() * weight(m)).sum::<f64>() / weights;
    Measured { value: ln.exp(), sd: ln.exp() / weights.sqrt() }
}
