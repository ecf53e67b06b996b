//! A series on the infer thread: its ring, its windows, and those that wait for the network.
//!
//! In: frames in the ring's order. Out: windows whose pixels are read where they lie. Never: a copy of
//! pixels, but for the small sample that [`crate::estimating`] looks at.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use infer::{FrameRef, Pixels, WindowRef};
use smlm::frame::{FrameInfo, PixelType, Shape};
use smlm::looks::Looks;
use smlm::series::Channel;
use smlm::units::Camera;
use smlm::window::{Event, Window, Windower};

use super::{Averaging, Batch, MAX_BATCH, Settings};
use crate::estimating::Collector;
use crate::live::{Series, View, Wishes};
use crate::store::ring::RingReader;

/// A series on its way through the network.
pub struct Lane {
    pub series: Arc<Series>,
    pub reader: RingReader,
    pub windower: Windower,
    pub pending: VecDeque<Window>,
    pub camera: Camera,
    pub channel: Channel,
    pub collector: Collector,
    /// Of a widefield series.
    pub averaging: Option<Averaging>,
    pub looks: Looks,
    pub released: Arc<AtomicU64>,
    pub done_through: Option<u64>,
    pub warmed: Option<Shape>,
    pub last_frame: Instant,
    pub flushed: bool,
    pub closing: Option<String>,
}

impl Lane {
    pub fn take_frames(&mut self, wanted: usize, idle_flush: Duration) {
        while self.pending.len() <= wanted {
            let Some((info, slot)) = self.reader.next() else { break };
            self.last_frame = Instant::now();
            self.flushed = false;
            self.collector.take(&info, self.reader.pixels(slot));
            for event in self.windower.push(&info, slot) {
                self.note(event);
            }
        }
        if !self.flushed && self.last_frame.elapsed() > idle_flush {
            self.flush();
        }
    }

    pub fn flush(&mut self) {
        self.flushed = true;
        for event in self.windower.flush() {
            self.note(event);
        }
    }

    /// A series that is once known as a widefield pass stays one: no frame of it goes to the network any more.
    pub fn average_from_now_on(&mut self, channel: Channel) {
        if channel == Channel::Widefield && self.averaging.is_none() {
            self.averaging = Some(Averaging::new(self.reader.slots()));
        }
    }

    /// Something can be done at once, without waiting for a file.
    pub fn is_at_work(&self) -> bool {
        self.averaging.as_ref().is_none_or(Averaging::is_settled)
    }

    /// Nothing waits for a file any more. A tile that is cut off by the daemon's stop lies in the ring and is averaged
    /// by the next process.
    pub fn is_averaged(&mut self) -> bool {
        let closing = self.closing.is_some();
        self.averaging.as_mut().is_none_or(|averaging| {
            if closing {
                averaging.end();
            }
            if closing { averaging.is_empty() } else { averaging.is_settled() }
        })
    }

    pub fn is_failing(&self) -> bool {
        self.averaging.as_ref().is_some_and(Averaging::is_failing)
    }

    /// The camera whose counts become photons from now on.
    pub fn usual_camera(&self, settings: &Settings, wishes: &Wishes) -> Camera {
        wishes.camera.or_else(|| self.series.info().camera).unwrap_or(settings.camera)
    }

    /// Leaves the last of the first `windows` frames in the batch if somebody wants to see one; the last one before a
    /// pause or the end always.
    pub fn show(&self, windows: usize, batch: &mut Batch) {
        let last = self.flushed && self.pending.len() == windows;
        let wanted = self.series.view_wanted() || last;
        let Some(window) = windows.checked_sub(1).and_then(|at| self.pending.get(at)).filter(|_| wanted)
        else {
            return;
        };
        batch.view = Some(Box::new(View {
            info: window.this,
            pixels: self.reader.pixels(window.this_slot).into(),
            localizations: Vec::new(),
            localized: self.channel != Channel::Widefield,
        }));
    }

    /// Looks at focus and light of the first `windows` frames, where they lie.
    pub fn look(&mut self, windows: usize, wanted: bool, batch: &mut Batch) {
        if !wanted {
            return;
        }
        let bit_depth = self.series.door().info.bit_depth;
        for window in self.pending.iter().take(windows) {
            self.looks.take(&window.this, self.reader.pixels(window.this_slot), bit_depth);
        }
        batch.look = self.looks.give();
    }

    fn note(&mut self, event: Event) {
        match event {
            // After a restart the frames before are only neighbours: they are in the journal already.
            Event::Window(window) if self.done_through.is_none_or(|done| window.this.id.seq.0 > done) => {
                self.pending.push_back(window);
            }
            Event::Window(_) => {}
            Event::Gap(gap) => {
                tracing::debug!(series = %gap.before.series, before = gap.before.seq.0, frames = gap.frames, "gap");
            }
        }
    }

    /// Windows that can go together: one tile, one shape.
    pub fn batch_len(&self, max: usize) -> usize {
        let Some(first) = self.pending.front() else { return 0 };
        let alike =
            |w: &&Window| w.this.tile.index == first.this.tile.index && w.this.shape == first.this.shape;
        self.pending.iter().take(max.min(MAX_BATCH)).take_while(alike).count()
    }

    fn frame(&self, info: &FrameInfo, key: smlm::frame::FrameId, slot: u64) -> FrameRef<'_> {
        let bytes = self.reader.pixels(slot);
        let pixels = match info.pixel_type {
            PixelType::U8 => Pixels::U8(bytes),
            PixelType::U16 => Pixels::U16Le(bytes),
        };
        FrameRef { key, shape: info.shape, pixels, camera: self.camera, maps: None }
    }

    pub fn window(&self, at: usize) -> WindowRef<'_> {
        let w = &self.pending[at];
        WindowRef {
            previous: self.frame(&w.this, w.previous.id, w.previous.slot),
            this: self.frame(&w.this, w.this.id, w.this_slot),
            next: self.frame(&w.this, w.next.id, w.next.slot),
        }
    }
}
