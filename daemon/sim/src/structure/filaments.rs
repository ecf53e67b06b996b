//! Semi-flexible filaments grown over an area, microtubule-like.
//!
//! In: an area, how much length per area, a persistence length. Out: knots at equal distances, so that a random
//! knot is a random place along the filaments. New filaments start where there are fewest: the mesh is even.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::{Area, Site};
use crate::settings::BadSettings;

/// Distance of neighbouring knots.
pub(super) const STEP_UM: f64 = 0.1;
/// Most knots of a sample: 192 MB.
pub const KNOTS_MAX: f64 = 8e6;
/// Cells in which the evenness of the mesh is judged.
const CELL_UM: f64 = 1.0;
/// Starting points among which the emptiest is chosen.
const CANDIDATES: u32 = 24;
/// Length over which a filament rises and falls once.
const WAVE_UM: f64 = 12.0;

/// A place on a filament's axis and its direction there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Knot {
    x_um: f32,
    y_um: f32,
    dx: f32,
    dy: f32,
    z_nm: f32,
}

impl Knot {
    /// A place on the axis, this far behind the knot.
    pub(super) fn axis(&self, along_um: f64) -> Site {
        let x_um = f64::from(self.x_um) + along_um * f64::from(self.dx);
        let y_um = f64::from(self.y_um) + along_um * f64::from(self.dy);
        Site { x_um, y_um, z_nm: self.z_nm.into() }
    }

    /// A place on the tube between this knot and the next.
    pub(super) fn surface(&self, radius_nm: f64, rng: &mut ChaCha8Rng) -> Site {
        let (sin, cos) = (rng.random::<f64>() * std::f64::consts::TAU).sin_cos();
        let (along, aside) = (rng.random::<f64>() * STEP_UM, radius_nm * cos / 1000.0);
        let (dx, dy) = (f64::from(self.dx), f64::from(self.dy));
        let x_um = f64::from(self.x_um) + along * dx - aside * dy;
        let y_um = f64::from(self.y_um) + along * dy + aside * dx;
        Site { x_um, y_um, z_nm: f64::from(self.z_nm) + radius_nm * sin }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Filaments {
    knots: Vec<Knot>,
}

impl Filaments {
    pub(super) fn grow(
        area: Area,
        length_um_per_um2: f64,
        persistence_um: f64,
        z_half_range_nm: f64,
        rng: &mut ChaCha8Rng,
    ) -> Result<Self, BadSettings> {
        let wanted = area.um2() * length_um_per_um2 / STEP_UM;
        if wanted > KNOTS_MAX {
            return Err(BadSettings(vec![format!(
                "structure.length_um_per_um2 of {length_um_per_um2} over a scan of {:.0} µm² needs {wanted:.0} \
                 knots and at most {KNOTS_MAX} are kept: use fewer tiles or less length",
                area.um2()
            )]));
        }
        let mut knots = Vec::with_capacity(wanted as usize);
        let mut coverage = Coverage::new(area);
        while (knots.len() as f64) < wanted {
            let start = coverage.emptiest(area, rng);
            let angle = rng.random::<f64>() * std::f64::consts::TAU;
            let phase = rng.random::<f64>() * std::f64::consts::TAU;
            for (heading, climb) in [(angle, 1.0), (angle + std::f64::consts::PI, -1.0)] {
                let wave = climb * std::f64::consts::TAU / WAVE_UM;
                let z = |along_um: f64| z_half_range_nm * (phase + along_um * wave).sin();
                let room = (wanted as usize + 1).saturating_sub(knots.len());
                grow_arm(area, start, heading, persistence_um, room, z, rng, |knot| {
                    coverage.add(f64::from(knot.x_um), f64::from(knot.y_um));
                    knots.push(knot);
                });
            }
        }
        Ok(Self { knots })
    }

    pub(super) fn within(&self, area: Area) -> Vec<Knot> {
        let near = Area {
            x_um: (area.x_um.0 - STEP_UM, area.x_um.1 + STEP_UM),
            y_um: (area.y_um.0 - STEP_UM, area.y_um.1 + STEP_UM),
        };
        let inside = |knot: &&Knot| near.contains(knot.x_um.into(), knot.y_um.into());
        self.knots.iter().filter(inside).copied().collect()
    }
}

/// A worm-like chain: the heading wanders by √(step / persistence) per step, until the area is left.
#[expect(clippy::too_many_arguments, reason = "one arm of one filament; a struct would be used once")]
fn grow_arm(
    area: Area,
    start: (f64, f64),
    mut heading: f64,
    persistence_um: f64,
    room: usize,
    z_nm: impl Fn(f64) -> f64,
    rng: &mut ChaCha8Rng,
    mut keep: impl FnMut(Knot),
) {
    let wander = (STEP_UM / persistence_um).sqrt();
    let (mut x, mut y) = start;
    for step in 0..room {
        if !area.contains(x, y) {
            break;
        }
        let (sin, cos) = heading.sin_cos();
        let z_nm = z_nm(step as f64 * STEP_UM) as f32;
        keep(Knot { x_um: x as f32, y_um: y as f32, dx: cos as f32, dy: sin as f32, z_nm });
        x += STEP_UM * cos;
        y += STEP_UM * sin;
        heading += wander * Distribution::<f64>::sample(&StandardNormal, rng);
    }
}

/// Knots per cell of the area.
struct Coverage {
    area: Area,
    columns: usize,
    counts: Vec<u32>,
}

impl Coverage {
    fn new(area: Area) -> Self {
        let cells = |um: f64| (um / CELL_UM).ceil().max(1.0) as usize;
        let columns = cells(area.width_um());
        Self { area, columns, counts: vec![0; columns * cells(area.height_um())] }
    }

    fn index(&self, x_um: f64, y_um: f64) -> usize {
        let cell = |um: f64, from: f64| ((um - from) / CELL_UM).max(0.0) as usize;
        let row = cell(y_um, self.area.y_um.0);
        let index = row * self.columns + cell(x_um, self.area.x_um.0).min(self.columns - 1);
        index.min(self.counts.len() - 1)
    }

    fn add(&mut self, x_um: f64, y_um: f64) {
        let index = self.index(x_um, y_um);
        self.counts[index] += 1;
    }

    fn emptiest(&self, area: Area, rng: &mut ChaCha8Rng) -> (f64, f64) {
        let mut best = area.anywhere(rng);
        for _ in 1..CANDIDATES {
            let other = area.anywhere(rng);
            if self.counts[self.index(other.0, other.1)] < self.counts[self.index(best.0, best.1)] {
                best = other;
            }
        }
        best
    }
}
