//! What the first frames of a series say of microscope, sample and camera, as clients get it.

use blinkd::serve::grpc::acquisitions_client::AcquisitionsClient;
use bytes::Bytes;
use sim::microscope::VirtualMicroscope;
use sim::settings::{EmitterSettings, Settings};
use sim::truth::FrameTruth;
use smlm::estimate::FRAMES;
use smlm::series::SeriesInfo;
use wire::pb;

use crate::rig::{LIMIT, Rig, SHAPE, Sender, id, until};

/// 64 × 64 px, bright enough for a small field to tell.
fn settings() -> Settings {
    let default = Settings::default();
    let emitters = EmitterSettings { density_per_um2: 0.6, ..default.emitters };
    Settings { shape: SHAPE, emitters, ..default }
}

fn publish(sender: &mut Sender, frames: usize, change: impl FnOnce(&mut SeriesInfo)) {
    let mut microscope = VirtualMicroscope::new(settings()).unwrap();
    let told = microscope.series();
    sender.start(|info| {
        (info.pixel_size, info.camera) = (told.pixel_size, told.camera);
        change(info);
    });
    let (mut counts, mut truth) = (Vec::new(), FrameTruth::default());
    for _ in 0..frames {
        microscope.next_frame(&mut counts, &mut truth).unwrap();
        let pixels: Bytes = counts.iter().flat_map(|count| count.to_le_bytes()).collect::<Vec<u8>>().into();
        sender.publisher.send_lossless(&sender.info(), pixels, LIMIT).unwrap();
        sender.next += 1;
    }
    sender.publisher.flush(LIMIT).unwrap();
}

fn asked(rig: &Rig, series: u8) -> pb::Acquisition {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut client = AcquisitionsClient::connect(rig.url()).await.unwrap();
        let request = pb::GetAcquisitionRequest {
            series_id: id(series).0.to_vec(),
            ..pb::GetAcquisitionRequest::default()
        };
        client.get_acquisition(request).await.unwrap().into_inner()
    })
}

#[test]
fn clients_learn_what_the_first_frames_show_while_the_series_goes_on() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    publish(&mut sender, FRAMES + 10, |_| ());
    let series = rig.series(1);
    until("somebody has looked", || series.exit().estimate.is_some());
    let acquisition = asked(&rig, 1);
    assert_eq!(acquisition.state(), pb::SeriesState::Receiving);
    assert_eq!(acquisition.warnings, Vec::<String>::new());
    let estimate = acquisition.estimate.unwrap();
    assert_eq!((estimate.frames, estimate.trouble.as_str()), (FRAMES as u32, ""));
    let truth = settings();
    let near = |found: Option<pb::Measured>, value: f64, relative: f64| {
        let found = found.unwrap();
        assert!((found.value / value - 1.0).abs() < relative, "{found:?}, not {value}");
    };
    near(estimate.psf_sigma_nm, 135.0, 0.05);
    near(estimate.photons, truth.emitters.photons_mean, 0.15);
    near(estimate.background_photons, truth.background_photons, 0.05);
    near(estimate.excess_noise, 1.0, 0.25);
    rig.stop();
}

#[test]
fn a_calibration_that_the_noise_contradicts_is_warned_of() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    publish(&mut sender, FRAMES, |info| info.camera.as_mut().unwrap().e_per_adu *= 2.5);
    let series = rig.series(1);
    until("somebody has looked", || series.exit().estimate.is_some());
    let warnings = asked(&rig, 1).warnings;
    assert!(warnings.iter().any(|text| text.contains("the camera's calibration says")), "{warnings:?}");
    rig.stop();
}

#[test]
fn a_short_series_is_looked_at_when_it_ends_and_its_summary_says_so() {
    let rig = Rig::start(|_| ());
    let mut sender = rig.publisher(1);
    sender.send(20);
    sender.end();
    rig.done(1);
    let text = std::fs::read_to_string(rig.folder(1).join("summary.json")).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&text).unwrap();
    let trouble = summary["estimate"]["trouble"].as_str().unwrap();
    assert!(trouble.contains("nothing changes from frame to frame"), "{trouble}");
    rig.stop();
}

#[test]
fn nobody_looks_where_that_is_switched_off() {
    let rig = Rig::start(|config| config.model.estimate = false);
    let mut sender = rig.publisher(1);
    sender.send(20);
    sender.end();
    rig.done(1);
    assert!(asked(&rig, 1).estimate.is_none());
    rig.stop();
}
