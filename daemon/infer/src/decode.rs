//! The `decode` engine: DECODE's network, as two graphs with remembered features or as one graph.
//!
//! In: windows of raw frames. Out: the network's raw output, tile by tile. Never: post-processing, a thread
//! of its own, an allocation per frame once a shape is warm.
//!
//! ```text
//! frame ──► pixels ──► frame graph ──► features ─┐ (once per frame)
//!                          of previous and next ─┴─► context graph ──► output (once per window)
//! ```
//!
//! Batches are spread over lanes, each with its own sessions of one thread. Measured on two cores with
//! `benches/engine.rs`, shipped network, 64 to 256 px, processor time per frame of the calling thread: split
//! graphs need 0.60 of one graph's; two lanes 0.50 to 0.60 of one lane's from two waiting frames on; two
//! threads inside a session 0.70 for a single waiting frame and 0.60 to 0.75 for eight; four tiles on two
//! lanes 1.6 to 2.6. So a frame is never cut to be faster, only to fit the memory, and a crew beats threads
//! inside as soon as two frames wait. Who wants the shortest latency at a low rate instead sets one lane and
//! [`ProviderSettings::intra_threads`].

mod features;
mod plan;
mod rounds;
mod station;

use std::sync::{Arc, Mutex};

use smlm::frame::Shape;

use crate::bundle::Bundle;
use crate::crew::Crew;
use crate::engine::{About, Engine, EngineError, Output, WindowRef};
use crate::providers::{Provider, ProviderSettings, preload};
use crate::runtime::Runtime;
use plan::Plan;
use station::Station;

/// Shapes that are kept warm at the same time.
const MAX_PLANS: usize = 4;

/// How the engine runs.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodeSettings {
    /// Windows that one call of `run` may bring.
    pub max_batch: usize,
    /// Fields larger than this plus twice the halo are tiled; the side of a tile's core.
    pub core_px: u32,
    /// For feature maps, inputs and outputs of one field shape. ONNX Runtime's own working memory, about
    /// four feature maps per lane, comes on top.
    pub memory_bytes: usize,
    pub providers: ProviderSettings,
}

impl Default for DecodeSettings {
    fn default() -> Self {
        Self { max_batch: 16, core_px: 512, memory_bytes: 1 << 30, providers: ProviderSettings::default() }
    }
}

/// The engine. See the module's text.
pub struct Decode {
    about: About,
    bundle: Bundle,
    runtime: &'static Runtime,
    settings: DecodeSettings,
    crew: Arc<dyn Crew>,
    /// Which of the settings' candidates runs.
    candidate: usize,
    /// One per lane on the CPU, one on a device.
    stations: Vec<Mutex<Station>>,
    plans: Vec<Plan>,
    calls: u64,
}

impl Decode {
    /// Opens the bundle's graphs on the first provider that takes them.
    pub fn new(
        runtime: &'static Runtime,
        bundle: Bundle,
        settings: DecodeSettings,
        crew: Arc<dyn Crew>,
    ) -> Result<Self, EngineError> {
        let card = &bundle.card;
        let about = About {
            name: card.name.clone(),
            version: card.version.clone(),
            window_frames: card.network.window_frames,
            max_batch: settings.max_batch.max(1),
            provider: String::new(),
            placement: String::new(),
            attempts: Vec::new(),
            halo_px: card.network.halo_px,
            grid_px: card.network.grid_px,
        };
        let settings = DecodeSettings { max_batch: about.max_batch, ..settings };
        let (stations, plans) = (Vec::new(), Vec::new());
        let mut engine =
            Self { about, bundle, runtime, settings, crew, candidate: 0, stations, plans, calls: 0 };
        if let Err(message) = preload(&engine.settings.providers) {
            engine.about.attempts.push(format!("nvidia libraries: {message}"));
        }
        engine.open_from(0)?;
        Ok(engine)
    }

    /// The card and folder that the engine was made from.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    fn provider(&self) -> Provider {
        self.settings.providers.candidates()[self.candidate]
    }

    /// Opens the graphs on the first candidate from `first` on that takes them; failures become attempts.
    fn open_from(&mut self, first: usize) -> Result<(), EngineError> {
        self.plans.clear();
        self.stations.clear();
        for candidate in first..self.settings.providers.candidates().len() {
            self.candidate = candidate;
            let provider = self.provider();
            let lanes = if provider.on_device() { 1 } else { self.crew.width() };
            let opened: Result<Vec<_>, _> = (0..lanes)
                .map(|_| Station::open(self.runtime, &self.bundle, provider, &self.settings.providers))
                .collect();
            match opened {
                Ok(stations) => {
                    self.about.provider = provider.name().to_owned();
                    self.about.placement = stations[0].placement();
                    self.stations = stations.into_iter().map(Mutex::new).collect();
                    return Ok(());
                }
                Err(station::Failure::Bundle(error)) => return Err(EngineError::Bundle(error)),
                Err(station::Failure::Provider(message)) => self.note_failure(provider, &message),
            }
        }
        Err(EngineError::NoProvider {
            bundle: self.about.name.clone(),
            attempts: self.about.attempts.join("; "),
        })
    }

    /// Where `error` may be the provider's fault and there is another one: opens that. Otherwise the error.
    fn fall_back(&mut self, error: EngineError) -> Result<(), EngineError> {
        let message = match &error {
            EngineError::Run { message, .. } | EngineError::Buffers { message } => message.clone(),
            _ => return Err(error),
        };
        if self.candidate + 1 >= self.settings.providers.candidates().len() {
            return Err(error);
        }
        self.note_failure(self.provider(), &message);
        self.open_from(self.candidate + 1)
    }

    fn note_failure(&mut self, provider: Provider, message: &str) {
        self.about.attempts.push(format!("{}: {message}", provider.name()));
    }

    /// The place of the plan for `shape`, made and warmed where there is none; the oldest is given up for it.
    fn prepare(&mut self, shape: Shape) -> Result<usize, EngineError> {
        self.calls += 1;
        loop {
            if let Some(at) = self.plans.iter().position(|plan| plan.shape == shape) {
                self.plans[at].used = self.calls;
                return Ok(at);
            }
            if self.plans.len() >= MAX_PLANS
                && let Some(oldest) = (0..self.plans.len()).min_by_key(|&at| self.plans[at].used)
            {
                self.plans.swap_remove(oldest);
            }
            match self.warm_plan(shape) {
                Ok(plan) => self.plans.push(plan),
                Err(error) => self.fall_back(error)?,
            }
        }
    }

    fn warm_plan(&self, shape: Shape) -> Result<Plan, EngineError> {
        let plan = Plan::new(shape, &self.bundle.card, &self.settings, self.provider(), &self.stations)?;
        for (station, input) in self.stations.iter().zip(&plan.inputs) {
            let mut station = station.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let mut input = input.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            station.warm_up(&mut input, &plan).map_err(|error| self.failed(&error))?;
        }
        Ok(plan)
    }

    fn failed(&self, error: &ort::Error) -> EngineError {
        EngineError::Run {
            bundle: self.about.name.clone(),
            provider: self.about.provider.clone(),
            message: error.to_string(),
        }
    }
}

impl Engine for Decode {
    fn about(&self) -> &About {
        &self.about
    }

    fn network_ns(&self) -> u64 {
        let ran = |station: &Mutex<Station>| {
            station.lock().unwrap_or_else(std::sync::PoisonError::into_inner).ran_ns()
        };
        self.stations.iter().map(ran).sum()
    }

    fn warm_up(&mut self, shape: Shape) -> Result<(), EngineError> {
        self.prepare(shape).map(|_| ())
    }

    fn run(
        &mut self,
        windows: &[WindowRef<'_>],
        emit: &mut dyn FnMut(usize, Output<'_>),
    ) -> Result<(), EngineError> {
        let Some(shape) = self.about.check_windows(windows)? else { return Ok(()) };
        // Tiles that were emitted before a provider failed are not computed again on the next.
        let mut done = 0;
        loop {
            let plan = self.prepare(shape)?;
            match self.run_rounds(plan, windows, &mut done, emit) {
                Ok(()) => return Ok(()),
                Err(error) => self.fall_back(error)?,
            }
        }
    }
}

#[cfg(test)]
#[path = "decode/tests.rs"]
mod tests;
