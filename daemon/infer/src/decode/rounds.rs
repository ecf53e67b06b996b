//! One call of `run`: tiles of windows, packed into rounds that fit the buffers.
//!
//! In: checked windows and a warm plan. Out: emitted outputs. Never: an allocation. A round first computes
//! the features that are missing, then the windows, each step spread over the lanes; then it emits.

use std::sync::{Mutex, MutexGuard, PoisonError};

use smlm::frame::Shape;
use smlm::localize::DecodeTensor;
use smlm::tiling::Rect;

use super::features::{Origin, Slot};
use super::plan::{FrameJob, Plan, WindowJob};
use super::{Decode, Station};
use crate::card::Graphs;
use crate::crew::{Alone, Crew};
use crate::engine::{EngineError, FrameRef, Output, WindowRef};
use crate::graph::Buffer;
use crate::pixels::{Cut, Line, Scaling, fill};

type Emit<'a> = dyn FnMut(usize, Output<'_>) + 'a;

impl Decode {
    /// Computes everything from the `done`-th tile on, and counts on.
    pub(super) fn run_rounds(
        &mut self,
        plan: usize,
        windows: &[WindowRef<'_>],
        done: &mut usize,
        emit: &mut Emit<'_>,
    ) -> Result<(), EngineError> {
        let split = matches!(self.bundle.card.graphs, Graphs::Split { .. });
        let mut round = Round {
            plan: &mut self.plans[plan],
            stations: &self.stations,
            crew: if self.stations.len() > 1 { &*self.crew } else { &Alone },
            scaling: self.bundle.card.input,
            windows,
        };
        let tiles = round.plan.tiles.len();
        let outcome = round.all(tiles, split, done, emit);
        if outcome.is_err() {
            self.plans[plan].features.forget();
        }
        outcome.map_err(|error| self.failed(&error))
    }
}

/// What a round works with.
struct Round<'a, 'w> {
    plan: &'a mut Plan,
    stations: &'a [Mutex<Station>],
    crew: &'a dyn Crew,
    scaling: Scaling,
    windows: &'a [WindowRef<'w>],
}

impl Round<'_, '_> {
    fn all(&mut self, tiles: usize, split: bool, done: &mut usize, emit: &mut Emit<'_>) -> ort::Result<()> {
        let all = tiles * self.windows.len();
        self.clear();
        let mut next = *done;
        while next < all {
            let (window, tile) = if self.plan.window_by_window {
                (next / tiles, next % tiles)
            } else {
                (next % self.windows.len(), next / self.windows.len())
            };
            if self.add(window, tile, split) {
                next += 1;
            } else {
                // The buffers are full. An empty round takes any tile, so this comes to an end.
                self.flush(emit)?;
                *done = next;
            }
        }
        self.flush(emit)?;
        *done = next;
        Ok(())
    }

    fn clear(&mut self) {
        self.plan.frame_jobs.clear();
        self.plan.window_jobs.clear();
        self.plan.features.next_round();
    }

    /// Plans one tile of one window; `false` where no buffer is left for it in this round.
    fn add(&mut self, window: usize, tile: usize, split: bool) -> bool {
        if self.plan.window_jobs.len() == self.plan.outputs.len() {
            return false;
        }
        let mut slots = [0; 3];
        for (place, slot) in slots.iter_mut().enumerate().filter(|_| split) {
            let frame = frame_at(&self.windows[window], place);
            let origin = Origin {
                frame: frame.key,
                tile: tile as u32,
                line: Line::new(frame.camera, self.scaling),
                mapped: frame.maps.is_some(),
            };
            *slot = match self.plan.features.slot(origin) {
                None => return false,
                Some(Slot::Ready(slot)) => slot,
                Some(Slot::ToFill(slot)) => {
                    self.plan.frame_jobs.push(FrameJob { window, place, tile, slot });
                    slot
                }
            };
        }
        self.plan.window_jobs.push(WindowJob { window, tile, slots });
        true
    }

    fn flush(&mut self, emit: &mut Emit<'_>) -> ort::Result<()> {
        let failure = Mutex::new(None);
        let plan = &*self.plan;
        self.crew.each(plan.frame_jobs.len(), &|index, lane| {
            note(&failure, || self.compute_features(&plan.frame_jobs[index], lane));
        });
        if lock(&failure).is_none() {
            self.crew.each(plan.window_jobs.len(), &|index, lane| {
                note(&failure, || self.compute_window(&plan.window_jobs[index], &plan.outputs[index], lane));
            });
        }
        if let Some(error) = lock(&failure).take() {
            return Err(error);
        }
        let plan = &mut *self.plan;
        for (job, output) in plan.window_jobs.iter().zip(&mut plan.outputs) {
            let tile = &plan.tiles[job.tile];
            blank_padding(output.values_mut(), tile.input, plan.shape);
            let tensor = DecodeTensor {
                data: output.values_mut(),
                height: tile.input.height,
                width: tile.input.width,
                frame: plan.shape,
                origin: (tile.input.row as i32, tile.input.column as i32),
                core: tile.core_in_input(),
            };
            emit(job.window, Output::Decode(tensor));
        }
        self.clear();
        Ok(())
    }

    fn compute_features(&self, job: &FrameJob, lane: usize) -> ort::Result<()> {
        let mut station = lock(&self.stations[lane]);
        let mut input = lock(&self.plan.inputs[lane]);
        let frame = frame_at(&self.windows[job.window], job.place);
        fill(&frame, self.scaling, self.cut(job.tile), input.values_mut());
        let Some(graph) = &mut station.frame else { return Ok(()) };
        // SAFETY: slots of one round differ, so no other job has this one; no window reads before all
        // features are there; the input is locked.
        unsafe { graph.run(&[&*input], self.plan.features.buffer(job.slot)) }
    }

    fn compute_window(&self, job: &WindowJob, output: &Buffer, lane: usize) -> ort::Result<()> {
        let mut station = lock(&self.stations[lane]);
        if station.frame.is_some() {
            let features = job.slots.map(|slot| self.plan.features.buffer(slot));
            // SAFETY: features are only read in this step; each job has an output of its own.
            return unsafe { station.window.run(&features, output) };
        }
        let mut input = lock(&self.plan.inputs[lane]);
        let plane = self.plan.input.pixels();
        let window = &self.windows[job.window];
        let frames = input.values_mut().len() / plane;
        for (at, values) in input.values_mut().chunks_exact_mut(plane).enumerate() {
            let place = if frames == 1 { 1 } else { at };
            fill(&frame_at(window, place), self.scaling, self.cut(job.tile), values);
        }
        // SAFETY: the input is locked; each job has an output of its own.
        unsafe { station.window.run(&[&*input], output) }
    }

    fn cut(&self, tile: usize) -> Cut {
        let input = self.plan.tiles[tile].input;
        Cut {
            x: input.column as usize,
            y: input.row as usize,
            width: input.width as usize,
            height: input.height as usize,
        }
    }
}

fn frame_at<'a>(window: &WindowRef<'a>, place: usize) -> FrameRef<'a> {
    match place {
        0 => window.previous,
        1 => window.this,
        _ => window.next,
    }
}

/// Undoes the padding: outside the frame there is no emitter, so p, the first channel, becomes 0 there, and
/// no pixel inside is judged by a neighbour that does not exist.
fn blank_padding(values: &mut [f32], input: Rect, frame: Shape) {
    let width = input.width as usize;
    let columns = frame.width.saturating_sub(input.column).min(input.width) as usize;
    let rows = frame.height.saturating_sub(input.row).min(input.height) as usize;
    let p = &mut values[..width * input.height as usize];
    p[rows * width..].fill(0.0);
    if columns < width {
        p.chunks_exact_mut(width).for_each(|row| row[columns..].fill(0.0));
    }
}

/// Keeps the first failure and does nothing more after it.
fn note(failure: &Mutex<Option<ort::Error>>, work: impl FnOnce() -> ort::Result<()>) {
    if lock(failure).is_some() {
        return;
    }
    if let Err(error) = work() {
        lock(failure).get_or_insert(error);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking job leaves behind is overwritten by the next one.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
