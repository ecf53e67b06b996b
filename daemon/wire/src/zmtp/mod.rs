//! The daemon's own receiver of the frame stream: ZMTP 3, NULL, PULL, over tcp and ipc.
//!
//! In: publishers (libzmq, JeroMQ, anything that speaks ZMTP 3). Out: calls on a [`FrameSink`]; raw pixels are read
//! from the socket straight into the sink's place. Never: a thread, a wait in a peer, an allocation per frame, a
//! buffer for a length that was not checked, an error of one peer that reaches another.
//!
//! poll(2) through `rustix` instead of `mio`: there are at most 65 descriptors, they are the peers themselves, and
//! nothing has to be registered, remembered and kept in step.

pub(crate) mod frame;
pub(crate) mod greeting;
mod inbox;
pub(crate) mod listener;
pub(crate) mod packed;
mod peer;
pub(crate) mod stream;

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use self::listener::{Accepted, Listener};
use self::packed::SideBuffer;
use self::peer::{Leaving, Peer, Shared};
use crate::bad_message::BadMessage;
use crate::endpoint::Endpoint;
use crate::envelope::Decoder;
use crate::source::{FrameSink, FrameSource, SourceError, SourceSettings};

/// Peers of one receiver, whatever the settings say.
pub const PEERS_MAX: usize = 64;
/// Where the bytes of refused frames go.
const DRAIN_BYTES: usize = 256 * 1024;
/// Without descriptors, the next attempt to accept comes after this time.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// A PULL socket.
pub struct ZmtpSource {
    listener: Option<Listener>,
    endpoint: String,
    settings: SourceSettings,
    peers: Vec<Peer>,
    next_id: u64,
    accept_from: Option<Instant>,
    decoder: Decoder,
    side: SideBuffer,
    drain: Box<[u8]>,
}

impl ZmtpSource {
    /// Listens on `tcp://ADDRESS:PORT` (port 0: any free one) or `ipc:///FOLDER/SOCKET`.
    pub fn bind(endpoint: &str, settings: SourceSettings) -> Result<Self, SourceError> {
        let (listener, bound) = Listener::bind(&endpoint.parse::<Endpoint>()?, &settings)?;
        Ok(Self {
            listener: Some(listener),
            endpoint: bound.to_string(),
            settings,
            peers: Vec::with_capacity(PEERS_MAX),
            next_id: 0,
            accept_from: None,
            decoder: Decoder::default(),
            side: SideBuffer::default(),
            drain: vec![0; DRAIN_BYTES].into_boxed_slice(),
        })
    }

    /// Peers connected now.
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    /// Which of listener (bit 0) and peers (bit 1 and up) have something to do.
    fn wait(&self, timeout: Duration) -> Result<u128, SourceError> {
        let Some(listener) = &self.listener else {
            return Ok(0);
        };
        let accepting = if self.accept_from.is_none() { PollFlags::IN } else { PollFlags::empty() };
        let mut polled: [PollFd<'_>; PEERS_MAX + 1] = std::array::from_fn(|slot| match slot.checked_sub(1) {
            None => PollFd::new(listener, accepting),
            Some(peer) => match self.peers.get(peer) {
                None => PollFd::new(listener, PollFlags::empty()),
                // A peer that waits for another is not looked at, or its hang-up would wake us for nothing.
                Some(peer) if peer.waits_for_side_buffer() => PollFd::new(listener, PollFlags::empty()),
                Some(peer) => {
                    let mut flags = PollFlags::IN;
                    flags.set(PollFlags::OUT, peer.has_answers());
                    PollFd::new(peer.stream(), flags)
                }
            },
        });
        let timeout = Timespec {
            tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: timeout.subsec_nanos().into(),
        };
        match poll(&mut polled[..=self.peers.len()], Some(&timeout)) {
            Err(rustix::io::Errno::INTR) => Ok(0),
            Err(error) => Err(SourceError::Io {
                action: "wait on",
                endpoint: self.endpoint.clone(),
                error: error.into(),
            }),
            Ok(_) => Ok((0..=self.peers.len())
                .filter(|&slot| !polled[slot].revents().is_empty())
                .fold(0, |ready, slot| ready | 1 << slot)),
        }
    }

    /// The time to wait: the caller's, or less when a peer's patience ends earlier or the side buffer is free again.
    fn patience(&self, timeout: Duration, now: Instant) -> Duration {
        if self.side.is_free() && self.peers.iter().any(Peer::waits_for_side_buffer) {
            return Duration::ZERO;
        }
        let deadlines = self.peers.iter().filter_map(|peer| peer.deadline(&self.settings));
        let next = deadlines.map(|(at, _)| at).chain(self.accept_from).min();
        next.map_or(timeout, |at| timeout.min(at.saturating_duration_since(now)))
    }

    /// Takes what stands in the queue of the listener, at most `PEERS_MAX` at a time.
    fn accept(&mut self, sink: &mut dyn FrameSink, now: Instant) {
        self.accept_from = None;
        for _ in 0..PEERS_MAX {
            let Some(listener) = &self.listener else { return };
            match listener.accept(&self.settings.allow_peers) {
                Accepted::Nobody => return,
                Accepted::Refused => sink.bad(BadMessage::PeerRefused),
                Accepted::NotNow => {
                    self.accept_from = Some(now + ACCEPT_AGAIN);
                    return;
                }
                Accepted::Peer(_) if self.peers.len() >= self.settings.peers_max.min(PEERS_MAX) => {
                    sink.bad(BadMessage::TooManyPeers);
                }
                Accepted::Peer(stream) => {
                    self.next_id += 1;
                    let mut peer = Peer::new(stream, self.next_id, now);
                    if peer.flush().is_ok() {
                        self.peers.push(peer);
                    }
                }
            }
        }
    }

    /// One turn of each peer that is ready, from the last to the first, so that one that leaves moves no other.
    fn turns(&mut self, ready: u128, sink: &mut dyn FrameSink, now: Instant) {
        for slot in (0..self.peers.len()).rev() {
            let peer = &mut self.peers[slot];
            let freed = peer.waits_for_side_buffer() && self.side.is_free();
            let mut result = Ok(());
            if freed || ready & (2 << slot) != 0 {
                result = peer.turn(&mut Shared {
                    sink: &mut *sink,
                    decoder: &mut self.decoder,
                    side: &mut self.side,
                    drain: &mut self.drain,
                    settings: &self.settings,
                    now,
                    unix_ns,
                });
            }
            if let (Ok(()), Some((at, kind))) = (result, peer.deadline(&self.settings))
                && at <= now
            {
                result = Err(Leaving::Bad(kind));
            }
            if let Err(why) = result {
                peer.leave(why, &mut self.side, sink);
                self.peers.swap_remove(slot);
            }
        }
    }
}

impl FrameSource for ZmtpSource {
    fn poll(&mut self, sink: &mut dyn FrameSink, timeout: Duration) -> Result<(), SourceError> {
        let before = Instant::now();
        self.accept_from = self.accept_from.filter(|from| *from > before);
        let ready = self.wait(self.patience(timeout, before))?;
        let now = Instant::now();
        self.turns(ready, sink, now);
        if ready & 1 != 0 {
            self.accept(sink, now);
        }
        Ok(())
    }

    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn close(&mut self, sink: &mut dyn FrameSink) {
        self.listener = None;
        for mut peer in self.peers.drain(..) {
            peer.leave(Leaving::Closed, &mut self.side, sink);
        }
    }
}

/// Now, UTC ns.
pub(crate) fn unix_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
