//! ANNA-PALM's picture of one tile: its localizations, and its widefield where there is one, become the picture that the
//! structure would give, and a word on whether that is to be trusted.
//!
//! In: localizations in camera pixels, the widefield's mean in ADU. Out: a picture, error map and widefield at the
//! network's pixel (20 nm). A widefield is shown to the network, and judges what the network paints without it. Never: a file, a thread; a network asked about a tile without localizations: its picture is
//! black; a widefield that shows nothing given to the network as if it showed something.

mod canvas;
mod files;
mod judging;
pub mod live;
mod record;
mod stage;
#[cfg(test)]
mod tests;
mod widefield;

use infer::Painter;
use infer::painter::{Painted, PainterError, Widefield as WidefieldUnit};
use smlm::blend::BlendError;
use smlm::frame::Shape;
use smlm::grey::Grey;
use smlm::localization::Localization;
use smlm::placement::Field;
use smlm::units::Nm;

pub use canvas::Canvas;
pub use files::{Kind, path, pixel_nm, read};
pub use judging::{Judged, LIMITS, judge};
pub use record::reopen;
pub use stage::{Settings, stage};
pub use widefield::Taken;

/// The geometry of a network that draws windows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Windows {
    /// Side of a window.
    pub side_px: u32,
    /// Shared by neighbours.
    pub overlap_px: u32,
    /// Pixel of counts and picture.
    pub pixel: Nm,
    pub widefield: WidefieldUnit,
}

/// What draws windows: a network, or a stand-in for it.
pub trait Brush {
    fn windows(&self) -> Windows;

    /// Draws one window of `side_px` squared, row by row: counts per pixel, and its widefield.
    ///
    /// # Errors
    /// The network fails.
    fn paint(&mut self, counts: &[f32], widefield: Option<&[f32]>) -> Result<Painted, PainterError>;
}

impl Brush for Painter {
    fn windows(&self) -> Windows {
        let card = self.card();
        Windows {
            side_px: card.window_px,
            overlap_px: card.overlap_px,
            pixel: card.pixel,
            widefield: card.widefield,
        }
    }

    fn paint(&mut self, counts: &[f32], widefield: Option<&[f32]>) -> Result<Painted, PainterError> {
        Self::paint(self, counts, widefield)
    }
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum PaintError {
    #[error(transparent)]
    Painter(#[from] PainterError),
    #[error("the tile's picture cannot be put together: {0}")]
    Blend(#[from] BlendError),
    /// Whoever asked does not want it any more.
    #[error("left before it was done")]
    Left,
}

/// What is painted.
#[derive(Clone, Copy, Debug)]
pub struct Sitting<'a> {
    pub localizations: &'a [Localization],
    pub field: Field,
    /// In ADU, one value per camera pixel of the same field; of any other shape it is not of this tile and left out.
    pub widefield: Option<&'a Grey>,
}

/// A tile's picture.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    pub pixel: Nm,
    /// 0 to 1.
    pub picture: Grey,
    /// What it says against the widefield; `None` without one.
    pub judged: Option<Judged>,
    /// The widefield at the picture's pixel, in ADU.
    pub widefield: Option<Grey>,
    /// Drawn by the network: 0 of a tile without localizations.
    pub windows: usize,
}

/// Paints a tile. `go_on` is asked before every window.
///
/// Of 512 x 512 px of 108 nm, 2,765 px of 20 nm, there are 49 windows; a widefield that shows something takes them twice:
/// once without it, so that it can judge, and once with it. `a-net-filaments-lite` took 26 to 29 s, and 57 s with a
/// widefield, on one thread of a machine of two cores that had other work, too (`benches/painting.rs`).
///
/// # Errors
/// The network fails, the tile is too large, or `go_on` said no.
pub fn paint(
    brush: &mut impl Brush,
    sitting: &Sitting<'_>,
    mut go_on: impl FnMut() -> bool,
) -> Result<Picture, PaintError> {
    let windows = brush.windows();
    let canvas = Canvas::of(sitting.field, windows.pixel);
    let shape = canvas.shape();
    let taken = sitting.widefield.filter(|widefield| widefield.shape() == sitting.field.shape);
    let taken = taken.map(|widefield| Taken::of(widefield, &canvas));
    let counts = canvas.counts(sitting.localizations);
    let light = taken.as_ref().filter(|taken| !taken.even).map(|taken| match windows.widefield {
        WidefieldUnit::Fraction => taken.fraction(),
        WidefieldUnit::Adu => taken.adu.clone(),
    });
    let mut draw = |light: Option<&Grey>| {
        if counts.is_empty() {
            return Ok(Drawn::nothing(shape));
        }
        draw(brush, &windows, &counts, light, &mut go_on)
    };
    let alone = draw(None)?;
    let judged = taken.as_ref().map(|taken| judge(&alone.picture, taken));
    let drawn = match &light {
        None => alone,
        Some(light) => draw(Some(light))?,
    };
    Ok(Picture {
        pixel: windows.pixel,
        picture: drawn.picture,
        judged,
        widefield: taken.map(|taken| taken.adu),
        windows: drawn.windows,
    })
}

/// What the network says of a whole tile.
struct Drawn {
    picture: Grey,
    windows: usize,
}

impl Drawn {
    fn nothing(shape: Shape) -> Self {
        Self { picture: Grey::even(shape, 0.0), windows: 0 }
    }
}

fn draw(
    brush: &mut impl Brush,
    windows: &Windows,
    counts: &canvas::Counts,
    light: Option<&Grey>,
    go_on: &mut impl FnMut() -> bool,
) -> Result<Drawn, PaintError> {
    let plan = canvas::Plan::of(counts.shape(), windows)?;
    let mut picture = plan.picture()?;
    let side = windows.side_px as usize;
    let (mut dots, mut glow) = (vec![0.0; side * side], vec![0.0; side * side]);
    let mut drawn = 0;
    while let Some(window) = picture.next_place() {
        if !go_on() {
            return Err(PaintError::Left);
        }
        let from = plan.inside(window);
        counts.cut(from, side, &mut dots);
        if let Some(light) = light {
            canvas::cut(light, from, side, &mut glow);
        }
        let painted = brush.paint(&dots, light.map(|_| &glow[..]))?;
        picture.add(&painted.picture)?;
        drawn += 1;
    }
    Ok(Drawn { picture: picture.finish()?, windows: drawn })
}
