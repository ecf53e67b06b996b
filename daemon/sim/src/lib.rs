//! The virtual microscope: what a camera over a blinking sample would have sent, and what was really there.
//!
//! In: [`settings::Settings`] with a seed. Out: frames with their truth, and the same as messages of the frame
//! stream, faults included. Everything is seeded and any frame can be made again. Never: threads of its own, a
//! clock that was not passed in, memory that grows with the number of frames.
//!
//! In the order of the light: [`structure`] says where fluorophores sit, [`emitters`] when they shine
//! ([`glow`]: all at once, for a widefield pass),
//! [`optics`] how each spreads over pixels, [`camera`] what the sensor makes of it, [`microscope`] assembles
//! frames and scans, [`truth`] keeps what was there, [`crowding`] measures how crowded it was; then
//! [`publish`] sends frames, [`faults`] damages
//! what is sent, [`outlet`] is where it leaves.

pub mod camera;
pub mod crowding;
pub mod emitters;
pub mod faults;
pub mod glow;
pub mod microscope;
pub mod optics;
pub mod outlet;
pub mod poisson;
pub mod publish;
pub mod settings;
pub mod structure;
pub mod truth;

mod seeds;
