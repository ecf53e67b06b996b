//! Localizations enter the map, a few at a time and level by level.
//!
//! In: localizations, to be added or taken out again. Out: counts and Gaussians in every level. Never: more memory than
//! `max_bytes`; a count that is not what the same localizations would make of an empty map.

use super::level::{Colours, Level, worst_case_bytes};
use super::splat::{Splat, Weights};
use super::spread::{SIGMA_MAX_NM, Spread};
use super::{BLOCK_PX, COLOURS_FROM, EXTENT_BASE_PX, LEVELS, LiveMap};
use crate::localization::Localization;
use crate::units::{Nm, PixelSize, Px};

/// Localizations that enter together.
const PIECE: usize = 32;
/// A rebuilt map sorts so many at once (12 MiB).
const SORTED: usize = 1 << 18;
/// Nobody means more; sums stay finite.
const Z_MAX_NM: f32 = 1e6;

/// Which way localizations go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Remove,
}

impl Change {
    pub fn apply(self, number: &mut u64, by: u64) {
        *number = match self {
            Self::Add => *number + by,
            Self::Remove => number.saturating_sub(by),
        };
    }

    /// Of a weight.
    pub const fn sign(self) -> f32 {
        match self {
            Self::Add => 1.0,
            Self::Remove => -1.0,
        }
    }
}

/// What enters now; made once, so that adding allocates nothing but pixels.
pub(super) struct Piece {
    change: Change,
    places: Vec<Place>,
    splats: Box<[Splat]>,
    weights: Weights,
}

/// A localization in base pixels from the corner.
#[derive(Clone, Copy)]
struct Place {
    x: f64,
    y: f64,
    sigma: (f64, f64),
    colours: Colours,
}

impl Piece {
    pub fn new() -> Self {
        let splats = (0..PIECE).map(|_| Splat::EMPTY).collect();
        Self { change: Change::Add, places: Vec::with_capacity(PIECE), splats, weights: Weights::new() }
    }
}

impl LiveMap {
    /// Adds localizations of a camera with this pixel size. Those that are not finite or absurdly far away are
    /// counted as rejected and not drawn.
    pub fn add(&mut self, localizations: &[Localization], pixel: PixelSize) {
        self.add_at(localizations, pixel, (Nm(0.0), Nm(0.0)));
    }

    /// As [`Self::add`], for a field of view whose first pixel's corner stands at `corner` in the map.
    pub fn add_at(&mut self, localizations: &[Localization], pixel: PixelSize, corner: (Nm, Nm)) {
        self.change(Change::Add, localizations, pixel, corner);
    }

    /// Takes localizations out that were added with the same pixel and corner. Counts are then as if they had never been
    /// there; Gaussians and colours to the last digits of a sum. Bounds do not shrink.
    pub fn remove_at(&mut self, localizations: &[Localization], pixel: PixelSize, corner: (Nm, Nm)) {
        self.change(Change::Remove, localizations, pixel, corner);
    }

    fn change(&mut self, change: Change, localizations: &[Localization], pixel: PixelSize, corner: (Nm, Nm)) {
        if localizations.is_empty() {
            return;
        }
        self.version += 1;
        self.piece.change = change;
        let base = self.settings.base_pixel;
        let mut rest = localizations;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.make_room().min(rest.len()));
            self.piece.places.clear();
            self.piece.places.extend(now.iter().filter_map(|l| place(l, pixel, corner, base)));
            change.apply(&mut self.rejected, (now.len() - self.piece.places.len()) as u64);
            self.enter();
            rest = later;
        }
    }

    /// Forgets everything; viewers see a new generation.
    pub fn clear(&mut self) {
        self.levels.iter_mut().for_each(Level::clear);
        self.spread = Spread::default();
        (self.finest, self.localizations, self.rejected, self.bytes) = (0, 0, 0, 0);
        self.version += 1;
        self.generation += 1;
    }

    /// Forgets everything and adds these instead; sorted in parts, so that neighbours are drawn together.
    pub fn rebuild(&mut self, localizations: impl IntoIterator<Item = Localization>, pixel: PixelSize) {
        self.clear();
        let mut part: Vec<Localization> = Vec::new();
        let mut source = localizations.into_iter();
        loop {
            part.clear();
            part.extend(source.by_ref().take(SORTED));
            if part.is_empty() {
                return;
            }
            self.add_sorted(&mut part, pixel, (Nm(0.0), Nm(0.0)));
        }
    }

    /// As [`Self::add_at`], after sorting them, so that neighbours are drawn together: several times as fast for many.
    pub fn add_sorted(&mut self, localizations: &mut [Localization], pixel: PixelSize, corner: (Nm, Nm)) {
        let block = f64::from(BLOCK_PX) * self.settings.base_pixel.0;
        localizations.sort_by_cached_key(|l| {
            let (x, y) = pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
            ((y.0 / block).floor() as i32, (x.0 / block).floor() as i32)
        });
        self.add_at(localizations, pixel, corner);
    }

    /// How many may enter without exceeding the memory, whatever they are; folds until there is room for one.
    fn make_room(&mut self) -> usize {
        loop {
            let room = self.settings.max_bytes.saturating_sub(self.bytes) / worst_case_bytes(LEVELS);
            if room > 0 || !self.fold() {
                return room.clamp(1, PIECE);
            }
        }
    }

    /// Gives the finest level up; the next one holds every count already. False at the last level.
    fn fold(&mut self) -> bool {
        if self.finest + 1 >= LEVELS {
            return false;
        }
        let level = &mut self.levels[self.finest as usize];
        self.bytes -= level.bytes();
        level.clear();
        self.finest += 1;
        self.generation += 1;
        true
    }

    fn enter(&mut self) {
        let Piece { change, places, splats, weights } = &mut self.piece;
        let change = *change;
        change.apply(&mut self.localizations, places.len() as u64);
        for (place, splat) in places.iter().zip(splats.iter_mut()) {
            self.spread.change(change, (place.x.floor(), place.y.floor()), place.colours);
            if self.finest < self.gaussian_end {
                // In base pixels, and halved as often as levels were given up: what is taken out is then what was added,
                // however many levels there were.
                splat.place(&*weights, (place.x, place.y), place.sigma);
                (0..self.finest).for_each(|_| splat.halve());
            }
        }
        for level in self.finest..LEVELS {
            let keeps_colours = self.settings.layers.colours && level >= COLOURS_FROM;
            let colours = |place: &Place| keeps_colours.then_some(place.colours);
            let glows = level < self.gaussian_end;
            let pixels = &mut self.levels[level as usize];
            for place in places.iter() {
                let (x, y) = (place.x.floor() as i32 >> level, place.y.floor() as i32 >> level);
                let colours = colours(place).filter(|_| !glows);
                self.bytes += pixels.count(change, (x, y), colours, self.version);
            }
            for (place, splat) in places.iter().zip(splats.iter_mut()).filter(|_| glows) {
                self.bytes += pixels.splat(change, splat, colours(place), self.version);
                splat.halve();
            }
        }
    }
}

fn place(l: &Localization, pixel: PixelSize, corner: (Nm, Nm), base: Nm) -> Option<Place> {
    let (x, y) = pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
    let (x, y) = ((x.0 + corner.0.0) / base.0, (y.0 + corner.1.0) / base.0);
    // Written so that NaN fails.
    let sane = x.abs() < EXTENT_BASE_PX && y.abs() < EXTENT_BASE_PX && l.z_nm.is_finite();
    if !sane {
        return None;
    }
    let sigma_nm = (f64::from(l.sigma_x_px) * pixel.x.0, f64::from(l.sigma_y_px) * pixel.y.0);
    let mean_nm = ((sigma_nm.0 + sigma_nm.1) / 2.0) as f32;
    Some(Place {
        x,
        y,
        sigma: (sigma_nm.0 / base.0, sigma_nm.1 / base.0),
        colours: Colours {
            z_nm: l.z_nm.clamp(-Z_MAX_NM, Z_MAX_NM),
            frame: l.frame as f32,
            sigma_nm: if mean_nm.is_finite() { mean_nm.clamp(0.0, SIGMA_MAX_NM) } else { 0.0 },
        },
    })
}
