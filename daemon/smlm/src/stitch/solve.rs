//! The places of all tiles from their seams: least squares.
//!
//! In: places by the stage, seams. Out: a place for each tile, a residual for each seam. Never: a seam that contradicts
//! the others by more than its error decides.
//!
//! Minimised is, in x and in y, `Σ |p_b − p_a − m|² / s²` over the seams with offset m and deviation s, plus the same
//! over neighbours without a seam with the stage's step and its largest error for m and s, plus
//! `|p − stage|² / s²` of every tile, with ten times that error. So a tile without seams keeps the stage's step to its
//! neighbours, that is, moves by the mean of their corrections, and alone it stays where the stage had it; and what
//! hangs together by seams keeps its mean place. The equations are solved by conjugate gradients.
//!
//! Then the seams with the largest residuals of their surroundings are left out if the residual is large by itself and
//! among all, and it begins anew, until none is. Of two seams that contradict each other and are judged
//! by no third one (a tile in a corner of the scan), the one with the larger deviation goes, as it has the larger
//! residual. A seam that alone joins two parts is contradicted by none and stays.

use std::collections::HashMap;

use super::{Apart, Seam, Settings};
use crate::units::Nm;

/// No seam is better than this: the optics distort by as much.
const SD_FLOOR_NM: f64 = 3.0;
/// So many robust standard deviations of all residuals is too large.
const STANDS_OUT: f64 = 6.0;
const ROUNDS: usize = 100;
/// So many steps from tile to tile around a rejected seam no other one is in the same round.
const AROUND: usize = 2;
/// Of conjugate gradients; a grid of n tiles a side needs some n.
const STEPS: usize = 5000;
/// Small, because parts of the scan that only the stage joins are held by weights that are smaller by 10⁶.
const CONVERGED_NM: f64 = 1e-9;

/// What a tile's place is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlacedFrom {
    /// At least one seam that was not rejected.
    Seams,
    /// The stage, moved with its neighbours.
    Stage,
}

/// Where a tile lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    pub index: u32,
    /// Of its first pixel.
    pub corner: (Nm, Nm),
    pub from: PlacedFrom,
}

/// What is left between a seam and the places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Residual {
    pub seam: Seam,
    /// Measured minus placed, x and y.
    pub off_nm: (f64, f64),
    /// It contradicted the others and did not count.
    pub rejected: bool,
}

impl Residual {
    fn size(&self) -> f64 {
        self.off_nm.0.hypot(self.off_nm.1)
    }
}

/// Places of all tiles, in the order of rows and columns, and what became of each seam, in the order found.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Solution {
    pub places: Vec<Place>,
    pub seams: Vec<Residual>,
}

impl Solution {
    /// Seams that did not count.
    pub fn rejected(&self) -> impl Iterator<Item = &Residual> {
        self.seams.iter().filter(|one| one.rejected)
    }

    /// Root mean square of the others' residuals; `None` without seams.
    pub fn residual_rms(&self) -> Option<Nm> {
        let kept: Vec<f64> = self.seams.iter().filter(|one| !one.rejected).map(Residual::size).collect();
        let mean = kept.iter().map(|size| size * size).sum::<f64>() / kept.len() as f64;
        (!kept.is_empty()).then(|| Nm(mean.sqrt()))
    }
}

pub(super) fn solve(
    tiles: &[(u32, (f64, f64))],
    seams: &[Seam],
    apart: &[Apart],
    settings: &Settings,
) -> Solution {
    let mut network = Network::new(tiles, seams, apart, settings);
    let mut residuals = network.residuals(seams);
    for _ in 0..ROUNDS {
        let worst = contradicting(&network, &residuals, settings);
        if worst.is_empty() {
            break;
        }
        for seam in worst {
            network.reject(seam, settings);
        }
        residuals = network.residuals(seams);
    }
    let place = |(number, (index, _)): (usize, &(u32, (f64, f64)))| Place {
        index: *index,
        corner: network.place(number),
        from: network.placed_from(number),
    };
    Solution { places: tiles.iter().enumerate().map(place).collect(), seams: residuals }
}

/// Numbers of the seams to leave out next.
fn contradicting(network: &Network, residuals: &[Residual], settings: &Settings) -> Vec<usize> {
    let counts = |seam: usize| !residuals[seam].rejected;
    let mut sizes: Vec<f64> = residuals.iter().filter(|one| !one.rejected).map(Residual::size).collect();
    if sizes.is_empty() {
        return Vec::new();
    }
    let half = sizes.len() / 2;
    // The median of the length of a two-dimensional normal error is 1.177 σ.
    let usual = *sizes.select_nth_unstable_by(half, f64::total_cmp).1 / 1.177;
    let limit = settings.residual_max.0.max(STANDS_OUT * usual);
    let mut largest = vec![0.0f64; network.stage.len()];
    for seam in (0..residuals.len()).filter(|seam| counts(*seam)) {
        for tile in [network.links[seam].a, network.links[seam].b] {
            largest[tile] = largest[tile].max(residuals[seam].size());
        }
    }
    // A wrong seam pulls at those around it, also where these are the worst of their own tiles.
    for _ in 0..AROUND {
        let near = largest.clone();
        for link in &network.links {
            largest[link.a] = largest[link.a].max(near[link.b]);
            largest[link.b] = largest[link.b].max(near[link.a]);
        }
    }
    let of_its_tiles = |seam: usize| {
        let (link, size) = (&network.links[seam], residuals[seam].size());
        size > limit && size >= largest[link.a] && size >= largest[link.b]
    };
    (0..residuals.len()).filter(|seam| counts(*seam) && of_its_tiles(*seam)).collect()
}

/// A correction of the step from one tile to another, by their numbers.
struct Link {
    a: usize,
    b: usize,
    correction: (f64, f64),
    weight: f64,
    by_seam: bool,
}

impl Link {
    /// The stage's own step, for lack of a seam.
    fn of_stage(a: usize, b: usize, settings: &Settings) -> Self {
        let weight = 1.0 / settings.error_max.0.powi(2);
        Self { a, b, correction: (0.0, 0.0), weight, by_seam: false }
    }
}

/// All equations; the links of seams come first, in their order. Unknown are the tiles' corrections against the stage:
/// small numbers, so that rounding does not reach nanometres.
struct Network {
    stage: Vec<(f64, f64)>,
    links: Vec<Link>,
    /// Weight of a tile's place by the stage.
    anchor: f64,
    /// The last solution.
    moved: Vec<(f64, f64)>,
}

impl Network {
    fn new(tiles: &[(u32, (f64, f64))], seams: &[Seam], apart: &[Apart], settings: &Settings) -> Self {
        let stage: Vec<(f64, f64)> = tiles.iter().map(|(_, corner)| *corner).collect();
        let number: HashMap<u32, usize> =
            tiles.iter().enumerate().map(|(number, (index, _))| (*index, number)).collect();
        let by_seam = seams.iter().map(|seam| {
            let (a, b) = (number[&seam.a], number[&seam.b]);
            let step = (stage[b].0 - stage[a].0, stage[b].1 - stage[a].1);
            let correction = (seam.offset_nm.0 - step.0, seam.offset_nm.1 - step.1);
            let weight = 1.0 / (seam.sd_nm.powi(2) + SD_FLOOR_NM.powi(2));
            Link { a, b, correction, weight, by_seam: true }
        });
        let by_stage = apart.iter().map(|pair| Link::of_stage(number[&pair.a], number[&pair.b], settings));
        let links = by_seam.chain(by_stage).collect();
        let anchor = 1.0 / (10.0 * settings.error_max.0).powi(2);
        let moved = vec![(0.0, 0.0); stage.len()];
        Self { stage, links, anchor, moved }
    }

    /// The stage's step takes the place of a seam.
    fn reject(&mut self, link: usize, settings: &Settings) {
        self.links[link] = Link::of_stage(self.links[link].a, self.links[link].b, settings);
    }

    fn place(&self, tile: usize) -> (Nm, Nm) {
        let (stage, moved) = (self.stage[tile], self.moved[tile]);
        (Nm(stage.0 + moved.0), Nm(stage.1 + moved.1))
    }

    fn placed_from(&self, tile: usize) -> PlacedFrom {
        let seam = self.links.iter().any(|link| link.by_seam && (link.a == tile || link.b == tile));
        if seam { PlacedFrom::Seams } else { PlacedFrom::Stage }
    }

    /// Solves anew and says what is left of each seam.
    fn residuals(&mut self, seams: &[Seam]) -> Vec<Residual> {
        let x = self.coordinate(|point| point.0);
        let y = self.coordinate(|point| point.1);
        self.moved = x.into_iter().zip(y).collect();
        let left = |(seam, link): (&Seam, &Link)| {
            let (a, b) = (self.place(link.a), self.place(link.b));
            let placed = (b.0.0 - a.0.0, b.1.0 - a.1.0);
            let off_nm = (seam.offset_nm.0 - placed.0, seam.offset_nm.1 - placed.1);
            Residual { seam: *seam, off_nm, rejected: !link.by_seam }
        };
        seams.iter().zip(&self.links).map(left).collect()
    }

    /// One coordinate of all corrections, from the last solution on.
    fn coordinate(&self, of: impl Fn(&(f64, f64)) -> f64) -> Vec<f64> {
        let mut wanted = vec![0.0; self.stage.len()];
        let mut diagonal = vec![self.anchor; self.stage.len()];
        for link in &self.links {
            let pull = link.weight * of(&link.correction);
            wanted[link.a] -= pull;
            wanted[link.b] += pull;
            diagonal[link.a] += link.weight;
            diagonal[link.b] += link.weight;
        }
        let start = self.moved.iter().map(&of).collect();
        conjugate_gradients(|moved| self.times(moved), &diagonal, &wanted, start)
    }

    /// The matrix of the equations times a vector.
    fn times(&self, moved: &[f64]) -> Vec<f64> {
        let mut product: Vec<f64> = moved.iter().map(|one| one * self.anchor).collect();
        for link in &self.links {
            let pull = link.weight * (moved[link.b] - moved[link.a]);
            product[link.a] -= pull;
            product[link.b] += pull;
        }
        product
    }
}

/// Solves `matrix · x = wanted` for a symmetric positive matrix, with its diagonal as preconditioner.
fn conjugate_gradients(
    matrix: impl Fn(&[f64]) -> Vec<f64>,
    diagonal: &[f64],
    wanted: &[f64],
    mut x: Vec<f64>,
) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scaled = |r: &[f64]| r.iter().zip(diagonal).map(|(r, d)| r / d).collect::<Vec<f64>>();
    let mut rest: Vec<f64> = wanted.iter().zip(matrix(&x)).map(|(wanted, is)| wanted - is).collect();
    let mut towards = scaled(&rest);
    let mut direction = towards.clone();
    let mut size = dot(&rest, &towards);
    for _ in 0..STEPS {
        // What the diagonal alone would still move each tile by.
        if towards.iter().all(|step| step.abs() < CONVERGED_NM) {
            break;
        }
        let product = matrix(&direction);
        let length = size / dot(&direction, &product);
        for (number, step) in direction.iter().enumerate() {
            x[number] += length * step;
            rest[number] -= length * product[number];
        }
        towards = scaled(&rest);
        let next = dot(&rest, &towards);
        for (number, step) in direction.iter_mut().enumerate() {
            *step = towards[number] + next / size * *step;
        }
        size = next;
    }
    x
}
