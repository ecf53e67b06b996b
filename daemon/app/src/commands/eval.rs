//! `blinkd eval`: localizations against the truth, as the SMLM challenge matches them.

mod json;
mod words;

use std::path::{Path, PathBuf};

use clap::Args;
use smlm::crlb::Noise;
use smlm::metrics::{Emitter, Gate, Optics, Question, Report, judge};
use smlm::units::{Camera, Nm, PixelSize};
use wire::files::tables::{ReadOptions, TableInfo, read_emitters};

use super::Failure;
use super::optics::PsfOptions;

/// Example: blinkd eval out/localizations.parquet --truth truth.csv --psf-sigma-nm 135 --background 20
#[derive(Args)]
pub struct Options {
    /// Table of localizations: .parquet, .csv, .hdf5, .bin.
    localizations: PathBuf,
    /// Table of the truth: .csv with columns for frame, x, y and perhaps z, photons and background, named with their
    /// units; or any other table that can be read.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Pixel size in nm, for tables that do not say it and for what depends on the place in a pixel.
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
    /// The number of the first frame in a .csv of localizations; 0 as the training package writes them.
    #[arg(long, default_value_t = 1)]
    first_frame: u32,
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
    /// One JSON object on standard output.
    #[arg(long)]
    json: bool,
    #[command(flatten, next_help_heading = "For the Cramér–Rao bound")]
    psf: PsfOptions,
    #[command(flatten, next_help_heading = "For the Cramér–Rao bound")]
    camera: CameraOptions,
}

/// What light and camera add to the bound.
#[derive(Args)]
struct CameraOptions {
    /// Background in photons per pixel; else what the truth says of each emitter.
    #[arg(long, value_name = "PHOTONS")]
    background: Option<f64>,
    /// Quantum efficiency.
    #[arg(long, default_value_t = 1.0)]
    qe: f64,
    /// Standard deviation of the readout in electrons.
    #[arg(long, default_value_t = 0.0, value_name = "E")]
    read_noise_e: f64,
    /// Gain of an electron-multiplying camera.
    #[arg(long)]
    em_gain: Option<f64>,
    /// Clock-induced electrons per pixel and frame.
    #[arg(long, default_value_t = 0.0, value_name = "E")]
    spurious_e: f64,
}

impl CameraOptions {
    fn noise(&self) -> Result<Noise, Failure> {
        let range = |name: &str, value: f64, good: bool, range: &str| match good {
            true => Ok(()),
            false => Err(Failure::Usage(format!("{name} is {value}; it must be {range}"))),
        };
        let gain = self.em_gain.unwrap_or(1.0);
        let not_negative = |value: f64| value >= 0.0 && value.is_finite();
        range("--qe", self.qe, self.qe > 0.0 && self.qe <= 1.0, "above 0 and at most 1")?;
        range(
            "--em-gain",
            gain,
            gain >= 1.0 && gain.is_finite(),
            "at least 1; leave it out if there is none",
        )?;
        range("--read-noise-e", self.read_noise_e, not_negative(self.read_noise_e), "0 or above")?;
        range("--spurious-e", self.spurious_e, not_negative(self.spurious_e), "0 or above")?;
        let background = self.background.unwrap_or(0.0);
        range("--background", background, not_negative(background), "0 or above")?;
        let em_gain = self.em_gain.filter(|gain| *gain > 1.0);
        let camera = Camera { em_gain, spurious_e: self.spurious_e, qe: self.qe, ..Camera::IDENTITY };
        Ok(Noise::of(&camera, self.read_noise_e))
    }
}

pub fn run(options: &Options) -> Result<(), Failure> {
    let report = evaluate(options)?;
    if options.json {
        println!("{}", json::report(&report));
    } else {
        print!("{}", words::report(&report, &options.localizations, &options.truth));
    }
    Ok(())
}

fn evaluate(options: &Options) -> Result<Report, Failure> {
    let (psf, noise) = (options.psf.to_judge()?, options.camera.noise()?);
    let (mut truth, true_table) = read(options, &options.truth, options.truth_first_frame)?;
    let (mut found, table) = read(options, &options.localizations, options.first_frame)?;
    truth.retain(|emitter| emitter.photons.is_none_or(|photons| photons >= options.min_photons));
    if let Some(last) = options.last_frame {
        truth.retain(|emitter| emitter.at.frame <= last);
        found.retain(|emitter| emitter.at.frame <= last);
    }
    let pixel_size = table.pixel_size.or(true_table.pixel_size);
    let optics = match (psf, pixel_size) {
        (None, _) => None,
        (Some(_), None) => {
            let text = "the bound of a PSF needs the pixel size; give --pixel-size-nm";
            return Err(Failure::Usage(text.into()));
        }
        (Some(psf), Some(pixel_size)) => {
            check_bound(options, &truth)?;
            Some(Optics { psf, pixel_size, background: options.camera.background, noise })
        }
    };
    let axial_nm = options.volume.then_some(options.axial_nm);
    let gate = Gate { lateral_nm: options.lateral_nm, axial_nm };
    Ok(judge(&mut truth, &mut found, &Question { gate, pixel_size, optics })?)
}

/// A bound needs photons and a background for each true emitter.
fn check_bound(options: &Options, truth: &[Emitter]) -> Result<(), Failure> {
    let refuse = |what: &str| {
        let path = options.truth.display();
        Err(Failure::Usage(format!("{path}: a PSF is given for the bound, but {what}")))
    };
    if truth.iter().any(|emitter| emitter.photons.is_none()) {
        return refuse("the truth has no photons for it; leave the PSF out");
    }
    if options.camera.background.is_none() && truth.iter().any(|emitter| emitter.background.is_none()) {
        return refuse("the truth has no background for it; give --background in photons per pixel");
    }
    Ok(())
}

fn read(options: &Options, path: &Path, first_frame: u32) -> anyhow::Result<(Vec<Emitter>, TableInfo)> {
    let pixel_size = options.pixel_size_nm.map(|nm| PixelSize::square(Nm(nm)));
    let read = ReadOptions {
        pixel_size,
        skip_bad_rows: options.skip_bad_rows,
        first_frame,
        ..ReadOptions::default()
    };
    Ok(read_emitters(path, &read)?)
}

#[cfg(test)]
mod tests;
