//! Recordings: repeatable, in the order of the scan, true to their truth.

use super::*;
use crate::camera::CameraModel;
use crate::crowding::Crowding;
use crate::settings::Scan;
use crate::structure::Structure;
use smlm::frame::Shape;
use smlm::units::Adu;

fn scan() -> Settings {
    let scan = Scan {
        rows: 2,
        columns: 3,
        overlap_percent: 10.0,
        snake: true,
        frames_per_tile: Some(5),
        stage_error_um: 0.0,
    };
    Settings { shape: Shape { width: 64, height: 48 }, scan, ..Settings::default() }
}

type Recorded = Vec<(FrameInfo, Vec<u16>, FrameTruth)>;

fn record(microscope: &mut VirtualMicroscope, most: usize) -> Recorded {
    let mut frames = Vec::new();
    while frames.len() < most {
        let (mut counts, mut truth) = (Vec::new(), FrameTruth::default());
        let Some(info) = microscope.next_frame(&mut counts, &mut truth) else { break };
        frames.push((info, counts, truth));
    }
    frames
}

#[test]
fn the_same_seed_makes_the_same_recording_and_another_seed_another() {
    let recorded = |seed| record(&mut VirtualMicroscope::new(Settings { seed, ..scan() }).unwrap(), 12);
    assert_eq!(recorded(1), recorded(1));
    let (one, two) = (recorded(1), recorded(2));
    assert_ne!(one[0].1, two[0].1);
    assert_ne!(one[0].2, two[0].2);
    assert_ne!(one[0].1, one[1].1, "noise differs from frame to frame");
}

#[test]
fn any_frame_of_a_scan_can_be_made_again() {
    let mut microscope = VirtualMicroscope::new(scan()).unwrap();
    let all = record(&mut microscope, usize::MAX);
    assert_eq!(all.len(), 30);
    for seq in [29u64, 0, 7, 15, 14] {
        microscope.seek(seq);
        assert_eq!(record(&mut microscope, 1)[0], all[seq as usize], "frame {seq}");
    }
    microscope.seek(30);
    assert!(record(&mut microscope, 1).is_empty(), "behind the end there is nothing");
}

#[test]
fn a_snake_scan_visits_every_tile_once_where_the_stage_was_sent() {
    let all = record(&mut VirtualMicroscope::new(scan()).unwrap(), usize::MAX);
    let tiles: Vec<_> = all.iter().step_by(5).map(|(info, ..)| (info.tile.row, info.tile.column)).collect();
    assert_eq!(tiles, [(0, 0), (0, 1), (0, 2), (1, 2), (1, 1), (1, 0)]);
    for (seq, (info, counts, truth)) in all.iter().enumerate() {
        assert_eq!((info.id.seq.0, info.image_number), (seq as u64, Some(seq as i64)));
        assert_eq!((info.tile.index, info.frame_in_tile), (seq as u32 / 5, seq as u32 % 5));
        assert_eq!((counts.len(), truth.seq, truth.tile), (64 * 48, seq as u64, info.tile.index));
        let stage = info.stage.unwrap();
        assert!((stage.x_um - f64::from(info.tile.column) * 6.4 * 0.9).abs() < 1e-9);
        assert!((stage.y_um - f64::from(info.tile.row) * 4.8 * 0.9).abs() < 1e-9);
        assert_eq!(info.capture_unix_ns, (seq as u64 + 1) * 10_000_000);
    }
}

#[test]
fn neighbouring_tiles_see_the_same_structure_where_they_overlap() {
    let stripes = Structure::Stripes { distance_nm: 0.0, pitch_nm: 1700.0 };
    let settings = Settings { structure: stripes, ..scan() };
    for (info, _, truth) in record(&mut VirtualMicroscope::new(settings).unwrap(), usize::MAX) {
        for e in &truth.emitters {
            let stage_um = info.stage.unwrap().x_um - 3.2 + (e.x_px + 0.5) * 0.1;
            let from_line = stage_um / 1.7 - (stage_um / 1.7).round();
            assert!(from_line.abs() < 1e-6, "tile {}: {from_line}", info.tile.index);
        }
    }
}

#[test]
fn the_picture_holds_the_light_that_the_truth_says() {
    for camera in [CameraModel::SCMOS, CameraModel::SMLM_2016] {
        let settings = Settings { camera, structure: Structure::Uniform, ..Settings::default() };
        let (background, pixels) = (settings.background_photons, settings.shape.pixels() as f64);
        let frames = record(&mut VirtualMicroscope::new(settings).unwrap(), 20);
        let (mut seen, mut true_light) = (0.0, 0.0);
        for (_, counts, truth) in &frames {
            let light = counts.iter().map(|&c| camera.calibration.photons(Adu(c.into())).0).sum::<f64>();
            seen += light - background * pixels;
            true_light += truth.emitters.iter().map(|e| e.photons).sum::<f64>();
        }
        // Over each edge goes the light of a strip of σ/√(2π), both ways along each axis.
        let strip = 1.35 / std::f64::consts::TAU.sqrt();
        let kept = (1.0 - 2.0 * strip / 128.0).powi(2);
        assert!((seen / true_light / kept - 1.0).abs() < 0.006, "{seen} of {true_light}");
    }
}

#[test]
fn a_margin_lights_the_edges_and_stays_out_of_the_truth() {
    let emitters = |margin_px| crate::settings::EmitterSettings { margin_px, ..Settings::default().emitters };
    let edge = |margin_px| {
        let scan = Scan { rows: 1, columns: 1, frames_per_tile: Some(600), ..scan().scan };
        let settings = Settings {
            shape: Shape { width: 64, height: 48 },
            emitters: emitters(margin_px),
            structure: Structure::Uniform,
            scan,
            ..Settings::default()
        };
        let frames = record(&mut VirtualMicroscope::new(settings).unwrap(), usize::MAX);
        for e in frames.iter().flat_map(|(.., truth)| &truth.emitters) {
            assert!((-0.5..63.5).contains(&e.x_px) && (-0.5..47.5).contains(&e.y_px));
        }
        let first_columns = frames.iter().flat_map(|(_, counts, _)| counts.iter().step_by(64));
        first_columns.map(|&c| CameraModel::SCMOS.calibration.photons(Adu(c.into())).0 - 20.0).sum::<f64>()
    };
    let (with, without) = (edge(6.0), edge(0.0));
    // Without a margin the first column misses the light of everything left of it: about a third.
    assert!((1.3..1.8).contains(&(with / without)), "{with} {without}");
}

#[test]
fn the_demo_mesh_is_hardly_more_crowded_than_a_uniform_sample() {
    let crowding = |structure| {
        let settings = Settings { structure, ..Settings::default() };
        let frames: Vec<_> = record(&mut VirtualMicroscope::new(settings.clone()).unwrap(), 60)
            .into_iter()
            .map(|(.., truth)| truth)
            .collect();
        let here = Crowding::of(&settings, &frames).unwrap();
        here.neighbours_500_nm / Crowding::if_uniform(&settings, &frames).unwrap().neighbours_500_nm
    };
    let (uniform, mesh, tubes) =
        (crowding(Structure::Uniform), crowding(Structure::MESH), crowding(Structure::MICROTUBULES));
    assert!((uniform - 1.0).abs() < 0.1, "{uniform}");
    assert!(mesh < 1.4, "{mesh}");
    assert!(tubes > mesh, "{tubes}");
}

#[test]
fn every_bad_setting_is_named_at_once() {
    let mut bad = scan();
    bad.shape.width = 0;
    bad.background_photons = f64::NAN;
    bad.scan.frames_per_tile = None;
    let problems = VirtualMicroscope::new(bad).unwrap_err().0;
    assert_eq!(problems.len(), 3, "{problems:?}");
    for (problem, name) in problems.iter().zip(["shape.width", "background_photons", "frames_per_tile"]) {
        assert!(problem.contains(name), "{problem}");
    }
    let huge = Scan { rows: 300, columns: 300, ..scan().scan };
    let problem = VirtualMicroscope::new(Settings { scan: huge, ..scan() }).unwrap_err().to_string();
    assert!(problem.contains("fewer tiles"), "{problem}");
}

fn pass() -> Settings {
    Settings { channel: Channel::Widefield, ..scan() }
}

/// Mean counts per pixel of a tile's five frames, and those of the first.
fn mean_and_first(frames: &Recorded, tile: usize) -> (Vec<f64>, &[u16]) {
    let five = &frames[5 * tile..5 * tile + 5];
    let mean =
        (0..64 * 48).map(|at| five.iter().map(|(_, counts, _)| f64::from(counts[at])).sum::<f64>() / 5.0);
    (mean.collect(), &five[0].1)
}

#[test]
fn a_widefield_pass_shows_the_sample_of_its_scan_in_some_thousand_counts_and_does_not_blink() {
    for structure in [Structure::MESH, Structure::PORES, Structure::Uniform] {
        let settings = Settings { structure, ..pass() };
        let mut microscope = VirtualMicroscope::new(settings).unwrap();
        assert_eq!(microscope.series().channel, Channel::Widefield);
        let all = record(&mut microscope, usize::MAX);
        assert!(all.iter().all(|(.., truth)| truth.emitters.is_empty()), "no emitter can be told apart");
        for tile in 0..6 {
            let (mean, first) = mean_and_first(&all, tile);
            let brightest = mean.iter().copied().fold(0.0, f64::max);
            assert!((1000.0..10_000.0).contains(&brightest), "{structure:?}, tile {tile}: {brightest} ADU");
            // Shot noise of n e- is √n e-: (0.46 ADU/e-)⁻¹ √(0.46 · counts); the mean of five, one of them the same
            // frame, is off by √0.8 of it. 6 σ of 3,072 pixels: once in 2e5 tiles.
            for (one, mean) in first.iter().zip(&mean) {
                let sd = ((mean - 100.0).max(1.0) / 0.46 + 12.0).sqrt();
                assert!(
                    (f64::from(*one) - mean).abs() < 6.0 * sd,
                    "{structure:?}: {one} in a mean of {mean}"
                );
            }
        }
        microscope.seek(17);
        assert_eq!(record(&mut microscope, 1)[0], all[17]);
    }
}

#[test]
fn a_widefield_pass_is_equally_bright_where_two_tiles_overlap() {
    let scan = Scan { overlap_percent: 50.0, columns: 2, rows: 1, ..pass().scan };
    let all = record(&mut VirtualMicroscope::new(Settings { scan, ..pass() }).unwrap(), usize::MAX);
    let (left, right) = (mean_and_first(&all, 0).0, mean_and_first(&all, 1).0);
    // Structure beyond the fields' edges lights only one of them: 8 px of margin, 6 σ of the PSF.
    for (y, x) in (0..48).flat_map(|y| (8..24).map(move |x| (y, x))) {
        let (one, other) = (left[64 * y + 32 + x], right[64 * y + x]);
        let sd = ((one - 100.0).max(1.0) / 0.46 + 12.0).sqrt() * (2.0f64 / 5.0).sqrt();
        assert!((one - other).abs() < 6.0 * sd, "at ({x}, {y}): {one} and {other}");
    }
}

#[test]
fn a_stage_that_is_off_says_the_plan_while_the_field_shows_what_lies_elsewhere() {
    let stripes = Structure::Stripes { distance_nm: 0.0, pitch_nm: 1700.0 };
    let scan = Scan { stage_error_um: 2.0, ..scan().scan };
    let settings = Settings { structure: stripes, scan, ..self::scan() };
    let mut microscope = VirtualMicroscope::new(settings).unwrap();
    let fields: Vec<(f64, f64)> = microscope.fields_um().map(|(_, at)| at).collect();
    let mut farthest = 0.0f64;
    for (info, _, truth) in record(&mut microscope, usize::MAX) {
        let (field, said) = (fields[info.tile.index as usize], info.stage.unwrap());
        assert_eq!(said.x_um, f64::from(info.tile.column) * 6.4 * 0.9);
        let error = (field.0 - said.x_um).abs().max((field.1 - said.y_um).abs());
        assert!(error <= if info.tile.index == 0 { 0.0 } else { 2.0 }, "{error}");
        farthest = farthest.max(error);
        for e in &truth.emitters {
            let stage_um = field.0 - 3.2 + (e.x_px + 0.5) * 0.1;
            let from_line = stage_um / 1.7 - (stage_um / 1.7).round();
            assert!(from_line.abs() < 1e-6, "tile {}: {from_line}", info.tile.index);
        }
    }
    assert!(farthest > 0.5, "{farthest}");
}
