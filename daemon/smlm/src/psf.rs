//! Point spread functions that have a formula: how wide the light of an emitter is at its depth.
//!
//! In: a depth in nm, positive away from the objective. Out: widths in nm. Never: pixels.

/// A Gaussian of one or two widths.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Psf {
    /// The same round Gaussian at every z.
    Gaussian { sigma_nm: f64 },
    /// σ_x(z) = σ·√(1 + ((z − focus)/depth)²) and σ_y(z) with + focus (Huang et al. 2008, without higher terms).
    Astigmatic { sigma_nm: f64, focus_nm: f64, depth_nm: f64 },
}

impl Psf {
    /// An ordinary cylindrical lens.
    pub const ASTIGMATIC: Self = Self::Astigmatic { sigma_nm: 125.0, focus_nm: 200.0, depth_nm: 400.0 };

    /// σ along x and y in nm at the given z in nm.
    pub fn sigmas_nm(self, z_nm: f64) -> (f64, f64) {
        match self {
            Self::Gaussian { sigma_nm } => (sigma_nm, sigma_nm),
            Self::Astigmatic { sigma_nm, focus_nm, depth_nm } => {
                let width = |from_focus: f64| sigma_nm * (1.0 + (from_focus / depth_nm).powi(2)).sqrt();
                (width(z_nm - focus_nm), width(z_nm + focus_nm))
            }
        }
    }

    /// dσ/dz along x and y: what the widths tell of the depth.
    pub fn slopes(self, z_nm: f64) -> (f64, f64) {
        match self {
            Self::Gaussian { .. } => (0.0, 0.0),
            Self::Astigmatic { sigma_nm, focus_nm, depth_nm } => {
                let slope = |from_focus: f64| {
                    let t = from_focus / depth_nm;
                    sigma_nm / depth_nm * t / (1.0 + t * t).sqrt()
                };
                (slope(z_nm - focus_nm), slope(z_nm + focus_nm))
            }
        }
    }

    /// Whether its image tells the depth.
    pub const fn tells_z(self) -> bool {
        matches!(self, Self::Astigmatic { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cylindrical_lens_is_sharp_along_x_at_plus_focus_and_along_y_at_minus_focus() {
        let (x, y) = Psf::ASTIGMATIC.sigmas_nm(200.0);
        assert!((x - 125.0).abs() < 1e-12 && (y - 125.0 * 2f64.sqrt()).abs() < 1e-9);
        assert_eq!(Psf::ASTIGMATIC.sigmas_nm(-200.0), (y, x));
    }

    #[test]
    fn slopes_are_the_derivatives_of_the_widths() {
        for z in [-700.0, -200.0, 0.0, 130.0, 650.0] {
            let (above, below) = (Psf::ASTIGMATIC.sigmas_nm(z + 0.01), Psf::ASTIGMATIC.sigmas_nm(z - 0.01));
            let (x, y) = Psf::ASTIGMATIC.slopes(z);
            assert!((x - (above.0 - below.0) / 0.02).abs() < 1e-8, "{z}");
            assert!((y - (above.1 - below.1) / 0.02).abs() < 1e-8, "{z}");
        }
        assert_eq!(Psf::Gaussian { sigma_nm: 130.0 }.slopes(300.0), (0.0, 0.0));
    }
}
