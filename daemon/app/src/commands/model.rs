//! `blinkd model`: bundles on this machine.

mod estimate;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::bail;
use clap::{Args, Subcommand};
use infer::Painter;
use infer::bundle::{Bundle, read_card};
use infer::golden::{self, Report};
use infer::painter::{GoldenDifference, read_picture_card};
use serde_json::json;

use super::{Common, Failure};
use crate::config::Config;
use crate::engines::{self, built_in, painter};

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

/// A bundle as it is listed.
struct Listed {
    name: String,
    version: String,
    description: String,
    folder: PathBuf,
}

fn listed(config: &Config) -> Vec<Listed> {
    let localize = engines::list(&config.model).into_iter().map(|(folder, card)| Listed {
        name: card.name,
        version: card.version,
        description: card.description,
        folder,
    });
    let paint = painter::list(&config.model).into_iter().map(|(folder, card)| Listed {
        name: card.name,
        version: card.version,
        description: card.description,
        folder,
    });
    localize.chain(paint).collect()
}

fn list(config: &Config, json: bool) -> Result<(), Failure> {
    let found = listed(config);
    if json {
        let bundles = found
            .iter()
            .map(|b| json!({"name": b.name, "version": b.version, "folder": b.folder, "description": b.description}));
        let built_in = built_in::LISTED.map(|(name, description)| json!({"name": name, "version": VERSION, "folder": null, "description": description}));
        println!("{}", json!(bundles.chain(built_in).collect::<Vec<_>>()));
        return Ok(());
    }
    for Listed { name, version, description, folder } in &found {
        println!("{name:24} {version:8} {description}\n{:33} {}", "", folder.display());
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
    // A card that is wrong is said so, not shown.
    if painter::paints(&folder) {
        read_picture_card(&folder)?;
    } else {
        read_card(&folder)?;
    }
    let text = std::fs::read_to_string(folder.join(infer::bundle::CARD))?;
    if json {
        let table: toml::Table = toml::from_str(&text).map_err(anyhow::Error::from)?;
        println!("{}", serde_json::to_string(&table)?);
    } else {
        println!("{text}");
    }
    Ok(())
}

/// What became of a bundle's golden set.
pub struct Checked {
    pub bundle: String,
    pub provider: String,
    pub passes: bool,
    /// Largest difference of an output.
    pub worst: f64,
    /// One line per case.
    pub lines: String,
    cases: Vec<serde_json::Value>,
}

/// Runs the golden set of a bundle on the provider of the configuration. Also behind `Models.CheckModel`.
pub fn golden(config: &Config) -> anyhow::Result<Checked> {
    if built_in::is(&config.model.bundle) {
        bail!("'{}' is built in: it has no network and no golden set to check", config.model.bundle);
    }
    let folder = engines::find(&config.model)?;
    if painter::paints(&folder) {
        let (painter, found) = painter::check(&config.model, &folder)?;
        return Ok(of_pictures(&painter, &found));
    }
    let bundle = Bundle::open(&folder)?;
    let mut engine = engines::decode(bundle, &config.model, Arc::new(infer::Alone))?;
    Ok(of_stacks(golden::check(&mut engine)?))
}

fn verdict(passes: bool) -> &'static str {
    if passes { "passes" } else { "FAILS" }
}

fn of_stacks(report: Report) -> Checked {
    let line = |case: &golden::Case| {
        format!(
            "{:20} {} windows, largest difference of outputs {:.1e}, {} localizations expected, {} missing, {} added: {}\n",
            case.frames,
            case.windows,
            case.output_difference,
            case.expected,
            case.missing,
            case.added,
            verdict(case.passes())
        )
    };
    let json = |c: &golden::Case| json!({"frames": c.frames, "windows": c.windows, "output_difference": c.output_difference, "expected": c.expected, "missing": c.missing, "added": c.added, "passes": c.passes()});
    Checked {
        passes: report.passes(),
        worst: report.cases.iter().map(|case| f64::from(case.output_difference)).fold(0.0, f64::max),
        lines: report.cases.iter().map(line).collect(),
        cases: report.cases.iter().map(json).collect(),
        bundle: report.bundle,
        provider: report.provider,
    }
}

fn of_pictures(painter: &Painter, found: &[GoldenDifference]) -> Checked {
    let line = |case: &GoldenDifference| {
        format!(
            "{:20} largest difference of the picture {:.1e}, of its estimate {:.1e}: {}\n",
            case.inputs,
            case.picture,
            case.estimate,
            verdict(case.passes())
        )
    };
    let json = |c: &GoldenDifference| json!({"inputs": c.inputs, "picture_difference": c.picture, "estimate_difference": c.estimate, "passes": c.passes()});
    Checked {
        bundle: painter.card().name.clone(),
        provider: painter.provider().to_owned(),
        passes: !found.is_empty() && found.iter().all(GoldenDifference::passes),
        worst: found.iter().map(|case| f64::from(case.picture.max(case.estimate))).fold(0.0, f64::max),
        lines: found.iter().map(line).collect(),
        cases: found.iter().map(json).collect(),
    }
}

fn check(config: &Config, json: bool) -> Result<(), Failure> {
    let checked = golden(config)?;
    if json {
        println!(
            "{}",
            json!({"bundle": checked.bundle, "provider": checked.provider, "passes": checked.passes, "cases": checked.cases})
        );
    } else {
        print!("{} on {}\n{}", checked.bundle, checked.provider, checked.lines);
    }
    if checked.passes {
        return Ok(());
    }
    Err(anyhow::anyhow!("the bundle '{}' does not do here what it did when it was made", checked.bundle)
        .into())
}
