//! Engines that look at camera frames: model bundles, ONNX sessions, and a fake for tests and measurements.
//!
//! In: windows of raw frames, as they lie in the frame ring. Out: network output or localizations, window
//! by window, tile by tile. Never: threads, queues or clocks of its own; sockets; files other than a
//! bundle's and ONNX Runtime's caches. This is the only crate that names `ort`.

pub mod crew;
pub mod engine;
pub mod fake;
#[allow(dead_code)] // used by the decode engine, which is being written
mod graph;
pub mod pixels;
pub mod providers;
pub mod runtime;

pub use crew::{Alone, Crew, Lanes};
pub use engine::{About, Engine, EngineError, FrameRef, Output, Pixels, WindowRef};
pub use providers::{Provider, ProviderSettings};
pub use runtime::forbid_telemetry;
