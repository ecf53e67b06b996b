//! What [`smlm::estimate`] says of recordings whose truth is known, over a grid of conditions.
//!
//! The tolerances are those that a user is told in the documentation of the verb: PSF width 4 %, photons 15 %, density and
//! on-time 25 %, background 5 %, or 1.5 of its stated deviations where emitters are so crowded and bright that no pixel
//! is free of their light.

#![allow(clippy::unwrap_used)] // a test that cannot go on says so by panicking

use sim::camera::CameraModel;
use sim::microscope::VirtualMicroscope;
use sim::optics::Psf;
use sim::settings::{EmitterSettings, Settings};
use sim::truth::FrameTruth;
use smlm::estimate::{Estimate, FRAMES, Given, Measured, PsfShape, Sample, Trouble, estimate};
use smlm::frame::{PixelType, Shape};
use smlm::tiling::Rect;

#[derive(Clone, Copy)]
struct Condition {
    sigma_nm: f64,
    photons: f64,
    background: f64,
    density: f64,
    on_time: f64,
}

const USUAL: Condition =
    Condition { sigma_nm: 135.0, photons: 2000.0, background: 20.0, density: 0.5, on_time: 2.5 };

impl Condition {
    fn settings(self, camera: CameraModel) -> Settings {
        let emitters = EmitterSettings {
            density_per_um2: self.density,
            on_time_mean_frames: self.on_time,
            photons_mean: self.photons,
            photons_sd: 0.15 * self.photons,
            photons_min: 0.1 * self.photons,
            ..Settings::default().emitters
        };
        Settings {
            psf: Psf::Gaussian { sigma_nm: self.sigma_nm },
            background_photons: self.background,
            emitters,
            camera,
            ..Settings::default()
        }
    }
}

/// A recording and the density that its truth has.
fn record(settings: &Settings, frames: usize) -> (Sample, f64) {
    let mut microscope = VirtualMicroscope::new(settings.clone()).unwrap();
    let mut sample = Sample::with_room(Rect::whole(settings.shape), frames);
    let (mut counts, mut truth, mut seen) = (Vec::new(), FrameTruth::default(), 0);
    while !sample.is_full() {
        let info = microscope.next_frame(&mut counts, &mut truth).unwrap();
        seen += truth.visible().count();
        let bytes: Vec<u8> = counts.iter().flat_map(|count| count.to_le_bytes()).collect();
        sample.push(&bytes, info.shape, info.pixel_type, true);
    }
    (sample, seen as f64 / frames as f64 / settings.area_um2())
}

fn given(settings: &Settings) -> Given {
    Given { pixel: settings.pixel_size, camera: Some(settings.camera.calibration) }
}

fn estimated(settings: &Settings) -> (Estimate, f64) {
    let (sample, density) = record(settings, FRAMES);
    (estimate(&sample, &given(settings)).unwrap(), density)
}

#[track_caller]
fn near(what: &str, found: Measured, truth: f64, relative: f64) {
    let off = found.value / truth - 1.0;
    assert!(off.abs() <= relative, "{what}: {found:?} where {truth} is true, {:+.1} %", 100.0 * off);
}

fn assert_true(condition: Condition, camera: CameraModel) {
    let (e, density) = estimated(&condition.settings(camera));
    let name = format!(
        "sigma {} photons {} background {} density {} on-time {}",
        condition.sigma_nm, condition.photons, condition.background, condition.density, condition.on_time
    );
    let psf = e.psf.unwrap();
    assert!(!matches!(psf.shape, PsfShape::Astigmatic { .. }), "{name}: {psf:?}");
    near(&format!("{name}: sigma"), psf.sigma_nm, condition.sigma_nm, 0.04);
    near(&format!("{name}: photons"), e.photons.unwrap().median, condition.photons, 0.15);
    near(&format!("{name}: density"), e.density_per_um2.unwrap(), density, 0.25);
    near(&format!("{name}: on-time"), e.on_time_frames.unwrap(), condition.on_time, 0.25);
    let background = e.background.unwrap().median;
    let relative = 0.05_f64.max(1.5 * background.sd / condition.background);
    near(&format!("{name}: background"), background, condition.background, relative);
    assert!(relative < 0.12, "{name}: the background's deviation is no excuse: {background:?}");
}

/// Width, photons, background, density, on-time: each corner of the grid at least once.
const GRID: [(f64, f64, f64, f64, f64); 6] = [
    (110.0, 500.0, 10.0, 0.2, 2.5),
    (160.0, 5000.0, 100.0, 0.2, 1.5),
    (110.0, 2000.0, 100.0, 2.0, 4.0),
    (160.0, 5000.0, 10.0, 2.0, 1.5),
    (160.0, 500.0, 30.0, 1.0, 2.5),
    (110.0, 500.0, 10.0, 2.0, 1.5),
];

fn grid(camera: CameraModel) {
    for (sigma_nm, photons, background, density, on_time) in GRID {
        assert_true(Condition { sigma_nm, photons, background, density, on_time }, camera);
    }
}

#[test]
fn with_an_scmos_camera_every_number_is_as_near_the_truth_as_stated() {
    grid(CameraModel::SCMOS);
}

#[test]
fn with_an_emccd_camera_every_number_is_as_near_the_truth_as_stated() {
    grid(CameraModel::SMLM_2016);
}

#[test]
fn the_noise_tells_an_emccd_from_an_scmos_and_a_wrong_gain() {
    for (camera, excess) in [(CameraModel::SCMOS, 1.0), (CameraModel::SMLM_2016, 2.0)] {
        let settings = USUAL.settings(camera);
        let (sample, _) = record(&settings, FRAMES);
        let e = estimate(&sample, &given(&settings)).unwrap();
        near("excess noise", e.noise.excess.unwrap(), excess, 0.2);
        let mut wrong = settings.camera.calibration;
        wrong.e_per_adu *= 2.0;
        let e = estimate(&sample, &Given { camera: Some(wrong), ..given(&settings) }).unwrap();
        near("excess noise of a wrong gain", e.noise.excess.unwrap(), 2.0 * excess, 0.2);
    }
}

#[test]
fn without_a_calibration_photo_electrons_are_read_off_the_noise() {
    let settings = USUAL.settings(CameraModel::SCMOS);
    let camera = settings.camera.calibration;
    let (sample, _) = record(&settings, FRAMES);
    let e = estimate(&sample, &Given { camera: None, ..given(&settings) }).unwrap();
    near("ADU per photo-electron", e.noise.transfer_adu.unwrap(), 1.0 / camera.e_per_adu, 0.2);
    near("photo-electrons", e.photons.unwrap().median, USUAL.photons * camera.qe, 0.2);
    let offset = e.noise.offset_adu.unwrap();
    assert!((offset.value - camera.offset.0).abs() < 2.0 * offset.sd, "{offset:?}");
    let background = e.background.unwrap().median;
    assert!((background.value - USUAL.background * camera.qe).abs() < 2.0 * background.sd, "{background:?}");
    assert!(e.doubts.iter().any(|doubt| doubt.contains("multiplication")), "{:?}", e.doubts);
}

#[test]
fn an_astigmatic_psf_is_told_with_its_focus_and_its_range_of_z() {
    let psf = Psf::Astigmatic { sigma_nm: 125.0, focus_nm: 200.0, depth_nm: 400.0 };
    let settings = Settings { psf, z_half_range_nm: 500.0, ..USUAL.settings(CameraModel::SCMOS) };
    let (e, density) = estimated(&settings);
    let found = e.psf.unwrap();
    let PsfShape::Astigmatic { focus_per_depth: Some(ratio), z_nm: Some(z) } = found.shape else {
        panic!("{found:?}");
    };
    near("sigma in focus", found.sigma_nm, 125.0, 0.1);
    assert!((0.4..0.65).contains(&ratio), "{ratio}");
    assert!(z.high > 350.0 && z.high < 700.0 && z.low < -350.0 && z.low > -700.0, "{z:?}");
    near("photons", e.photons.unwrap().median, USUAL.photons, 0.15);
    near("density", e.density_per_um2.unwrap(), density, 0.25);
    let ranges = e.ranges(settings.pixel_size).unwrap();
    assert!(ranges.z_nm.low < 0.0 && ranges.focus_nm.is_some(), "{ranges:?}");
}

#[test]
fn the_ranges_for_training_hold_what_was_recorded() {
    let settings = USUAL.settings(CameraModel::SCMOS);
    let ranges = estimated(&settings).0.ranges(settings.pixel_size).unwrap();
    let truth = [
        ("pixel_size_nm", 100.0),
        ("psf_sigma_nm", USUAL.sigma_nm),
        ("photons", USUAL.photons),
        ("photons_spread", 0.15),
        ("background_photons", USUAL.background),
        ("density_per_um2", USUAL.density),
        ("on_time_frames", USUAL.on_time),
        ("z_nm", 0.0),
    ];
    let named = ranges.named();
    assert_eq!(named.len(), truth.len(), "a round PSF needs neither focus nor depth");
    for ((name, range), (expected, value)) in named.into_iter().zip(truth) {
        assert_eq!(name, expected);
        assert!((range.low..=range.high).contains(&value), "{name}: {range:?} does not hold {value}");
    }
}

#[test]
fn the_same_recording_gives_the_same_estimate() {
    let settings = Settings { shape: Shape { width: 64, height: 64 }, ..USUAL.settings(CameraModel::SCMOS) };
    assert_eq!(estimated(&settings).0, estimated(&settings).0);
}

#[test]
fn what_cannot_be_known_is_missing_and_not_guessed() {
    let settings = Settings { shape: Shape { width: 64, height: 64 }, ..USUAL.settings(CameraModel::SCMOS) };
    let (sample, _) = record(&settings, 6);
    let e = estimate(&sample, &given(&settings)).unwrap();
    assert!(e.on_time_frames.is_err() && e.density_per_um2.is_err(), "{e:?}");
    assert!(e.ranges(settings.pixel_size).is_err());
}

#[test]
fn a_recording_that_says_nothing_is_refused_with_the_reason() {
    let usual = USUAL.settings(CameraModel::SCMOS);
    let dark = Condition { density: 0.0, ..USUAL }.settings(CameraModel::SCMOS);
    let refused =
        |settings: &Settings, frames| estimate(&record(settings, frames).0, &given(settings)).unwrap_err();
    let none = refused(&dark, FRAMES);
    assert!(matches!(none, Trouble::NoEmitters { .. }), "{none}");
    assert!(matches!(refused(&usual, 3), Trouble::TooFewFrames { frames: 3, .. }));
    let tiny = Settings { shape: Shape { width: 12, height: 64 }, ..usual.clone() };
    assert!(matches!(refused(&tiny, FRAMES), Trouble::TooSmall { width: 12, .. }));
    let clipped = Settings { camera: CameraModel { adu_max: 139, ..CameraModel::SCMOS }, ..usual.clone() };
    let saturated = refused(&clipped, 40);
    assert!(matches!(saturated, Trouble::Saturated { top: 139, .. }), "{saturated}");
    let mut same = Sample::with_room(Rect::whole(usual.shape), 20);
    let bytes = vec![7; usual.shape.pixels()];
    (0..20).for_each(|_| same.push(&bytes, usual.shape, PixelType::U8, true));
    assert_eq!(estimate(&same, &given(&usual)).unwrap_err(), Trouble::Constant);
}

#[test]
fn bright_emitters_that_are_cut_off_are_told() {
    let camera = CameraModel { adu_max: 400, ..CameraModel::SCMOS };
    let (e, _) = estimated(&Condition { photons: 5000.0, ..USUAL }.settings(camera));
    assert!(
        e.noise.saturated > 0.0 && e.doubts.iter().any(|doubt| doubt.contains("top of the scale")),
        "{e:?}"
    );
}
