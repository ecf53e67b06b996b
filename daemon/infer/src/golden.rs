//! Runs a bundle's golden frames again and compares with what its maker's reference found.
//!
//! In: an engine and its bundle's `golden/`. Out: a [`Report`] of differences. Never: an update of the files;
//! only the training package writes them.

use smlm::frame::{FrameId, FrameInfo, Seq, SeriesId, Shape};
use smlm::localization::{Filter, Localization};
use smlm::localize::{DecodeTensor, localize};
use smlm::units::Camera;

use crate::bundle::{Bundle, BundleError};
use crate::decode::Decode;
use crate::engine::{Engine, EngineError, FrameRef, Output, Pixels, WindowRef};
use crate::npy::{Npy, NpyError, Values};
use crate::painter::PainterError;

/// Largest difference of a raw output value that passes, in the network's units.
pub const OUTPUT_TOLERANCE: f32 = 2e-4;
/// Largest difference of a position that passes, px.
pub const POSITION_TOLERANCE_PX: f32 = 1e-3;
/// Largest relative difference of photons that passes.
pub const PHOTONS_TOLERANCE: f32 = 1e-3;

/// What a check found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    pub bundle: String,
    pub provider: String,
    pub cases: Vec<Case>,
}

impl Report {
    pub fn passes(&self) -> bool {
        !self.cases.is_empty() && self.cases.iter().all(Case::passes)
    }
}

/// One stack of golden frames.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The file of its frames.
    pub frames: String,
    pub windows: usize,
    /// Largest difference of raw outputs within the frame, in the network's units.
    pub output_difference: f32,
    pub expected: usize,
    /// Expected, and none found within the tolerances.
    pub missing: usize,
    /// Found, and none expected within the tolerances.
    pub added: usize,
}

impl Case {
    pub fn passes(&self) -> bool {
        self.output_difference <= OUTPUT_TOLERANCE && self.missing == 0 && self.added == 0
    }
}

/// Why golden files cannot be compared.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum GoldenError {
    #[error("the bundle '{0}' has no golden files; make them with the training package's `export`")]
    None(String),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Painter(Box<PainterError>),
    #[error("golden/{file}: {error}")]
    Npy { file: String, error: NpyError },
    #[error("golden/{file}: {problem}")]
    File { file: String, problem: String },
}

/// Runs every stack of the bundle's golden files through `engine`.
pub fn check(engine: &mut Decode) -> Result<Report, GoldenError> {
    let bundle = engine.bundle().clone();
    let golden = bundle.card.golden.as_ref().ok_or_else(|| GoldenError::None(bundle.card.name.clone()))?;
    let prefixes = golden.sha256.keys().filter_map(|name| name.strip_suffix("frames.npy"));
    let cases = prefixes.enumerate().map(|(number, prefix)| {
        let stack = Stack::read(&bundle, prefix, golden.camera, number)?;
        stack.compare(engine, &bundle)
    });
    let cases = cases.collect::<Result<_, GoldenError>>()?;
    Ok(Report { bundle: bundle.card.name.clone(), provider: engine.about().provider.clone(), cases })
}

/// Frames and what was found in them.
struct Stack {
    file: String,
    camera: Camera,
    series: SeriesId,
    shape: Shape,
    frames: Vec<Vec<u8>>,
    output: Npy,
    expected: Vec<Localization>,
}

impl Stack {
    fn read(bundle: &Bundle, prefix: &str, camera: Camera, number: usize) -> Result<Self, GoldenError> {
        let array = |name: &str| {
            let file = format!("{prefix}{name}");
            let bytes = bundle.golden(&file)?.ok_or_else(|| missing(&file))?;
            Npy::read(&bytes).map_err(|error| GoldenError::Npy { file, error })
        };
        let (frames, output) = (array("frames.npy")?, array("output.npy")?);
        let file = format!("{prefix}frames.npy");
        let (&[_, height, width], Values::U16(adu)) = (frames.shape.as_slice(), &frames.values) else {
            return Err(GoldenError::File {
                file,
                problem: "[frames, height, width] of u2 are needed".to_owned(),
            });
        };
        let shape = Shape { width: width as u32, height: height as u32 };
        let bytes = |frame: &[u16]| frame.iter().flat_map(|adu| adu.to_le_bytes()).collect();
        let frames = adu.chunks_exact((height * width).max(1)).map(bytes).collect();
        let name = format!("{prefix}localizations.csv");
        let text = bundle.golden(&name)?.ok_or_else(|| missing(&name))?;
        let text = String::from_utf8_lossy(&text);
        let expected = table(&text).map_err(|problem| GoldenError::File { file: name, problem })?;
        // A series of its own, so that no features of other frames are taken for these.
        let series = SeriesId(std::array::from_fn(|at| b"golden frames   "[at] ^ (number as u8 & 15)));
        Ok(Self { file, camera, series, shape, frames, output, expected })
    }

    fn compare(&self, engine: &mut Decode, bundle: &Bundle) -> Result<Case, GoldenError> {
        let (mut found, mut difference) = (Vec::new(), 0.0f32);
        let mut problem = None;
        for at in 0..self.frames.len() {
            let last = self.frames.len() - 1;
            let window = WindowRef {
                previous: self.frame(at.saturating_sub(1)),
                this: self.frame(at),
                next: self.frame((at + 1).min(last)),
            };
            engine.run(&[window], &mut |_, output| {
                let Output::Decode(tensor) = output else { return };
                match self.difference(&tensor, at) {
                    Some(larger) => difference = difference.max(larger),
                    None => problem = Some(format!("{:?} is not the shape of the output", self.output.shape)),
                }
                let id = FrameId { series: self.series, seq: Seq(at as u64) };
                let info = FrameInfo { id, shape: self.shape, ..FrameInfo::default() };
                let (scale, rule) = (&bundle.card.output, bundle.card.rule);
                if let Err(error) = localize(&tensor, scale, rule, &Filter::default(), &info, &mut found) {
                    problem = Some(error.to_string());
                }
            })?;
        }
        if let Some(problem) = problem {
            return Err(GoldenError::File { file: self.file.replace("frames", "output"), problem });
        }
        let (missing, added) = unmatched(&self.expected, &found);
        let (windows, expected) = (self.frames.len(), self.expected.len());
        Ok(Case {
            frames: self.file.clone(),
            windows,
            output_difference: difference,
            expected,
            missing,
            added,
        })
    }

    fn frame(&self, at: usize) -> FrameRef<'_> {
        let key = FrameId { series: self.series, seq: Seq(at as u64) };
        let pixels = Pixels::U16Le(&self.frames[at]);
        FrameRef { key, shape: self.shape, pixels, camera: self.camera, maps: None }
    }

    /// Largest difference within the core of `tensor` and the frame; infinite for a value that is not
    /// finite, `None` where the golden output has another shape.
    fn difference(&self, tensor: &DecodeTensor<'_>, frame: usize) -> Option<f32> {
        let (&[frames, 10, height, width], Values::F32(golden)) =
            (self.output.shape.as_slice(), &self.output.values)
        else {
            return None;
        };
        let (rows, columns) = (self.shape.height as usize, self.shape.width as usize);
        if frames != self.frames.len() || height < rows || width < columns {
            return None;
        }
        let core = tensor.core;
        let mut largest = 0.0f32;
        for channel in 0..10 {
            for row in core.row..core.end_row() {
                let from = (channel * tensor.height as usize + row as usize) * tensor.width as usize;
                let y = (row as i32 + tensor.origin.0) as usize;
                let x = (core.column as i32 + tensor.origin.1) as usize;
                let to = ((frame * 10 + channel) * height + y) * width + x;
                let ours = &tensor.data[from + core.column as usize..from + core.end_column() as usize];
                for (ours, golden) in ours.iter().zip(golden.get(to..)?) {
                    let difference = (ours - golden).abs();
                    largest = if difference.is_finite() { largest.max(difference) } else { f32::INFINITY };
                }
            }
        }
        Some(largest)
    }
}

fn missing(file: &str) -> GoldenError {
    let problem = "the card names its frames but not this file; export the bundle again".to_owned();
    GoldenError::File { file: file.to_owned(), problem }
}

/// The columns that are compared, from the reference's table.
fn table(text: &str) -> Result<Vec<Localization>, String> {
    let mut lines = text.lines().enumerate();
    let header: Vec<&str> = lines.next().map(|(_, line)| line.split(',').collect()).unwrap_or_default();
    let column = |name: &str| {
        header
            .iter()
            .position(|title| title.trim() == name)
            .ok_or_else(|| format!("column '{name}' is missing"))
    };
    let columns = [column("frame")?, column("x_px")?, column("y_px")?, column("photons")?];
    let mut found = Vec::new();
    for (number, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        let cells: Vec<&str> = line.split(',').collect();
        let value = |at: usize| -> Result<f32, String> {
            let cell = cells.get(columns[at]).map(|cell| cell.trim()).unwrap_or_default();
            let value = cell.parse::<f32>().ok().filter(|value| value.is_finite());
            value.ok_or_else(|| format!("line {}: '{cell}' is not a finite number", number + 1))
        };
        found.push(Localization {
            frame: value(0)? as u32,
            x_px: value(1)?,
            y_px: value(2)?,
            photons: value(3)?,
            ..Localization::default()
        });
    }
    Ok(found)
}

/// How many of `expected` and of `found` have no partner within the tolerances. One to one, in order.
fn unmatched(expected: &[Localization], found: &[Localization]) -> (usize, usize) {
    let mut free = vec![true; found.len()];
    let mut missing = 0;
    for e in expected {
        let partner = found.iter().enumerate().position(|(at, f)| {
            free[at]
                && f.frame == e.frame
                && (f.x_px - e.x_px).abs() <= POSITION_TOLERANCE_PX
                && (f.y_px - e.y_px).abs() <= POSITION_TOLERANCE_PX
                && (f.photons - e.photons).abs() <= PHOTONS_TOLERANCE * e.photons.abs()
        });
        match partner {
            Some(at) => free[at] = false,
            None => missing += 1,
        }
    }
    (missing, free.into_iter().filter(|free| *free).count())
}

#[cfg(test)]
#[path = "golden/tests.rs"]
mod tests;
