//! Sends the frame stream, for Rust programs: the virtual microscope, replay, tests.
//!
//! In: frames and control messages. Out: ZMTP 3 PUSH to a daemon that may start later, leave and come back. Never: a
//! thread, an unbounded queue, a wait in `send_frame`.
//!
//! This is our own PUSH and not the `zeromq` crate's, because that one queues up to 100,000 messages per peer
//! (800 GB of large frames) and cannot say that it is full, so a frame can neither be refused nor be counted.
//!
//! Bytes move only while one of the methods runs: between frames call [`Publisher::drive`] instead of sleeping.

mod link;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smlm::frame::{FrameInfo, SeriesId};
use smlm::series::Control;

use self::link::{Link, Over};
use crate::bad_message::BadMessage;
use crate::endpoint::Endpoint;
use crate::envelope::{self, FrameOnWire};
use crate::source::SourceError;
use crate::zmtp::frame::put_head;
use crate::zmtp::unix_ns;

/// The limits of a publisher.
#[derive(Clone, Debug)]
pub struct PublisherSettings {
    /// Frames that wait to be written; one more is dropped and counted.
    pub queue_frames: usize,
    /// Their pixels together; one frame always fits.
    pub queue_bytes: usize,
    /// Between attempts to connect.
    pub reconnect_every: Duration,
    /// From the attempt to connect to the daemon's READY.
    pub handshake_limit: Duration,
    /// The camera's label, in each header.
    pub camera: String,
}

impl Default for PublisherSettings {
    fn default() -> Self {
        Self {
            queue_frames: 32,
            queue_bytes: 256 << 20,
            reconnect_every: Duration::from_millis(100),
            handshake_limit: Duration::from_secs(5),
            camera: String::new(),
        }
    }
}

/// Control messages that may wait besides the frames; one more displaces nothing and is refused.
const QUEUE_CONTROLS: usize = 256;

/// What became of a frame.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// It is on its way.
    Queued,
    /// No room: dropped and counted.
    Dropped,
}

/// A publisher's own account. `offered = sent + waiting + dropped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherCounts {
    pub offered_frames: u64,
    /// Handed to the operating system as a whole. Those before a disconnect may not have been received.
    pub sent_frames: u64,
    pub dropped_frames: u64,
    /// Connections that broke after the handshake.
    pub disconnects: u64,
}

/// Why sending without loss came to an end.
#[must_use]
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    #[error("no room for a frame within {0:?}: is the daemon running at '{1}', and does it keep up?")]
    NoRoom(Duration, String),
    #[error("'{0}' is not a blinkd frame socket: {1}")]
    NotADaemon(String, BadMessage),
}

struct Outgoing {
    /// Head of part 0, part 0 and, for a frame, head of part 1.
    front: Vec<u8>,
    pixels: Bytes,
    is_frame: bool,
}

/// A PUSH socket with a bounded queue in front.
pub struct Publisher {
    endpoint: Endpoint,
    settings: PublisherSettings,
    link: Option<Link>,
    tried: Option<Instant>,
    queue: VecDeque<Outgoing>,
    /// Bytes of the first in the queue that are written.
    written: usize,
    waiting_frames: usize,
    waiting_bytes: usize,
    /// Sent again after each reconnection, so that a restarted daemon knows the series.
    start: Option<(SeriesId, Vec<u8>)>,
    dropped_of: (SeriesId, u64),
    counts: PublisherCounts,
    refused: Option<BadMessage>,
}

impl Publisher {
    /// Connects in the background of the calls that follow.
    pub fn new(endpoint: &str, settings: PublisherSettings) -> Result<Self, SourceError> {
        Ok(Self {
            endpoint: endpoint.parse()?,
            queue: VecDeque::with_capacity(settings.queue_frames + QUEUE_CONTROLS),
            settings,
            link: None,
            tried: None,
            written: 0,
            waiting_frames: 0,
            waiting_bytes: 0,
            start: None,
            dropped_of: (SeriesId::default(), 0),
            counts: PublisherCounts::default(),
            refused: None,
        })
    }

    pub fn is_connected(&self) -> bool {
        self.link.as_ref().is_some_and(Link::is_ready)
    }

    pub fn counts(&self) -> PublisherCounts {
        self.counts
    }

    /// Frames not yet handed to the operating system as a whole.
    pub fn waiting_frames(&self) -> usize {
        self.waiting_frames
    }

    /// Queues a frame, or drops and counts it when there is no room. `pixels` holds `info.payload_bytes()` bytes. The
    /// header's send time and number of dropped frames are filled in here.
    pub fn send_frame(&mut self, info: &FrameInfo, pixels: Bytes) -> Sending {
        self.step();
        self.counts.offered_frames += 1;
        if !self.has_room(pixels.len()) {
            self.counts.dropped_frames += 1;
            *self.dropped_in(info.id.series) += 1;
            return Sending::Dropped;
        }
        self.push_frame(info, pixels);
        self.step();
        Sending::Queued
    }

    /// As [`Publisher::send_frame`], with a part 0 that the caller encoded and filled in: one with a checksum, or a
    /// damaged one.
    pub fn send_encoded(&mut self, part0: &[u8], pixels: Bytes) -> Sending {
        self.step();
        self.counts.offered_frames += 1;
        if !self.has_room(pixels.len()) {
            self.counts.dropped_frames += 1;
            return Sending::Dropped;
        }
        self.push_parts(part0, pixels);
        self.step();
        Sending::Queued
    }

    /// Queues a frame as soon as there is room, for files: nothing is dropped, at most `limit` is waited.
    pub fn send_lossless(
        &mut self,
        info: &FrameInfo,
        pixels: Bytes,
        limit: Duration,
    ) -> Result<(), PublishError> {
        self.wait_until(limit, |publisher| publisher.has_room(pixels.len()))?;
        self.counts.offered_frames += 1;
        self.push_frame(info, pixels);
        self.step();
        Ok(())
    }

    /// Queues a control message; false: too many wait already, and it was not queued.
    pub fn send_control(&mut self, control: &Control) -> bool {
        let part0 = envelope::encode_control(control);
        if self.queue.len() - self.waiting_frames >= QUEUE_CONTROLS
            || part0.len() > envelope::limits::CONTROL_PART0_BYTES
        {
            return false;
        }
        let mut front = Vec::with_capacity(part0.len() + 9);
        put_head(&mut front, part0.len(), false, false);
        front.extend_from_slice(&part0);
        match control {
            Control::SeriesStart(info) => self.start = Some((info.id, front.clone())),
            Control::SeriesEnd { series, .. } => drop(self.start.take_if(|(id, _)| id == series)),
            Control::TileEnd { .. } | Control::Heartbeat { .. } => {}
        }
        self.queue.push_back(Outgoing { front, pixels: Bytes::new(), is_frame: false });
        self.step();
        true
    }

    /// Moves bytes for `time`: the pause between frames.
    pub fn drive(&mut self, time: Duration) {
        let until = Instant::now() + time;
        loop {
            self.step();
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            self.pause(left);
        }
    }

    /// Waits until everything queued is handed to the operating system.
    pub fn flush(&mut self, limit: Duration) -> Result<(), PublishError> {
        self.wait_until(limit, |publisher| publisher.queue.is_empty())
    }

    fn wait_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> Result<(), PublishError> {
        let until = Instant::now() + limit;
        loop {
            self.step();
            if done(self) {
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let endpoint = self.endpoint.to_string();
                return Err(match self.refused {
                    Some(kind) => PublishError::NotADaemon(endpoint, kind),
                    None => PublishError::NoRoom(limit, endpoint),
                });
            }
            self.pause(left);
        }
    }

    fn has_room(&self, bytes: usize) -> bool {
        let fits = self.waiting_bytes + bytes <= self.settings.queue_bytes;
        self.waiting_frames == 0 || (self.waiting_frames < self.settings.queue_frames && fits)
    }

    fn dropped_in(&mut self, series: SeriesId) -> &mut u64 {
        if self.dropped_of.0 != series {
            self.dropped_of = (series, 0);
        }
        &mut self.dropped_of.1
    }

    fn push_frame(&mut self, info: &FrameInfo, pixels: Bytes) {
        let mut info = *info;
        info.dropped_by_publisher = *self.dropped_in(info.id.series);
        info.send_unix_ns = unix_ns();
        let on_wire = FrameOnWire { camera: &self.settings.camera, ..FrameOnWire::default() };
        self.push_parts(&envelope::encode_frame(&info, on_wire), pixels);
    }

    fn push_parts(&mut self, part0: &[u8], pixels: Bytes) {
        let mut front = Vec::with_capacity(part0.len() + 18);
        put_head(&mut front, part0.len(), true, false);
        front.extend_from_slice(part0);
        put_head(&mut front, pixels.len(), false, false);
        self.waiting_frames += 1;
        self.waiting_bytes += pixels.len();
        self.queue.push_back(Outgoing { front, pixels, is_frame: true });
    }

    /// Connects if it is time, and moves what the socket takes now.
    fn step(&mut self) {
        let now = Instant::now();
        if self.link.is_none() && self.tried.is_none_or(|tried| now >= tried + self.settings.reconnect_every)
        {
            self.tried = Some(now);
            self.link = Link::connect(&self.endpoint).ok();
        }
        let Some(link) = &mut self.link else { return };
        let was_ready = link.is_ready();
        let mut result = link.listen(self.written == 0);
        if link.is_ready() && !was_ready {
            self.welcome();
        }
        if result.is_ok() {
            result = self.write();
        }
        let late = self.tried.is_some_and(|tried| now >= tried + self.settings.handshake_limit);
        match result {
            Err(Over(kind)) => self.over(was_ready, kind),
            Ok(()) if late && !self.is_connected() => self.over(false, None),
            Ok(()) => {}
        }
    }

    /// A daemon is there: it hears first which series is running.
    fn welcome(&mut self) {
        self.refused = None;
        let already =
            self.queue.front().is_some_and(|first| self.start.as_ref().is_some_and(|s| s.1 == first.front));
        if let Some((_, front)) = self.start.as_ref().filter(|_| !already) {
            let again = Outgoing { front: front.clone(), pixels: Bytes::new(), is_frame: false };
            self.queue.push_front(again);
        }
    }

    /// A message that was half written is written again from its beginning on the next connection.
    fn over(&mut self, was_ready: bool, kind: Option<BadMessage>) {
        self.link = None;
        self.written = 0;
        self.refused = kind;
        self.counts.disconnects += u64::from(was_ready);
    }

    fn write(&mut self) -> Result<(), Over> {
        let Some(link) = self.link.as_mut().filter(|link| link.is_ready()) else {
            return Ok(());
        };
        while let Some(first) = self.queue.front() {
            if self.written == 0 && link.has_answers() {
                return Ok(());
            }
            let front = &first.front[self.written.min(first.front.len())..];
            let pixels = &first.pixels[self.written.saturating_sub(first.front.len())..];
            let (left, bytes) = (front.len() + pixels.len(), link.write(front, pixels)?);
            self.written += bytes;
            if bytes < left {
                return Ok(());
            }
            self.written = 0;
            self.waiting_bytes -= first.pixels.len();
            if first.is_frame {
                self.waiting_frames -= 1;
                self.counts.sent_frames += 1;
            }
            self.queue.pop_front();
        }
        Ok(())
    }

    /// Until the socket has something to do, or `limit`.
    fn pause(&self, limit: Duration) {
        let limit = if self.is_connected() { limit } else { limit.min(self.settings.reconnect_every) };
        let timeout = Timespec {
            tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        };
        // An interrupted or failed wait ends early; the loop around it looks at the clock.
        let _woken = match &self.link {
            None => poll(&mut [], Some(&timeout)),
            Some(link) => {
                let mut flags = PollFlags::IN;
                let message = link.is_ready() && !self.queue.is_empty();
                flags.set(PollFlags::OUT, message || link.wants_to_write());
                poll(&mut [PollFd::new(link.stream(), flags)], Some(&timeout))
            }
        };
    }
}
