//! Engines that look at camera frames: model bundles, ONNX sessions, and a fake for tests and measurements.
//!
//! In: windows of raw frames, as they lie in the frame ring. Out: network output or localizations, window
//! by window, tile by tile. Never: threads, queues or clocks of its own; sockets; files other than a
//! bundle's and ONNX Runtime's caches. This is the only crate that names `ort`.

pub mod crew;
pub mod engine;
pub mod fake;
pub mod pixels;

pub use crew::{Alone, Crew, Lanes};
pub use engine::{About, Engine, EngineError, FrameRef, Output, Pixels, WindowRef};
