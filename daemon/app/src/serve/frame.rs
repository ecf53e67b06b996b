//! The latest camera frame as a grey picture, with what was found in it.
//!
//! In: a frame that the infer thread copied for viewers. Out: 8-bit grey between two percentiles, and detections.
//! Never: a frame copied that nobody waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use smlm::frame::{PixelType, Shape};
use tonic::Status;
use wire::files::png;
use wire::pb;

use super::{Shared, convert};
use crate::live::{Series, State, View};

/// How long one waits for a newer frame.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK_AGAIN: Duration = Duration::from_millis(15);
const SIDE_PX: u32 = 1024;
/// Drawn black and white: so many of a hundred pixels are darker.
const BLACK_PERCENT: f64 = 1.0;
const WHITE_PERCENT: f64 = 99.8;

/// A frame newer than asked for, or an answer without a picture.
pub async fn get(shared: &Shared, asked: &pb::GetFrameRequest) -> Result<pb::CameraFrame, Status> {
    let series = match convert::series_id(&asked.series_id)? {
        Some(id) => shared.live.find(id),
        None => shared.live.newest(),
    };
    let series = series.ok_or_else(|| Status::not_found("no such series"))?;
    let side = if asked.max_side_px == 0 { SIDE_PX } else { asked.max_side_px };
    match newer(&series, asked.newer_than_seq).await {
        Some(view) => {
            let work = move || picture(&view, side);
            let done =
                tokio::task::spawn_blocking(work).await.map_err(|e| Status::internal(e.to_string()))?;
            let frame = done.map_err(|error| Status::internal(error.to_string()))?;
            Ok(pb::CameraFrame { series_id: series.id.0.to_vec(), ..frame })
        }
        None => Ok(pb::CameraFrame { series_id: series.id.0.to_vec(), ..pb::CameraFrame::default() }),
    }
}

/// Waits for the next frame that is processed. One that asks for the first time gets what there is where nothing comes.
async fn newer(series: &Series, than: Option<u64>) -> Option<Arc<View>> {
    let began = Instant::now();
    let before = series.view();
    let seen = before.as_ref().map(|view| view.info.id.seq.0).max(than);
    series.want_view();
    loop {
        let view = series.view();
        if let Some(view) = view.filter(|view| seen.is_none_or(|seen| view.info.id.seq.0 > seen)) {
            return Some(view);
        }
        let still = matches!(series.door().state, State::Done(_)) || began.elapsed() > PATIENCE;
        if still {
            return before.filter(|view| than.is_none_or(|than| view.info.id.seq.0 > than));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

fn picture(view: &View, max_side: u32) -> Result<pb::CameraFrame, png::PngError> {
    let shape = view.info.shape;
    let counts = counts(&view.pixels, view.info.pixel_type);
    let shrunk_by = shape.width.max(shape.height).div_ceil(max_side.max(1)).max(1);
    let (small, values) = shrink(&counts, shape, shrunk_by);
    let (black, white) = ends(&values);
    let scale = 255.0 / (white - black).max(1.0);
    let grey: Vec<u8> = values.iter().map(|v| ((v - black) * scale + 0.5).clamp(0.0, 255.0) as u8).collect();
    let mut bytes = Vec::new();
    png::encode_gray(small.width, small.height, &grey, &mut bytes)?;
    let column =
        |of: fn(&smlm::localization::Localization) -> f32| view.localizations.iter().map(of).collect();
    Ok(pb::CameraFrame {
        seq: view.info.id.seq.0,
        tile_index: view.info.tile.index,
        width_px: shape.width,
        height_px: shape.height,
        png: bytes.into(),
        shrunk_by,
        black_adu: f64::from(black),
        white_adu: f64::from(white),
        x_px: column(|l| l.x_px),
        y_px: column(|l| l.y_px),
        sigma_x_px: column(|l| l.sigma_x_px),
        sigma_y_px: column(|l| l.sigma_y_px),
        z_nm: column(|l| l.z_nm),
        photons: column(|l| l.photons),
        localized: view.localized,
        ..pb::CameraFrame::default()
    })
}

fn counts(bytes: &[u8], kind: PixelType) -> Vec<u16> {
    match kind {
        PixelType::U8 => bytes.iter().map(|byte| u16::from(*byte)).collect(),
        PixelType::U16 => bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect(),
    }
}

/// Means of squares of `by` pixels; what is left over at the right and the bottom is cut off.
fn shrink(counts: &[u16], shape: Shape, by: u32) -> (Shape, Vec<f32>) {
    let (width, by) = (shape.width as usize, by as usize);
    let small = Shape { width: shape.width / by as u32, height: shape.height / by as u32 };
    let area = (by * by) as f32;
    let mean = |row: usize, column: usize| {
        let lines = (row * by..(row + 1) * by).map(|y| &counts[y * width + column * by..][..by]);
        lines.flatten().map(|count| f32::from(*count)).sum::<f32>() / area
    };
    let rows = 0..small.height as usize;
    let values = rows.flat_map(|row| (0..small.width as usize).map(move |column| (row, column)));
    (small, values.map(|(row, column)| mean(row, column)).collect())
}

/// Values of the two percentiles.
fn ends(values: &[f32]) -> (f32, f32) {
    if values.is_empty() {
        return (0.0, 1.0);
    }
    let mut sorted = values.to_vec();
    let rank = |percent: f64| ((values.len() - 1) as f64 * percent / 100.0) as usize;
    let black = *sorted.select_nth_unstable_by(rank(BLACK_PERCENT), f32::total_cmp).1;
    let white = *sorted.select_nth_unstable_by(rank(WHITE_PERCENT), f32::total_cmp).1;
    (black, white)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smlm::frame::FrameInfo;

    #[test]
    fn a_large_frame_is_averaged_down_and_stretched_between_its_percentiles() {
        let shape = Shape { width: 40, height: 20 };
        let bytes: Vec<u8> = (0..800u16).flat_map(|i| (100 + i).to_le_bytes()).collect();
        let view = View {
            info: FrameInfo { shape, pixel_type: PixelType::U16, ..FrameInfo::default() },
            pixels: bytes.into(),
            localizations: Vec::new(),
            localized: true,
        };
        let frame = picture(&view, 20).expect("it encodes");
        assert_eq!((frame.shrunk_by, frame.width_px, frame.height_px), (2, 40, 20));
        // The mean of pixels 0, 1, 40 and 41 is the smallest.
        assert!((120.0..140.0).contains(&frame.black_adu), "{}", frame.black_adu);
        assert!((860.0..880.0).contains(&frame.white_adu), "{}", frame.white_adu);
    }

    #[test]
    fn a_dark_frame_is_a_picture_too() {
        let shape = Shape { width: 4, height: 4 };
        let info = FrameInfo { shape, pixel_type: PixelType::U8, ..FrameInfo::default() };
        let view = View { info, pixels: vec![7; 16].into(), localizations: Vec::new(), localized: false };
        let frame = picture(&view, 0).expect("it encodes");
        assert_eq!((frame.black_adu, frame.white_adu, frame.localized), (7.0, 7.0, false));
    }
}
