//! Writes `clients/conformance/vectors.json`. A difference is a change of the protocol: review it as one.
//! With `--check` nothing is written, and a difference is an error.

mod vectors;

use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    let path = vectors::path();
    if std::env::args().any(|argument| argument == "--check") {
        let committed = std::fs::read_to_string(&path)?;
        if committed == vectors::text() {
            return Ok(ExitCode::SUCCESS);
        }
        eprintln!("{}: not what the code makes now; run `cargo xtask golden` and review it", path.display());
        return Ok(ExitCode::FAILURE);
    }
    std::fs::write(&path, vectors::text())?;
    println!("wrote {}", path.display());
    Ok(ExitCode::SUCCESS)
}
