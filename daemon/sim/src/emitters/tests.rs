//! Flashes: as dense, as long and as repeatable as was asked.

use super::*;
use crate::structure::{Area, Sample, Structure};

const AREA: Area = Area { x_um: (0.0, 12.8), y_um: (0.0, 12.8) };

fn settings() -> EmitterSettings {
    crate::settings::Settings::default().emitters
}

fn blinking(settings: EmitterSettings, structure: Structure, seed: u64) -> Blinking {
    let view = Sample::new(structure, 0.0, AREA, seed).unwrap().view(AREA);
    let projection = Projection { corner_um: (0.0, 0.0), pixel_um: (0.1, 0.1) };
    Blinking::new(settings, view, AREA.um2(), projection, seed, 0)
}

fn frames(blinking: &mut Blinking, count: usize) -> Vec<FrameTruth> {
    (0..count)
        .map(|_| {
            let mut truth = FrameTruth::default();
            blinking.advance(&mut truth);
            truth
        })
        .collect()
}

#[test]
fn the_visible_density_is_the_asked_one_from_the_first_frame_on() {
    for structure in [Structure::Uniform, Structure::MESH, Structure::PORES] {
        for (density, dim) in [(0.3, false), (1.0, false), (4.0, true)] {
            let photons = if dim { (120.0, 60.0, 10.0) } else { (2000.0, 300.0, 200.0) };
            let settings = EmitterSettings {
                density_per_um2: density,
                photons_mean: photons.0,
                photons_sd: photons.1,
                photons_min: photons.2,
                ..settings()
            };
            // First frames of many recordings, and a long one: both are in the steady state.
            let first: usize = (0..40)
                .map(|seed| frames(&mut blinking(settings, structure, seed), 1)[0].visible().count())
                .sum();
            let long = frames(&mut blinking(settings, structure, 99), 1500);
            let all: usize = long.iter().map(|truth| truth.visible().count()).sum();
            let expected = density * AREA.um2();
            let relative = |count: usize, frames: f64| count as f64 / frames / expected - 1.0;
            // Frames share flashes: about (1 + mean on-time) frames see the same one. Four standard errors.
            let error = |frames: f64, shared: f64| 4.0 * (shared / (frames * expected)).sqrt();
            assert!(relative(first, 40.0).abs() < error(40.0, 1.0), "{structure:?} {density}: first frames");
            assert!(relative(all, 1500.0).abs() < error(1500.0, 4.0), "{structure:?} {density}: long run");
        }
    }
}

#[test]
fn on_times_are_exponential_and_first_and_last_frames_are_partial() {
    let steady = EmitterSettings { photons_sd: 0.0, density_per_um2: 0.2, ..settings() };
    let mut source = blinking(steady, Structure::Uniform, 4);
    let mut light = std::collections::HashMap::<(u64, u64), f64>::new();
    for truth in frames(&mut source, 4000).iter().skip(100) {
        for e in &truth.emitters {
            assert!(e.photons <= steady.photons_mean + 1e-6, "more than a full frame of light");
            *light.entry((e.x_px.to_bits(), e.y_px.to_bits())).or_default() += e.photons;
        }
    }
    // Total light over photons per frame is the on-time: mean and standard deviation both equal the mean asked.
    let times: Vec<f64> = light.values().map(|sum| sum / steady.photons_mean).collect();
    let n = times.len() as f64;
    let mean = times.iter().sum::<f64>() / n;
    let sd = (times.iter().map(|t| (t - mean).powi(2)).sum::<f64>() / n).sqrt();
    let asked = steady.on_time_mean_frames;
    assert!(n > 20_000.0);
    assert!((mean / asked - 1.0).abs() < 4.0 / n.sqrt() + 0.002, "mean {mean}");
    assert!((sd / asked - 1.0).abs() < 8.0 / n.sqrt() + 0.002, "sd {sd}");
    let longer_than_two_means = times.iter().filter(|&&t| t > 2.0 * asked).count() as f64 / n;
    assert!((longer_than_two_means - (-2f64).exp()).abs() < 0.01, "{longer_than_two_means}");
}

#[test]
fn any_frame_can_be_made_again() {
    let mut source = blinking(settings(), Structure::MESH, 5);
    let straight = frames(&mut source, 300);
    for frame in [0u64, 1, 17, 299] {
        source.seek(frame);
        assert_eq!(frames(&mut source, 1)[0], straight[frame as usize], "frame {frame}");
    }
    assert_ne!(frames(&mut blinking(settings(), Structure::MESH, 6), 1)[0], straight[0], "another seed");
}

#[test]
fn a_long_recording_needs_no_more_memory_than_a_short_one() {
    let mut source = blinking(settings(), Structure::Uniform, 6);
    let mut truth = FrameTruth::default();
    let mut most = 0;
    for _ in 0..5000 {
        source.advance(&mut truth);
        most = most.max(source.active());
    }
    // 164 µm² × 1 per µm², of which about 2.5/3.5 go on into the next frame.
    assert!(most < 300, "{most} active");
}

#[test]
fn emitters_lie_in_the_field() {
    for structure in [Structure::Uniform, Structure::MESH, Structure::PORES, STRIPES] {
        for e in frames(&mut blinking(settings(), structure, 7), 50).iter().flat_map(|truth| &truth.emitters)
        {
            assert!(
                (-0.5..127.5).contains(&e.x_px) && (-0.5..127.5).contains(&e.y_px),
                "{structure:?} {e:?}"
            );
            assert_eq!(e.z_nm, 0.0);
        }
    }
}

const STRIPES: Structure = Structure::Stripes { distance_nm: 40.0, pitch_nm: 800.0 };

#[test]
fn stripes_are_pairs_at_the_asked_distance() {
    for truth in frames(&mut blinking(settings(), STRIPES, 8), 20) {
        for e in &truth.emitters {
            let x_nm = (e.x_px + 0.5) * 100.0;
            let from_pair = x_nm - (x_nm / 800.0).round() * 800.0;
            assert!((from_pair.abs() - 20.0).abs() < 1e-6, "{from_pair}");
        }
    }
}
