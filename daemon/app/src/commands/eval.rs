//! `blinkd eval`: localizations against the truth, as the SMLM challenge matches them.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use smlm::metrics::{Gate, Point, Scores, evaluate};
use smlm::units::{Nm, PixelSize, Px};
use wire::files::tables::{ReadOptions, read_all, read_truth};

use super::Failure;

/// Example: blinkd eval out/localizations.parquet --truth truth.csv
#[derive(Args)]
pub struct Options {
    /// Table of localizations: .parquet, .csv, .hdf5.
    localizations: PathBuf,
    /// Table of the truth: a CSV with columns for frame, x, y and perhaps z, named with their units.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Pixel size in nm, for tables that do not say it.
    #[arg(long, value_name = "NM")]
    pixel_size_nm: Option<f64>,
    /// Lateral tolerance in nm.
    #[arg(long, default_value_t = 250.0, value_name = "NM")]
    lateral_nm: f64,
    /// Axial tolerance in nm; only for 3D.
    #[arg(long, default_value_t = 500.0, value_name = "NM")]
    axial_nm: f64,
    /// Compare z too.
    #[arg(long)]
    volume: bool,
    /// The number of the truth's first frame.
    #[arg(long, default_value_t = 1)]
    truth_first_frame: u32,
    /// Only frames up to this one, counted from 0.
    #[arg(long, value_name = "FRAME")]
    last_frame: Option<u32>,
    /// Only truth of at least so many photons, where the table has them.
    #[arg(long, default_value_t = 0.0)]
    min_photons: f64,
    /// Leave out rows that are not numbers, instead of refusing the table.
    #[arg(long)]
    skip_bad_rows: bool,
    #[arg(long)]
    json: bool,
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let pixel = options.pixel_size_nm.map(|nm| PixelSize::square(Nm(nm)));
    let read = |first_frame| ReadOptions {
        pixel_size: pixel,
        skip_bad_rows: options.skip_bad_rows,
        first_frame,
        ..ReadOptions::default()
    };
    let mut truth = truth(&options.truth, &read(options.truth_first_frame), options.min_photons)?;
    let mut found = localizations(&options.localizations, &read(1))?;
    if let Some(last) = options.last_frame {
        truth.retain(|point| point.frame <= last);
        found.retain(|point| point.frame <= last);
    }
    let gate = Gate { lateral_nm: options.lateral_nm, axial_nm: options.volume.then_some(options.axial_nm) };
    let scores = evaluate(&mut truth, &mut found, gate)?;
    if options.json {
        println!("{}", as_json(&scores));
    } else {
        print!("{}", as_table(&scores, truth.len(), found.len()));
    }
    Ok(())
}

fn truth(path: &Path, options: &ReadOptions, min_photons: f64) -> anyhow::Result<Vec<Point>> {
    let rows = read_truth(path, options)?;
    let wanted = rows.into_iter().filter(|row| row.photons.is_none_or(|photons| photons >= min_photons));
    Ok(wanted
        .map(|row| Point { frame: row.frame, x_nm: row.x_nm, y_nm: row.y_nm, z_nm: row.z_nm.unwrap_or(0.0) })
        .collect())
}

fn localizations(path: &Path, options: &ReadOptions) -> anyhow::Result<Vec<Point>> {
    let (rows, info) = read_all(path, options)?;
    let pixel = options.pixel_size.or(info.pixel_size).with_context(|| {
        format!("{}: the table does not say the pixel size; give --pixel-size-nm", path.display())
    })?;
    Ok(points(&rows, pixel))
}

/// Localizations in nm from the corner.
pub fn points(rows: &[smlm::localization::Localization], pixel: PixelSize) -> Vec<Point> {
    let point = |l: &smlm::localization::Localization| {
        let (x, y) = pixel.corner_nm(Px(l.x_px.into()), Px(l.y_px.into()));
        Point { frame: l.frame, x_nm: x.0, y_nm: y.0, z_nm: l.z_nm.into() }
    };
    rows.iter().map(point).collect()
}

pub fn as_json(s: &Scores) -> serde_json::Value {
    json!({
        "true_positives": s.true_positives,
        "false_positives": s.false_positives,
        "false_negatives": s.false_negatives,
        "ji": s.jaccard,
        "precision": s.precision,
        "recall": s.recall,
        "rmse_lateral_nm": s.rmse_lateral_nm,
        "rmse_axial_nm": s.rmse_axial_nm,
        "rmse_volume_nm": s.rmse_volume_nm,
        "bias_nm": s.bias_nm,
        "efficiency_lateral": s.efficiency_lateral,
        "efficiency_axial": s.efficiency_axial,
        "efficiency": s.efficiency,
    })
}

fn as_table(s: &Scores, truth: usize, found: usize) -> String {
    let number = |value: Option<f64>, unit: &str| value.map_or("-".into(), |v| format!("{v:.4}{unit}"));
    let rows = [
        ("truth", truth.to_string()),
        ("localizations", found.to_string()),
        ("true positives", s.true_positives.to_string()),
        ("JI", number(s.jaccard, "")),
        ("precision", number(s.precision, "")),
        ("recall", number(s.recall, "")),
        ("r.m.s.e. lateral", number(s.rmse_lateral_nm, " nm")),
        ("r.m.s.e. axial", number(s.rmse_axial_nm, " nm")),
        ("r.m.s.e. volume", number(s.rmse_volume_nm, " nm")),
        ("efficiency lateral", number(s.efficiency_lateral, "")),
        ("efficiency axial", number(s.efficiency_axial, "")),
        ("efficiency", number(s.efficiency, "")),
    ];
    rows.iter().map(|(name, value)| format!("{name:20} {value}\n")).collect()
}
