//! The open graphs of one lane.
//!
//! In: a bundle and a provider; then buffers. Out: features of a frame, the network's output for a window.
//! Never: shared between lanes. ONNX Runtime's sessions are not for concurrent runs on every provider.

use crate::bundle::{Bundle, BundleError};
use crate::card::Graphs;
use crate::graph::{Buffer, Graph, GraphError, Signature};
use crate::providers::{Provider, ProviderSettings};
use crate::runtime::Runtime;

use super::plan::Plan;

/// One lane's sessions.
pub(super) struct Station {
    /// From one frame to its features; `None` in a bundle of one graph.
    pub frame: Option<Graph>,
    /// From features (split) or frames (one graph) to the output.
    pub window: Graph,
}

/// Why a station does not open.
pub(super) enum Failure {
    Provider(String),
    /// No provider will do better.
    Bundle(BundleError),
}

impl Station {
    pub fn open(
        runtime: &Runtime,
        bundle: &Bundle,
        provider: Provider,
        settings: &ProviderSettings,
    ) -> Result<Self, Failure> {
        let open = |at: usize, signature: Signature| {
            Graph::open(runtime, &bundle.models[at], signature, provider, settings).map_err(|error| {
                match error {
                    GraphError::Provider(message) => Failure::Provider(message),
                    GraphError::Mismatch(problem) => {
                        let folder = bundle.folder.display().to_string();
                        Failure::Bundle(BundleError::Mismatch { folder, problem })
                    }
                }
            })
        };
        let network = &bundle.card.network;
        let features = i64::from(network.features);
        let output = |inputs, input_channels| Signature {
            inputs,
            input_channels: Some(input_channels),
            output: c"output",
            output_channels: Some(10),
        };
        Ok(match bundle.card.graphs {
            Graphs::Split { .. } => {
                let frame = Signature {
                    inputs: &[c"frame"],
                    input_channels: Some(1),
                    output: c"features",
                    output_channels: Some(features),
                };
                let window = output(&[c"previous", c"this", c"next"], features);
                Self { frame: Some(open(0, frame)?), window: open(1, window)? }
            }
            Graphs::Single { .. } => {
                let window = output(&[c"frames"], i64::from(network.window_frames));
                Self { frame: None, window: open(0, window)? }
            }
        })
    }

    /// Spent inside ONNX Runtime so far, ns.
    pub fn ran_ns(&self) -> u64 {
        self.window.ran_ns + self.frame.as_ref().map_or(0, |frame| frame.ran_ns)
    }

    /// Which provider got how many nodes of which graph.
    pub fn placement(&self) -> String {
        let nodes = |name: &str, graph: &Graph| {
            let counts: Vec<_> = graph.placement.iter().map(|(ep, nodes)| format!("{ep} {nodes}")).collect();
            format!("{name}: {}", counts.join(", "))
        };
        match &self.frame {
            Some(frame) => format!("{}; {}", nodes("frame", frame), nodes("context", &self.window)),
            None => nodes("model", &self.window),
        }
    }

    /// Runs every graph once on zeros, so that working memory exists and late failures show. Leaves zeros'
    /// results in the first slot and the first output, which nobody has been promised yet.
    pub fn warm_up(&mut self, input: &mut Buffer, plan: &Plan) -> ort::Result<()> {
        let output = &plan.outputs[0];
        // SAFETY: the plan is new and nobody else runs with its buffers.
        unsafe {
            let Some(frame) = &mut self.frame else { return self.window.run(&[input], output) };
            let features = plan.features.buffer(0);
            frame.run(&[input], features)?;
            self.window.run(&[features; 3], output)
        }
    }
}
