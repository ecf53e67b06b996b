//! Colours from formulas in OKLCh, where equal steps look equal. In: numbers from 0 to 1. Out: 8-bit sRGB.
//!
//! `fire` runs from black over violet and orange to a warm white with evenly rising lightness. `ramp` runs from
//! blue over magenta and orange to yellow: it avoids the green that red-green colour blindness confuses with
//! red, and its lightness rises too, so that its order survives any colour blindness and a grey print. `cividis` runs
//! from dark blue over grey to yellow, the one pair of hues that everybody tells apart.

/// A colour bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Legend {
    pub unit: &'static str,
    pub entries: Vec<LegendEntry>,
}

/// A value and its colour at full brightness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LegendEntry {
    pub value: f32,
    pub rgb: [u8; 3],
}

/// Intensity from 0 to 1, black at 0.
pub fn fire(t: f32) -> [u8; 3] {
    let t = t.clamp(0.0, 1.0);
    let chroma = 0.20 * (std::f32::consts::PI * t).sin().max(0.0).powf(0.6) + 0.01 * t;
    srgb(0.98 * t.powf(0.85), chroma, -65.0 + 165.0 * t.powf(1.1))
}

/// A quantity from 0 to 1 at full brightness.
pub fn ramp(t: f32) -> [u8; 3] {
    let t = t.clamp(0.0, 1.0);
    srgb(0.58 + 0.31 * t.powf(0.9), 0.22 - 0.03 * t, 262.0 + 203.0 * t.powf(0.95))
}

/// A quantity or an intensity from 0 to 1.
pub fn cividis(t: f32) -> [u8; 3] {
    let t = t.clamp(0.0, 1.0);
    let (b, a) = (-0.09 + 0.24 * t, 0.012 - 0.022 * t);
    let hue = b.atan2(a).to_degrees();
    srgb(0.26 + 0.66 * t, a.hypot(b), hue)
}

pub fn grey(t: f32) -> [u8; 3] {
    [(255.0 * t.clamp(0.0, 1.0) + 0.5) as u8; 3]
}

/// Which colours a picture has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Colours {
    /// [`Self::Fire`] for intensity, [`Self::Ramp`] for a quantity.
    #[default]
    Usual,
    Fire,
    Grey,
    Cividis,
    Ramp,
}

impl Colours {
    fn map(self, coloured: bool) -> fn(f32) -> [u8; 3] {
        match (self, coloured) {
            (Self::Fire, _) | (Self::Usual, false) => fire,
            (Self::Ramp, _) | (Self::Usual, true) => ramp,
            (Self::Grey, _) => grey,
            (Self::Cividis, _) => cividis,
        }
    }
}

/// OKLab's matrices (Ottosson 2020) and the sRGB curve; chroma is reduced until the colour exists.
fn srgb(lightness: f32, chroma: f32, hue_degrees: f32) -> [u8; 3] {
    let (sin, cos) = hue_degrees.to_radians().sin_cos();
    let linear = |chroma: f32| {
        let (a, b) = (chroma * cos, chroma * sin);
        let l = (lightness + 0.396_337_78 * a + 0.215_803_76 * b).powi(3);
        let m = (lightness - 0.105_561_346 * a - 0.063_854_17 * b).powi(3);
        let s = (lightness - 0.089_484_18 * a - 1.291_485_5 * b).powi(3);
        [
            4.076_741_7 * l - 3.307_711_6 * m + 0.230_969_93 * s,
            -1.268_438 * l + 2.609_757_4 * m - 0.341_319_4 * s,
            -0.004_196_086_3 * l - 0.703_418_6 * m + 1.707_614_7 * s,
        ]
    };
    let exists = |rgb: [f32; 3]| rgb.iter().all(|part| (-1e-4..=1.0001).contains(part));
    let mut vivid = 0.0;
    for step in (1..=12).map(|i| chroma / (1 << i) as f32) {
        vivid += if exists(linear(vivid + step)) { step } else { 0.0 };
    }
    let rgb = linear(vivid);
    rgb.map(|part| {
        let part = part.clamp(0.0, 1.0);
        let encoded = if part <= 0.003_130_8 { 12.92 * part } else { 1.055 * part.powf(1.0 / 2.4) - 0.055 };
        (255.0 * encoded + 0.5) as u8
    })
}

const STEPS: usize = 4096;
const HUES: usize = 256;

/// Of the part of a map that does not begin black: faint pixels fade into the background.
const FADE: f32 = 1.0 / 12.0;

/// Tables for the loop over pixels.
pub struct Palette {
    coloured: bool,
    /// Brightness from 0 to 1 after gamma, by the part of white.
    gamma: Box<[f32]>,
    /// By the part of white, after gamma.
    intensity: Box<[[u8; 3]]>,
    hues: Box<[[u8; 3]]>,
}

impl Palette {
    /// A gamma that is not a positive number counts as 1.
    pub fn new(coloured: bool, colours: Colours, gamma: f32) -> Self {
        let gamma = if gamma > 0.0 && gamma.is_finite() { gamma } else { 1.0 };
        let steps = (0..=STEPS).map(|i| (i as f32 / STEPS as f32).powf(gamma));
        let gamma: Box<[f32]> = steps.collect();
        let map = colours.map(coloured);
        let hues: Box<[[u8; 3]]> = (0..HUES).map(|i| map(i as f32 / (HUES - 1) as f32)).collect();
        let intensity = |t: &f32| {
            let fade = (t / FADE).min(1.0);
            let rgb = hues[(t * (HUES - 1) as f32 + 0.5) as usize];
            // Fire and grey begin black by themselves.
            if hues[0] == [0; 3] { rgb } else { rgb.map(|part| (f32::from(part) * fade + 0.5) as u8) }
        };
        let intensity = gamma.iter().map(intensity).collect();
        Self { coloured, gamma, intensity, hues }
    }

    /// The colour of a value that is so large a part of the one drawn brightest; clamped to 0 to 1.
    pub fn intensity(&self, part_of_white: f32) -> [u8; 3] {
        self.intensity[step(part_of_white)]
    }

    /// `along` and `part_of_white` are clamped to 0 to 1.
    pub fn hue(&self, along: f32, part_of_white: f32) -> [u8; 3] {
        let brightness = self.gamma[step(part_of_white)];
        let hue = (along.clamp(0.0, 1.0) * (HUES - 1) as f32 + 0.5) as usize;
        self.hues[hue].map(|part| (f32::from(part) * brightness + 0.5) as u8)
    }

    /// `steps` colours at equal steps from low to high.
    pub fn legend(&self, unit: &'static str, (low, high): (f32, f32), steps: usize) -> Legend {
        let last = steps.saturating_sub(1).max(1) as f32;
        let entry = |i: usize| {
            let along = i as f32 / last;
            let rgb = if self.coloured { self.hue(along, 1.0) } else { self.intensity(along) };
            LegendEntry { value: low + along * (high - low), rgb }
        };
        Legend { unit, entries: (0..steps).map(entry).collect() }
    }
}

fn step(part: f32) -> usize {
    ((part * STEPS as f32 + 0.5) as usize).min(STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance of 8-bit sRGB.
    fn luminance(rgb: [u8; 3]) -> f32 {
        let linear = rgb.map(|part| (f32::from(part) / 255.0).powf(2.2));
        0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    }

    #[test]
    fn every_map_grows_brighter_all_the_way() {
        assert_eq!(fire(0.0), [0, 0, 0]);
        for map in [fire, ramp, cividis, grey] {
            let light: Vec<f32> = (0..=64).map(|i| luminance(map(i as f32 / 64.0))).collect();
            assert!(light.windows(2).all(|pair| pair[1] > pair[0] - 1e-4), "{light:?}");
        }
    }

    #[test]
    fn nothing_is_black_whatever_the_colours() {
        for colours in [Colours::Usual, Colours::Fire, Colours::Grey, Colours::Cividis, Colours::Ramp] {
            assert_eq!(Palette::new(false, colours, 1.0).intensity(0.0), [0; 3], "{colours:?}");
        }
    }

    #[test]
    fn cividis_stays_between_blue_and_yellow() {
        let green_to_red = |rgb: [u8; 3]| (f32::from(rgb[0]) - f32::from(rgb[1])).abs();
        assert!((0..=32).all(|i| green_to_red(cividis(i as f32 / 32.0)) < 40.0));
        let ([r0, _, b0], [r1, _, b1]) = (cividis(0.0), cividis(1.0));
        assert!(b0 > r0 && r1 > b1);
    }

    #[test]
    fn a_legend_starts_low_and_ends_high() {
        let legend = Palette::new(true, Colours::Usual, 1.0).legend("nm", (-300.0, 300.0), 5);
        assert_eq!(legend.entries.len(), 5);
        assert_eq!((legend.entries[0].value, legend.entries[2].value), (-300.0, 0.0));
        assert_eq!((legend.entries[4].value, legend.entries[4].rgb), (300.0, ramp(1.0)));
    }
}
