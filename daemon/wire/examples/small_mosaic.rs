//! Two small mosaics whose values follow from their places, for readers in other languages to be tested with.
//!
//! `cargo run -p wire --release --example small_mosaic -- FOLDER` writes `counts.ome.zarr` and `channels.ome.zarr` there.

use std::path::Path;

use smlm::units::Nm;
use wire::files::zarr::{About, Channel, Layout, MosaicWriter, Reduce, Region};

const WIDTH: u64 = 2500;
const HEIGHT: u64 = 1301;
/// No divisor of anything.
const TILE_PX: u64 = 331;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("a folder to write to is missing")?;
    let folder = Path::new(&folder);
    let layout = Layout { shard_px: 512, chunk_px: 64, zstd_level: 1, cache_bytes: 4 << 20 };
    counts(&folder.join("counts.ome.zarr"), &layout)?;
    channels(&folder.join("channels.ome.zarr"), &layout)?;
    Ok(())
}

fn about(name: &str, reduce: Reduce, channels: Vec<Channel>) -> About {
    let (pixel, corner) = (Nm(20.0), (Nm(-1000.0), Nm(250.0)));
    About { name: name.into(), width: WIDTH, height: HEIGHT, pixel, corner, channels, reduce }
}

/// `(7x + 13y) mod 31`; the last 600 columns are left empty.
fn counts(path: &Path, layout: &Layout) -> Result<(), Box<dyn std::error::Error>> {
    let mut writer = MosaicWriter::<u16>::create(path, about("counts", Reduce::Sum, Vec::new()), layout)?;
    for region in tiles(WIDTH - 600) {
        let values: Vec<u16> = pixels(region).map(|(x, y)| ((7 * x + 13 * y) % 31) as u16).collect();
        writer.add(0, region, &values)?;
    }
    Ok(writer.finish()?)
}

/// x in the first channel, 2y in the second.
fn channels(path: &Path, layout: &Layout) -> Result<(), Box<dyn std::error::Error>> {
    let channel = |label: &str, colour, end| Channel { label: label.into(), colour, window: (0.0, end) };
    let told = vec![channel("x", [255, 0, 0], 2500.0), channel("2y", [0, 128, 255], 2600.0)];
    let mut writer = MosaicWriter::<f32>::create(path, about("channels", Reduce::Mean, told), layout)?;
    for region in tiles(WIDTH) {
        let x: Vec<f32> = pixels(region).map(|(x, _)| x as f32).collect();
        let y: Vec<f32> = pixels(region).map(|(_, y)| 2.0 * y as f32).collect();
        writer.put(0, region, &x)?;
        writer.put(1, region, &y)?;
    }
    Ok(writer.finish()?)
}

fn tiles(width: u64) -> impl Iterator<Item = Region> {
    let rows = (0..HEIGHT).step_by(TILE_PX as usize);
    rows.flat_map(move |y| (0..width).step_by(TILE_PX as usize).map(move |x| (x, y)))
        .map(move |(x, y)| Region { x, y, width: TILE_PX.min(width - x), height: TILE_PX.min(HEIGHT - y) })
}

fn pixels(region: Region) -> impl Iterator<Item = (u64, u64)> {
    (region.y..region.y + region.height)
        .flat_map(move |y| (region.x..region.x + region.width).map(move |x| (x, y)))
}
