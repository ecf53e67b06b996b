//! What was seen of a tile's focus and light, as bytes and back: little-endian, in the order of the fields.

use smlm::looks::Look;
use smlm::sharpness::{BANDS, Energy};

/// As it lies in a block's body.
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
pub(super) struct RawLook {
    frames: u64,
    pixels: u64,
    saturated: u64,
    laplacian: [f64; BANDS],
    gradient: [f64; BANDS],
}

impl From<&Look> for RawLook {
    fn from(look: &Look) -> Self {
        let Look { frames, pixels, saturated, energy: Energy { laplacian, gradient } } = *look;
        Self { frames, pixels, saturated, laplacian, gradient }
    }
}

impl From<RawLook> for Look {
    fn from(raw: RawLook) -> Self {
        let RawLook { frames, pixels, saturated, laplacian, gradient } = raw;
        Self { frames, pixels, saturated, energy: Energy { laplacian, gradient } }
    }
}
