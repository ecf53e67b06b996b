//! The bound against closed forms, against the training package's, and its limits.

use super::*;
use crate::units::Nm;

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
    let read = crlb(&Spot { noise: Noise { floor: 10.0, ..Noise::IDEAL }, ..ideal }).unwrap();
    let doubled = crlb(&Spot { background: 20.0, ..ideal }).unwrap();
    assert!(best.sigma_x_px < read.sigma_x_px);
    near(read.sigma_x_px, doubled.sigma_x_px, 1e-12); // A variance is a variance to the position.
    let em = crlb(&Spot { noise: Noise { per_photon: 2.0, floor: 0.0 }, ..ideal }).unwrap();
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
fn impossible_spots_are_refused_by_name() {
    let spot = Spot::ideal(1.3, 1000.0, 10.0);
    let text = crlb(&Spot { photons: f64::NAN, ..spot }).unwrap_err().to_string();
    assert!(text.contains("photons"), "{text}");
    assert!(crlb(&Spot { side_px: 100_000, ..spot }).is_err());
    assert!(crlb(&Spot { x_px: 99.0, ..spot }).is_err());
    assert!(crlb(&Spot { y: Width { sigma_px: 0.0, ..spot.y }, ..spot }).is_err());
    let wide = Width { sigma_px: 100.0, slope_px_per_nm: 0.0 };
    let flat = Spot { x: wide, y: wide, side_px: 2, x_px: 0.5, y_px: 0.5, ..spot };
    assert_eq!(crlb(&flat), Err(CrlbError::Singular));
}

#[test]
fn a_depth_that_no_width_tells_is_refused() {
    let spot = Spot { z_unknown: true, ..Spot::ideal(1.3, 1000.0, 10.0) };
    assert_eq!(crlb(&spot), Err(CrlbError::Singular));
}

/// A spot of an astigmatic PSF of 125 nm in a region of 61 px that holds all of it.
fn astigmatic(z_nm: f64, photons: f64, background: f64) -> Spot {
    let (x, y) = Width::of(Psf::ASTIGMATIC, z_nm, PixelSize::square(Nm(100.0)));
    let middle = Spot { side_px: 61, x_px: 30.0, y_px: 30.0, ..Spot::ideal(1.3, photons, background) };
    Spot { x, y, z_unknown: true, ..middle }
}

#[test]
fn without_background_the_depth_is_known_as_well_as_both_widths() {
    // N photons tell a width to σ²/2N, so 1/var(z) = 2N ((σx'/σx)² + (σy'/σy)²) for infinitely small pixels. Pixels
    // of side a widen σ² by a²/12 (Sheppard's correction).
    for z in [-400.0, 0.0, 250.0] {
        let spot = Spot { noise: Noise::IDEAL, ..astigmatic(z, 5000.0, 0.0) };
        let told =
            |w: Width| 2.0 * (w.slope_px_per_nm * w.sigma_px / (w.sigma_px.powi(2) + 1.0 / 12.0)).powi(2);
        let closed = 1.0 / (5000.0 * (told(spot.x) + told(spot.y))).sqrt();
        near(crlb(&spot).unwrap().sigma_z_nm.unwrap(), closed, 5e-3);
    }
}

#[test]
fn an_unknown_depth_costs_nothing_laterally_in_a_symmetric_spot() {
    // Centred on a pixel, slopes by x are odd and slopes by z even: they do not mix.
    let unknown = crlb(&astigmatic(130.0, 2000.0, 20.0)).unwrap();
    let known = crlb(&Spot { z_unknown: false, ..astigmatic(130.0, 2000.0, 20.0) }).unwrap();
    near(unknown.sigma_x_px, known.sigma_x_px, 1e-9);
    assert!(unknown.sigma_photons > known.sigma_photons);
    assert_eq!(known.sigma_z_nm, None);
}

#[test]
fn bounds_are_those_of_the_training_package() {
    // Made by crlb/reference.py; regions of 15 px, the emitter within half a pixel of the middle.
    let mut rows = 0;
    for line in include_str!("reference.csv").lines().skip(1) {
        let mut fields = line.split(',');
        let name = fields.next().unwrap();
        let values: Vec<f64> = fields.map(|field| field.parse().unwrap()).collect();
        let [qe, em_gain, spurious_e, read_noise_e, sigma_px, focus, depth, ..] = values[..] else {
            panic!()
        };
        let [.., x, y, z, photons, background, _, _, _, _, _] = values[..] else { panic!() };
        let em_gain = (em_gain > 1.0).then_some(em_gain);
        let camera = Camera { em_gain, spurious_e, qe, ..Camera::IDENTITY };
        let psf = match depth > 0.0 {
            true => Psf::Astigmatic { sigma_nm: sigma_px, focus_nm: focus, depth_nm: depth },
            false => Psf::Gaussian { sigma_nm: sigma_px },
        };
        let (width_x, width_y) = Width::of(psf, z, PixelSize::square(Nm(1.0)));
        let bound = crlb(&Spot {
            x: width_x,
            y: width_y,
            photons,
            background,
            x_px: 7.0 + x,
            y_px: 7.0 + y,
            side_px: 15,
            noise: Noise::of(&camera, read_noise_e),
            z_unknown: psf.tells_z(),
        })
        .unwrap();
        let got = [
            bound.sigma_x_px,
            bound.sigma_y_px,
            bound.sigma_z_nm.unwrap_or(f64::NAN),
            bound.sigma_photons,
            bound.sigma_background,
        ];
        for (got, expected) in got.iter().zip(&values[values.len() - 5..]) {
            let close = (got * got / expected - 1.0).abs() < 1e-5 || (got.is_nan() && expected.is_nan());
            assert!(close, "{name}: {line}: {} is not {expected}", got * got);
        }
        rows += 1;
    }
    assert_eq!(rows, 21);
}
