//! The benchmarks, by name; without a name, all of them.

use crate::{setup, tools};

/// Package, benchmark, what it measures.
const BENCHES: [(&str, &str, &str); 5] = [
    ("smlm", "localize", "reading emitters off the network's output, and matching"),
    ("smlm", "render", "the live map and pictures"),
    ("wire", "stream", "frames over ZeroMQ between two processes"),
    ("infer", "engine", "the network: split against single graph, lanes, batches, sizes"),
    ("blinkd", "path", "the whole path with the fake engine, and what is not the network"),
];

pub fn run(names: &[String]) -> Result<(), String> {
    setup::run()?;
    for (package, bench, what) in BENCHES {
        if names.is_empty() || names.iter().any(|name| name == bench) {
            eprintln!("\n== {package} {bench}: {what}");
            tools::cargo(&["bench", "--package", package, "--bench", bench])?;
        }
    }
    Ok(())
}
