//! UTC that never jumps: the wall clock is read once, then only the monotonic clock moves it on.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One for the whole process, so that times of different stages can be compared.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    started_unix_ns: u64,
}

impl Clock {
    pub fn start() -> Self {
        // Before 1970 there were no cameras; a clock set there counts from 0.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { started: Instant::now(), started_unix_ns: since.as_nanos() as u64 }
    }

    pub fn now_unix_ns(&self) -> u64 {
        self.started_unix_ns + self.started.elapsed().as_nanos() as u64
    }
}
