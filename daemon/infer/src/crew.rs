//! Lanes: how an engine spreads the pieces of one batch over threads that it does not own.
//!
//! In: a number of pieces and what to do with one. Out: all of them done. Never: a thread created here. The
//! one file of the process that makes threads lends them by calling [`Lanes::work`]; without them a crew
//! still finishes its pieces, on the caller's thread. Handing out work allocates nothing.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What is done with piece `index` on lane `lane`.
pub type Job<'a> = dyn Fn(usize, usize) + Sync + 'a;

/// Threads that share the pieces of a batch.
pub trait Crew: Send + Sync {
    /// Number of lanes, at least 1. Lane numbers are below it, and no two pieces run on one lane at a time.
    fn width(&self) -> usize;

    /// Does every piece below `pieces` once, in any order, and returns when all are done.
    fn each(&self, pieces: usize, job: &Job<'_>);
}

/// A crew of one: the caller, on lane 0.
#[derive(Clone, Copy, Debug, Default)]
pub struct Alone;

impl Crew for Alone {
    fn width(&self) -> usize {
        1
    }

    fn each(&self, pieces: usize, job: &Job<'_>) {
        (0..pieces).for_each(|index| job(index, 0));
    }
}

/// A crew of `width` lanes: the caller is lane 0, threads that call [`Lanes::work`] are the others.
pub struct Lanes {
    width: usize,
    state: Mutex<State>,
    /// There is a task, or the crew is closed.
    go: Condvar,
    /// The last helper has left the task.
    left: Condvar,
    next: AtomicUsize,
    /// One caller at a time.
    calling: Mutex<()>,
}

#[derive(Default)]
struct State {
    task: Option<Task>,
    /// Counts tasks, so that a helper joins each only once.
    number: u64,
    helpers: usize,
    panicked: bool,
    closed: bool,
}

#[derive(Clone, Copy)]
struct Task {
    pieces: usize,
    job: *const Job<'static>,
}

// SAFETY: the pointer is followed only between joining and leaving a task, and `each` does not return, nor
// unwind, before every helper has left. What it points to is `Sync`.
unsafe impl Send for Task {}

impl Lanes {
    pub fn new(width: usize) -> Self {
        Self {
            width: width.max(1),
            state: Mutex::default(),
            go: Condvar::new(),
            left: Condvar::new(),
            next: AtomicUsize::new(0),
            calling: Mutex::new(()),
        }
    }

    /// Lends the calling thread to the crew as `lane` (1 to `width - 1`, each by one thread) until
    /// [`close`](Self::close).
    pub fn work(&self, lane: usize) {
        debug_assert!((1..self.width).contains(&lane));
        let mut seen = 0;
        let mut state = self.lock();
        while !state.closed {
            match state.task {
                Some(task) if state.number != seen => {
                    seen = state.number;
                    state.helpers += 1;
                    drop(state);
                    let leaving = Leaving(self);
                    self.take_pieces(task, lane);
                    drop(leaving);
                    state = self.lock();
                }
                _ => state = self.go.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Sends the helpers home once they have finished what they do.
    pub fn close(&self) {
        self.lock().closed = true;
        self.go.notify_all();
    }

    fn take_pieces(&self, task: Task, lane: usize) {
        // SAFETY: see `Task`.
        let job = unsafe { &*task.job };
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            if index >= task.pieces {
                return;
            }
            job(index, lane);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent at every unlock; a panicking job is reported by `panicked`.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Crew for Lanes {
    fn width(&self) -> usize {
        self.width
    }

    fn each(&self, pieces: usize, job: &Job<'_>) {
        let _calling = self.calling.lock().unwrap_or_else(PoisonError::into_inner);
        if pieces < 2 || self.width == 1 {
            return Alone.each(pieces, job);
        }
        // SAFETY: only the lifetime changes; `Finishing` outlives every use of the pointer.
        let job: *const Job<'static> =
            unsafe { std::mem::transmute::<*const Job<'_>, *const Job<'static>>(job) };
        let task = Task { pieces, job };
        self.next.store(0, Ordering::Relaxed);
        {
            let mut state = self.lock();
            state.number += 1;
            state.task = Some(task);
            state.panicked = false;
        }
        self.go.notify_all();
        let finishing = Finishing(self);
        self.take_pieces(task, 0);
        drop(finishing);
        assert!(!self.lock().panicked, "a piece of work panicked on another lane");
    }
}

/// Counts a helper out, also when its piece panics.
struct Leaving<'a>(&'a Lanes);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.helpers -= 1;
        state.panicked |= std::thread::panicking();
        if state.helpers == 0 {
            self.0.left.notify_all();
        }
    }
}

/// Takes the task back and waits until no helper uses it, also when the caller's piece panics.
struct Finishing<'a>(&'a Lanes);

impl Drop for Finishing<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.task = None;
        while state.helpers > 0 {
            state = self.0.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[test]
    fn every_piece_is_done_once_however_many_threads_were_lent() {
        for (width, lent) in [(1, 0), (3, 0), (3, 1), (4, 3)] {
            let lanes = Lanes::new(width);
            std::thread::scope(|scope| {
                for lane in 1..=lent {
                    let lanes = &lanes;
                    scope.spawn(move || lanes.work(lane));
                }
                for pieces in [0, 1, 2, 57] {
                    let counts: Vec<AtomicU32> = (0..pieces).map(|_| AtomicU32::new(0)).collect();
                    lanes.each(pieces, &|index, lane| {
                        assert!(lane < width);
                        counts[index].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
                }
                lanes.close();
            });
        }
    }

    #[test]
    fn a_lent_thread_takes_its_share() {
        let lanes = Lanes::new(2);
        let both = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| lanes.work(1));
            // Each piece waits for the other: this returns only if two threads work at the same time.
            lanes.each(2, &|_, _| {
                both.wait();
            });
            lanes.close();
        });
    }

    #[test]
    fn a_panic_of_a_helper_reaches_the_caller() {
        let lanes = Lanes::new(2);
        let both = std::sync::Barrier::new(2);
        let outcome = std::thread::scope(|scope| {
            let helper = scope.spawn(|| lanes.work(1));
            let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                lanes.each(2, &|_, lane| {
                    both.wait();
                    assert!(lane == 0, "on purpose");
                });
            }));
            lanes.close();
            assert!(helper.join().is_err());
            outcome
        });
        assert!(outcome.is_err());
    }
}
