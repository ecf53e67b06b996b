//! Where the tiles of a scan lie beside each other, from what both show where they overlap.
//!
//! In: each tile's corner by the stage and its localizations, one tile after the other. Out: a seam to each neighbour
//! that is already there, or why there is none; on request the places of all tiles. Never: localizations of a tile's
//! middle kept; a seam from data that do not show one; a tile without a place.
//!
//! The strips of two neighbours are correlated as coarse pictures (`correlate.rs`), the place of the peak is refined from
//! pairs of localizations, which also say whether the two show one structure (`seam.rs`), and all seams together give
//! the places by least squares (`solve.rs`).
//!
//! Simulated filaments, 1.5 µm of them on a µm², fields of 20 µm that overlap by 1 µm, each up to 2 µm off: with 20
//! localizations on a µm of filament every pair that really overlaps by 0.25 µm has a seam, 1 to 3 nm off (rms); with 5
//! on a µm those from some 0.6 µm on, 13 nm off. Of 600 neighbours none got a false seam, nor did any of 180 unrelated.

mod correlate;
mod edges;
mod seam;
mod solve;
mod spectrum;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::frame::Tile;
use crate::units::Nm;
use edges::Edges;

pub use solve::{Place, PlacedFrom, Residual, Solution};

/// Localizations that are kept of one edge: evenly chosen ones where there are more.
pub const EDGE_MAX: usize = 30_000;

/// How tiles are matched.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Width and height of a tile.
    pub field: (Nm, Nm),
    /// What the scan was planned with.
    pub overlap: Nm,
    /// How far the stage's step from a tile to its neighbour may be off, in x and in y.
    pub error_max: Nm,
    /// So many standard deviations of the correlation must its peak rise above the rest.
    pub confidence_min: f64,
    /// A seam with a larger residual contradicts its neighbours, if it also stands out among all residuals.
    pub residual_max: Nm,
}

impl Settings {
    /// For fields of this width and height: an overlap of 1 µm, steps that are off by up to 3 µm.
    pub const fn of(field: (Nm, Nm)) -> Self {
        Self {
            field,
            overlap: Nm(1000.0),
            error_max: Nm(3000.0),
            confidence_min: 8.0,
            residual_max: Nm(60.0),
        }
    }

    /// How far from its edge a tile's localizations can lie in a neighbour.
    fn depth(&self) -> f64 {
        self.overlap.0 + self.error_max.0
    }
}

/// How two tiles lie to each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seam {
    /// Indices of the tiles; `a` was there first.
    pub a: u32,
    pub b: u32,
    /// Of b's corner from a's, x and y.
    pub offset_nm: (f64, f64),
    /// Standard deviation of each.
    pub sd_nm: f64,
    /// Height of the correlation's peak, in standard deviations of the rest.
    pub confidence: f64,
    /// The part of their structures that both show within the overlap; about 1.
    pub shared: f64,
    /// Of the sparser tile, within the overlap.
    pub localizations: usize,
}

/// Two neighbours without a seam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Apart {
    pub a: u32,
    pub b: u32,
    pub why: NoSeam,
}

/// Why two neighbours have no seam.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum NoSeam {
    #[error("by the stage the tiles do not overlap, even where it is off as far as it may be")]
    NoOverlap,
    #[error("a tile has only {0} localizations near this edge")]
    Empty(usize),
    #[error("no peak in the correlation: the highest is {confidence:.1} standard deviations high")]
    NoPeak { confidence: f64 },
    #[error("the correlation has two peaks, the second {0:.2} as high as the first")]
    Ambiguous(f64),
    #[error("where the correlation peaks the tiles share only {shared:.2} of their structures")]
    Unlike { shared: f64 },
    #[error("the localizations do not pile up where the correlation peaks")]
    NoPile,
}

/// A tile that was added.
#[derive(Debug)]
struct Known {
    tile: Tile,
    /// By the stage, x and y in nm.
    corner: (f64, f64),
    edges: Edges,
}

/// Collects tiles and matches each with its neighbours.
///
/// Memory: an edge is kept until the neighbour beyond it came, at most [`EDGE_MAX`] localizations of 8 bytes: 240 kB.
/// Of a scan row by row that is one row of edges, of any order at most four edges a tile.
#[derive(Debug)]
pub struct Stitcher {
    settings: Settings,
    /// By row and column.
    tiles: BTreeMap<(u32, u32), Known>,
    seams: Vec<Seam>,
    apart: Vec<Apart>,
}

impl Stitcher {
    pub fn new(settings: Settings) -> Self {
        Self { settings, tiles: BTreeMap::new(), seams: Vec::new(), apart: Vec::new() }
    }

    /// Adds a tile. `corner`: of its first pixel, by the stage. `points`: x and y in nm from this corner; those near an
    /// edge are kept. Returns a seam for each of the up to four neighbours that are there, or why it has none.
    /// A tile at a row and column that is taken changes nothing: neighbours were matched with the first one.
    ///
    /// Takes up to half a second a neighbour of 55 µm, most of it for pairs of localizations.
    pub fn add_tile(
        &mut self,
        tile: Tile,
        corner: (Nm, Nm),
        points: &[(f32, f32)],
    ) -> Vec<Result<Seam, Apart>> {
        let at = (tile.row, tile.column);
        if self.tiles.contains_key(&at) {
            return Vec::new();
        }
        let edges = Edges::of(points, &self.settings);
        let mut added = Known { tile, corner: (corner.0.0, corner.1.0), edges };
        let mut found = Vec::new();
        for beside in around(at) {
            if let Some(known) = self.tiles.get_mut(&beside) {
                found.push(seam::between(known, &mut added, &self.settings));
            }
        }
        self.tiles.insert(at, added);
        self.seams.extend(found.iter().filter_map(|one| one.as_ref().ok()));
        self.apart.extend(found.iter().filter_map(|one| one.as_ref().err()));
        found
    }

    /// Seams so far, in the order in which they were found.
    pub fn seams(&self) -> &[Seam] {
        &self.seams
    }

    /// Neighbours that have none.
    pub fn apart(&self) -> &[Apart] {
        &self.apart
    }

    /// Localizations that are kept at the moment.
    pub fn kept(&self) -> usize {
        self.tiles.values().map(|known| known.edges.len()).sum()
    }

    /// The places of all tiles, as the seams so far and the stage have them.
    pub fn solve(&self) -> Solution {
        let places = self.tiles.values().map(|known| (known.tile.index, known.corner)).collect::<Vec<_>>();
        solve::solve(&places, &self.seams, &self.apart, &self.settings)
    }
}

/// The four neighbours that a place can have.
fn around((row, column): (u32, u32)) -> impl Iterator<Item = (u32, u32)> {
    let beside = [row.checked_sub(1), row.checked_add(1)].map(|row| Some((row?, column)));
    let along = [column.checked_sub(1), column.checked_add(1)].map(|column| Some((row, column?)));
    along.into_iter().chain(beside).flatten()
}
