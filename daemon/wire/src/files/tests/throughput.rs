//! How fast tables are written; run by hand: `cargo test --release -p wire throughput -- --ignored --nocapture`.

use std::time::Instant;

use super::tables::{FORMATS, meta, rows};
use crate::files::tables::{ReadOptions, create_table, read_table};

#[test]
#[ignore = "a measurement, not a check"]
fn throughput_of_a_million_rows() {
    let folder = tempfile::tempdir().unwrap();
    let rows = rows(1_000_000, true);
    for (format, name) in FORMATS {
        let path = folder.path().join(name);
        let start = Instant::now();
        let mut writer = create_table(&path, format, &meta(true)).unwrap();
        rows.chunks(1000).for_each(|rows| writer.push(rows).unwrap());
        let pushed = start.elapsed();
        let bytes = writer.finish().unwrap();
        let written = start.elapsed();
        let start = Instant::now();
        let options = ReadOptions { pixel_size: Some(meta(true).pixel_size), ..ReadOptions::default() };
        let info = read_table(&path, &options, &mut |_| Ok(())).unwrap();
        assert_eq!(info.rows, 1_000_000);
        let mb = bytes as f64 / 1e6;
        println!(
            "{name}: pushed {pushed:.0?}, durable {written:.0?}, {mb:.1} MB, read {:.0?}",
            start.elapsed()
        );
    }
}
