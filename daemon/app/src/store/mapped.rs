//! A part of a file in memory: in come a file and a range, out come atomics and bounds-checked pointers.
//!
//! Never a reference to bytes that somebody else may be writing: callers make slices where they own the bytes.

use std::fs::File;
use std::io;
use std::sync::atomic::AtomicU64;

use memmap2::{MmapOptions, MmapRaw};

/// A shared, writable mapping.
pub(super) struct Mapped(MmapRaw);

impl Mapped {
    /// Maps `length` bytes from `offset`, a multiple of the page; the file must be that long (see [`super::files`]).
    pub fn writable(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        MmapOptions::new().offset(offset).len(length).map_raw(file).map(Self)
    }

    /// The same, for a file that is only read; its atomics may be loaded, never stored.
    pub fn read_only(file: &File, offset: u64, length: usize) -> io::Result<Self> {
        MmapOptions::new().offset(offset).len(length).map_raw_read_only(file).map(Self)
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Makes a range of whole pages ready for writing at once: on disk several times faster than page by page,
    /// at the first touch. A hint: without effect where the system does not know it.
    pub fn populate(&self, at: usize, length: usize) {
        #[cfg(target_os = "linux")]
        drop(self.0.advise_range(memmap2::Advice::PopulateWrite, at, length));
        #[cfg(not(target_os = "linux"))]
        let _ = (at, length);
    }

    /// The aligned eight bytes at `at`.
    pub fn atomic(&self, at: usize) -> &AtomicU64 {
        let place = self.bytes(at, 8).cast::<u64>();
        assert!(place.is_aligned(), "atomics lie at multiples of 8");
        // SAFETY: in bounds and aligned (just checked), alive as long as `self`, and every access to this place
        // in every process is atomic: the layouts keep atomics apart from plain bytes.
        unsafe { AtomicU64::from_ptr(place) }
    }

    /// The first of `length` bytes at `at`; panics outside the mapping.
    pub fn bytes(&self, at: usize, length: usize) -> *mut u8 {
        let inside = at.checked_add(length).is_some_and(|end| end <= self.0.len());
        assert!(inside, "{length} bytes at {at} lie outside a mapping of {}", self.0.len());
        // SAFETY: in bounds, just checked.
        unsafe { self.0.as_mut_ptr().add(at) }
    }
}
