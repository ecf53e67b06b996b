//! What an estimate says of a card and of a camera, and which frames make a sample.

use smlm::estimate::{Missing, Noise, Part, PsfWidth};
use smlm::frame::{FrameId, Seq, SeriesId, Shape, Tile};
use smlm::units::{Adu, Nm};

use super::*;

const CARD: &str = include_str!("../../../infer/tests/fixtures/tiny-split/card.toml");
const PIXEL: PixelSize = PixelSize::square(Nm(100.0));
const UNKNOWN: Missing = Missing("not measured here");

fn estimate_of(sigma_nm: Measured, shape: PsfShape) -> Estimate {
    let part = Part { low: sigma_nm.value, high: sigma_nm.value };
    let elongation = Part { low: 1.0, high: 1.0 };
    let noise = Noise {
        transfer_adu: Err(UNKNOWN),
        offset_adu: Err(UNKNOWN),
        read_noise_e: Err(UNKNOWN),
        excess: Err(UNKNOWN),
        saturated: 0.0,
    };
    Estimate {
        frames: 240,
        area_um2: 100.0,
        spots: 1000,
        fitted: 500,
        psf: Ok(PsfWidth { sigma_nm, sigma_x_nm: part, sigma_y_nm: part, elongation, shape }),
        photons: Err(UNKNOWN),
        background: Err(UNKNOWN),
        density_per_um2: Err(UNKNOWN),
        on_time_frames: Err(UNKNOWN),
        noise,
        doubts: Vec::new(),
    }
}

fn said(value: f64, sd: f64, shape: PsfShape) -> Vec<String> {
    let card = Card::read("card.toml", CARD).unwrap();
    misfits(&estimate_of(Measured { value, sd }, shape), PIXEL, Some(&card))
}

#[test]
fn a_series_is_warned_of_what_its_network_was_not_trained_for_and_of_nothing_else() {
    assert_eq!(said(150.0, 2.0, PsfShape::Round), Vec::<String>::new());
    assert_eq!(said(203.0, 2.0, PsfShape::Round), Vec::<String>::new(), "within what is sure");
    let wide = said(230.0, 2.0, PsfShape::Unclear);
    assert_eq!(
        wide,
        ["the network does not fit this recording: PSF sigma is 230 nm where it was trained for 100 to 200"]
    );
    let shape = PsfShape::Astigmatic { focus_per_depth: None, z_nm: None };
    assert!(said(150.0, 2.0, shape)[0].contains("astigmatic where it was trained for a round one"));
    assert_eq!(
        misfits(&estimate_of(Measured { value: 900.0, sd: 1.0 }, shape), PIXEL, None),
        Vec::<String>::new()
    );
}

#[test]
fn a_calibration_is_doubted_only_when_the_noise_is_sure() {
    let camera = Camera { offset: Adu(100.0), e_per_adu: 1.0, em_gain: None, spurious_e: 0.0, qe: 1.0 };
    let mut estimate = estimate_of(Measured { value: 130.0, sd: 2.0 }, PsfShape::Round);
    let mut with = |value, sd, camera| {
        estimate.noise.excess = Ok(Measured { value, sd });
        estimate.noise.transfer_adu = Ok(Measured { value, sd });
        wrong_camera(&estimate, camera)
    };
    assert!(with(2.2, 0.1, camera).unwrap().contains("shows 2.20 ADU per photo-electron where the camera's"));
    assert_eq!(with(1.2, 0.05, camera), None);
    assert_eq!(with(2.2, 0.6, camera), None);
    assert_eq!(with(2.1, 0.1, Camera { em_gain: Some(300.0), ..camera }), None);
}

#[test]
fn a_sample_is_ready_once_and_knows_where_frames_are_missing() {
    let shape = Shape { width: 40, height: 30 };
    let info = |seq: u64, tile| FrameInfo {
        id: FrameId { series: SeriesId::default(), seq: Seq(seq) },
        tile: Tile { index: tile, ..Tile::default() },
        shape,
        ..FrameInfo::default()
    };
    let bytes = vec![0; shape.pixels() * 2];
    let mut collector = Collector::new(true);
    for (seq, tile) in [(0, 0), (1, 0), (2, 0), (5, 0), (6, 0), (7, 1)] {
        collector.take(&info(seq, tile), &bytes);
    }
    collector.take(&FrameInfo { shape: Shape { width: 10, height: 10 }, ..info(8, 1) }, &bytes[..200]);
    assert!(collector.ready(false).is_none());
    let sample = collector.ready(true).unwrap();
    assert_eq!((sample.frames(), sample.longest_burst()), (6, 3));
    collector.put_back(sample);
    assert!(collector.ready(true).is_some() && collector.ready(true).is_none());
    let mut unwanted = Collector::new(false);
    unwanted.take(&info(0, 0), &bytes);
    assert!(unwanted.ready(true).is_none());
}
