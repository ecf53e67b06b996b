//! All of a structure at once, as ordinary fluorescence shows it.
//!
//! In: what a tile sees. Out: places along the structure, the same for every tile that sees them. Never: randomness,
//! but that of the structure itself.

use super::{Area, Site, Structure, View, filaments};

/// Distance of neighbouring places along a line.
const ALONG_UM: f64 = 0.02;
/// Distance of neighbouring places where fluorophores are anywhere.
const APART_UM: f64 = 0.05;

impl View {
    /// Calls for places that cover the structure evenly, in the same number wherever there is equally much of it.
    pub fn each(&self, mut give: impl FnMut(Site)) {
        let area = self.area;
        let mut inside = |site: Site| {
            if area.contains(site.x_um, site.y_um) {
                give(site);
            }
        };
        match self.structure {
            Structure::Uniform => {
                for (x_um, y_um) in lattice(area, APART_UM, APART_UM) {
                    inside(Site { x_um, y_um, z_nm: 0.0 });
                }
            }
            Structure::Filaments { .. } => {
                let steps = (filaments::STEP_UM / ALONG_UM).round() as u32;
                for knot in &self.knots {
                    (0..steps).for_each(|step| inside(knot.axis(f64::from(step) * ALONG_UM)));
                }
            }
            Structure::Rings { pitch_nm, radius_nm, corners } => {
                let pitch = pitch_nm / 1000.0;
                for (x, y) in lattice(area, pitch, pitch) {
                    let ring = self.ring(pitch_nm, radius_nm, ((x / pitch).round(), (y / pitch).round()));
                    (0..corners).for_each(|corner| inside(ring.corner(radius_nm, corner, corners)));
                }
            }
            Structure::Stripes { distance_nm, pitch_nm } => {
                for (pair, y_um) in lattice(area, pitch_nm / 1000.0, ALONG_UM) {
                    for side in [-0.5, 0.5] {
                        inside(Site { x_um: pair + side * distance_nm / 1000.0, y_um, z_nm: 0.0 });
                    }
                }
            }
        }
    }
}

/// Multiples of the steps in and just around an area.
fn lattice(area: Area, step_x: f64, step_y: f64) -> impl Iterator<Item = (f64, f64)> {
    let range = |(from, to): (f64, f64), step: f64| {
        ((from / step).floor() as i64 - 1..=(to / step).ceil() as i64 + 1).map(move |at| at as f64 * step)
    };
    range(area.y_um, step_y).flat_map(move |y| range(area.x_um, step_x).map(move |x| (x, y)))
}
