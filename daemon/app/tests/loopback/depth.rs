//! z on its way to the end: from the network into the journal, the tables and the picture coloured by it.
//!
//! The network is the tiny bundle of `infer`'s tests. Its weights are random: it finds something with a depth in
//! nearly every place, which is all that is needed here. Needs ONNX Runtime.

use std::path::{Path, PathBuf};

use wire::files::tables::{ReadOptions, read_emitters};

use crate::pages::http;
use crate::rig::Rig;

/// The card's `z_scale_nm`: this network's z lies between 0 and it.
const SCALE_NM: f32 = 800.0;

fn bundle() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../infer/tests/fixtures/tiny-split")
}

/// The pixels of a picture, three bytes each.
fn pixels(png: &[u8]) -> Vec<[u8; 3]> {
    let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
    let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut rgb).unwrap();
    rgb.as_chunks().0.to_vec()
}

#[test]
fn a_networks_depth_reaches_journal_tables_and_the_colours_of_the_picture() {
    if let Err(error) = infer::runtime::load(None) {
        println!("SKIPPED: {error}");
        return;
    }
    let rig = Rig::start(|config| {
        config.model.bundle = bundle().display().to_string();
        config.model.provider = "cpu".into();
        config.store.files = ["parquet", "csv", "picasso"].map(String::from).to_vec();
    });
    let mut sender = rig.publisher(1);
    sender.send(30);
    sender.end();
    rig.settled(1, 30);
    rig.done(1);
    let found = rig.journaled(1);
    let (low, high) = found.iter().fold((f32::MAX, f32::MIN), |(a, b), l| (a.min(l.z_nm), b.max(l.z_nm)));
    assert!(found.len() > 100 && high - low > 1.0, "{} localizations, z {low} to {high} nm", found.len());
    assert!(low > 0.0 && high < SCALE_NM, "{low} to {high} nm");
    assert!(found.iter().all(|l| l.sigma_z_nm > 0.0));

    for name in ["localizations.parquet", "localizations.csv", "localizations.hdf5"] {
        let size = smlm::units::PixelSize::square(smlm::units::Nm(rig.config.camera.pixel_size_nm));
        let options = ReadOptions { pixel_size: Some(size), ..ReadOptions::default() };
        let (table, info) = read_emitters(&rig.folder(1).join(name), &options).unwrap();
        assert!(info.three_d && table.len() == found.len(), "{name}");
        for (row, put) in table.iter().zip(&found) {
            assert!((row.at.z_nm - f64::from(put.z_nm)).abs() < 1e-3, "{name}: {row:?} is not {put:?}");
            let sigma = row.sigma_nm.map_or(0.0, |sigma| sigma[2]);
            assert!((sigma - f64::from(put.sigma_z_nm)).abs() < 1e-2, "{name}: {row:?} is not {put:?}");
        }
    }

    let (head, by_depth) = http(&rig, "GET /picture.png?colour=z HTTP/1.1", b"");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let (_, by_count) = http(&rig, "GET /picture.png HTTP/1.1", b"");
    let (by_depth, by_count) = (pixels(&by_depth), pixels(&by_count));
    let lit = |picture: &[[u8; 3]]| picture.iter().filter(|rgb| rgb.iter().any(|part| *part > 32)).count();
    assert!(lit(&by_depth) > 10 && lit(&by_count) > 10);
    assert_ne!(by_depth, by_count, "depth has colours of its own");
    // Shallow is blue and deep is yellow: both are there, which no picture of counts has.
    assert!(by_depth.iter().any(|[r, _, b]| b > r && *b > 64));
    assert!(by_depth.iter().any(|[r, _, b]| r > b && *r > 64));
}
