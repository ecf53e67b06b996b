//! Where the messages of a player leave: a socket, or a list in a test.
//!
//! In: encoded frames and control messages. Out: whether there was room. Never: a wait while a frame is handed over.

use std::time::Duration;

use bytes::Bytes;
use smlm::series::Control;
use wire::publisher::{Publisher, Sending};

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Delivery {
    Sent,
    /// The bounded queue had no room; the message is gone.
    QueueFull,
}

/// A bounded way out.
pub trait Outlet {
    /// A frame as it is: part 0 may be damaged, `pixels` need not fit it.
    fn frame(&mut self, part0: &[u8], pixels: Bytes) -> Delivery;
    fn control(&mut self, control: &Control) -> Delivery;
    /// Lets time pass, and bytes move.
    fn wait(&mut self, time: Duration);
    /// Waits until a frame fits; false: given up.
    fn make_room(&mut self) -> bool;
}

/// How long a publisher that goes as fast as it can waits for a daemon that takes nothing.
pub const ROOM_LIMIT: Duration = Duration::from_secs(30);
/// Frames that wait while the next one is made.
const AHEAD_FRAMES: usize = 4;

impl Outlet for Publisher {
    fn frame(&mut self, part0: &[u8], pixels: Bytes) -> Delivery {
        match self.send_encoded(part0, pixels) {
            Sending::Queued => Delivery::Sent,
            Sending::Dropped => Delivery::QueueFull,
        }
    }

    fn control(&mut self, control: &Control) -> Delivery {
        if self.send_control(control) { Delivery::Sent } else { Delivery::QueueFull }
    }

    fn wait(&mut self, time: Duration) {
        self.drive(time);
    }

    fn make_room(&mut self) -> bool {
        self.waiting_frames() < AHEAD_FRAMES || self.flush(ROOM_LIMIT).is_ok()
    }
}
