//! Behaviour of readers and writers on made and on recorded files.

mod dataset;
mod disk_full;
mod made;
mod mutated;
mod pictures;
mod recorded;
mod stacks;
mod tables;
mod throughput;
mod zarr;
mod zarr_killed;

use std::path::{Path, PathBuf};

use super::stack::Stack;

/// A recorded file of the test data, or a loud nothing.
fn data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("BLINKD_TEST_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(name);
    if !path.exists() {
        eprintln!("SKIPPED: {} is absent; set BLINKD_TEST_DATA", path.display());
        return None;
    }
    Some(path)
}

/// Frame `index` as numbers.
fn frame(stack: &mut dyn Stack, index: u64) -> Vec<u16> {
    let mut bytes = vec![0; stack.shape().pixels() * stack.pixel_type().bytes()];
    stack.read(index, &mut bytes).unwrap();
    match stack.pixel_type().bytes() {
        1 => bytes.into_iter().map(u16::from).collect(),
        _ => bytes.as_chunks::<2>().0.iter().map(|pixel| u16::from_le_bytes(*pixel)).collect(),
    }
}

/// All frames one after another.
fn all_frames(stack: &mut dyn Stack) -> Vec<u16> {
    (0..stack.frames()).flat_map(|index| frame(stack, index)).collect()
}
