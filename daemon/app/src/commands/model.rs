//! `blinkd model`: bundles on this machine.

mod estimate;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand};
use infer::bundle::{Bundle, read_card};
use infer::golden::{self, Report};
use serde_json::json;

use super::{Common, Failure};
use crate::config::Config;
use crate::engines::{self, built_in};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Example: blinkd model check decode-2d-lite
#[derive(Args)]
pub struct Options {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    common: Common,
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Verb {
    /// Every bundle that is found.
    List,
    /// The card of one.
    Describe { name: String },
    /// Run a bundle's golden set again and compare.
    Check { name: String },
    /// Say what a recorded stack shows (density, photons, background, on-time, PSF, noise) and which bundle fits it.
    Estimate(estimate::Options),
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let mut config = options.common.load()?;
    match &options.verb {
        Verb::List => list(&config, options.json),
        Verb::Describe { name } => {
            config.model.bundle.clone_from(name);
            describe(&config, options.json)
        }
        Verb::Check { name } => {
            config.model.bundle.clone_from(name);
            check(&config, options.json)
        }
        Verb::Estimate(what) => estimate::run(what, &options.common, options.json),
    }
}

fn list(config: &Config, json: bool) -> Result<(), Failure> {
    let found = engines::list(&config.model);
    if json {
        let bundles = found
            .iter()
            .map(|(folder, card)| json!({"name": card.name, "version": card.version, "folder": folder, "description": card.description}));
        let built_in = built_in::LISTED.map(|(name, description)| json!({"name": name, "version": VERSION, "folder": null, "description": description}));
        println!("{}", json!(bundles.chain(built_in).collect::<Vec<_>>()));
        return Ok(());
    }
    for (folder, card) in &found {
        println!("{:24} {:8} {}\n{:33} {}", card.name, card.version, card.description, "", folder.display());
    }
    for (name, description) in built_in::LISTED {
        println!("{name:24} {VERSION:8} {description}\n{:33} built in", "");
    }
    if found.is_empty() {
        let places: Vec<_> = engines::places(&config.model).iter().map(|p| p.display().to_string()).collect();
        return Err(anyhow::anyhow!("no bundle in {}; set model.dir", places.join(", ")).into());
    }
    Ok(())
}

fn describe(config: &Config, json: bool) -> Result<(), Failure> {
    if let Some(text) = built_in::describe(config) {
        if json {
            println!(
                "{}",
                serde_json::to_string(&toml::from_str::<toml::Table>(&text).map_err(anyhow::Error::from)?)?
            );
        } else {
            println!("{text}");
        }
        return Ok(());
    }
    let folder: PathBuf = engines::find(&config.model)?;
    read_card(&folder)?; // a card that is wrong is said so, not shown
    let text = std::fs::read_to_string(folder.join(infer::bundle::CARD))?;
    if json {
        let table: toml::Table = toml::from_str(&text).map_err(anyhow::Error::from)?;
        println!("{}", serde_json::to_string(&table)?);
    } else {
        println!("{text}");
    }
    Ok(())
}

/// Runs the golden set of a bundle on the provider of the configuration. Also behind `Models.CheckModel`.
pub fn golden(config: &Config) -> anyhow::Result<Report> {
    if built_in::is(&config.model.bundle) {
        bail!("'{}' is built in: it has no network and no golden set to check", config.model.bundle);
    }
    let bundle = Bundle::open(&engines::find(&config.model)?)?;
    let mut engine = engines::decode(bundle, &config.model, Arc::new(infer::Alone))?;
    Ok(golden::check(&mut engine)?)
}

/// One line per golden stack.
pub fn lines(report: &Report) -> String {
    let line = |case: &golden::Case| {
        let verdict = if case.passes() { "passes" } else { "FAILS" };
        format!(
            "{:20} {} windows, largest difference of outputs {:.1e}, {} localizations expected, {} missing, {} added: {verdict}\n",
            case.frames, case.windows, case.output_difference, case.expected, case.missing, case.added
        )
    };
    report.cases.iter().map(line).collect()
}

fn check(config: &Config, json: bool) -> Result<(), Failure> {
    let report = golden(config)?;
    if json {
        let cases: Vec<_> = report
            .cases
            .iter()
            .map(|c| json!({"frames": c.frames, "windows": c.windows, "output_difference": c.output_difference, "expected": c.expected, "missing": c.missing, "added": c.added, "passes": c.passes()}))
            .collect();
        println!(
            "{}",
            json!({"bundle": report.bundle, "provider": report.provider, "passes": report.passes(), "cases": cases})
        );
    } else {
        print!("{} on {}\n{}", report.bundle, report.provider, lines(&report));
    }
    if report.passes() {
        return Ok(());
    }
    Err(anyhow::anyhow!("the bundle '{}' does not do here what it did when it was made", report.bundle)
        .into())
}
