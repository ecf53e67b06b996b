//! `blinkd model estimate`: what a recorded stack says of microscope and sample, and which bundle fits.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use infer::card::{Card, reasons};
use serde_json::json;
use smlm::estimate::{Estimate, FRAMES, Given, Missing, Part, PsfShape, Ranges, Sample, busiest, estimate};
use smlm::units::{Adu, Camera, Nm, PixelSize};
use wire::files::{Stack, StackOptions, open_stack_with};

use super::super::{Common, Failure};
use crate::config::Config;
use crate::{engines, estimating, summary};

/// Frames of longer stacks are taken from so many places: emitters bleach.
const STRETCHES: u64 = 3;

/// Example: blinkd model estimate tubes.tif --pixel-size-nm 100 --write settings.toml
///
/// The camera is that of --config or --set camera.*, or of the options here; without any of them gain and offset are read
/// off the noise. Exit code 0: a bundle fits; 4: none does; 1: the recording does not say enough to tell.
#[derive(Args)]
pub struct Options {
    /// TIFF, OME-TIFF, BigTIFF, ImageJ, Picasso .raw, .dax, NDTiff folder, .npy.
    stack: PathBuf,
    /// Pixel size in nm; else what the file says, else that of --config.
    #[arg(long, value_name = "NM")]
    pixel_size_nm: Option<f64>,
    /// The camera's counts without light.
    #[arg(long, value_name = "ADU")]
    offset_adu: Option<f64>,
    /// Electrons per count.
    #[arg(long, value_name = "E")]
    e_per_adu: Option<f64>,
    /// Electron-multiplying gain; leave out for a camera without one.
    #[arg(long, value_name = "GAIN")]
    em_gain: Option<f64>,
    /// Quantum efficiency, 0 to 1.
    #[arg(long, value_name = "PART")]
    qe: Option<f64>,
    /// Read the whole frames of a file that was cut short.
    #[arg(long)]
    allow_short: bool,
    /// Which channel or position of a stack of several, as `channel=0`.
    #[arg(long, value_name = "AXIS=VALUE")]
    select: Vec<String>,
    /// Write the ranges as settings for `blinkd_models train --settings FILE`.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
}

pub fn run(options: &Options, common: &Common, json: bool) -> Result<(), Failure> {
    let config = common.load()?;
    let select =
        options.select.iter().map(|text| super::super::axis_and_value(text)).collect::<Result<_, _>>()?;
    let stack_options = StackOptions { allow_short: options.allow_short, select };
    let mut stack = open_stack_with(&options.stack, &stack_options)?;
    let pixel = options.pixel(common, &config, &*stack)?;
    let given = Given { pixel, camera: options.camera(common, &config)? };
    let sample = sample(&mut *stack)?;
    let found = estimate(&sample, &given).with_context(|| options.stack.display().to_string())?;
    let verdicts = verdicts(&found, pixel, &config);
    let ranges = found.ranges(pixel);
    if let Some(path) = &options.write {
        let ranges = ranges.as_ref().map_err(|why| anyhow::anyhow!("--write: not enough is known: {why}"))?;
        crate::files::put(path, settings_toml(ranges, &options.stack).as_bytes())?;
    }
    let warning = given.camera.and_then(|camera| estimating::wrong_camera(&found, camera));
    if json {
        println!("{}", as_json(&found, &verdicts, ranges.as_ref().ok(), warning.as_deref(), &sample));
    } else {
        print!("{}", as_text(options, &found, &verdicts, warning.as_deref(), (&sample, stack.frames())));
    }
    if verdicts.is_empty() || verdicts.iter().all(|verdict| matches!(verdict.fit, Fit::No(_))) {
        return Err(Failure::Misfit(remedy(options, ranges, verdicts.is_empty())));
    }
    if verdicts.iter().any(|verdict| verdict.fit == Fit::Yes) {
        return Ok(());
    }
    let text = "whether a bundle fits cannot be told, as too little is known of the PSF: give a longer or brighter part \
                of the recording";
    Err(anyhow::anyhow!("{}: {text}", options.stack.display()).into())
}

impl Options {
    /// A default is nobody's pixel size.
    fn pixel(&self, common: &Common, config: &Config, stack: &dyn Stack) -> Result<PixelSize, Failure> {
        let configured = common.sets("camera.pixel_size_nm").then_some(config.camera.pixel_size_nm);
        let nm = self.pixel_size_nm.or(stack.meta().pixel_size_nm).or(configured);
        match nm {
            Some(nm) if nm.is_finite() && (1.0..=10_000.0).contains(&nm) => Ok(PixelSize::square(Nm(nm))),
            Some(nm) => {
                Err(Failure::Usage(format!("--pixel-size-nm is {nm}: from 1 to 10000 nm are possible")))
            }
            None => Err(Failure::Usage(format!(
                "{} does not say its pixel size: give --pixel-size-nm, the size of a camera pixel in the sample",
                self.stack.display()
            ))),
        }
    }

    fn camera(&self, common: &Common, config: &Config) -> Result<Option<Camera>, Failure> {
        let own = [self.offset_adu, self.e_per_adu, self.em_gain, self.qe];
        if own.iter().all(Option::is_none) {
            let camera = ["offset_adu", "e_per_adu", "em_gain", "spurious_e", "qe"];
            let configured = camera.iter().any(|key| common.sets(&format!("camera.{key}")));
            return Ok(configured.then(|| config.camera.camera()));
        }
        let (Some(offset), Some(e_per_adu)) = (self.offset_adu, self.e_per_adu) else {
            return Err(Failure::Usage(
                "a camera needs --offset-adu and --e-per-adu; leave all of its options out to read it off the noise"
                    .into(),
            ));
        };
        let (em_gain, qe) = (self.em_gain.unwrap_or(1.0), self.qe.unwrap_or(1.0));
        if !(e_per_adu > 0.0 && em_gain >= 1.0 && qe > 0.0 && qe <= 1.0 && offset.is_finite()) {
            return Err(Failure::Usage(
                "--e-per-adu must be above 0, --em-gain at least 1, --qe above 0 and at most 1".into(),
            ));
        }
        let em_gain = (em_gain != 1.0).then_some(em_gain);
        Ok(Some(Camera { offset: Adu(offset), e_per_adu, em_gain, spurious_e: 0.0, qe }))
    }
}

/// Some frames of a stack: all of a short one; of a long one stretches at its beginning, middle and end.
fn sample(stack: &mut dyn Stack) -> anyhow::Result<Sample> {
    let (shape, kind, frames) = (stack.shape(), stack.pixel_type(), stack.frames());
    anyhow::ensure!(frames > 0, "the stack holds no frame: give a recording");
    let mut bytes = vec![0; shape.pixels() * kind.bytes()];
    stack.read(frames / 2, &mut bytes)?;
    let mut sample = Sample::with_room(busiest(&bytes, shape, kind), FRAMES);
    // Of a short stack one stretch is the whole.
    let (count, length) = match FRAMES as u64 {
        most if frames <= most => (1, frames),
        most => (STRETCHES, most / STRETCHES),
    };
    let begin = |at: u64| at * (frames - length) / (STRETCHES - 1);
    let stretches = (0..count).map(|at| begin(at)..begin(at) + length);
    for stretch in stretches {
        for frame in stretch.clone() {
            stack.read(frame, &mut bytes)?;
            sample.push(&bytes, shape, kind, frame > stretch.start);
        }
    }
    Ok(sample)
}

/// What a bundle says to the recording.
struct Verdict {
    name: String,
    fit: Fit,
}

#[derive(Debug, PartialEq)]
enum Fit {
    Yes,
    /// What is known fits, but this is not known.
    Perhaps(&'static str),
    No(Vec<String>),
}

fn verdicts(found: &Estimate, pixel: PixelSize, config: &Config) -> Vec<Verdict> {
    let verdict = |card: &Card| {
        let reasons = reasons(card, &estimating::setup(found, pixel, card));
        let fit = match (reasons.is_empty(), found.psf) {
            (false, _) => Fit::No(reasons),
            (true, Err(_)) => Fit::Perhaps("the PSF"),
            (true, Ok(psf)) if psf.shape == PsfShape::Unclear => Fit::Perhaps("whether the PSF is round"),
            (true, Ok(_)) => Fit::Yes,
        };
        Verdict { name: card.name.clone(), fit }
    };
    engines::list(&config.model).iter().map(|(_, card)| verdict(card)).collect()
}

fn as_json(
    found: &Estimate,
    verdicts: &[Verdict],
    ranges: Option<&Ranges>,
    warning: Option<&str>,
    sample: &Sample,
) -> serde_json::Value {
    let bundle = |verdict: &Verdict| {
        let (fits, reasons) = match &verdict.fit {
            Fit::Yes => (Some(true), &[][..]),
            Fit::Perhaps(_) => (None, &[][..]),
            Fit::No(reasons) => (Some(false), &reasons[..]),
        };
        json!({"name": verdict.name, "fits": fits, "reasons": reasons})
    };
    let bundles: Vec<_> = verdicts.iter().map(bundle).collect();
    let ranges = ranges.map(|ranges| {
        let pairs = ranges.named().into_iter();
        pairs
            .map(|(name, part)| (name.to_owned(), json!([part.low, part.high])))
            .collect::<serde_json::Map<_, _>>()
    });
    let crop = sample.crop();
    json!({
        "estimate": summary::estimate::json(found),
        "crop": {"row": crop.row, "column": crop.column, "height": crop.height, "width": crop.width},
        "warnings": warning.into_iter().collect::<Vec<_>>(),
        "bundles": bundles,
        "training_ranges": ranges,
    })
}

fn as_text(
    options: &Options,
    found: &Estimate,
    verdicts: &[Verdict],
    warning: Option<&str>,
    (sample, frames): (&Sample, u64),
) -> String {
    let crop = sample.crop();
    let mut text = format!(
        "looked at    {} of {frames} frames, {} x {} px from column {} and row {}; {} spots, {} emitters fitted\n{}",
        found.frames,
        crop.width,
        crop.height,
        crop.column,
        crop.row,
        found.spots,
        found.fitted,
        summary::estimate::lines(found, 12)
    );
    text.extend(warning.map(|warning| format!("{:12} {warning}\n", "warning")));
    for verdict in verdicts {
        let said = match &verdict.fit {
            Fit::Yes => "fits".to_owned(),
            Fit::Perhaps(what) => format!("fits as far as is known; {what} is not known"),
            Fit::No(reasons) => format!("does not fit: {}", reasons.join("; ")),
        };
        text += &format!("{:12} {} {said}\n", "bundle", verdict.name);
    }
    text.extend(options.write.as_ref().map(|path| format!("{:12} {}\n", "written", path.display())));
    text
}

/// What to do where nothing fits.
fn remedy(options: &Options, ranges: Result<Ranges, Missing>, none_there: bool) -> String {
    let what = if none_there {
        "there is no model bundle here (set model.dir)"
    } else {
        "no model bundle fits this recording"
    };
    let train = |file: &Path| {
        format!("{what}; train one: python -m blinkd_models train --run RUN --settings {}", file.display())
    };
    match (&options.write, ranges) {
        (Some(path), _) => train(path),
        (None, Ok(ranges)) => format!(
            "{}\nwith this as settings.toml (--write settings.toml writes it):\n{}",
            train(Path::new("settings.toml")),
            settings_toml(&ranges, &options.stack)
        ),
        (None, Err(why)) => format!("{what}, and ranges to train one are not known: {why}"),
    }
}

/// `[ranges]` as the training package reads it.
fn settings_toml(ranges: &Ranges, stack: &Path) -> String {
    let name = stack.file_name().unwrap_or_default().to_string_lossy().replace(['\n', '\r'], " ");
    let line = |(name, part): (&str, Part)| {
        let digits = if part.high.abs() >= 20.0 { 0 } else { 3 };
        format!("{name} = [{:.digits$}, {:.digits$}]\n", part.low, part.high).replace("[-0,", "[0,")
    };
    let lines: String = ranges.named().into_iter().map(line).collect();
    format!("# Estimated from {name} by blinkd model estimate.\n[ranges]\n{}", lines)
}
