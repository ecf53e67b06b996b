//! A camera frame for viewers, with what was found in it.
//!
//! In: wishes of viewers; the frame that the infer thread copied for them. Out: the latest such frame. Never: a copy
//! that nobody asked for, but of a series' last frame.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use smlm::frame::FrameInfo;
use smlm::localization::Localization;

use super::{Series, open};

/// A frame.
pub struct View {
    pub info: FrameInfo,
    /// As they came: little-endian, row by row.
    pub pixels: Box<[u8]>,
    /// Found in this frame.
    pub localizations: Vec<Localization>,
    /// Emitters are looked for in this series.
    pub localized: bool,
}

/// A place for the latest one, and whether another is wanted.
#[derive(Default)]
pub(super) struct Window {
    wanted: AtomicBool,
    view: Mutex<Option<Arc<View>>>,
}

impl Series {
    /// The next frame that is processed should be kept.
    pub fn want_view(&self) {
        self.window.wanted.store(true, Ordering::Relaxed);
    }

    /// Whether somebody asked; asks once.
    pub fn view_wanted(&self) -> bool {
        self.window.wanted.load(Ordering::Relaxed) && self.window.wanted.swap(false, Ordering::Relaxed)
    }

    pub fn put_view(&self, view: View) {
        *open(&self.window.view) = Some(Arc::new(view));
    }

    pub fn view(&self) -> Option<Arc<View>> {
        open(&self.window.view).clone()
    }
}
