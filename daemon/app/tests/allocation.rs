//! In steady state the ingest and infer threads ask the heap for nothing, whatever comes in and is found.
//!
//! Counted by an allocator that knows the threads by their names, in the real pipeline.
#![allow(clippy::unwrap_used)] // a test that cannot go on says so by panicking

#[path = "../benches/memory.rs"]
mod memory;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use blinkd::config::Config;
use blinkd::live::Live;
use blinkd::pipeline::{self, Input};
use crossbeam_channel::bounded;
use memory::Memory;
use smlm::frame::{FrameId, FrameInfo, Seq, SeriesId, Shape};
use wire::publisher::{Publisher, PublisherSettings};
use wire::source::{FrameSource, SourceSettings};
use wire::zmtp::ZmtpSource;

struct Counting;

#[derive(Clone, Copy, PartialEq)]
enum Role {
    Unknown,
    Asking,
    Ingest,
    Infer,
    Other,
}

thread_local! {
    // Not lazy and without a destructor, so that counting itself allocates nothing.
    static ROLE: Cell<Role> = const { Cell::new(Role::Unknown) };
}

static RECORDING: AtomicBool = AtomicBool::new(false);
static INGEST: AtomicU64 = AtomicU64::new(0);
static INFER: AtomicU64 = AtomicU64::new(0);

fn count() {
    if !RECORDING.load(Ordering::Relaxed) {
        return;
    }
    let role = ROLE.get();
    if role == Role::Unknown {
        ROLE.set(Role::Asking);
        let current = std::thread::current();
        ROLE.set(match current.name() {
            Some("ingest") => Role::Ingest,
            Some("infer") => Role::Infer,
            _ => Role::Other,
        });
    }
    match ROLE.get() {
        Role::Ingest => INGEST.fetch_add(1, Ordering::Relaxed),
        Role::Infer => INFER.fetch_add(1, Ordering::Relaxed),
        _ => 0,
    };
}

// SAFETY: passes every call on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One measurement at a time: the counters are the process's.
static TURN: Mutex<()> = Mutex::new(());

fn wait(what: &str, mut condition: impl FnMut() -> bool) {
    let begin = Instant::now();
    let tick = crossbeam_channel::tick(Duration::from_millis(1));
    while !condition() {
        assert!(begin.elapsed() < Duration::from_secs(120), "{what}");
        tick.recv().unwrap();
    }
}

/// Allocations on both threads from frame `warm` until frame `until` is processed.
fn counted(live: &Live, series: SeriesId, warm: u64, until: u64) -> (u64, u64) {
    let processed = |at_least: u64| {
        wait("frames are processed", || {
            live.find(series).is_some_and(|series| series.door().account.processed() >= at_least)
        });
    };
    processed(warm);
    INGEST.store(0, Ordering::SeqCst);
    INFER.store(0, Ordering::SeqCst);
    RECORDING.store(true, Ordering::SeqCst);
    processed(until);
    RECORDING.store(false, Ordering::SeqCst);
    (INGEST.load(Ordering::SeqCst), INFER.load(Ordering::SeqCst))
}

fn config(dir: &tempfile::TempDir) -> Config {
    let mut config = Config::default();
    config.store.dir = dir.path().join("store");
    config.ring.dir = dir.path().join("rings");
    config.ring.mib = 4;
    config
}

fn bright(seq: u64, shape: Shape) -> Vec<u8> {
    let mut counts = vec![100u16; shape.pixels()];
    for spot in 0..20 {
        counts[((seq + 1) * 7919 + spot * 104_729) as usize % shape.pixels()] = 1500;
    }
    counts.iter().flat_map(|count| count.to_le_bytes()).collect()
}

/// A thread that finds the queue to the picture stage full for the first time is entered into the queue's list of those
/// who wait (crossbeam's, which keeps its room afterwards): once, not per frame.
const FIRST_WAIT: u64 = 2;

#[test]
fn receiving_from_a_socket_and_processing_allocate_nothing_per_frame() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    const WARM: u64 = 1000;
    const FRAMES: u64 = 3500;
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&dir);
    config.ring.mib = 64; // room for all: the processed ones are counted
    config.model.bundle = "fake".into();
    config.model.fake_window_frames = 3;
    let source = ZmtpSource::bind("tcp://127.0.0.1:0", SourceSettings::default()).unwrap();
    let endpoint = source.endpoint().to_owned();
    let (stop, stopped) = bounded(0);
    let (room, _) = bounded(1);
    let daemon = pipeline::start(&config, Input { source: Box::new(source), stop: stopped, room }, false);
    let daemon = daemon.unwrap();
    let (series, shape) = (SeriesId([4; 16]), Shape { width: 64, height: 64 });
    let sending = std::thread::spawn(move || {
        let mut publisher = Publisher::new(&endpoint, PublisherSettings::default()).unwrap();
        for seq in 0..FRAMES {
            let info = FrameInfo { id: FrameId { series, seq: Seq(seq) }, shape, ..FrameInfo::default() };
            let pixels = bright(seq, shape).into();
            publisher.send_lossless(&info, pixels, Duration::from_secs(60)).unwrap();
        }
        publisher.flush(Duration::from_secs(60)).unwrap();
        publisher.drive(Duration::from_millis(1));
        publisher
    });
    let live: Arc<Live> = daemon.live.clone();
    let (ingest, infer) = counted(&live, series, WARM, WARM + 2000);
    let _publisher = sending.join().unwrap();
    assert_eq!(ingest, 0, "allocations of ingest over 2,000 frames");
    assert!(infer <= FIRST_WAIT, "{infer} allocations of infer over 2,000 frames");
    drop(stop);
    daemon.join(Duration::from_secs(60)).unwrap();
    assert!(live.find(series).unwrap().exit().localizations >= 3000);
}

#[test]
fn the_shipped_network_allocates_nothing_per_frame_on_our_side() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(&dir);
    config.model.provider = "cpu".into();
    config.ring.mib = 1;
    if let Err(error) = infer::runtime::load(None) {
        return eprintln!("SKIPPED: {error}");
    }
    if let Err(error) = blinkd::engines::find(&config.model) {
        return eprintln!("SKIPPED: {error}");
    }
    let shape = Shape { width: 64, height: 64 };
    let (room, has_room) = bounded(1);
    let (stop, stopped) = bounded(0);
    let (began, _begins) = bounded(1);
    let frames = (0..16).map(|seq| bright(seq, shape)).collect();
    let source = Memory { shape, frames, wanted: 700, room: has_room, stop: Some(stop), next: 0, began };
    let input = Input { source: Box::new(source), stop: stopped, room };
    let daemon = pipeline::start(&config, input, false).unwrap();
    let (ingest, infer) = counted(&daemon.live.clone(), memory::SERIES, 200, 500);
    assert_eq!((ingest, infer), (0, 0), "allocations of ingest and infer over 300 frames");
    daemon.join(Duration::from_secs(60)).unwrap();
}

#[test]
fn the_counter_counts_by_thread() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (go, gone) = bounded::<()>(1);
    let (done, finished) = bounded::<()>(1);
    let work = move || {
        gone.recv().unwrap();
        drop(std::hint::black_box(Box::new(1)));
        done.send(()).unwrap();
        gone.recv().unwrap_err();
    };
    let thread = std::thread::Builder::new().name("infer".into()).spawn(work).unwrap();
    INFER.store(0, Ordering::SeqCst);
    RECORDING.store(true, Ordering::SeqCst);
    go.send(()).unwrap();
    finished.recv().unwrap();
    RECORDING.store(false, Ordering::SeqCst);
    drop(go);
    thread.join().unwrap();
    assert!(INFER.load(Ordering::SeqCst) >= 1);
}
