//! One tile of 600,000 localizations in a data set: bytes and time to write, to ask for 1/25 of it, to read it all; then
//! the index of a scan of 1,089 tiles. Run with `cargo bench -p wire --bench dataset`.

use std::path::Path;
use std::time::Instant;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::localization::Localization;
use smlm::units::{Nm, PixelSize};
use wire::files::tables::dataset::{Dataset, Region, TilePart};

const ROWS: u32 = 600_000;
const SIDE_PX: f32 = 512.0;
const SIDE_NM: f64 = 51_200.0;
const CORNER: (f64, f64) = (1_234_567.891, -765_432.109);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    for clustered in [false, true] {
        tile(&folder.path().join(format!("tile-{clustered}.parquet")), clustered)?;
    }
    index(&folder.path().join("index.parquet"))
}

fn part(index: u32) -> TilePart {
    TilePart {
        index,
        row: index / 33,
        column: index % 33,
        corner: (
            Nm(CORNER.0 + f64::from(index % 33) * SIDE_NM),
            Nm(CORNER.1 + f64::from(index / 33) * SIDE_NM),
        ),
        pixel: PixelSize::square(Nm(100.0)),
        drift: "by cross-correlation, 500 frames".into(),
        merge: "1 frame, 30 nm".into(),
        notes: vec![("series".into(), "night".into()), ("model".into(), "decode-dense".into())],
    }
}

/// Median of five, in ms.
fn ms<T>(mut run: impl FnMut() -> T) -> (f64, T) {
    let mut timed = || {
        let start = Instant::now();
        let result = run();
        (start.elapsed().as_secs_f64() * 1e3, result)
    };
    let mut times: Vec<(f64, T)> = (0..5).map(|_| timed()).collect();
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    times.swap_remove(2)
}

fn tile(folder: &Path, clustered: bool) -> Result<(), Box<dyn std::error::Error>> {
    let rows = localizations(clustered);
    let mut scan = Dataset::create(folder)?;
    let (write_ms, bytes) = ms(|| scan.write_tile(&part(0), &rows));
    let bytes = bytes?;
    println!(
        "{ROWS} rows, {}: {:.2} MB ({:.1} bytes a row), written and durable in {write_ms:.0} ms",
        if clustered { "in 200 clusters" } else { "evenly spread" },
        bytes as f64 / 1e6,
        bytes as f64 / f64::from(ROWS),
    );
    let (x, y) = (CORNER.0 + 0.37 * SIDE_NM, CORNER.1 + 0.51 * SIDE_NM);
    let fifth = SIDE_NM / 5.0;
    let region = Region { x: (Nm(x), Nm(x + fifth)), y: (Nm(y), Nm(y + fifth)) };
    for (name, region) in [("1/25 of it", Some(region)), ("all of it", None)] {
        let (read_ms, (found, cost)) = ms(|| {
            let mut query = scan.query(None, region).expect("the tile is there and the region is one");
            let found = query.by_ref().filter(Result::is_ok).count();
            (found, query.cost())
        });
        println!("  {name}: {found} rows in {read_ms:.1} ms, {cost:?}");
    }
    Ok(())
}

/// What the index costs: each of 1,089 tiles with few rows, the last one measured.
fn index(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let rows = &localizations(false)[..10];
    let mut scan = Dataset::create(folder)?;
    let (first_ms, _) = ms(|| scan.write_tile(&part(0), rows));
    for index in 1..1088 {
        scan.write_tile(&part(index), rows)?;
    }
    let (last_ms, _) = ms(|| scan.write_tile(&part(1088), rows));
    let json = folder.with_added_extension("index.json");
    let bytes = json.metadata()?.len();
    let (open_ms, _) = ms(|| Dataset::open(folder).map(|scan| scan.tiles().len()));
    std::fs::remove_file(json)?;
    let (anew_ms, scan) = ms(|| Dataset::open(folder));
    let region = Region { x: (Nm(CORNER.0), Nm(CORNER.0 + 1e4)), y: (Nm(CORNER.1), Nm(CORNER.1 + 1e4)) };
    let mut query = scan?.query(None, Some(region))?;
    let found = query.by_ref().filter(Result::is_ok).count();
    println!(
        "1,089 tiles: index of {bytes} bytes; a tile of 10 rows takes {first_ms:.1} ms as the first, {last_ms:.1} ms as the \
         last; opened in {open_ms:.0} ms, without its index in {anew_ms:.0} ms; a region of one tile: {found} rows, {:?}",
        query.cost()
    );
    Ok(())
}

fn localizations(clustered: bool) -> Vec<Localization> {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let centres: Vec<[f32; 2]> =
        (0..200).map(|_| [0; 2].map(|_: u8| random.random_range(5.0..SIDE_PX - 5.0))).collect();
    (0..ROWS)
        .map(|row| {
            let mut between = |low: f32, high: f32| random.random_range(low..high);
            let [x_px, y_px] = match clustered {
                true => centres[(row % 200) as usize].map(|at| at + between(-5.0, 5.0)),
                false => [0; 2].map(|_: u8| between(-0.5, SIDE_PX - 0.5)),
            };
            let photons = (between(5.0, 8.5)).exp();
            let sigma = 1.3 / photons.sqrt();
            Localization {
                frame: row / 60,
                tile: 0,
                x_px,
                y_px,
                z_nm: between(-700.0, 700.0),
                photons,
                background: between(20.0, 60.0),
                sigma_x_px: sigma * between(0.8, 1.4),
                sigma_y_px: sigma * between(0.8, 1.4),
                sigma_z_nm: between(10.0, 80.0),
                sigma_photons: photons.sqrt() * between(0.9, 1.5),
                probability: between(0.7, 1.0),
            }
        })
        .collect()
}
