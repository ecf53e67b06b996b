//! A sink for tests: every call is remembered, every frame kept.

use smlm::frame::{FrameInfo, SeriesId};
use smlm::series::Control;
use wire::bad_message::BadMessage;
use wire::source::{FrameSink, FrameSource, Place};

use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Collect {
    pub open: Vec<Option<(FrameInfo, Vec<u8>)>>,
    pub frames: Vec<(FrameInfo, Vec<u8>)>,
    pub controls: Vec<Control>,
    pub bad: Vec<BadMessage>,
    pub abandoned: Vec<BadMessage>,
    pub disconnected: Vec<SeriesId>,
    pub refuse: bool,
    pub refused: u64,
}

impl FrameSink for Collect {
    fn reserve(&mut self, info: &FrameInfo) -> Option<Place> {
        if self.refuse {
            self.refused += 1;
            return None;
        }
        self.open.push(Some((*info, vec![0xee; info.payload_bytes()])));
        Some(Place(self.open.len() as u64 - 1))
    }

    fn space(&mut self, place: Place) -> &mut [u8] {
        &mut self.open[place.0 as usize].as_mut().expect("a place is used while it is open").1
    }

    fn commit(&mut self, place: Place, arrival_unix_ns: u64) {
        let (mut info, pixels) = self.open[place.0 as usize].take().expect("a place is committed once");
        info.arrival_unix_ns = arrival_unix_ns;
        self.frames.push((info, pixels));
    }

    fn abandon(&mut self, place: Place, why: BadMessage) {
        self.open[place.0 as usize].take().expect("a place is abandoned once");
        self.abandoned.push(why);
    }

    fn control(&mut self, message: Control) {
        self.controls.push(message);
    }

    fn bad(&mut self, kind: BadMessage) {
        self.bad.push(kind);
    }

    fn disconnected(&mut self, series: &[SeriesId]) {
        self.disconnected.extend_from_slice(series);
    }
}

impl Collect {
    /// Polls until `done`; fails after 20 s, which no test needs.
    pub fn until(
        &mut self,
        source: &mut dyn FrameSource,
        what: &str,
        mut done: impl FnMut(&mut Self) -> bool,
    ) {
        let begin = Instant::now();
        while !done(self) {
            source.poll(self, Duration::from_millis(10)).expect("the source goes on");
            assert!(begin.elapsed() < Duration::from_secs(20), "never: {what}; bad {:?}", self.bad);
        }
    }

    pub fn seqs(&self) -> Vec<u64> {
        self.frames.iter().map(|(info, _)| info.id.seq.0).collect()
    }
}
