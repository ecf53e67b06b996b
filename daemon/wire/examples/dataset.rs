//! Writes a small scan as a data set, for the tests of other languages: `cargo run -p wire --example dataset -- FOLDER`.
//! 2 x 3 tiles of 40,000 localizations, snake order, corners 45 µm apart (tiles of 51.2 µm overlap). Beside the folder,
//! `<FOLDER>.csv` has every row as plain text, which is what the tests compare with.

use std::fmt::Write as _;
use std::path::PathBuf;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize};
use wire::files::tables::dataset::{Dataset, TilePart};

const ROWS: u32 = 40_000;
const STEP_NM: f64 = 45_000.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("which folder?")?);
    let mut scan = Dataset::create(&folder)?;
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut text = String::from("tile,frame,x_nm,y_nm,photons\n");
    for index in 0..6 {
        let row = index / 3;
        let column = if row == 0 { index } else { 5 - index };
        let corner = (Nm(-20_000.25 + f64::from(column) * STEP_NM), Nm(1e6 + f64::from(row) * STEP_NM));
        let pixel = PixelSize { x: Nm(100.0), y: Nm(110.0) };
        let part = TilePart {
            index,
            row,
            column,
            corner,
            pixel,
            drift: "by cross-correlation, 500 frames".into(),
            merge: String::new(),
            notes: vec![("series".into(), "night".into())],
        };
        let rows: Vec<Localization> = (0..ROWS).map(|i| localization(&mut random, index, i)).collect();
        for at in &rows {
            // As the units say, and not by the code under test.
            let x = corner.0.0 + (f64::from(at.x_px) + 0.5) * pixel.x.0;
            let y = corner.1.0 + (f64::from(at.y_px) + 0.5) * pixel.y.0;
            writeln!(text, "{index},{},{x},{y},{}", at.frame, at.photons)?;
        }
        scan.write_tile(&part, &rows)?;
    }
    std::fs::write(folder.with_added_extension("csv"), text)?;
    Ok(())
}

fn localization(random: &mut ChaCha8Rng, tile: u32, row: u32) -> Localization {
    let mut between = |low: f32, high: f32| random.random_range(low..high);
    Localization {
        frame: tile * 4000 + row / 10,
        tile,
        x_px: between(-0.5, 511.5),
        y_px: between(-0.5, 511.5),
        z_nm: between(-700.0, 700.0),
        photons: between(300.0, 5000.0),
        background: between(5.0, 80.0),
        sigma_x_px: between(0.05, 0.3),
        sigma_y_px: between(0.05, 0.3),
        sigma_z_nm: between(10.0, 80.0),
        sigma_photons: between(20.0, 200.0),
        probability: between(0.7, 1.0),
    }
}
