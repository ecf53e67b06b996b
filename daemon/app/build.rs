//! In: the services of `proto/blinkd/v1`. Out: their gRPC traits, in `OUT_DIR`. Never: `protoc`, messages (those
//! are `wire::pb`).

use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = Path::new(&std::env::var("CARGO_MANIFEST_DIR")?).join("../../proto");
    println!("cargo:rerun-if-changed={}", root.display());
    let files = ["acquisitions", "preview", "localizations", "models", "scans"];
    let files = files.map(|name| root.join(format!("blinkd/v1/{name}.proto")));
    let descriptors = protox::compile(files, [&root])?;
    tonic_prost_build::configure().extern_path(".blinkd.v1", "::wire::pb").compile_fds(descriptors)?;
    Ok(())
}
