//! The command line: verbs, their options, exit codes.
//!
//! Exit codes: 0 done; 1 it could not be done, and why is on standard error; 2 wrong command line or
//! configuration; 3 done, but frames or files were lost; 4 done, but no model bundle fits.

mod demo;
mod doctor;
mod eval;
mod export;
pub mod model;
mod optics;
mod replay;
mod serve;
mod simulate;
pub mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::Config;

/// Real-time super-resolution: camera frames in, localizations and growing pictures out.
#[derive(Parser)]
#[command(name = "blinkd", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run the daemon until it is told to stop.
    Serve(serve::Options),
    /// Watch the whole path at work: a virtual microscope, the daemon, a table of what it reached.
    Demo(demo::Options),
    /// Localize a recorded stack through the same path.
    Replay(replay::Options),
    /// Play the virtual microscope to a running daemon.
    Simulate(simulate::Options),
    /// Compare localizations with the truth.
    Eval(eval::Options),
    /// Write a series' localizations into a file.
    Export(export::Options),
    /// Watch a running daemon in the terminal, also over ssh; or ask it once, for scripts.
    Watch(watch::Options),
    /// List, describe and check model bundles; find out what a recording needs and which one fits it.
    Model(model::Options),
    /// Say what this machine can do, and what is missing.
    Doctor(doctor::Options),
}

/// Options that every verb which runs the path has.
#[derive(Args, Clone, Debug)]
pub struct Common {
    /// TOML file; `reference.toml` lists every key.
    #[arg(long, value_name = "FILE", env = "BLINKD_CONFIG")]
    config: Option<PathBuf>,
    /// Set one key, as `--set camera.pixel_size_nm=108`; may be repeated.
    #[arg(long = "set", value_name = "TABLE.KEY=VALUE")]
    settings: Vec<String>,
    /// Log lines as JSON.
    #[arg(long)]
    log_json: bool,
}

impl Common {
    fn load(&self) -> Result<Config, Failure> {
        Config::load(self.config.as_deref(), &self.settings).map_err(|e| Failure::Usage(e.to_string()))
    }

    /// Whether file or command line give `key`, as `camera.qe`, a value: it is then meant, and no default.
    fn sets(&self, key: &str) -> bool {
        let (table, name) = key.split_once('.').unwrap_or((key, ""));
        let text = self.config.as_ref().and_then(|path| std::fs::read_to_string(path).ok());
        let file = text.and_then(|text| text.parse::<toml::Table>().ok());
        let in_file = file.is_some_and(|file| file.get(table).is_some_and(|table| table.get(name).is_some()));
        in_file
            || self.settings.iter().any(|text| text.split('=').next().is_some_and(|set| set.trim() == key))
    }
}

/// How a verb ended badly.
pub enum Failure {
    /// Exit code 2.
    Usage(String),
    /// Exit code 1.
    Error(anyhow::Error),
    /// Exit code 3: it is done, but this was lost.
    Loss(String),
    /// Exit code 4: it is done, and no bundle fits.
    Misfit(String),
}

/// `channel=0` of a stack of several channels.
fn axis_and_value(text: &str) -> Result<(String, String), Failure> {
    let (axis, value) = text
        .split_once('=')
        .ok_or_else(|| Failure::Usage(format!("--select '{text}': write AXIS=VALUE, as channel=0")))?;
    Ok((axis.to_owned(), value.to_owned()))
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// Runs the verb of the command line.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let ended = match cli.verb {
        Verb::Serve(options) => serve::run(&options),
        Verb::Demo(options) => demo::run(&options),
        Verb::Replay(options) => replay::run(&options),
        Verb::Simulate(options) => simulate::run(&options),
        Verb::Eval(options) => eval::run(&options),
        Verb::Export(options) => export::run(&options),
        Verb::Watch(options) => watch::run(&options),
        Verb::Model(options) => model::run(&options),
        Verb::Doctor(options) => doctor::run(&options),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage(text)) => complain(&text, 2),
        Err(Failure::Error(error)) => complain(&format!("{error:#}"), 1),
        Err(Failure::Loss(text)) => complain(&text, 3),
        Err(Failure::Misfit(text)) => complain(&text, 4),
    }
}

fn complain(text: &str, code: u8) -> ExitCode {
    eprintln!("blinkd: {text}");
    ExitCode::from(code)
}

/// Log lines go to standard error; `BLINKD_LOG=debug` says more.
fn start_log(json: bool) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_env("BLINKD_LOG").unwrap_or_else(|_| EnvFilter::new("info,ort=warn"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process keeps the first: only tests do that.
    let _ = if json { log.json().try_init() } else { log.compact().try_init() };
}
