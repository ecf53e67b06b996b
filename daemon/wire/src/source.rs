//! The door of the frame stream: what a source of frames does and what it needs from its owner.
//!
//! In: sockets, through an implementation. Out: calls on a [`FrameSink`]. Never: a thread; the caller's drives it.

use std::net::IpAddr;
use std::time::Duration;

use smlm::frame::{FrameInfo, SeriesId};
use smlm::series::Control;

use crate::bad_message::BadMessage;

/// A token of the sink for a frame that is arriving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place(pub u64);

/// Who owns the memory of frames and the account of them. Several frames of several peers may be arriving at once.
pub trait FrameSink {
    /// A valid frame is about to arrive: is there a place for `info.payload_bytes()` bytes? `None`: refused, and the
    /// sink has counted it; the source drains its bytes and forgets them.
    fn reserve(&mut self, info: &FrameInfo) -> Option<Place>;
    /// The bytes of a place: exactly `payload_bytes`, the same memory until `commit` or `abandon`.
    fn space(&mut self, place: Place) -> &mut [u8];
    /// The frame is complete; its last byte came at `arrival_unix_ns`.
    fn commit(&mut self, place: Place, arrival_unix_ns: u64);
    /// The frame will not be completed; this call is its only count, `bad` is not called for it.
    fn abandon(&mut self, place: Place, why: BadMessage);
    /// A valid control message.
    fn control(&mut self, message: Control);
    /// A message or a peer that was not accepted.
    fn bad(&mut self, kind: BadMessage);
    /// A peer left that had sent these series (the last eight of them).
    fn disconnected(&mut self, series: &[SeriesId]);
    /// Would a next frame of this series find a place now? Only sources that can wait, such as a file, ask.
    fn has_room(&mut self, _series: SeriesId) -> bool {
        true
    }
}

/// Something that receives the frame stream.
pub trait FrameSource {
    /// Waits up to `timeout` for bytes and hands on what is complete. An error of one peer is a call of
    /// [`FrameSink::bad`]; only a source that cannot go on returns an error.
    fn poll(&mut self, sink: &mut dyn FrameSink, timeout: Duration) -> Result<(), SourceError>;
    /// The endpoint that publishers connect to, with the real port.
    fn endpoint(&self) -> &str;
    /// Closes the input: half-received frames are abandoned, peers are reported as gone.
    fn close(&mut self, sink: &mut dyn FrameSink);
}

/// The limits of a source.
#[derive(Clone, Debug)]
pub struct SourceSettings {
    /// Peers at once.
    pub peers_max: usize,
    /// From accepting a peer to its READY.
    pub handshake_limit: Duration,
    /// Without a byte in the middle of a message.
    pub stall_limit: Duration,
    /// Bytes of one peer before the next one has its turn.
    pub turn_bytes: usize,
    /// Asked of the operating system for tcp; kept as it is where the system would give less than it gives by itself.
    pub socket_buffer_bytes: usize,
    /// Besides loopback. Not empty: binding off loopback is allowed, on a network that is trusted.
    pub allow_peers: Vec<IpAddr>,
}

impl Default for SourceSettings {
    fn default() -> Self {
        Self {
            peers_max: 64,
            handshake_limit: Duration::from_secs(5),
            stall_limit: Duration::from_secs(10),
            turn_bytes: 8 << 20,
            socket_buffer_bytes: 4 << 20,
            allow_peers: Vec::new(),
        }
    }
}

/// Why a source cannot be opened or go on.
#[must_use]
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("'{0}' is not an endpoint: write tcp://ADDRESS:PORT or ipc:///FOLDER/SOCKET")]
    Endpoint(String),
    #[error(
        "'{0}' is reachable from other machines and the frame stream is not encrypted: bind 127.0.0.1, \
         or name the allowed peers in `allow_peers` if the network is trusted (or use SSH or WireGuard)"
    )]
    NotLoopback(String),
    #[error("'{0}' is in use by another process: stop it, or choose another port or socket file")]
    InUse(String),
    #[error("'{0}' exists and is not a socket: remove it, or choose another path")]
    NotASocket(String),
    #[error("'{0}' is too long for a socket file (about 100 bytes): choose a shorter path")]
    PathTooLong(String),
    #[error("cannot {action} '{endpoint}': {error}")]
    Io { action: &'static str, endpoint: String, error: std::io::Error },
}
