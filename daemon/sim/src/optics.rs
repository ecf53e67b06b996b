//! How one emitter's light spreads over pixels: the integral of a Gaussian over each pixel.
//!
//! In: an emitter. Out: its expected photons added to an image. Never: noise.

use smlm::frame::Shape;
pub use smlm::psf::Psf;
use smlm::units::PixelSize;

use crate::truth::TrueEmitter;

/// Light further than this many σ from its emitter is left out: 6e-5 of it per axis.
pub const CUT_SIGMA: f64 = 4.0;
/// Half the side of the largest box of pixels that an emitter lights.
pub const RADIUS_MAX_PX: usize = 24;
const BOX_MAX: usize = 2 * RADIUS_MAX_PX + 1;

/// Whether it can be drawn and makes sense.
pub(crate) fn check(psf: Psf, number: &mut impl FnMut(&str, f64, f64, f64)) {
    match psf {
        Psf::Gaussian { sigma_nm } => number("psf.sigma_nm", sigma_nm, 10.0, 5_000.0),
        Psf::Astigmatic { sigma_nm, focus_nm, depth_nm } => {
            number("psf.sigma_nm", sigma_nm, 10.0, 5_000.0);
            number("psf.focus_nm", focus_nm, 0.0, 5_000.0);
            number("psf.depth_nm", depth_nm, 50.0, 50_000.0);
        }
    }
}

/// Adds the emitter's expected photons per pixel to `image` (row-major, of the given shape).
pub fn add(psf: Psf, emitter: &TrueEmitter, size: PixelSize, shape: Shape, image: &mut [f32]) {
    let (sigma_x_nm, sigma_y_nm) = psf.sigmas_nm(emitter.z_nm);
    let mut across = [0.0f32; BOX_MAX];
    let mut down = [0.0f32; BOX_MAX];
    let (left, columns) = profile(emitter.x_px, sigma_x_nm / size.x.0, shape.width, &mut across);
    let (top, rows) = profile(emitter.y_px, sigma_y_nm / size.y.0, shape.height, &mut down);
    let across = &across[..columns];
    for (row, share) in down[..rows].iter().enumerate() {
        let start = (top + row) * shape.width as usize + left;
        let light = share * emitter.photons as f32;
        for (pixel, part) in image[start..start + columns].iter_mut().zip(across) {
            *pixel += light * part;
        }
    }
}

/// Shares of the light that fall on each pixel of a line: the first lit pixel, and how many are lit.
fn profile(centre_px: f64, sigma_px: f64, length: u32, shares: &mut [f32; BOX_MAX]) -> (usize, usize) {
    let radius = ((CUT_SIGMA * sigma_px).ceil()).min(RADIUS_MAX_PX as f64);
    let first = (centre_px.round() - radius).max(0.0);
    let last = (centre_px.round() + radius).min(f64::from(length) - 1.0);
    if last < first {
        return (0, 0);
    }
    let count = (last - first) as usize + 1;
    let scale = 1.0 / (sigma_px * std::f64::consts::SQRT_2);
    let mut below = erf((first - 0.5 - centre_px) * scale);
    for (i, share) in shares[..count].iter_mut().enumerate() {
        let above = erf((first + i as f64 + 0.5 - centre_px) * scale);
        *share = (0.5 * (above - below)) as f32;
        below = above;
    }
    (first as usize, count)
}

/// The error function to 1.5e-7 (Abramowitz and Stegun 7.1.26).
fn erf(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let poly = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592]
        .into_iter()
        .fold(0.0, |sum, term| (sum + term) * t);
    // The series is written from the highest power down, each step multiplied by t.
    (1.0 - poly * (-x * x).exp()).copysign(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::units::Nm;

    const SHAPE: Shape = Shape { width: 41, height: 33 };
    const SIZE: PixelSize = PixelSize { x: Nm(100.0), y: Nm(110.0) };

    fn image(psf: Psf, x_px: f64, y_px: f64, z_nm: f64) -> Vec<f32> {
        let mut image = vec![0.0; SHAPE.pixels()];
        add(psf, &TrueEmitter { x_px, y_px, z_nm, photons: 1000.0 }, SIZE, SHAPE, &mut image);
        image
    }

    /// Sum, mean x, mean y, variance along x and y.
    fn moments(image: &[f32]) -> (f64, f64, f64, f64, f64) {
        let mut m = [0.0; 5];
        for (i, &value) in image.iter().enumerate() {
            let (x, y) = ((i % SHAPE.width as usize) as f64, (i / SHAPE.width as usize) as f64);
            let v = f64::from(value);
            [1.0, x, y, x * x, y * y].iter().zip(&mut m).for_each(|(f, m)| *m += f * v);
        }
        let (mx, my) = (m[1] / m[0], m[2] / m[0]);
        (m[0], mx, my, m[3] / m[0] - mx * mx, m[4] / m[0] - my * my)
    }

    #[test]
    fn the_error_function_matches_known_values() {
        for (x, expected) in [(0.0, 0.0), (0.5, 0.520_499_878), (1.0, 0.842_700_793), (-2.0, -0.995_322_265)]
        {
            assert!((erf(x) - expected).abs() < 2e-7, "erf({x}) = {}", erf(x));
        }
    }

    #[test]
    fn an_emitter_keeps_its_light_its_place_and_its_width() {
        let (sum, x, y, vx, vy) = moments(&image(Psf::Gaussian { sigma_nm: 135.0 }, 20.3, 15.8, 0.0));
        assert!((sum - 1000.0).abs() < 0.3, "{sum}");
        assert!((x - 20.3).abs() < 1e-3 && (y - 15.8).abs() < 1e-3, "{x} {y}");
        // A pixel adds 1/12 to the variance.
        assert!((vx - 1.35f64.powi(2) - 1.0 / 12.0).abs() < 0.01, "{vx}");
        assert!((vy - (135.0f64 / 110.0).powi(2) - 1.0 / 12.0).abs() < 0.01, "{vy}");
    }

    #[test]
    fn astigmatism_is_narrow_along_x_above_and_along_y_below_the_focal_plane() {
        let (sum, _, _, vx, vy) = moments(&image(Psf::ASTIGMATIC, 20.0, 16.0, 200.0));
        assert!((sum - 1000.0).abs() < 0.3, "{sum}");
        assert!(vx * SIZE.x.0.powi(2) < vy * SIZE.y.0.powi(2));
        let (_, _, _, vx, vy) = moments(&image(Psf::ASTIGMATIC, 20.0, 16.0, -200.0));
        assert!(vx * SIZE.x.0.powi(2) > vy * SIZE.y.0.powi(2));
    }

    #[test]
    fn an_emitter_at_the_edge_lights_only_what_is_in_the_field() {
        let (sum, ..) = moments(&image(Psf::Gaussian { sigma_nm: 135.0 }, -0.5, 16.0, 0.0));
        assert!((sum - 500.0).abs() < 0.3, "half of the light is outside: {sum}");
        let far = image(Psf::Gaussian { sigma_nm: 135.0 }, -60.0, 16.0, 0.0);
        assert!(far.iter().all(|&value| value == 0.0));
    }
}
