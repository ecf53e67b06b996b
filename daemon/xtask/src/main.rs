//! Everything a person or CI types: `cargo xtask setup | demo | test | bench | golden`.
//!
//! In: a verb. Out: commands run one after the other, each shown before it runs. Never: work of its own; what it
//! does can be typed by hand.

mod bench;
mod demo;
mod parts;
mod setup;
mod tools;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask VERB

  setup            fetch ONNX Runtime (a pinned wheel) into the cache where blinkd finds it
  demo [OPTION..]  build, then watch the whole path at work; options of `blinkd demo`:
                   --seconds N, --stay, --json
  test [PART..]    everything CI runs; parts: format lints licences unit wire-golden python models
                   java hil
                   (--list names them, --fast leaves out hil)
  bench [NAME..]   the benchmarks behind the numbers in the README
  golden           write the golden byte vectors of the frame stream again
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let ended = match arguments.first().map(String::as_str) {
        Some("setup") => setup::run().map(|_| ()),
        Some("demo") => demo::run(rest),
        Some("test" | "check") => parts::run(rest),
        Some("bench") => bench::run(rest),
        Some("golden") => tools::cargo(&["run", "--release", "-q", "-p", "wire", "--example", "golden"]),
        _ => Err(USAGE.to_owned()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("{text}");
            ExitCode::FAILURE
        }
    }
}
