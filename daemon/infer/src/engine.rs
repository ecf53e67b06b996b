//! The one trait behind which every engine stands, and what passes through it.
//!
//! In: windows of three frames, borrowed from the frame ring. Out: [`Output`]s, handed to a callback as soon
//! as they are ready. Never: post-processing (that is `smlm::localize`), frame numbers, waiting.

use smlm::frame::{FrameId, Shape};
use smlm::localization::Localization;
use smlm::localize::DecodeTensor;
use smlm::tiling::TilingError;
use smlm::units::Camera;

use crate::bundle::BundleError;
use crate::runtime::RuntimeError;

/// What names a frame for the cache of feature maps.
pub type FrameKey = FrameId;

/// Row-major, unpadded pixels, as they lie in the ring.
#[derive(Clone, Copy, Debug)]
pub enum Pixels<'a> {
    U8(&'a [u8]),
    /// Little-endian, two bytes a pixel; no alignment is asked for.
    U16Le(&'a [u8]),
}

/// Per-pixel calibration of an sCMOS camera: slices of one value per pixel, row-major.
#[derive(Clone, Copy, Debug)]
pub struct CameraMaps<'a> {
    pub offset_adu: &'a [f32],
    /// Multiplies the camera's own `e_per_adu`; 1 for an average pixel.
    pub relative_gain: &'a [f32],
}

/// One frame, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct FrameRef<'a> {
    pub key: FrameKey,
    pub shape: Shape,
    pub pixels: Pixels<'a>,
    pub camera: Camera,
    pub maps: Option<&'a CameraMaps<'a>>,
}

/// A frame between its neighbours. At the ends of a burst the missing neighbour is the frame itself.
#[derive(Clone, Copy, Debug)]
pub struct WindowRef<'a> {
    pub previous: FrameRef<'a>,
    pub this: FrameRef<'a>,
    pub next: FrameRef<'a>,
}

/// What an engine says of a window, or of one tile of a window.
#[derive(Clone, Copy, Debug)]
pub enum Output<'a> {
    /// A network's raw output for one tile of the frame, or for all of it. Where the tile reaches beyond the
    /// frame, p is 0.
    Decode(DecodeTensor<'a>),
    /// Localizations in coordinates of the frame. `frame` and `tile` are 0: whoever called knows them.
    Found(&'a [Localization]),
}

/// What an engine is and what it really runs on.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// Of the bundle or the built-in engine.
    pub name: String,
    pub version: String,
    /// Frames the network sees at once: 1 or 3.
    pub window_frames: u32,
    /// Windows that one call of `run` may bring.
    pub max_batch: usize,
    /// What really computes, such as `CPUExecutionProvider`; proven after warm-up, not merely asked for.
    pub provider: String,
    /// How many nodes of which graph went to which provider, as text.
    pub placement: String,
    /// What was tried before, and why it failed, in order; empty when the first choice runs.
    pub attempts: Vec<String>,
    /// Pixels of a neighbourhood that an output pixel depends on.
    pub halo_px: u32,
    /// Sides given to the network are multiples of this.
    pub grid_px: u32,
}

/// Why an engine did not start or did not run.
#[derive(Debug, thiserror::Error)]
#[must_use]
pub enum EngineError {
    #[error(
        "{windows} windows in one call, but {engine} was set up for at most {max}; lower model.max_batch or raise the engine's"
    )]
    BatchTooLarge { engine: String, windows: usize, max: usize },
    #[error("frame {key} has {bytes} bytes of pixels where {width} x {height} need {needed}")]
    WrongPixelCount { key: String, bytes: usize, width: u32, height: u32, needed: usize },
    #[error(
        "the camera's per-pixel maps do not have {width} x {height} values, as its frames have; correct camera.maps"
    )]
    WrongMaps { width: u32, height: u32 },
    #[error("frames of {width} x {height} pixels: each side must be 1 to {max} pixels")]
    Shape { width: u32, height: u32, max: u32 },
    #[error(
        "the frames of a window differ in shape; the window stage must end a burst where the shape changes"
    )]
    ShapesDiffer,
    #[error(
        "frame {key} came again with other pixels: it was overwritten while it was in use, or its name is not unique"
    )]
    Torn { key: String },
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    #[error(transparent)]
    Bundle(#[from] BundleError),
    #[error(transparent)]
    Tiling(#[from] TilingError),
    #[error("no execution provider runs the bundle '{bundle}': {attempts}")]
    NoProvider { bundle: String, attempts: String },
    #[error("buffers cannot be made: {message}")]
    Buffers { message: String },
    #[error(
        "the network needs {needed_mib} MiB for tiles of {width} x {height} px where {allowed_mib} MiB are allowed; lower model.core_px or raise model.memory_mib"
    )]
    Memory { width: u32, height: u32, needed_mib: usize, allowed_mib: usize },
    #[error("the bundle '{bundle}' failed on {provider}: {message}")]
    Run { bundle: String, provider: String, message: String },
}

/// Finds emitters in windows of frames. One engine belongs to one thread at a time.
pub trait Engine: Send {
    fn about(&self) -> &About;

    /// Time spent inside the network itself since the engine was opened, ns, summed over its lanes.
    fn network_ns(&self) -> u64 {
        0
    }

    /// Allocates and runs once for frames of `shape`, so that the first real frame waits for nothing. Falls
    /// back to the next execution provider where the chosen one fails now, and `about` then says so.
    fn warm_up(&mut self, shape: Shape) -> Result<(), EngineError>;

    /// Looks at `windows`, oldest first, and calls `emit(index of the window, output)` at least once for
    /// each. Neighbouring windows share frames by key: the same key must bring the same pixels.
    ///
    /// A small field comes in one output, windows in order. A large field comes tile by tile, and then tiles
    /// of different windows may come in any order; all have come when `run` returns.
    fn run(
        &mut self,
        windows: &[WindowRef<'_>],
        emit: &mut dyn FnMut(usize, Output<'_>),
    ) -> Result<(), EngineError>;
}

/// Largest side of a frame in pixels that any engine takes.
pub const MAX_SIDE_PX: u32 = 16_384;

impl About {
    /// Refuses more windows than the engine was set up for.
    pub fn check_batch(&self, windows: usize) -> Result<(), EngineError> {
        if windows <= self.max_batch {
            return Ok(());
        }
        Err(EngineError::BatchTooLarge { engine: self.name.clone(), windows, max: self.max_batch })
    }

    /// The shape of all frames of a batch; `None` of an empty one.
    ///
    /// # Errors
    /// Too many windows, frames that do not fill their shape, frames of different shapes.
    pub fn check_windows(&self, windows: &[WindowRef<'_>]) -> Result<Option<Shape>, EngineError> {
        let Some(first) = windows.first() else { return Ok(None) };
        self.check_batch(windows.len())?;
        for window in windows {
            window.check()?;
            if window.this.shape != first.this.shape {
                return Err(EngineError::ShapesDiffer);
            }
        }
        Ok(Some(first.this.shape))
    }
}

impl FrameRef<'_> {
    /// Refuses a frame whose pixels do not fill its shape, before anything is computed or allocated.
    pub fn check(&self) -> Result<(), EngineError> {
        let Shape { width, height } = self.shape;
        if !(1..=MAX_SIDE_PX).contains(&width) || !(1..=MAX_SIDE_PX).contains(&height) {
            return Err(EngineError::Shape { width, height, max: MAX_SIDE_PX });
        }
        let (bytes, needed) = match self.pixels {
            Pixels::U8(bytes) => (bytes.len(), self.shape.pixels()),
            Pixels::U16Le(bytes) => (bytes.len(), 2 * self.shape.pixels()),
        };
        let maps_fit = self
            .maps
            .is_none_or(|maps| [maps.offset_adu.len(), maps.relative_gain.len()] == [self.shape.pixels(); 2]);
        if !maps_fit {
            return Err(EngineError::WrongMaps { width, height });
        }
        if bytes != needed {
            let key = format!("{}/{}", self.key.series, self.key.seq.0);
            return Err(EngineError::WrongPixelCount { key, bytes, width, height, needed });
        }
        Ok(())
    }
}

impl WindowRef<'_> {
    /// Checks the three frames and that they share one shape.
    pub fn check(&self) -> Result<(), EngineError> {
        self.previous.check()?;
        self.this.check()?;
        self.next.check()?;
        if self.previous.shape != self.this.shape || self.next.shape != self.this.shape {
            return Err(EngineError::ShapesDiffer);
        }
        Ok(())
    }
}
