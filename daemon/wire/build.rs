//! In: `proto/blinkd/v1/*.proto`. Out: message types, their proto3 JSON form (frame stream only) and the descriptor
//! set, in `OUT_DIR`. Never: `protoc`, services (the app generates those against `wire::pb`).

use std::path::{Path, PathBuf};

use prost::Message as _;

type Failure = Box<dyn std::error::Error>;

/// The messages of the frame stream; only they have a JSON form.
const JSON_MESSAGES: [&str; 14] = [
    ".blinkd.v1.Envelope",
    ".blinkd.v1.FrameHeader",
    ".blinkd.v1.SeriesStart",
    ".blinkd.v1.TileEnd",
    ".blinkd.v1.SeriesEnd",
    ".blinkd.v1.Heartbeat",
    ".blinkd.v1.CameraCalibration",
    ".blinkd.v1.PixelType",
    ".blinkd.v1.Continuity",
    ".blinkd.v1.Compression",
    ".blinkd.v1.PositionSource",
    ".blinkd.v1.ChannelKind",
    ".blinkd.v1.OverlapUnit",
    ".blinkd.v1.EndReason",
];

fn main() -> Result<(), Failure> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    println!("cargo:rerun-if-changed={}", root.display());
    let descriptors = protox::compile(proto_files(&root)?, [&root])?;
    let encoded = descriptors.encode_to_vec();
    std::fs::write(out.join("descriptor_set.bin"), &encoded)?;
    prost_build::Config::new()
        .bytes([
            ".blinkd.v1.PictureTile.png",
            ".blinkd.v1.PictureTile.values",
            ".blinkd.v1.Picture.png",
            ".blinkd.v1.CameraFrame.png",
        ])
        .compile_fds(descriptors)?;
    pbjson_build::Builder::new()
        .register_descriptors(&encoded)?
        .ignore_unknown_fields()
        .build(&JSON_MESSAGES)?;
    Ok(())
}

fn proto_files(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(root.join("blinkd/v1"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "proto") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
