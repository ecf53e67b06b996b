//! How long a mosaic of 8 gigapixels takes, how large it is on the disk and in memory, and how fast a view of it is.
//!
//! `cargo run -p wire --release --example gigapixels -- [--tiles 33] [--shard 2048] [--chunk 512] [--zstd 1] [--cache-mib 768]
//! [--keep]`
//!
//! Simulated tiles of 55 µm at 20 nm overlap by 1 µm, a scan row by row, there and back; each shows 200,000 localizations
//! on filaments. The mosaic lies under the target folder and is removed, unless it is kept.
//!
//! Measured on two Zen 5 cores that a dozen others used, all on one thread: 8.07 gigapixels written in 78 s of a core (270 s
//! by the wall; 72 ms a tile), 0.63 GB on the disk in 2601 files, memory 0.83 GB from the first rows on. Views of 1000 x
//! 1000 px by the wall: median 5 to 10 ms by level, the worst of 2100 37 ms. With shards of 4096 px and the memory to match
//! (10 x 10 tiles, 232 MiB): 34 s of a core instead of 6.4; chunks of 256 px change nothing that could be told from noise.

mod scan;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use smlm::units::Nm;
use wire::files::zarr::{About, Layout, MosaicReader, MosaicWriter, Reduce, Region};

type Failed = Box<dyn std::error::Error>;

/// A clock of the wall, and of the time that this thread had a core: others may be at work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Took {
    wall: Duration,
    core: Duration,
}

struct Watch {
    wall: std::time::Instant,
    core: Duration,
}

impl Watch {
    fn start() -> Result<Self, Failed> {
        Ok(Self { wall: std::time::Instant::now(), core: on_core()? })
    }

    fn took(&self) -> Result<Took, Failed> {
        Ok(Took { wall: self.wall.elapsed(), core: on_core()? - self.core })
    }
}

impl std::ops::AddAssign for Took {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.core += other.core;
    }
}

impl std::fmt::Display for Took {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1?} ({:.1?} on a core)", self.wall, self.core)
    }
}

/// What Linux says this thread had.
fn on_core() -> Result<Duration, Failed> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    Ok(Duration::from_nanos(text.split(' ').next().ok_or("no number")?.parse()?))
}

const VIEWS: usize = 300;
const VIEW_PX: u64 = 1000;

fn main() -> Result<(), Failed> {
    let layout = Layout {
        shard_px: option("--shard", 2048)?,
        chunk_px: option("--chunk", 512)?,
        zstd_level: option("--zstd", 1)?,
        cache_bytes: option::<usize>("--cache-mib", 768)? << 20,
    };
    let path = target().join("gigapixels.ome.zarr");
    if path.exists() {
        std::fs::remove_dir_all(&path)?;
    }
    println!("{layout:?}");
    write(&path, &layout, option("--tiles", 33)?)?;
    let (bytes, files) = size(&path)?;
    println!("on the disk: {:.2} GB in {files} files", bytes as f64 / 1e9);
    look(&path)?;
    if !std::env::args().any(|argument| argument == "--keep") {
        std::fs::remove_dir_all(&path)?;
    }
    Ok(())
}

fn option<T: std::str::FromStr>(name: &str, default: T) -> Result<T, Failed> {
    let mut arguments = std::env::args().skip_while(|argument| argument != name);
    match (arguments.next(), arguments.next()) {
        (None, _) => Ok(default),
        (Some(_), value) => {
            let value = value.ok_or(format!("{name} needs a number"))?;
            value.parse().map_err(|_| format!("{name}: '{value}' is no number").into())
        }
    }
}

fn target() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target");
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(default, PathBuf::from)
}

fn write(path: &Path, layout: &Layout, tiles: u64) -> Result<(), Failed> {
    let side = scan::side_px(tiles);
    println!("{side} x {side} px: {:.2} gigapixels, {tiles} x {tiles} tiles", (side * side) as f64 / 1e9);
    let about = About {
        name: "gigapixels".into(),
        width: side,
        height: side,
        pixel: Nm(20.0),
        corner: (Nm(0.0), Nm(0.0)),
        channels: Vec::new(),
        reduce: Reduce::Sum,
    };
    let mut writer = MosaicWriter::<u16>::create(path, about, layout)?;
    let mut dice = ChaCha8Rng::seed_from_u64(1);
    let (mut simulating, mut writing, begun) = (Took::default(), Took::default(), Watch::start()?);
    for row in 0..tiles {
        let mut longest = Took::default();
        for place in 0..tiles {
            let column = if row % 2 == 0 { place } else { tiles - 1 - place };
            let watch = Watch::start()?;
            let (region, counts) = scan::tile(&mut dice, row, column);
            simulating += watch.took()?;
            let watch = Watch::start()?;
            writer.add(0, region, &counts)?;
            longest = longest.max(watch.took()?);
            writing += watch.took()?;
        }
        if row % 4 == 3 || row + 1 == tiles {
            let memory = status("VmRSS:")? as f64 / 1e6;
            println!("row {row:2}, {}, memory {memory:.2} GB, longest tile {longest}", begun.took()?);
        }
    }
    let watch = Watch::start()?;
    writer.finish()?;
    writing += watch.took()?;
    println!("simulated in {simulating}, written in {writing}, of it {} to finish", watch.took()?);
    println!("peak memory {:.2} GB", status("VmHWM:")? as f64 / 1e6);
    Ok(())
}

/// Views at random places of each level.
fn look(path: &Path) -> Result<(), Failed> {
    let reader = MosaicReader::open(path)?;
    let mut dice = ChaCha8Rng::seed_from_u64(2);
    for (number, level) in reader.levels().iter().enumerate().filter(|(_, level)| level.width > VIEW_PX) {
        let mut took = Vec::with_capacity(VIEWS);
        let mut seen = 0u64;
        for _ in 0..VIEWS {
            let region = Region {
                x: dice.random_range(0..level.width - VIEW_PX),
                y: dice.random_range(0..level.height - VIEW_PX),
                width: VIEW_PX,
                height: VIEW_PX,
            };
            let at = std::time::Instant::now();
            let values = reader.view::<u16>(0, number, region)?;
            took.push(at.elapsed());
            seen += values.iter().map(|value| u64::from(*value)).sum::<u64>();
        }
        took.sort_unstable();
        let (middle, most, worst) = (took[VIEWS / 2], took[VIEWS * 99 / 100], took[VIEWS - 1]);
        println!(
            "level {number}, {VIEWS} views: median {middle:.1?}, 99 % {most:.1?}, worst {worst:.1?}; {seen} seen"
        );
    }
    Ok(())
}

/// Bytes and number of files under a folder.
fn size(folder: &Path) -> Result<(u64, u64), Failed> {
    let mut sum = (0, 0);
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let (bytes, files) =
            if entry.file_type()?.is_dir() { size(&entry.path())? } else { (entry.metadata()?.len(), 1) };
        sum = (sum.0 + bytes, sum.1 + files);
    }
    Ok(sum)
}

/// A line of what Linux says of this process, in kB.
fn status(name: &str) -> Result<u64, Failed> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix(name)).ok_or("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
