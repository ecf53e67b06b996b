//! Writes `vectors.json` and `sessions.json` of `clients/conformance`. A difference is a change of the protocol:
//! review it as one. With `--check` nothing is written, and a difference is an error.

mod sessions;
mod vectors;

use std::process::ExitCode;

fn main() -> std::io::Result<ExitCode> {
    let files = [(vectors::path(), vectors::text()), (sessions::path(), sessions::text())];
    let check = std::env::args().any(|argument| argument == "--check");
    let mut code = ExitCode::SUCCESS;
    for (path, text) in files {
        if !check {
            std::fs::write(&path, text)?;
            println!("wrote {}", path.display());
        } else if std::fs::read_to_string(&path)? != text {
            eprintln!(
                "{}: not what the code makes now; run `cargo xtask golden` and review it",
                path.display()
            );
            code = ExitCode::FAILURE;
        }
    }
    Ok(code)
}
