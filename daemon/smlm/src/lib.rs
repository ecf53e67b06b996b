//! The pure middle of blinkd: what frames, emitters and pictures are, and every step between them.
//!
//! In: values. Out: values. Never: files, sockets, threads, clocks, async, ONNX. Whoever calls passes time in.

pub mod account;
pub mod blend;
pub mod crlb;
pub mod drift;
pub mod enough;
pub mod error_map;
pub mod estimate;
mod fourier;
pub mod frame;
pub mod frc;
pub mod gaussian;
pub mod grey;
pub mod localization;
pub mod localize;
pub mod looks;
pub mod map;
pub mod merge;
pub mod metrics;
pub mod order;
pub mod placement;
pub mod psf;
pub mod render;
pub mod series;
pub mod sharpness;
pub mod similarity;
pub mod squirrel;
pub mod statistics;
pub mod stitch;
pub mod tiling;
pub mod units;
pub mod verdict;
pub mod widefield;
pub mod window;
