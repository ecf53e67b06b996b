//! Everything CI runs, in parts. A part whose tool is missing is installed if it can be, else reported as skipped.

use std::process::Command;
use std::time::Instant;

use crate::{setup, tools};

/// How a part ended, other than badly.
enum Ended {
    Passed,
    Skipped(String),
}

type Part = (&'static str, fn() -> Result<Ended, String>);

const PARTS: [Part; 11] = [
    ("format", format),
    ("lints", lints),
    ("licences", licences),
    ("unit", unit),
    ("wire-golden", golden),
    ("python", python),
    ("napari", napari),
    ("models", models),
    ("java", java),
    ("web", web),
    ("hil", hil),
];

pub fn run(options: &[String]) -> Result<(), String> {
    if options.iter().any(|option| option == "--list") {
        PARTS.iter().for_each(|(name, _)| println!("{name}"));
        return Ok(());
    }
    let fast = options.iter().any(|option| option == "--fast");
    let named: Vec<&String> = options.iter().filter(|option| !option.starts_with("--")).collect();
    if let Some(unknown) = named.iter().find(|name| PARTS.iter().all(|(part, _)| part != *name)) {
        return Err(format!("there is no part '{unknown}'; `cargo xtask test --list` names them"));
    }
    let wanted = |part: &&Part| {
        let chosen = named.is_empty() || named.iter().any(|name| *name == part.0);
        chosen && !(fast && part.0 == "hil")
    };
    let mut report = Vec::new();
    let mut failures = 0;
    for (name, part) in PARTS.iter().filter(wanted) {
        let started = Instant::now();
        let line = match part() {
            Ok(Ended::Passed) => "passed".to_owned(),
            Ok(Ended::Skipped(why)) => format!("SKIPPED: {why}"),
            Err(error) => {
                failures += 1;
                format!("FAILED: {error}")
            }
        };
        report.push(format!("{name:12} {:6.0} s  {line}", started.elapsed().as_secs_f64()));
    }
    eprintln!("\n{}", report.join("\n"));
    if failures == 0 { Ok(()) } else { Err(format!("{failures} part(s) failed")) }
}

fn passed(result: Result<(), String>) -> Result<Ended, String> {
    result.map(|()| Ended::Passed)
}

fn format() -> Result<Ended, String> {
    if !tools::exists("cargo", "fmt") && !tools::exists("rustfmt", "--version") {
        return Ok(Ended::Skipped("rustfmt is missing: rustup component add rustfmt".into()));
    }
    passed(tools::cargo(&["fmt", "--all", "--check"]))
}

fn lints() -> Result<Ended, String> {
    if !tools::exists("cargo-clippy", "--version") {
        return Ok(Ended::Skipped("clippy is missing: rustup component add clippy".into()));
    }
    passed(tools::cargo(&["clippy", "--release", "--workspace", "--all-targets", "--", "--deny", "warnings"]))
}

/// Licences, duplicate bans and sources. Advisories need a network that a build machine may not have.
fn licences() -> Result<Ended, String> {
    if !tools::exists("cargo-deny", "--version") {
        let installed = tools::cargo(&["install", "--locked", "--quiet", "cargo-deny"]);
        if let Err(error) = installed {
            return Ok(Ended::Skipped(format!("cargo-deny could not be installed: {error}")));
        }
    }
    // Also what other systems' builds would need, or the list is not whole.
    if let Err(error) = tools::cargo(&["fetch", "--locked"]) {
        return Ok(Ended::Skipped(format!("the list of dependencies cannot be completed: {error}")));
    }
    let checks = ["licenses", "bans", "sources"];
    passed(tools::cargo(&[&["deny", "--offline", "check", "--hide-inclusion-graph"][..], &checks].concat()))
}

fn unit() -> Result<Ended, String> {
    setup::run()?;
    passed(tools::cargo(&["test", "--release", "--workspace"]))
}

/// The committed byte vectors are what the code makes now.
fn golden() -> Result<Ended, String> {
    passed(tools::cargo(&["run", "--release", "-q", "-p", "wire", "--example", "golden", "--", "--check"]))
}

/// What the Python client is tested with; versions are pinned where a note in its README says why.
const PYTHON: [&str; 12] = [
    "pytest==9.2.0",
    "ruff==0.17.5",
    "mypy==2.4.1",
    "pyzmq==27.3.0",
    "numpy",
    "protobuf>=6.31.1",
    "types-protobuf",
    "grpcio-tools==1.76.0",
    "grpcio==1.76.0",
    "types-grpcio",
    "pillow",
    "pyarrow",
];

fn python() -> Result<Ended, String> {
    let python = tools::python("client", &PYTHON)?;
    let folder = "clients/python";
    let client = tools::root().join(folder);
    tools::run(Command::new(&python).args(["-m", "ruff", "check", folder]))?;
    tools::run(Command::new(&python).args(["-m", "ruff", "format", "--check", folder]))?;
    tools::run(
        Command::new(&python)
            .args(["-m", "mypy", "--config-file"])
            .arg(client.join("pyproject.toml"))
            .arg(client.join("src")),
    )?;
    passed(tools::run(Command::new(&python).args(["-m", "pytest", "-q"]).arg(client.join("tests"))))
}

/// The napari plugin's own; the pair of napari and Qt that is tested.
const NAPARI: [&str; 10] = [
    "pytest==9.2.0",
    "napari[pyqt6]==0.9.2",
    "dask==2026.8.0",
    "zarr==3.1.6",
    "pyarrow",
    "numpy",
    "grpcio",
    "pillow",
    "protobuf>=6.31.1",
    "pyzmq==27.3.0",
];
/// What Qt and OpenGL need of a system without a screen.
const SCREENLESS: [&str; 4] = ["xvfb", "libgl1-mesa-dri", "libxkbcommon-x11-0", "libxcb-cursor0"];

fn napari() -> Result<Ended, String> {
    let python = match tools::python("napari", &NAPARI) {
        Ok(python) => python,
        Err(error) => return Ok(Ended::Skipped(format!("napari could not be installed: {error}"))),
    };
    if !tools::exists("xvfb-run", "--help") {
        install("a screen for napari", &SCREENLESS);
    }
    let tests = "clients/python/tests_napari";
    let mut command = Command::new(&python);
    passed(tools::run(command.args(["-m", "pytest", "-q", tests]).env("QT_QPA_PLATFORM", "offscreen")))
}

const MODELS: [&str; 14] = [
    "pytest==9.2.0",
    "ruff==0.17.5",
    "mypy==2.4.1",
    "types-PyYAML",
    "torch==2.13.0",
    "numpy",
    "scipy",
    "onnx",
    "onnxruntime==1.31.1",
    "tifffile",
    "onnxscript",
    "h5py",
    "matplotlib",
    "pyyaml",
];

fn models() -> Result<Ended, String> {
    let python = match tools::python("models", &MODELS) {
        Ok(python) => python,
        Err(error) => return Ok(Ended::Skipped(format!("PyTorch could not be installed: {error}"))),
    };
    let folder = "onnx-models/training";
    tools::run(Command::new(&python).args(["-m", "ruff", "check", folder]))?;
    tools::run(Command::new(&python).args(["-m", "ruff", "format", "--check", folder]))?;
    tools::run(
        Command::new(&python)
            .args(["-m", "mypy", "--config-file", &format!("{folder}/pyproject.toml")])
            .arg(format!("{folder}/src/blinkd_models")),
    )?;
    passed(tools::run(
        Command::new(&python).args(["-m", "pytest", "-q", folder]).env("ORT_DISABLE_TELEMETRY", "1"),
    ))
}

/// The Micro-Manager Studio plugin: built to the jar that `hil` drives, and tested.
fn java() -> Result<Ended, String> {
    for (program, argument, package) in
        [("javac", "-version", "openjdk-17-jdk-headless"), ("mvn", "--version", "maven")]
    {
        if !tools::exists(program, argument) {
            return Ok(Ended::Skipped(format!("{program} is missing: apt-get install {package}")));
        }
    }
    let build = format!("-Dblinkd.build={}", tools::root().join(tools::target()).join("java").display());
    let maven = |arguments: &[&str]| {
        let project = ["-q", "-B", "-f", "clients/micromanager", build.as_str()];
        tools::run(Command::new("mvn").args(project).args(arguments))
    };
    if let Err(error) = maven(&["-Dmaven.main.skip", "-Dmaven.test.skip", "test-compile"]) {
        return Ok(Ended::Skipped(format!("what it is built with could not be fetched: {error}")));
    }
    passed(maven(&["verify"]))
}

/// The viewer: types, lints, tests, and that the committed build is what its sources make.
fn web() -> Result<Ended, String> {
    if !tools::exists("npm", "--version") {
        return Ok(Ended::Skipped("npm is missing: install Node.js 20 or newer".into()));
    }
    let npm = |arguments: &[&str]| {
        tools::run(Command::new("npm").args(["--prefix", "clients/web"]).args(arguments))
    };
    if let Err(error) = npm(&["ci", "--no-audit", "--no-fund"]) {
        return Ok(Ended::Skipped(format!("what it is built with could not be fetched: {error}")));
    }
    passed(npm(&["run", "check"]))
}

/// The whole system with real parts: the release binary, real sockets, files and, where there is one, a browser.
fn hil() -> Result<Ended, String> {
    setup::run()?;
    tools::cargo(&["build", "--release", "--package", "blinkd"])?;
    let python = tools::python(
        "hil",
        &[
            "pytest==9.2.0",
            "ruff==0.17.5",
            "pyzmq==27.3.0",
            "numpy",
            "pillow",
            "pyarrow",
            "protobuf>=6.31.1",
            "grpcio",
            "playwright",
            // A pair: pymmcore's fourth number is the device interface of the adapters.
            "pymmcore==12.5.1.75.0",
            "mm-test-adapters==75.20261014.post1",
            "pymmcore-plus==0.18.1",
            "useq-schema==0.9.2",
            "zarr==3.1.6",
            "duckdb==2.0.1",
            "polars==2.1.0",
        ],
    )?;
    tools::run(Command::new(&python).args(["-m", "ruff", "check", "hil-tests"]))?;
    if !tools::exists("chromium", "--version") {
        install("Chromium", &["chromium"]);
    }
    let binary = tools::target().join("release").join("blinkd");
    passed(tools::run(
        Command::new(&python)
            .args(["-m", "pytest", "-q", "-rs", "hil-tests"])
            .env("BLINKD", binary)
            .env("BLINKD_NAPARI_PYTHON", tools::python("napari", &NAPARI).unwrap_or_else(|_| python.clone())),
    ))
}

/// Packages of the system, where that is possible; the tests that need them skip loudly without.
fn install(what: &str, packages: &[&str]) {
    if !tools::exists("apt-get", "--version") {
        return;
    }
    let apt = |arguments: &[&str]| tools::run(Command::new("apt-get").args(arguments));
    let wanted = [&["install", "-y", "-qq", "--no-install-recommends"], packages].concat();
    if let Err(error) = apt(&["update", "-qq"]).and_then(|()| apt(&wanted)) {
        eprintln!("SKIPPED: {what} could not be installed ({error}); tests that need it are skipped");
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_studio_plugin_has_the_version_of_the_daemon() {
        let pom = include_str!("../../../clients/micromanager/pom.xml");
        assert!(pom.contains(&format!("<version>{}</version>", env!("CARGO_PKG_VERSION"))));
    }
}
