//! The process: reads the command line, runs one verb, says how it ended.

use std::process::ExitCode;

use blinkd::commands;

fn main() -> ExitCode {
    // Before any thread exists: ONNX Runtime's wheels report to their vendor unless told not to.
    infer::forbid_telemetry();
    commands::run()
}
