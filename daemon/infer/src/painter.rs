//! ANNA-PALM's network: a picture from few localizations, window by window.
//!
//! In: counts per pixel of one window of fixed size, perhaps its widefield. Out: the picture the structure would give,
//! and the widefield image such a structure would give, at a quarter of the size (Ouyang et al. 2018, Online Methods).
//! Never: the cutting of a picture into windows or the blending of them (that is `smlm::blend`); batches, since the
//! published network's result depends on everything that is shown with it; a thread.

mod card;
mod golden;

use std::path::{Path, PathBuf};

use ort::session::Session;
use ort::value::TensorRef;

pub use card::{PictureCard, Widefield};
pub use golden::{GoldenDifference, check};

use crate::bundle::{BundleError, CARD, read_proven, read_text};
use crate::graph::Model;
use crate::providers::{Provider, ProviderSettings, configure, placement, preload};
use crate::runtime::Runtime;

/// A window's side over its estimate's.
pub const ESTIMATE_STEP: usize = 4;

const INPUTS: [&str; 4] = ["counts", "widefield", "control", "channel_mask"];
const OUTPUTS: [&str; 2] = ["picture", "estimate"];

/// A bundle whose engine is `a-net`, proven by its digests.
#[derive(Clone, Debug)]
pub struct PictureBundle {
    pub folder: PathBuf,
    pub card: PictureCard,
    model: Model,
}

impl PictureBundle {
    /// Reads the card and the model, and checks the model's digest.
    pub fn open(folder: &Path) -> Result<Self, BundleError> {
        let card = read_picture_card(folder)?;
        let expected = card.sha256.get(&card.model).map(String::as_str).unwrap_or_default();
        let bytes = read_proven(folder, &card.model, expected)?;
        let model = Model { name: card.model.clone(), bytes: bytes.into() };
        Ok(Self { folder: folder.to_owned(), card, model })
    }
}

/// Reads only the card of a bundle of this kind.
pub fn read_picture_card(folder: &Path) -> Result<PictureCard, BundleError> {
    let text = read_text(folder)?;
    Ok(PictureCard::read(&folder.join(CARD).display().to_string(), &text)?)
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum PainterError {
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(
        "the bundle '{bundle}' knows no structure '{asked}'; it knows {known}. A picture of another structure would be invented"
    )]
    Structure { bundle: String, asked: String, known: String },
    #[error("{file}: {problem}; export the bundle again")]
    Mismatch { file: String, problem: String },
    #[error("no execution provider runs the bundle '{bundle}': {attempts}")]
    NoProvider { bundle: String, attempts: String },
    #[error("a window of {found} pixels where {side} x {side} are needed")]
    Window { found: usize, side: usize },
    #[error("the bundle '{bundle}' failed on {provider}: {message}")]
    Run { bundle: String, provider: &'static str, message: String },
}

/// What the network says of a window; row-major, 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Painted {
    /// Side `window_px`.
    pub picture: Vec<f32>,
    /// Side `window_px / ESTIMATE_STEP`.
    pub estimate: Vec<f32>,
}

/// The open network. One thread at a time.
pub struct Painter {
    bundle: PictureBundle,
    session: Session,
    provider: Provider,
    /// What was tried before, and why it failed.
    attempts: Vec<String>,
    switch: f32,
    side_px: usize,
    nothing: Vec<f32>,
}

impl Painter {
    /// Opens the graph on the first provider that takes it, for one structure; an empty name takes the only one.
    pub fn open(
        runtime: &Runtime,
        bundle: PictureBundle,
        structure: &str,
        settings: &ProviderSettings,
    ) -> Result<Self, PainterError> {
        let switch = bundle.card.switch(structure).ok_or_else(|| PainterError::Structure {
            bundle: bundle.card.name.clone(),
            asked: structure.to_owned(),
            known: bundle.card.structures.keys().cloned().collect::<Vec<_>>().join(", "),
        })?;
        let side_px = bundle.card.window_px as usize;
        let mut attempts = Vec::new();
        if let Err(message) = preload(settings) {
            attempts.push(format!("nvidia libraries: {message}"));
        }
        for provider in settings.candidates() {
            match open_on(runtime, &bundle.model, *provider, settings) {
                Ok(session) => {
                    declared(&session, &bundle.model.name)?;
                    let nothing = vec![0.0; side_px * side_px];
                    let mut painter =
                        Self { bundle, session, provider: *provider, attempts, switch, side_px, nothing };
                    painter.warm_up()?;
                    return Ok(painter);
                }
                Err(message) => attempts.push(format!("{}: {message}", provider.name())),
            }
        }
        Err(PainterError::NoProvider { bundle: bundle.card.name, attempts: attempts.join("; ") })
    }

    pub fn card(&self) -> &PictureCard {
        &self.bundle.card
    }

    pub fn provider(&self) -> &'static str {
        self.provider.name()
    }

    /// What was tried before the provider that runs, and why it failed.
    pub fn attempts(&self) -> &[String] {
        &self.attempts
    }

    /// Side of a window, px.
    pub fn window_px(&self) -> usize {
        self.side_px
    }

    /// Draws one window. `counts`: localizations per pixel, row-major; `widefield`: in the unit of the card.
    ///
    /// # Errors
    /// A window of another size than the graph's; a failure of the provider.
    pub fn paint(&mut self, counts: &[f32], widefield: Option<&[f32]>) -> Result<Painted, PainterError> {
        self.run(Some(counts), widefield)
    }

    /// Draws one window of the widefield alone.
    pub fn paint_widefield(&mut self, widefield: &[f32]) -> Result<Painted, PainterError> {
        self.run(None, Some(widefield))
    }

    fn run(&mut self, counts: Option<&[f32]>, widefield: Option<&[f32]>) -> Result<Painted, PainterError> {
        let side = self.side_px;
        for plane in counts.iter().chain(&widefield) {
            if plane.len() != side * side {
                return Err(PainterError::Window { found: plane.len(), side });
            }
        }
        let mask = [counts.is_some(), widefield.is_some()].map(|there| f32::from(u8::from(there)));
        let planes = [counts.unwrap_or(&self.nothing), widefield.unwrap_or(&self.nothing)];
        let result = draw(&mut self.session, side, planes, self.switch, mask);
        result.map_err(|error| PainterError::Run {
            bundle: self.bundle.card.name.clone(),
            provider: self.provider.name(),
            message: error.to_string(),
        })
    }

    fn warm_up(&mut self) -> Result<(), PainterError> {
        let nothing = self.nothing.clone();
        let painted = self.paint(&nothing, None)?;
        let estimate = (self.side_px / ESTIMATE_STEP).pow(2);
        if painted.picture.len() == nothing.len() && painted.estimate.len() == estimate {
            return Ok(());
        }
        let problem = format!(
            "its outputs have {} and {} pixels where the card's window of {} px has {} and {estimate}",
            painted.picture.len(),
            painted.estimate.len(),
            self.side_px,
            nothing.len(),
        );
        Err(PainterError::Mismatch { file: self.bundle.model.name.clone(), problem })
    }
}

fn draw(
    session: &mut Session,
    side: usize,
    [counts, widefield]: [&[f32]; 2],
    switch: f32,
    mask: [f32; 2],
) -> ort::Result<Painted> {
    let plane = |values| TensorRef::from_array_view(([1usize, 1, side, side], values));
    let control = [switch];
    let outputs = session.run(ort::inputs![
        INPUTS[0] => plane(counts)?,
        INPUTS[1] => plane(widefield)?,
        INPUTS[2] => TensorRef::from_array_view(([1usize], &control[..]))?,
        INPUTS[3] => TensorRef::from_array_view(([1usize, 2], &mask[..]))?,
    ])?;
    let values = |name: &str| Ok::<_, ort::Error>(outputs[name].try_extract_tensor::<f32>()?.1.to_vec());
    Ok(Painted { picture: values(OUTPUTS[0])?, estimate: values(OUTPUTS[1])? })
}

fn open_on(
    runtime: &Runtime,
    model: &Model,
    provider: Provider,
    settings: &ProviderSettings,
) -> Result<Session, String> {
    let open = || -> ort::Result<Session> {
        let builder = Session::builder(&runtime.environment)?;
        configure(builder, provider, settings)?.commit_from_memory(&model.bytes)
    };
    let session = open().map_err(|error| error.to_string())?;
    let given = placement(&session).map_err(|error| error.to_string())?;
    if given.iter().any(|(name, nodes)| name == provider.name() && *nodes > 0) {
        return Ok(session);
    }
    Err(format!("no node of {} was given to {}", model.name, provider.name()))
}

/// Inputs and outputs have the names that the daemon gives and reads.
fn declared(session: &Session, file: &str) -> Result<(), PainterError> {
    let inputs: Vec<&str> = session.inputs().iter().map(|outlet| outlet.name()).collect();
    let outputs: Vec<&str> = session.outputs().iter().map(|outlet| outlet.name()).collect();
    let missing = |declared: &[&str], wanted: &[&str]| {
        wanted.iter().any(|name| !declared.contains(name)) || declared.len() != wanted.len()
    };
    if missing(&inputs, &INPUTS) || missing(&outputs, &OUTPUTS) {
        let problem =
            format!("it takes {inputs:?} and gives {outputs:?} where {INPUTS:?} and {OUTPUTS:?} are needed");
        return Err(PainterError::Mismatch { file: file.to_owned(), problem });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
