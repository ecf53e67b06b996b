//! The Cramér–Rao bound of a Gaussian spot: how well its position, depth and photons can be known at best.
//!
//! In: a spot and its pixels. Out: standard deviations. Never: an estimate from data.
//!
//! The Fisher information of pixels that count `μ = photons · PSF + background` with Poisson noise is
//! `I[i][j] = Σ ∂μ/∂θᵢ ∂μ/∂θⱼ / μ` (Smith et al. 2010, Methods; Speiser et al. 2021, equation 16). A camera makes
//! `per_photon · μ + floor` of the variance μ: electron multiplication doubles it, a quantum efficiency divides it, a
//! readout adds to it (Huang et al. 2013). The bounds are the roots of the diagonal of its inverse, with x, y,
//! photons, background and, if asked, z unknown together. z shows in the two widths:
//! `∂μ/∂z = ∂μ/∂σ_x · dσ_x/dz + ∂μ/∂σ_y · dσ_y/dz`.

mod profile;

use profile::Profile;

use crate::psf::Psf;
use crate::units::{Camera, PixelSize};

/// Width of a Gaussian along one axis, and how it changes with depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Width {
    pub sigma_px: f64,
    pub slope_px_per_nm: f64,
}

impl Width {
    /// Of `psf` along x and along y, at depth `z_nm`.
    pub fn of(psf: Psf, z_nm: f64, pixel_size: PixelSize) -> (Self, Self) {
        let ((sigma_x, sigma_y), (slope_x, slope_y)) = (psf.sigmas_nm(z_nm), psf.slopes(z_nm));
        let width = |sigma: f64, slope: f64, side: f64| Self {
            sigma_px: sigma / side,
            slope_px_per_nm: slope / side,
        };
        (width(sigma_x, slope_x, pixel_size.x.0), width(sigma_y, slope_y, pixel_size.y.0))
    }
}

/// What a camera makes of the variance μ of a Poisson count: `per_photon · μ + floor`, in photons².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    pub per_photon: f64,
    pub floor: f64,
}

impl Noise {
    /// Counts every photon and adds nothing.
    pub const IDEAL: Self = Self { per_photon: 1.0, floor: 0.0 };

    /// Of a camera with a readout of `read_noise_e` electrons (standard deviation, behind the gain register).
    pub fn of(camera: &Camera, read_noise_e: f64) -> Self {
        let (excess, gain) = camera.em_gain.map_or((1.0, 1.0), |gain| (2.0, gain));
        Self {
            per_photon: excess / camera.qe,
            floor: (excess * camera.spurious_e + (read_noise_e / gain).powi(2)) / camera.qe.powi(2),
        }
    }
}

/// A Gaussian, integrated over pixels, in a square region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    pub x: Width,
    pub y: Width,
    pub photons: f64,
    /// Photons per pixel.
    pub background: f64,
    /// Position in the region; pixel centres at integers from 0.
    pub x_px: f64,
    pub y_px: f64,
    /// Pixels along a side of the region.
    pub side_px: u32,
    pub noise: Noise,
    /// Whether the depth is to be found too; it must change a width then.
    pub z_unknown: bool,
}

impl Spot {
    /// Round, at a known depth, in the middle of a region that holds all of it, seen by an ideal camera.
    pub fn ideal(sigma_px: f64, photons: f64, background: f64) -> Self {
        let reach = (5.0 * sigma_px).ceil().clamp(3.0, f64::from(MAX_SIDE_PX / 2 - 1)) as u32;
        let width = Width { sigma_px, slope_px_per_nm: 0.0 };
        Self {
            x: width,
            y: width,
            photons,
            background,
            x_px: f64::from(reach),
            y_px: f64::from(reach),
            side_px: 2 * reach + 1,
            noise: Noise::IDEAL,
            z_unknown: false,
        }
    }
}

/// Smallest standard deviations that any unbiased estimate can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    pub sigma_x_px: f64,
    pub sigma_y_px: f64,
    /// `None` where z is known.
    pub sigma_z_nm: Option<f64>,
    pub sigma_photons: f64,
    pub sigma_background: f64,
}

/// A spot for which there is no bound.
#[derive(Debug, thiserror::Error, PartialEq)]
#[must_use]
pub enum CrlbError {
    #[error("{name} of the spot is {value}; it must be {range}")]
    Value { name: &'static str, value: f64, range: &'static str },
    #[error("the pixels do not tell the unknowns apart; use a larger region, or a known z")]
    Singular,
}

/// Pixels along a side, at most: the work is their square.
pub const MAX_SIDE_PX: u32 = 512;

/// x, y, photons, background, z; without the last where z is known.
const UNKNOWNS: usize = 5;
type Matrix = [[f64; UNKNOWNS]; UNKNOWNS];

/// The bound for `spot`.
pub fn crlb(spot: &Spot) -> Result<Bound, CrlbError> {
    check(spot)?;
    let unknowns = if spot.z_unknown { UNKNOWNS } else { UNKNOWNS - 1 };
    let information = information(spot, unknowns);
    let [sigma_x_px, sigma_y_px, sigma_photons, sigma_background, z] = deviations(&information, unknowns)?;
    let sigma_z_nm = spot.z_unknown.then_some(z);
    Ok(Bound { sigma_x_px, sigma_y_px, sigma_z_nm, sigma_photons, sigma_background })
}

/// The Fisher information of the first `unknowns`.
fn information(spot: &Spot, unknowns: usize) -> Matrix {
    let x = Profile { centre: spot.x_px, sigma: spot.x.sigma_px };
    let y = Profile { centre: spot.y_px, sigma: spot.y.sigma_px };
    let along_x: Vec<_> = (0..spot.side_px).map(|column| x.at(column)).collect();
    let mut information: Matrix = [[0.0; UNKNOWNS]; UNKNOWNS];
    for row in 0..spot.side_px {
        let in_y = y.at(row);
        for in_x in &along_x {
            let share = in_x.part * in_y.part;
            let variance =
                spot.noise.per_photon * (spot.photons * share + spot.background) + spot.noise.floor;
            if variance <= 0.0 {
                continue; // So far out that no photon is ever counted.
            }
            let by_depth = in_x.by_sigma * spot.x.slope_px_per_nm * in_y.part
                + in_x.part * in_y.by_sigma * spot.y.slope_px_per_nm;
            let slopes = [
                spot.photons * in_x.by_centre * in_y.part,
                spot.photons * in_x.part * in_y.by_centre,
                share,
                1.0,
                spot.photons * by_depth,
            ];
            for i in 0..unknowns {
                for j in 0..=i {
                    information[i][j] += slopes[i] * slopes[j] / variance;
                }
            }
        }
    }
    information
}

fn check(spot: &Spot) -> Result<(), CrlbError> {
    let side = f64::from(spot.side_px);
    let wide = |width: Width| (0.1..=100.0).contains(&width.sigma_px);
    let values = [
        ("sigma_px along x", spot.x.sigma_px, wide(spot.x), "0.1 to 100 px"),
        ("sigma_px along y", spot.y.sigma_px, wide(spot.y), "0.1 to 100 px"),
        ("photons", spot.photons, spot.photons > 0.0 && spot.photons <= 1e12, "above 0 and at most 1e12"),
        ("background", spot.background, (0.0..=1e12).contains(&spot.background), "0 to 1e12"),
        ("noise.floor", spot.noise.floor, (0.0..=1e12).contains(&spot.noise.floor), "0 to 1e12"),
        ("noise.per_photon", spot.noise.per_photon, spot.noise.per_photon > 0.0, "above 0"),
        ("side_px", side, (2..=MAX_SIDE_PX).contains(&spot.side_px), "2 to 512 px"),
        ("x_px", spot.x_px, (-0.5..=side - 0.5).contains(&spot.x_px), "within the region"),
        ("y_px", spot.y_px, (-0.5..=side - 0.5).contains(&spot.y_px), "within the region"),
    ];
    match values.into_iter().find(|(_, _, good, _)| !good) {
        Some((name, value, _, range)) => Err(CrlbError::Value { name, value, range }),
        None => Ok(()),
    }
}

/// Roots of the diagonal of the inverse, by Cholesky's decomposition of the matrix scaled to a diagonal of 1. Only the
/// lower triangle is looked at; beyond `unknowns` the result is 0.
fn deviations(information: &Matrix, unknowns: usize) -> Result<[f64; UNKNOWNS], CrlbError> {
    let scale: [f64; UNKNOWNS] = std::array::from_fn(|i| information[i][i].sqrt());
    let mut lower: Matrix = [[0.0; UNKNOWNS]; UNKNOWNS];
    for i in 0..unknowns {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest = information[i][j] / (scale[i] * scale[j]) - known;
            if i != j {
                lower[i][j] = rest / lower[j][j];
            } else if rest > 1e-12 {
                lower[i][i] = rest.sqrt();
            } else {
                return Err(CrlbError::Singular); // NaN, from a scale of 0, ends here too.
            }
        }
    }
    Ok(std::array::from_fn(|i| {
        if i < unknowns { of_inverse(&lower, i, unknowns).sqrt() / scale[i] } else { 0.0 }
    }))
}

/// The diagonal element `i` of (L Lᵀ)⁻¹: the squared length of the solution of L v = eᵢ.
fn of_inverse(lower: &Matrix, i: usize, unknowns: usize) -> f64 {
    let mut v = [0.0; UNKNOWNS];
    for row in i..unknowns {
        let known: f64 = (i..row).map(|k| lower[row][k] * v[k]).sum();
        v[row] = (f64::from(u8::from(row == i)) - known) / lower[row][row];
    }
    v.iter().map(|value| value * value).sum()
}

#[cfg(test)]
mod tests;
