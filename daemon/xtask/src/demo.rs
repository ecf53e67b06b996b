//! The demo: build, fetch, run.

use std::process::Command;

use crate::{setup, tools};

pub fn run(options: &[String]) -> Result<(), String> {
    tools::cargo(&["build", "--release", "--package", "blinkd"])?;
    setup::run()?;
    tools::run(Command::new(tools::target().join("release").join("blinkd")).arg("demo").args(options))
}
