//! Where fluorophores sit: filaments, rings, stripes, or anywhere.
//!
//! In: the area of a whole scan and a seed. Out: positions in the part that a tile sees, drawn one by one. The
//! sample is the same for every tile that sees it, so overlapping tiles agree. Never: time.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::seeds::{Purpose, stream};
use crate::settings::BadSettings;

mod filaments;
mod whole;

use filaments::{Filaments, Knot};

/// What the sample is made of. Lengths are those of the sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Structure {
    Uniform,
    /// Semi-flexible tubes that cross the area: `length_um_per_um2` of them in total, labelled on their surface.
    Filaments {
        length_um_per_um2: f64,
        persistence_um: f64,
        radius_nm: f64,
    },
    /// Nuclear pores: rings of `corners` labelled sites on a square lattice, each turned and shifted a little.
    Rings {
        pitch_nm: f64,
        radius_nm: f64,
        corners: u32,
    },
    /// Pairs of parallel lines along y, `distance_nm` apart, repeated every `pitch_nm`.
    Stripes {
        distance_nm: f64,
        pitch_nm: f64,
    },
}

impl Structure {
    /// A mesh that covers the field evenly: almost as uncrowded as [`Structure::Uniform`], and a good picture.
    pub const MESH: Self = Self::Filaments { length_um_per_um2: 4.0, persistence_um: 20.0, radius_nm: 12.5 };
    /// Microtubules with space between them: about twice as crowded as uniform at the same mean density.
    pub const MICROTUBULES: Self =
        Self::Filaments { length_um_per_um2: 1.0, persistence_um: 20.0, radius_nm: 12.5 };
    /// Nuclear pores of 110 nm diameter.
    pub const PORES: Self = Self::Rings { pitch_nm: 400.0, radius_nm: 55.0, corners: 8 };

    pub(crate) fn check(self, number: &mut impl FnMut(&str, f64, f64, f64)) {
        match self {
            Self::Uniform => {}
            Self::Filaments { length_um_per_um2, persistence_um, radius_nm } => {
                number("structure.length_um_per_um2", length_um_per_um2, 0.01, 20.0);
                number("structure.persistence_um", persistence_um, 0.5, 1e4);
                number("structure.radius_nm", radius_nm, 0.0, 500.0);
            }
            Self::Rings { pitch_nm, radius_nm, corners } => {
                number("structure.pitch_nm", pitch_nm, 50.0, 1e5);
                number("structure.radius_nm", radius_nm, 0.0, pitch_nm / 2.0);
                number("structure.corners", corners.into(), 1.0, 1e4);
            }
            Self::Stripes { distance_nm, pitch_nm } => {
                number("structure.pitch_nm", pitch_nm, 20.0, 1e5);
                number("structure.distance_nm", distance_nm, 0.0, pitch_nm);
            }
        }
    }
}

/// A part of the sample, in µm of the stage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub x_um: (f64, f64),
    pub y_um: (f64, f64),
}

impl Area {
    pub fn contains(&self, x_um: f64, y_um: f64) -> bool {
        x_um >= self.x_um.0 && x_um < self.x_um.1 && y_um >= self.y_um.0 && y_um < self.y_um.1
    }

    pub fn width_um(&self) -> f64 {
        self.x_um.1 - self.x_um.0
    }

    pub fn height_um(&self) -> f64 {
        self.y_um.1 - self.y_um.0
    }

    pub fn um2(&self) -> f64 {
        self.width_um() * self.height_um()
    }

    fn anywhere(&self, rng: &mut ChaCha8Rng) -> (f64, f64) {
        let x = self.x_um.0 + rng.random::<f64>() * self.width_um();
        (x, self.y_um.0 + rng.random::<f64>() * self.height_um())
    }
}

/// A fluorophore's place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    pub x_um: f64,
    pub y_um: f64,
    pub z_nm: f64,
}

/// The sample under a whole scan.
#[derive(Clone, Debug)]
pub struct Sample {
    structure: Structure,
    z_half_range_nm: f64,
    seed: u64,
    filaments: Filaments,
}

impl Sample {
    /// Grows the structure over `area`. Fails when it would take more memory than [`filaments::KNOTS_MAX`] allows.
    pub fn new(
        structure: Structure,
        z_half_range_nm: f64,
        area: Area,
        seed: u64,
    ) -> Result<Self, BadSettings> {
        let filaments = match structure {
            Structure::Filaments { length_um_per_um2, persistence_um, .. } => {
                let mut rng = stream(seed, Purpose::Structure, 0, 0);
                Filaments::grow(area, length_um_per_um2, persistence_um, z_half_range_nm, &mut rng)?
            }
            _ => Filaments::default(),
        };
        Ok(Self { structure, z_half_range_nm, seed, filaments })
    }

    /// What a tile over `area` sees.
    pub fn view(&self, area: Area) -> View {
        let knots = self.filaments.within(area);
        let (structure, z_half_range_nm, seed) = (self.structure, self.z_half_range_nm, self.seed);
        View { structure, z_half_range_nm, seed, area, knots }
    }
}

/// The part of a [`Sample`] that one tile sees.
#[derive(Clone, Debug)]
pub struct View {
    structure: Structure,
    z_half_range_nm: f64,
    seed: u64,
    area: Area,
    knots: Vec<Knot>,
}

impl View {
    /// How often a site outside the area is drawn again before there is none.
    const TRIES: u32 = 64;

    /// A place on the structure within the area, uniform over the structure. `None` where there is nothing (a
    /// filament sample can leave a tile empty).
    pub fn draw(&self, rng: &mut ChaCha8Rng) -> Option<Site> {
        (0..Self::TRIES)
            .find_map(|_| self.candidate(rng).filter(|site| self.area.contains(site.x_um, site.y_um)))
    }

    fn candidate(&self, rng: &mut ChaCha8Rng) -> Option<Site> {
        match self.structure {
            Structure::Uniform => {
                let (x_um, y_um) = self.area.anywhere(rng);
                Some(Site { x_um, y_um, z_nm: self.any_z(rng) })
            }
            Structure::Filaments { radius_nm, .. } => {
                let knot = self.knots.get(rng.random_range(0..self.knots.len().max(1)))?;
                let site = knot.surface(radius_nm, rng);
                // A 2D sample stays in its plane, the tube's own height included.
                Some(Site { z_nm: site.z_nm.clamp(-self.z_half_range_nm, self.z_half_range_nm), ..site })
            }
            Structure::Rings { pitch_nm, radius_nm, corners } => {
                Some(self.on_ring(pitch_nm, radius_nm, corners, rng))
            }
            Structure::Stripes { distance_nm, pitch_nm } => {
                let (x, y_um) = self.area.anywhere(rng);
                let pair = (x * 1000.0 / pitch_nm).round() * pitch_nm;
                let side = if rng.random::<bool>() { 0.5 } else { -0.5 };
                Some(Site { x_um: (pair + side * distance_nm) / 1000.0, y_um, z_nm: self.any_z(rng) })
            }
        }
    }

    fn any_z(&self, rng: &mut ChaCha8Rng) -> f64 {
        (2.0 * rng.random::<f64>() - 1.0) * self.z_half_range_nm
    }

    /// A corner of the ring in whose lattice cell a random point lies. The ring is the same for every tile.
    fn on_ring(&self, pitch_nm: f64, radius_nm: f64, corners: u32, rng: &mut ChaCha8Rng) -> Site {
        const LABEL_SD_NM: f64 = 3.0;
        let (x, y) = self.area.anywhere(rng);
        let cell = |um: f64| (um * 1000.0 / pitch_nm).round();
        let ring = self.ring(pitch_nm, radius_nm, (cell(x), cell(y)));
        let site = ring.corner(radius_nm, rng.random_range(0..corners), corners);
        let mut label =
            || -> f64 { LABEL_SD_NM / 1000.0 * Distribution::<f64>::sample(&StandardNormal, rng) };
        Site { x_um: site.x_um + label(), y_um: site.y_um + label(), ..site }
    }

    /// The ring of a lattice cell (column, row).
    fn ring(&self, pitch_nm: f64, radius_nm: f64, (column, row): (f64, f64)) -> Ring {
        // 20 bits each: lattice columns and rows differ for every ring of any scan the settings allow.
        let name = ((column as i64 as u64) & 0xF_FFFF) << 20 | ((row as i64 as u64) & 0xF_FFFF);
        let mut ring = stream(self.seed, Purpose::Structure, 1, name);
        let shift = 0.25 * (pitch_nm - 2.0 * radius_nm);
        let mut off = || (2.0 * ring.random::<f64>() - 1.0) * shift;
        let (dx, dy) = (off(), off());
        let turn = ring.random::<f64>() * std::f64::consts::TAU;
        let z_nm = self.any_z(&mut ring);
        Ring { x_nm: column * pitch_nm + dx, y_nm: row * pitch_nm + dy, z_nm, turn }
    }
}

/// A nuclear pore.
struct Ring {
    x_nm: f64,
    y_nm: f64,
    z_nm: f64,
    turn: f64,
}

impl Ring {
    fn corner(&self, radius_nm: f64, corner: u32, corners: u32) -> Site {
        let angle = self.turn + f64::from(corner) / f64::from(corners) * std::f64::consts::TAU;
        let x_um = (self.x_nm + radius_nm * angle.cos()) / 1000.0;
        let y_um = (self.y_nm + radius_nm * angle.sin()) / 1000.0;
        Site { x_um, y_um, z_nm: self.z_nm }
    }
}
