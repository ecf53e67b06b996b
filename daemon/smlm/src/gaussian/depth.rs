//! The depth of an astigmatic spot from its two widths.
//!
//! In: widths along x and y in px, with their covariance, and a calibration. Out: z in nm and its standard deviation.
//! Never: a depth beyond the calibrated range.
//!
//! The defocus curve of an axis is `w(z) = w0 · √(1 + t² + a·t³ + b·t⁴)` with `t = (z − c)/d`; z is where
//! `(√w − √w_x(z))² + (√h − √w_y(z))²` is smallest (Huang et al. 2008, supplement).

/// The defocus curve of one axis. Widths are standard deviations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// At the focus.
    pub w0_px: f64,
    /// Where the focus of this axis is.
    pub c_nm: f64,
    /// Depth of focus.
    pub d_nm: f64,
    pub a: f64,
    pub b: f64,
}

impl Curve {
    /// σ in px at `z_nm`; not a number where the polynomial is below 0.
    pub fn sigma_px(&self, z_nm: f64) -> f64 {
        let t = (z_nm - self.c_nm) / self.d_nm;
        self.w0_px * (1.0 + t * t * (1.0 + t * (self.a + t * self.b))).sqrt()
    }

    /// The root of the width, and how it changes by z.
    fn root(&self, z_nm: f64) -> (f64, f64) {
        let t = (z_nm - self.c_nm) / self.d_nm;
        let inside = 1.0 + t * t * (1.0 + t * (self.a + t * self.b));
        let slope = t * (2.0 + t * (3.0 * self.a + t * 4.0 * self.b)) / self.d_nm;
        let root = (self.w0_px * inside.sqrt()).sqrt();
        (root, 0.25 * root * slope / inside)
    }
}

/// Both curves and the range of z in which they hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    pub x: Curve,
    pub y: Curve,
    pub z_min_nm: f64,
    pub z_max_nm: f64,
}

/// A calibration that tells no depth.
#[derive(Debug, thiserror::Error, PartialEq)]
#[must_use]
pub enum DepthError {
    #[error("the calibrated range is {min_nm} to {max_nm} nm; it must rise and be at most 20000 nm long")]
    Range { min_nm: f64, max_nm: f64 },
    #[error(
        "at z = {z_nm} nm the curve along {axis} gives a width of {sigma_px} px; it must be 0.1 to 100 px"
    )]
    Width { axis: char, z_nm: f64, sigma_px: f64 },
}

/// Depths that are tried before the best is refined.
const STEPS: usize = 64;

/// A calibration, ready to be asked.
#[derive(Clone, Debug)]
pub struct Depths {
    calibration: Calibration,
    /// Roots of both widths at evenly spaced depths, the range's ends among them.
    roots: [(f64, f64); STEPS + 1],
}

/// A depth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Depth {
    pub z_nm: f64,
    pub sigma_z_nm: f64,
}

impl Depths {
    pub fn new(calibration: Calibration) -> Result<Self, DepthError> {
        let Calibration { x, y, z_min_nm: min_nm, z_max_nm: max_nm } = calibration;
        if !(max_nm > min_nm && max_nm - min_nm <= 20_000.0) {
            return Err(DepthError::Range { min_nm, max_nm });
        }
        for step in 0..=STEPS {
            let z_nm = min_nm + (max_nm - min_nm) * step as f64 / STEPS as f64;
            for (axis, curve) in [('x', x), ('y', y)] {
                let sigma_px = curve.sigma_px(z_nm);
                if !(0.1..=100.0).contains(&sigma_px) {
                    return Err(DepthError::Width { axis, z_nm, sigma_px });
                }
            }
        }
        let mut depths = Self { calibration, roots: [(0.0, 0.0); STEPS + 1] };
        for step in 0..=STEPS {
            let z_nm = depths.at(step);
            depths.roots[step] = (x.root(z_nm).0, y.root(z_nm).0);
        }
        Ok(depths)
    }

    fn at(&self, step: usize) -> f64 {
        let Calibration { z_min_nm: min, z_max_nm: max, .. } = self.calibration;
        min + (max - min) * step as f64 / STEPS as f64
    }

    /// The depth of a spot with these widths, whose variances and covariance are `[σ_x², σ_y², σ_xy]`. `None`: the best
    /// depth is an end of the range, or the widths tell nothing about z there.
    pub fn of(&self, sigma_x_px: f64, sigma_y_px: f64, covariance: [f64; 3]) -> Option<Depth> {
        let (wide, high) = (sigma_x_px.sqrt(), sigma_y_px.sqrt());
        let distance = |&(x, y): &(f64, f64)| (wide - x).powi(2) + (high - y).powi(2);
        let (mut best, mut least) = (0, f64::INFINITY);
        for (step, roots) in self.roots.iter().enumerate() {
            if distance(roots) < least {
                (best, least) = (step, distance(roots));
            }
        }
        if best == 0 || best == STEPS {
            return None;
        }
        let (low, high_end) = (self.at(best - 1), self.at(best + 1));
        let mut z_nm = self.at(best);
        // Gauss–Newton; four rounds square the error of a 64th of the range away.
        for _ in 0..4 {
            let ((x, by_x), (y, by_y)) = (self.calibration.x.root(z_nm), self.calibration.y.root(z_nm));
            let slope = by_x * (wide - x) + by_y * (high - y);
            z_nm = (z_nm + slope / (by_x * by_x + by_y * by_y)).clamp(low, high_end);
        }
        let sigma_z_nm = self.deviation(z_nm, [wide, high], covariance)?;
        Some(Depth { z_nm, sigma_z_nm })
    }

    /// By propagation: `∂z/∂σ = p' / (2√σ) / (p'² + q'²)` with the roots' slopes p' and q'.
    fn deviation(&self, z_nm: f64, roots: [f64; 2], [xx, yy, xy]: [f64; 3]) -> Option<f64> {
        let (by_x, by_y) = (self.calibration.x.root(z_nm).1, self.calibration.y.root(z_nm).1);
        let both = by_x * by_x + by_y * by_y;
        let (from_x, from_y) = (by_x / (2.0 * roots[0] * both), by_y / (2.0 * roots[1] * both));
        let variance = from_x * from_x * xx + from_y * from_y * yy + 2.0 * from_x * from_y * xy;
        (variance.is_finite() && variance >= 0.0).then(|| variance.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALIBRATION: Calibration = Calibration {
        x: Curve { w0_px: 1.2, c_nm: 250.0, d_nm: 400.0, a: 0.1, b: -0.05 },
        y: Curve { w0_px: 1.3, c_nm: -200.0, d_nm: 420.0, a: -0.1, b: 0.02 },
        z_min_nm: -700.0,
        z_max_nm: 700.0,
    };

    #[test]
    fn exact_widths_give_the_exact_depth() {
        let depths = Depths::new(CALIBRATION).unwrap();
        for z in -65..=65 {
            let z = 10.0 * f64::from(z);
            let (x, y) = (CALIBRATION.x.sigma_px(z), CALIBRATION.y.sigma_px(z));
            let found = depths.of(x, y, [1e-4, 1e-4, 0.0]).unwrap();
            assert!((found.z_nm - z).abs() < 0.01, "{z}: {found:?}");
        }
    }

    #[test]
    fn the_deviation_is_what_small_errors_of_the_widths_do() {
        let depths = Depths::new(CALIBRATION).unwrap();
        for z in [-500.0, -100.0, 0.0, 260.0, 600.0] {
            let (x, y) = (CALIBRATION.x.sigma_px(z), CALIBRATION.y.sigma_px(z));
            let at = |dx: f64, dy: f64| depths.of(x + dx, y + dy, [0.0; 3]).unwrap().z_nm;
            let step = 1e-3;
            let by_x = (at(step, 0.0) - at(-step, 0.0)) / (2.0 * step);
            let by_y = (at(0.0, step) - at(0.0, -step)) / (2.0 * step);
            let [xx, yy, xy] = [4e-4, 9e-4, 1e-4];
            let expected = (by_x * by_x * xx + by_y * by_y * yy + 2.0 * by_x * by_y * xy).sqrt();
            let said = depths.of(x, y, [xx, yy, xy]).unwrap().sigma_z_nm;
            assert!((said / expected - 1.0).abs() < 0.02, "{z}: {said} {expected}");
        }
    }

    #[test]
    fn widths_beyond_the_calibrated_range_give_none() {
        let depths = Depths::new(CALIBRATION).unwrap();
        let beyond = |z: f64| (CALIBRATION.x.sigma_px(z), CALIBRATION.y.sigma_px(z));
        for (x, y) in [beyond(-800.0), beyond(800.0)] {
            assert_eq!(depths.of(x, y, [1e-4; 3]), None);
        }
        assert_eq!(depths.of(f64::NAN, 1.2, [1e-4; 3]), None);
    }

    #[test]
    fn a_calibration_without_widths_is_refused() {
        let range = Calibration { z_max_nm: -700.0, ..CALIBRATION };
        assert!(matches!(Depths::new(range), Err(DepthError::Range { .. })));
        let curve = Curve { b: -10.0, ..CALIBRATION.x };
        let width = Calibration { x: curve, ..CALIBRATION };
        assert!(matches!(Depths::new(width), Err(DepthError::Width { axis: 'x', .. })));
        let zero = Calibration { y: Curve { d_nm: 0.0, ..CALIBRATION.y }, ..CALIBRATION };
        assert!(matches!(Depths::new(zero), Err(DepthError::Width { axis: 'y', .. })));
    }
}
