//! One picture of a region, as large as asked for within a limit, with a scale bar if wanted.

use super::{Look, Painter, Tone, tone};
use crate::map::{LiveMap, PixelBox, TILE_PX, Viewport};
use crate::units::Nm;

/// Longest side of a picture.
pub const MAX_SIDE_PX: u32 = 8192;

/// Why a region cannot be drawn.
#[derive(Debug, thiserror::Error, PartialEq)]
pub enum RenderError {
    #[error(
        "the picture would be {width} x {height} pixels of {pixel_nm} nm; at most {MAX_SIDE_PX} x {MAX_SIDE_PX} \
         are drawn: ask for a larger pixel_size_nm or a smaller viewport"
    )]
    TooLarge { width: u32, height: u32, pixel_nm: f64 },
    #[error("the viewport is empty: x_max_nm and y_max_nm must be larger than x_min_nm and y_min_nm")]
    Empty,
    #[error("pixel_size_nm must be a positive number, not {0}")]
    PixelSize(f64),
}

/// 8-bit RGB, row by row, and where it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct RgbImage {
    pub width: u32,
    pub height: u32,
    /// `3 · width · height` bytes.
    pub rgb: Vec<u8>,
    pub pixel: Nm,
    /// The first pixel's corner.
    pub x_min: Nm,
    pub y_min: Nm,
    pub tone: Tone,
}

/// Draws a region with the pyramid's next coarser pixel. Errors: a region without area, or too large for it.
pub fn render_region(
    map: &LiveMap,
    viewport: &Viewport,
    pixel: Nm,
    look: &Look,
) -> Result<RgbImage, RenderError> {
    if !(pixel.0 > 0.0 && pixel.0.is_finite()) {
        return Err(RenderError::PixelSize(pixel.0));
    }
    let level = map.level_for(pixel);
    let PixelBox { x, y, width, height } = map.pixels(level, viewport);
    if width == 0 || height == 0 {
        return Err(RenderError::Empty);
    }
    let pixel = map.pixel_size(level);
    if width.max(height) > MAX_SIDE_PX {
        return Err(RenderError::TooLarge { width, height, pixel_nm: pixel.0 });
    }
    let painter = Painter::new(*look, tone(map, level, look));
    let mut image = RgbImage {
        width,
        height,
        rgb: vec![0; 3 * width as usize * height as usize],
        pixel,
        x_min: Nm(f64::from(x) * pixel.0),
        y_min: Nm(f64::from(y) * pixel.0),
        tone: painter.tone(),
    };
    let mut tile = Vec::new();
    for index in map.changed_since(level, Some(viewport), 0) {
        painter.tile(map, level, index, &mut tile);
        image.paste(&tile, (index.x * TILE_PX - x, index.y * TILE_PX - y));
    }
    Ok(image)
}

impl RgbImage {
    /// Copies what of a tile lies inside, its first pixel at `to`.
    fn paste(&mut self, tile: &[u8], to: (i32, i32)) {
        let (width, height) = (self.width as i32, self.height as i32);
        let (left, right) = (to.0.max(0), (to.0 + TILE_PX).min(width));
        if left >= right {
            return;
        }
        let bytes = 3 * (right - left) as usize;
        for row in to.1.max(0)..(to.1 + TILE_PX).min(height) {
            let from = 3 * ((row - to.1) * TILE_PX + left - to.0) as usize;
            let at = 3 * (row as usize * self.width as usize + left as usize);
            self.rgb[at..at + bytes].copy_from_slice(&tile[from..from + bytes]);
        }
    }

    /// Draws a white bar of a round length (1, 2 or 5 times a power of ten, about a fifth of the width) into
    /// the lower right corner and returns the length; `None` when the picture is too small for one.
    pub fn scale_bar(&mut self) -> Option<Nm> {
        let (width, height) = (self.width as usize, self.height as usize);
        let aim = self.pixel.0 * width as f64 / 5.0;
        let power = 10f64.powf(aim.log10().floor());
        let length = [5.0, 2.0, 1.0].map(|step| step * power).into_iter().find(|length| *length <= aim)?;
        let bar = (length / self.pixel.0).round() as usize;
        let (thick, margin) = ((height / 128).max(2), (width.min(height) / 24).max(2));
        if bar < 8 || bar + 2 * margin > width || thick + 2 * margin > height {
            return None;
        }
        for row in height - margin - thick..height - margin {
            let at = 3 * (row * width + width - margin - bar);
            self.rgb[at..at + 3 * bar].fill(255);
        }
        Some(Nm(length))
    }
}
