//! `blinkd export`: a table from a series' journal, also of a series that is still being recorded.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use smlm::localization::Filter;

use super::Failure;
use crate::export::{self, Format};
use crate::store::journal;

/// Example: blinkd export blinkd-data/0123456789abcdef0123456789abcdef --format picasso
#[derive(Args)]
pub struct Options {
    /// The series' folder, or the store's if it holds one series only.
    folder: PathBuf,
    #[arg(long, value_enum, default_value = "parquet")]
    format: Format,
    /// File to write; else `localizations.<ending>` in the series' folder.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Only localizations with at least so many photons.
    #[arg(long)]
    photons_min: Option<f32>,
    /// Only localizations with at most this lateral σ, in px.
    #[arg(long, value_name = "PX")]
    sigma_lateral_max_px: Option<f32>,
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let folder = series_folder(options)?;
    let out = match &options.out {
        Some(out) => out.clone(),
        None => folder.join(format!("localizations.{}", options.format.extension())),
    };
    let filter = Filter {
        photons_min: options.photons_min,
        sigma_lateral_max_px: options.sigma_lateral_max_px,
        ..Filter::default()
    };
    let written = export::write(&folder, &out, options.format, &filter)?;
    if options.json {
        let said = serde_json::json!({
            "path": written.path, "localizations": written.localizations, "bytes": written.bytes,
        });
        println!("{said}");
    } else {
        println!("{} localizations in {}", written.localizations, written.path.display());
    }
    Ok(())
}

fn series_folder(options: &Options) -> anyhow::Result<PathBuf> {
    if options.folder.join(journal::FILE_NAME).is_file() {
        return Ok(options.folder.clone());
    }
    let series = journal::list(&options.folder);
    match series.as_slice() {
        [only] => Ok(only.clone()),
        [] => anyhow::bail!("{}: there is no journal of a series here", options.folder.display()),
        many => {
            let names: Vec<_> = many.iter().filter_map(|path| path.file_name()).collect();
            None.with_context(|| format!("name one of these series: {names:?}"))
        }
    }
}
