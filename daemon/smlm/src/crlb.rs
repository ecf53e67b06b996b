//! The Cramér–Rao bound of a Gaussian spot: how well its position and photons can be known at best.
//!
//! In: a spot and its pixels. Out: standard deviations. Never: an estimate from data.
//!
//! The Fisher information of pixels that count `μ = photons · PSF + background` with Poisson noise is
//! `I[i][j] = Σ ∂μ/∂θᵢ ∂μ/∂θⱼ / μ` (Smith et al. 2010, Methods); a readout variance adds to μ in the
//! denominator (Huang et al. 2013), and electron multiplication doubles the variance of the shot noise.
//! The bounds are the roots of the diagonal of its inverse, with x, y, photons and background unknown.

/// A round Gaussian, integrated over square pixels, in a square region.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spot {
    /// Of the Gaussian, in px.
    pub sigma_px: f64,
    pub photons: f64,
    /// Photons per pixel.
    pub background: f64,
    /// Position in the region; pixel centres at integers from 0.
    pub x_px: f64,
    pub y_px: f64,
    /// Pixels along a side of the region.
    pub side_px: u32,
    /// Variance of the readout, in photons² per pixel.
    pub read_variance: f64,
    /// An electron-multiplying camera: shot noise counts twice.
    pub electron_multiplying: bool,
}

impl Spot {
    /// In the middle of a region that holds all of it, seen by an ideal camera.
    pub fn ideal(sigma_px: f64, photons: f64, background: f64) -> Self {
        let reach = (5.0 * sigma_px).ceil().clamp(3.0, f64::from(MAX_SIDE_PX / 2 - 1)) as u32;
        Self {
            sigma_px,
            photons,
            background,
            x_px: f64::from(reach),
            y_px: f64::from(reach),
            side_px: 2 * reach + 1,
            read_variance: 0.0,
            electron_multiplying: false,
        }
    }
}

/// Smallest standard deviations that any unbiased estimate can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bound {
    pub sigma_x_px: f64,
    pub sigma_y_px: f64,
    pub sigma_photons: f64,
    pub sigma_background: f64,
}

/// A spot for which there is no bound.
#[derive(Debug, thiserror::Error, PartialEq)]
#[must_use]
pub enum CrlbError {
    #[error("{name} of the spot is {value}; it must be {range}")]
    Value { name: &'static str, value: f64, range: &'static str },
    #[error("the pixels do not tell position, photons and background apart; use a larger region")]
    Singular,
}

/// Pixels along a side, at most: the work is their square.
pub const MAX_SIDE_PX: u32 = 512;

/// x, y, photons, background.
const UNKNOWNS: usize = 4;
type Matrix = [[f64; UNKNOWNS]; UNKNOWNS];

/// The bound for `spot`.
pub fn crlb(spot: &Spot) -> Result<Bound, CrlbError> {
    check(spot)?;
    let (x, y) = (Profile::new(spot.x_px, spot), Profile::new(spot.y_px, spot));
    let mut information: Matrix = [[0.0; UNKNOWNS]; UNKNOWNS];
    let excess = if spot.electron_multiplying { 2.0 } else { 1.0 };
    for row in 0..spot.side_px {
        let (in_y, slope_y) = y.at(row);
        for column in 0..spot.side_px {
            let (in_x, slope_x) = x.at(column);
            let share = in_x * in_y;
            let variance = excess * (spot.photons * share + spot.background) + spot.read_variance;
            if variance <= 0.0 {
                continue; // So far out that no photon is ever counted.
            }
            let slopes = [spot.photons * slope_x * in_y, spot.photons * in_x * slope_y, share, 1.0];
            for i in 0..UNKNOWNS {
                for j in 0..UNKNOWNS {
                    information[i][j] += slopes[i] * slopes[j] / variance;
                }
            }
        }
    }
    let [sigma_x_px, sigma_y_px, sigma_photons, sigma_background] = deviations(&information)?;
    Ok(Bound { sigma_x_px, sigma_y_px, sigma_photons, sigma_background })
}

fn check(spot: &Spot) -> Result<(), CrlbError> {
    let side = f64::from(spot.side_px);
    let values = [
        ("sigma_px", spot.sigma_px, (0.1..=100.0).contains(&spot.sigma_px), "0.1 to 100 px"),
        ("photons", spot.photons, spot.photons > 0.0 && spot.photons <= 1e12, "above 0 and at most 1e12"),
        ("background", spot.background, (0.0..=1e12).contains(&spot.background), "0 to 1e12"),
        ("read_variance", spot.read_variance, (0.0..=1e12).contains(&spot.read_variance), "0 to 1e12"),
        ("side_px", side, (2..=MAX_SIDE_PX).contains(&spot.side_px), "2 to 512 px"),
        ("x_px", spot.x_px, (-0.5..=side - 0.5).contains(&spot.x_px), "within the region"),
        ("y_px", spot.y_px, (-0.5..=side - 0.5).contains(&spot.y_px), "within the region"),
    ];
    match values.into_iter().find(|(_, _, good, _)| !good) {
        Some((name, value, _, range)) => Err(CrlbError::Value { name, value, range }),
        None => Ok(()),
    }
}

/// A normalized Gaussian along one axis.
struct Profile {
    centre: f64,
    sigma: f64,
}

/// Nodes and weights of the Gauss–Legendre rule with eight points on -1 to 1; each stands for ± its node.
const NODES: [(f64, f64); 4] = [
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
    (0.525_532_409_916_329, 0.313_706_645_877_887_29),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_47),
    (0.960_289_856_497_536_2, 0.101_228_536_290_376_26),
];

impl Profile {
    const fn new(centre: f64, spot: &Spot) -> Self {
        Self { centre, sigma: spot.sigma_px }
    }

    fn density(&self, at: f64) -> f64 {
        let t = (at - self.centre) / self.sigma;
        (-0.5 * t * t).exp() / (self.sigma * std::f64::consts::TAU.sqrt())
    }

    /// The part of the Gaussian in this pixel, and the derivative of that by the centre. The integral is by
    /// quadrature in steps of at most σ: a difference of error functions would lose the tails to rounding.
    fn at(&self, pixel: u32) -> (f64, f64) {
        let (from, to) = (f64::from(pixel) - 0.5, f64::from(pixel) + 0.5);
        let steps = (1.0 / self.sigma).ceil().max(1.0);
        let half = 0.5 / steps;
        let mut part = 0.0;
        for step in 0..steps as u32 {
            let middle = from + (2.0 * f64::from(step) + 1.0) * half;
            for (node, weight) in NODES {
                part +=
                    weight * half * (self.density(middle - node * half) + self.density(middle + node * half));
            }
        }
        (part, self.density(from) - self.density(to))
    }
}

/// Roots of the diagonal of the inverse, by Cholesky's decomposition of the matrix scaled to a diagonal of 1.
fn deviations(information: &Matrix) -> Result<[f64; UNKNOWNS], CrlbError> {
    let scale: [f64; UNKNOWNS] = std::array::from_fn(|i| information[i][i].sqrt());
    let mut lower: Matrix = [[0.0; UNKNOWNS]; UNKNOWNS];
    for i in 0..UNKNOWNS {
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
    Ok(std::array::from_fn(|i| column_of_inverse(&lower, i).sqrt() / scale[i]))
}

/// The diagonal element `i` of (L Lᵀ)⁻¹: the squared length of the solution of L v = eᵢ.
fn column_of_inverse(lower: &Matrix, i: usize) -> f64 {
    let mut v = [0.0; UNKNOWNS];
    for row in i..UNKNOWNS {
        let known: f64 = (i..row).map(|k| lower[row][k] * v[k]).sum();
        v[row] = (f64::from(u8::from(row == i)) - known) / lower[row][row];
    }
    v.iter().map(|value| value * value).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64, relative: f64) {
        assert!((value / expected - 1.0).abs() < relative, "{value} is not {expected} within {relative}");
    }

    #[test]
    fn without_background_each_photon_tells_the_position_to_one_sigma() {
        // σ²/N for infinitely small pixels; a pixel of side a adds a²/12 (Thompson et al. 2002).
        let fine = crlb(&Spot::ideal(10.0, 1000.0, 0.0)).unwrap();
        near(fine.sigma_x_px, 10.0 / 1000f64.sqrt(), 2e-3);
        near(fine.sigma_photons, 1000f64.sqrt(), 2e-3);
        let coarse = crlb(&Spot::ideal(1.3, 400.0, 0.0)).unwrap();
        near(coarse.sigma_x_px, ((1.3f64.powi(2) + 1.0 / 12.0) / 400.0).sqrt(), 2e-3);
        near(coarse.sigma_y_px, coarse.sigma_x_px, 1e-12);
    }

    #[test]
    fn with_background_the_bound_is_the_published_closed_form() {
        // Rieger and Stallinga 2014: σa²/N (1 + 4τ + √(2τ / (1 + 4τ))), τ = 2π σa² b / N.
        for (sigma, photons, background) in [(1.3, 1000.0, 10.0), (1.5, 3000.0, 40.0), (1.2, 500.0, 2.0)] {
            let widened: f64 = sigma * sigma + 1.0 / 12.0;
            let tau = std::f64::consts::TAU * widened * background / photons;
            let variance = widened / photons * (1.0 + 4.0 * tau + (2.0 * tau / (1.0 + 4.0 * tau)).sqrt());
            near(crlb(&Spot::ideal(sigma, photons, background)).unwrap().sigma_x_px, variance.sqrt(), 0.03);
        }
    }

    #[test]
    fn noise_of_the_camera_only_ever_hurts() {
        let ideal = Spot::ideal(1.3, 1000.0, 10.0);
        let best = crlb(&ideal).unwrap();
        let read = crlb(&Spot { read_variance: 10.0, ..ideal }).unwrap();
        let doubled = crlb(&Spot { background: 20.0, ..ideal }).unwrap();
        assert!(best.sigma_x_px < read.sigma_x_px);
        near(read.sigma_x_px, doubled.sigma_x_px, 1e-12); // A variance is a variance to the position.
        let em = crlb(&Spot { electron_multiplying: true, ..ideal }).unwrap();
        near(em.sigma_x_px, best.sigma_x_px * 2f64.sqrt(), 1e-12);
        near(em.sigma_photons, best.sigma_photons * 2f64.sqrt(), 1e-12);
    }

    #[test]
    fn a_small_region_and_a_place_at_its_border_cost_precision() {
        let middle = Spot::ideal(1.3, 1000.0, 10.0);
        let best = crlb(&middle).unwrap().sigma_x_px;
        let corner = crlb(&Spot { x_px: 0.0, ..middle }).unwrap();
        assert!(corner.sigma_x_px > 1.2 * best && corner.sigma_y_px > best);
        assert!(crlb(&Spot { side_px: 5, x_px: 2.0, y_px: 2.0, ..middle }).unwrap().sigma_x_px > best);
    }

    #[test]
    fn pixels_hold_the_whole_gaussian_at_every_width() {
        for sigma_px in [0.1, 0.25, 0.7, 1.3, 6.0] {
            let profile = Profile { centre: 40.2, sigma: sigma_px };
            let (mut whole, mut slope) = (0.0, 0.0);
            for (part, change) in (0..81).map(|pixel| profile.at(pixel)) {
                whole += part;
                slope += change;
            }
            assert!((whole - 1.0).abs() < 1e-9 && slope.abs() < 1e-9, "{sigma_px}: {whole}");
        }
    }

    #[test]
    fn impossible_spots_are_refused_by_name() {
        let spot = Spot::ideal(1.3, 1000.0, 10.0);
        let text = crlb(&Spot { photons: f64::NAN, ..spot }).unwrap_err().to_string();
        assert!(text.contains("photons"), "{text}");
        assert!(crlb(&Spot { side_px: 100_000, ..spot }).is_err());
        assert!(crlb(&Spot { x_px: 99.0, ..spot }).is_err());
        assert!(crlb(&Spot { sigma_px: 0.0, ..spot }).is_err());
        let flat = Spot { sigma_px: 100.0, side_px: 2, x_px: 0.5, y_px: 0.5, ..spot };
        assert_eq!(crlb(&flat), Err(CrlbError::Singular));
    }
}
