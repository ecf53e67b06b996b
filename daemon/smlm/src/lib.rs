//! The pure middle of blinkd: what frames, emitters and pictures are, and every step between them.
//!
//! In: values. Out: values. Never: files, sockets, threads, clocks, async, ONNX. Whoever calls passes time in.

pub mod frame;
pub mod localization;
pub mod series;
pub mod units;
