//! Recorded stacks of others, compared with what Python reads from them.
use std::path::{Path, PathBuf};

use super::stack::*;

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

fn sum(stack: &mut dyn Stack) -> u64 {
    let mut frame = vec![0; stack.shape().pixels() * stack.pixel_type().bytes()];
    (0..stack.frames())
        .map(|index| {
            stack.read(index, &mut frame).unwrap();
            frame.as_chunks::<2>().0.iter().map(|pixel| u64::from(u16::from_le_bytes(*pixel))).sum::<u64>()
        })
        .sum()
}

/// name, frames, height, width, sum: `a = tifffile.imread(name); print(a.shape, a.astype('u8').sum())`, and
/// `numpy.fromfile(name, '>u2' or '<u2').sum()` for .dax and .raw.
const EXPECTED: [(&str, u64, u32, u32, u64); 11] = [
    ("3densestorm/calibration.tif", 81, 32, 32, 20_139_953),
    ("3densestorm/tubulins.tif", 400, 70, 70, 338_421_341),
    ("bstore/HeLaS_53BP1_A647_WF1_MMStack_Pos0.ome.tif", 1, 914, 914, 113_296_610),
    ("deep-storm/ArtificialDataset_demo1.tif", 20, 64, 64, 33_176_473),
    ("deep-storm/bundled-tubes-001-180.tif", 180, 64, 64, 224_399_704),
    ("deepstorm3d/tetrapod/01.tif", 1, 332, 492, 8_318_919),
    ("locan/images.tif", 5, 128, 128, 42_815_655),
    ("storm-analysis/test.dax", 10, 256, 256, 104_584_071),
    ("picasso/testdata.raw", 100, 32, 32, 26_137_655),
    ("ndtiff/ndtiff3.2_monochrome", 128, 64, 64, 1_389_236_224),
    ("deepstorm3d/tetrapod", 10, 332, 492, 79_111_989),
];

#[test]
fn recorded_stacks_read_as_python_reads_them() {
    for (name, frames, height, width, expected) in EXPECTED {
        let Some(path) = data(name) else { continue };
        let mut stack = open_stack(&path).unwrap();
        assert_eq!(
            (stack.frames(), stack.shape().height, stack.shape().width),
            (frames, height, width),
            "{name}"
        );
        assert_eq!(sum(&mut *stack), expected, "{name}");
        eprintln!("{name}: {:?}", stack.meta());
    }
}
