//! The frame stream received by the `zeromq` crate, behind the same door as our own receiver.
//!
//! In: publishers on loopback or ipc. Out: calls on a [`FrameSink`], pixels copied into its places. Never: an address
//! off loopback: the crate has no limit on lengths, and a hostile peer aborts the process (see `zmtp` for the default).
//!
//! The crate does not say which peer sent what, so series are reported as disconnected when the last peer leaves.

use std::time::Duration;

use smlm::frame::SeriesId;
use zeromq::{PullSocket, Socket as _, SocketEvent, SocketRecv as _, ZmqMessage};

use crate::bad_message::BadMessage;
use crate::endpoint::Endpoint;
use crate::envelope::{Compression, Decoder, Message, limits, series_of};
use crate::source::{FrameSink, FrameSource, SourceError, SourceSettings};
use crate::zmtp::listener::{SocketFile, clear_the_way};
use crate::zmtp::packed::Unpacker;
use crate::zmtp::unix_ns;

/// Messages of one `poll`.
const MESSAGES_PER_POLL: usize = 64;
/// Series remembered for the report that the last peer left.
const SERIES_MAX: usize = 8;

/// A PULL socket of the `zeromq` crate on a runtime that runs only inside `poll`.
pub struct ZeromqSource {
    // Dropped in this order: the socket needs the runtime.
    socket: Option<PullSocket>,
    events: Box<dyn FnMut() -> Option<SocketEvent> + Send>,
    runtime: tokio::runtime::Runtime,
    _file: Option<SocketFile>,
    endpoint: String,
    decoder: Decoder,
    unpacker: Unpacker,
    peers: usize,
    series: Vec<SeriesId>,
}

impl ZeromqSource {
    /// Listens as [`crate::zmtp::ZmtpSource::bind`] does; of the settings it can only keep "loopback".
    pub fn bind(endpoint: &str, _settings: SourceSettings) -> Result<Self, SourceError> {
        let wanted: Endpoint = endpoint.parse()?;
        wanted.check_reach(&[])?;
        let io = |action, error| SourceError::Io { action, endpoint: wanted.to_string(), error };
        let mut file = None;
        if let Some(path) = wanted.path() {
            clear_the_way(path, &wanted)?;
            file = Some(SocketFile::new(path));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| io("start a runtime for", error))?;
        let mut socket = PullSocket::new();
        let mut monitor = socket.monitor();
        let bound = runtime.block_on(socket.bind(&wanted.to_string()));
        let bound = bound.map_err(|error| match error {
            zeromq::ZmqError::Network(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                SourceError::InUse(wanted.to_string())
            }
            error => io("bind", std::io::Error::other(error.to_string())),
        })?;
        Ok(Self {
            socket: Some(socket),
            events: Box::new(move || monitor.try_recv().ok()),
            runtime,
            _file: file,
            endpoint: bound.to_string(),
            decoder: Decoder::default(),
            unpacker: Unpacker::default(),
            peers: 0,
            series: Vec::with_capacity(SERIES_MAX),
        })
    }

    fn message(&mut self, message: &ZmqMessage, sink: &mut dyn FrameSink) -> Result<(), BadMessage> {
        let part0 = message.get(0).ok_or(BadMessage::EmptyMessage)?;
        match self.decoder.decode(part0, message.len() > 1)? {
            Message::Control(control) => {
                self.remember(series_of(&control));
                sink.control(control);
            }
            Message::Frame(frame) => {
                let part1 =
                    message.get(1).filter(|_| message.len() == 2).ok_or(BadMessage::WrongPartCount)?;
                let pixels = frame.info.payload_bytes();
                if frame.compression == Compression::Raw && part1.len() != pixels {
                    return Err(BadMessage::WrongPixelCount);
                }
                if part1.len() > limits::packed_bytes(pixels) {
                    return Err(BadMessage::TooLong);
                }
                self.remember(frame.info.id.series);
                if let Some(place) = sink.reserve(&frame.info) {
                    match self.unpacker.unpack(part1, &frame, sink.space(place)) {
                        Ok(()) => sink.commit(place, unix_ns()),
                        Err(kind) => sink.abandon(place, kind),
                    }
                }
            }
        }
        Ok(())
    }

    /// Frees the address. What goes wrong here goes wrong with a socket that is no longer wanted.
    fn unbind(&mut self) {
        if let Some(socket) = self.socket.take() {
            let _errors = self.runtime.block_on(socket.close());
        }
    }

    fn remember(&mut self, series: SeriesId) {
        if !self.series.contains(&series) {
            self.series.truncate(SERIES_MAX - 1);
            self.series.insert(0, series);
        }
    }

    fn look_at_events(&mut self, sink: &mut dyn FrameSink) {
        while let Some(event) = (self.events)() {
            match event {
                SocketEvent::Accepted(..) => self.peers += 1,
                SocketEvent::Disconnected(_) => self.peers = self.peers.saturating_sub(1),
                _ => continue,
            }
            if self.peers == 0 && !self.series.is_empty() {
                sink.disconnected(&self.series);
                self.series.clear();
            }
        }
    }
}

impl FrameSource for ZeromqSource {
    fn poll(&mut self, sink: &mut dyn FrameSink, timeout: Duration) -> Result<(), SourceError> {
        let mut patience = timeout;
        for _ in 0..MESSAGES_PER_POLL {
            let Some(socket) = &mut self.socket else { break };
            let received =
                self.runtime.block_on(async { tokio::time::timeout(patience, socket.recv()).await });
            match received {
                Err(_nothing_in_time) => break,
                Ok(Err(_of_one_peer)) => {
                    sink.bad(BadMessage::ReceiveError);
                    break;
                }
                Ok(Ok(message)) => {
                    if let Err(kind) = self.message(&message, sink) {
                        sink.bad(kind);
                    }
                }
            }
            patience = Duration::ZERO;
        }
        // Whatever else was put off is woken before the runtime stands still again.
        self.runtime.block_on(tokio::task::yield_now());
        self.look_at_events(sink);
        Ok(())
    }

    fn endpoint(&self) -> &str {
        &self.endpoint
    }

    fn close(&mut self, sink: &mut dyn FrameSink) {
        self.unbind();
        if !self.series.is_empty() {
            sink.disconnected(&self.series);
            self.series.clear();
        }
    }
}

impl Drop for ZeromqSource {
    fn drop(&mut self) {
        self.unbind();
    }
}
