//! Engines that look at camera frames: model bundles, ONNX sessions, Gaussian fits, and a fake for tests and measurements.
//!
//! In: windows of raw frames, as they lie in the frame ring. Out: network output or localizations, window
//! by window, tile by tile. Never: threads, queues or clocks of its own; sockets; files other than a
//! bundle's and ONNX Runtime's caches. This is the only crate that names `ort`.

pub mod bundle;
pub mod card;
pub mod crew;
pub mod decode;
pub mod engine;
pub mod fake;
pub mod gaussian;
pub mod golden;
mod graph;
pub mod npy;
pub mod painter;
pub mod pixels;
pub mod providers;
pub mod runtime;
#[cfg(test)]
mod testing;

pub use bundle::{Bundle, BundleError};
pub use card::Card;
pub use crew::{Alone, Crew, Lanes};
pub use decode::{Decode, DecodeSettings};
pub use engine::{About, Engine, EngineError, FrameRef, Output, Pixels, WindowRef};
pub use gaussian::{Gaussian, GaussianSettings};
pub use painter::{Painted, Painter, PainterError, PictureBundle};
pub use providers::{Provider, ProviderSettings};
pub use runtime::forbid_telemetry;
