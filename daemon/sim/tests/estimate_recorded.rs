//! What [`smlm::estimate`] says of real recordings and of the challenge's, where these lie beside the repository.

#![allow(clippy::unwrap_used)] // a test that cannot go on says so by panicking

use std::path::{Path, PathBuf};

use smlm::estimate::{Estimate, FRAMES, Given, PsfShape, Sample, busiest, estimate};
use smlm::units::{Adu, Camera, Nm, PixelSize};
use wire::files::open_stack;

fn looked_at(name: &str, pixel_nm: f64, camera: Option<Camera>) -> Option<Estimate> {
    let root = std::env::var_os("BLINKD_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {} is absent; set BLINKD_TEST_DATA", path.display());
        return None;
    }
    let mut stack = open_stack(&path).unwrap();
    let (shape, kind) = (stack.shape(), stack.pixel_type());
    let mut bytes = vec![0; shape.pixels() * kind.bytes()];
    stack.read(0, &mut bytes).unwrap();
    let mut sample = Sample::with_room(busiest(&bytes, shape, kind), FRAMES);
    for frame in 0..stack.frames().min(FRAMES as u64) {
        stack.read(frame, &mut bytes).unwrap();
        sample.push(&bytes, shape, kind, true);
    }
    Some(estimate(&sample, &Given { pixel: PixelSize::square(Nm(pixel_nm)), camera }).unwrap())
}

fn camera(offset_adu: f64, e_per_adu: f64) -> Camera {
    Camera { offset: Adu(offset_adu), e_per_adu, ..Camera::IDENTITY }
}

#[test]
fn a_cylindrical_lens_at_45_degrees_is_seen_in_a_crowd_of_microtubules() {
    // The beads of the same microscope are elongated along one diagonal below the focus and along the other above it.
    let Some(e) = looked_at("3densestorm/tubulins.tif", 65.0, None) else { return };
    assert_eq!(e.psf.unwrap().shape, PsfShape::DiagonallyAstigmatic);
    assert!(e.ranges(PixelSize::square(Nm(65.0))).unwrap_err().0.contains("diagonals"));
    // 0.6 photons per ADU, as is told of this camera, would be a slope of 1.67; the noise is far below that.
    let slope = e.noise.transfer_adu.unwrap();
    assert!(slope.value + 5.0 * slope.sd < 1.67, "{slope:?}");
}

#[test]
fn emitters_that_are_drawn_anew_in_each_frame_are_told_as_such() {
    let Some(e) = looked_at("deep-storm/bundled-tubes-001-180.tif", 100.0, Some(camera(100.0, 0.5))) else {
        return;
    };
    assert!(e.on_time_frames.unwrap_err().0.contains("do not last"));
    assert!(e.noise.transfer_adu.is_err(), "no spot is steady: {:?}", e.noise);
    let psf = e.psf.unwrap();
    assert!((psf.sigma_nm.value - 112.0).abs() < 6.0 && psf.shape == PsfShape::Round, "{psf:?}");
    // 40,387 rows of truth in 180 frames of 40.96 µm².
    let density = e.density_per_um2.unwrap();
    assert!((density.value / 5.48 - 1.0).abs() < 0.25, "{density:?}");
}
