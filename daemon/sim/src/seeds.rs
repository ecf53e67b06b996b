//! One seed for a recording in, an independent random stream for each purpose, tile and frame out.
//!
//! A stream depends on its name only, never on what was drawn before: this is what lets any frame be made again.

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a random stream is for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Structure = 1,
    Emitters = 2,
    Camera = 3,
    CameraMaps = 4,
    Crowding = 5,
    Faults = 6,
    /// Noise of the camera in a widefield pass.
    Widefield = 7,
    /// How far the stage is off.
    Stage = 8,
}

/// Frames of a tile are numbered within 40 bits, tiles within 20.
pub(crate) fn stream(seed: u64, purpose: Purpose, tile: u32, frame: u64) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream((purpose as u64) << 60 | u64::from(tile & 0xF_FFFF) << 40 | (frame & 0xFF_FFFF_FFFF));
    rng
}

/// The same, for the millions of draws that pixels need.
pub(crate) fn fast_stream(seed: u64, purpose: Purpose, tile: u32, frame: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(stream(seed, purpose, tile, frame).next_u64())
}
