//! From camera counts to what a network eats.
//!
//! In: a borrowed frame, a place in it, the card's offset and scale. Out: f32 values, row-major, in a buffer
//! that the caller owns. Never: an allocation, a clamp. Beyond the right and bottom border the last pixel is
//! repeated, so that a side becomes a multiple of the network's grid.

use smlm::frame::Shape;
use smlm::units::{Adu, Camera};

use crate::engine::{CameraMaps, FrameRef, Pixels};

/// How a card wants its input: `(photons − offset) / scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaling {
    pub offset_photons: f64,
    pub scale_photons: f64,
}

/// `value = gain · adu + bias`: camera and card in one line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    pub gain: f32,
    pub bias: f32,
}

impl Line {
    pub fn new(camera: Camera, scaling: Scaling) -> Self {
        let (gain, bias) = camera.line();
        Self {
            gain: (gain / scaling.scale_photons) as f32,
            bias: ((bias - scaling.offset_photons) / scaling.scale_photons) as f32,
        }
    }

    /// For a camera whose offset stands in a map: the map's value takes the place of the camera's.
    fn without_offset(camera: Camera, scaling: Scaling) -> Self {
        Self::new(Camera { offset: Adu(0.0), ..camera }, scaling)
    }
}

/// A rectangle to cut out of a frame; it may reach over the right and bottom border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

/// Fills `out` (`height · width` values) with the scaled pixels of `cut`.
///
/// `frame` must have passed [`FrameRef::check`]; `cut` must start inside the frame.
pub fn fill(frame: &FrameRef<'_>, scaling: Scaling, cut: Cut, out: &mut [f32]) {
    match (frame.pixels, frame.maps) {
        (Pixels::U8(bytes), None) => {
            let line = Line::new(frame.camera, scaling);
            rows(frame.shape, cut, out, |from, to| {
                for (value, &adu) in to.iter_mut().zip(&bytes[from..]) {
                    *value = line.gain * f32::from(adu) + line.bias;
                }
            });
        }
        (Pixels::U16Le(bytes), None) => {
            let line = Line::new(frame.camera, scaling);
            rows(frame.shape, cut, out, |from, to| {
                for (value, adu) in to.iter_mut().zip(bytes[2 * from..].chunks_exact(2)) {
                    *value = line.gain * f32::from(u16::from_le_bytes([adu[0], adu[1]])) + line.bias;
                }
            });
        }
        (pixels, Some(maps)) => fill_mapped(frame, pixels, *maps, scaling, cut, out),
    }
}

/// `((adu − offset) · relative gain · e_per_adu / em_gain − spurious) / qe`, offset and gain of each pixel.
fn fill_mapped(
    frame: &FrameRef<'_>,
    pixels: Pixels<'_>,
    maps: CameraMaps<'_>,
    scaling: Scaling,
    cut: Cut,
    out: &mut [f32],
) {
    let line = Line::without_offset(frame.camera, scaling);
    let adu = |at: usize| match pixels {
        Pixels::U8(bytes) => f32::from(bytes[at]),
        Pixels::U16Le(bytes) => f32::from(u16::from_le_bytes([bytes[2 * at], bytes[2 * at + 1]])),
    };
    rows(frame.shape, cut, out, |from, to| {
        for (at, value) in (from..).zip(to) {
            let signal = (adu(at) - maps.offset_adu[at]) * maps.relative_gain[at];
            *value = line.gain * signal + line.bias;
        }
    });
}

/// Calls `convert(index of the first pixel, values)` for each row of the cut that lies inside, and repeats
/// the last column and the last row beyond the border.
fn rows(shape: Shape, cut: Cut, out: &mut [f32], mut convert: impl FnMut(usize, &mut [f32])) {
    let (width, height) = (shape.width as usize, shape.height as usize);
    let inside = cut.width.min(width - cut.x);
    let lines = cut.height.min(height - cut.y);
    for (row, values) in out.chunks_exact_mut(cut.width).take(lines).enumerate() {
        convert((cut.y + row) * width + cut.x, &mut values[..inside]);
        let last = values[inside - 1];
        values[inside..].fill(last);
    }
    let last_row = (lines - 1) * cut.width..lines * cut.width;
    for row in lines..cut.height {
        out.copy_within(last_row.clone(), row * cut.width);
    }
}

#[cfg(test)]
mod tests {
    use smlm::frame::FrameId;

    use super::*;

    const PLAIN: Scaling = Scaling { offset_photons: 0.0, scale_photons: 1.0 };

    fn frame<'a>(pixels: Pixels<'a>, width: u32, height: u32) -> FrameRef<'a> {
        let shape = Shape { width, height };
        FrameRef { key: FrameId::default(), shape, pixels, camera: Camera::IDENTITY, maps: None }
    }

    #[test]
    fn pixels_beyond_the_border_repeat_the_last_one() {
        let bytes = [1, 2, 3, 4, 5, 6];
        let cut = Cut { x: 1, y: 0, width: 4, height: 4 };
        let mut out = [0.0; 16];
        fill(&frame(Pixels::U8(&bytes), 3, 2), PLAIN, cut, &mut out);
        assert_eq!(out, [2., 3., 3., 3., 5., 6., 6., 6., 5., 6., 6., 6., 5., 6., 6., 6.]);
    }

    #[test]
    fn sixteen_bit_counts_become_scaled_photons() {
        let camera =
            Camera { offset: Adu(100.0), e_per_adu: 45.0, em_gain: Some(300.0), spurious_e: 0.002, qe: 0.9 };
        let scaling = Scaling { offset_photons: 20.0, scale_photons: 40.0 };
        let counts = [100u16, 700, 65_535];
        let bytes: Vec<u8> = counts.iter().flat_map(|adu| adu.to_le_bytes()).collect();
        let frame = FrameRef { camera, ..frame(Pixels::U16Le(&bytes), 3, 1) };
        let mut out = [0.0; 3];
        fill(&frame, scaling, Cut { x: 0, y: 0, width: 3, height: 1 }, &mut out);
        for (adu, value) in counts.into_iter().zip(out) {
            let expected = (camera.photons(Adu(f64::from(adu))).0 - 20.0) / 40.0;
            assert!(
                (f64::from(value) - expected).abs() <= 1e-6 * expected.abs().max(1.0),
                "{value} {expected}"
            );
        }
    }

    #[test]
    fn maps_of_equal_pixels_change_nothing() {
        let camera = Camera { offset: Adu(90.0), e_per_adu: 0.5, em_gain: None, spurious_e: 0.0, qe: 0.8 };
        let bytes = [100, 120, 90, 255];
        let plain = FrameRef { camera, ..frame(Pixels::U8(&bytes), 2, 2) };
        let maps = CameraMaps { offset_adu: &[90.0; 4], relative_gain: &[1.0; 4] };
        let mapped = FrameRef { maps: Some(&maps), ..plain };
        let cut = Cut { x: 0, y: 0, width: 2, height: 2 };
        let (mut a, mut b) = ([0.0; 4], [0.0; 4]);
        fill(&plain, PLAIN, cut, &mut a);
        fill(&mapped, PLAIN, cut, &mut b);
        for (a, b) in a.into_iter().zip(b) {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }
}
