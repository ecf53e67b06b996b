//! One publisher: its connection and how far its message has come.
//!
//! In: what its socket holds. Out: calls on the sink. Never: a wait; a byte of memory for a length that was not
//! checked; an effect on another peer.

mod message;

use std::io::{IoSlice, IoSliceMut};
use std::time::{Duration, Instant};

use smlm::frame::SeriesId;

use crate::bad_message::BadMessage;
use crate::envelope::{Announced, Decoder, limits};
use crate::source::{FrameSink, Place, SourceSettings};
use crate::zmtp::frame::{Head, parse_head};
use crate::zmtp::greeting::{
    COMMAND_BYTES, GREETING_BYTES, check_greeting, greeting, put_command, put_ready, socket_type,
    split_command,
};
use crate::zmtp::inbox::Inbox;
use crate::zmtp::packed::SideBuffer;
use crate::zmtp::stream::{Moved, Stream};

/// Answers that a peer has not taken yet; beyond, it is dropped.
const OUTBOX_BYTES: usize = 4096;
/// Series remembered for the report that a peer left.
const SERIES_MAX: usize = 8;

/// What peers share.
pub(in crate::zmtp) struct Shared<'a> {
    pub sink: &'a mut dyn FrameSink,
    pub decoder: &'a mut Decoder,
    pub side: &'a mut SideBuffer,
    /// Where unwanted bytes go.
    pub drain: &'a mut [u8],
    pub settings: &'a SourceSettings,
    pub now: Instant,
    pub unix_ns: fn() -> u64,
}

#[derive(Clone, Copy)]
enum Stage {
    Greeting,
    Handshake,
    /// Between messages, or in the middle of part 0.
    Part0,
    /// The header was good; the head of part 1 comes.
    Part1(Announced),
    Pixels {
        frame: Announced,
        place: Place,
        got: usize,
    },
    Packed {
        frame: Announced,
        place: Place,
        got: usize,
        length: usize,
    },
    /// An unwanted part; `more`: and the parts after it.
    Skip {
        left: u64,
        more: bool,
    },
    SkipHead,
}

/// Why a peer is let go.
#[derive(Clone, Copy)]
pub(in crate::zmtp) enum Leaving {
    Closed,
    Bad(BadMessage),
}

pub(in crate::zmtp) struct Peer {
    stream: Stream,
    id: u64,
    inbox: Inbox,
    outbox: Vec<u8>,
    stage: Stage,
    /// Its part 1 waits for the side buffer.
    waits: bool,
    accepted: Instant,
    last_byte: Instant,
    heard: bool,
    /// From its PINGs: without a byte for so long it is dead.
    alive_limit: Option<Duration>,
    series: Vec<SeriesId>,
}

impl Peer {
    pub(in crate::zmtp) fn new(stream: Stream, id: u64, now: Instant) -> Self {
        let mut outbox = Vec::with_capacity(OUTBOX_BYTES);
        outbox.extend_from_slice(&greeting());
        Self {
            stream,
            id,
            inbox: Inbox::new(),
            outbox,
            stage: Stage::Greeting,
            waits: false,
            accepted: now,
            last_byte: now,
            heard: false,
            alive_limit: None,
            series: Vec::with_capacity(SERIES_MAX),
        }
    }

    pub(in crate::zmtp) fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(in crate::zmtp) fn waits_for_side_buffer(&self) -> bool {
        self.waits
    }

    pub(in crate::zmtp) fn has_answers(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// When this peer's patience ends, and what it is called then.
    pub(in crate::zmtp) fn deadline(&self, settings: &SourceSettings) -> Option<(Instant, BadMessage)> {
        match self.stage {
            Stage::Greeting | Stage::Handshake => {
                Some((self.accepted + settings.handshake_limit, BadMessage::BadHandshake))
            }
            _ if self.waits => None,
            Stage::Part0 if self.inbox.filled().is_empty() => {
                self.alive_limit.map(|limit| (self.last_byte + limit, BadMessage::PeerStalled))
            }
            _ => Some((self.last_byte + settings.stall_limit, BadMessage::PeerStalled)),
        }
    }

    /// Sends waiting answers.
    pub(in crate::zmtp) fn flush(&mut self) -> Result<(), Leaving> {
        while !self.outbox.is_empty() {
            match self.stream.write(&[IoSlice::new(&self.outbox)]) {
                Moved::Bytes(bytes) => drop(self.outbox.drain(..bytes)),
                Moved::Wait => break,
                Moved::Closed => return Err(Leaving::Closed),
            }
        }
        Ok(())
    }

    /// Reads and digests until the socket is empty or the turn's bytes are used up.
    pub(in crate::zmtp) fn turn(&mut self, shared: &mut Shared<'_>) -> Result<(), Leaving> {
        self.digest(shared).map_err(Leaving::Bad)?;
        let mut left = shared.settings.turn_bytes;
        while !self.waits && left > 0 {
            let (moved, asked) = self.read(shared);
            let bytes = match moved {
                Moved::Bytes(bytes) => bytes,
                Moved::Wait => break,
                Moved::Closed => return Err(Leaving::Closed),
            };
            (self.last_byte, self.heard) = (shared.now, true);
            self.digest(shared).map_err(Leaving::Bad)?;
            left = left.saturating_sub(bytes);
            if bytes < asked {
                break;
            }
        }
        self.flush()
    }

    /// One read, straight to where the bytes belong; what follows goes to the inbox. Returns what it asked for too.
    fn read(&mut self, shared: &mut Shared<'_>) -> (Moved, usize) {
        let first: &mut [u8] = match &self.stage {
            Stage::Pixels { place, got, .. } => &mut shared.sink.space(*place)[*got..],
            Stage::Packed { got, length, .. } => &mut shared.side.space()[*got..*length],
            Stage::Skip { left, .. } => {
                let bytes = usize::try_from(*left).unwrap_or(usize::MAX).min(shared.drain.len());
                &mut shared.drain[..bytes]
            }
            _ => &mut [],
        };
        let wanted = first.len();
        let then = self.inbox.free();
        let asked = wanted + then.len();
        let moved = self.stream.read(&mut [IoSliceMut::new(first), IoSliceMut::new(then)]);
        if let Moved::Bytes(bytes) = moved {
            let direct = bytes.min(wanted);
            self.inbox.filled_up_by(bytes - direct);
            match &mut self.stage {
                Stage::Pixels { got, .. } | Stage::Packed { got, .. } => *got += direct,
                Stage::Skip { left, .. } => *left -= direct as u64,
                _ => {}
            }
        }
        (moved, asked)
    }

    /// Understands as much as is there.
    fn digest(&mut self, shared: &mut Shared<'_>) -> Result<(), BadMessage> {
        loop {
            let go_on = match self.stage {
                Stage::Greeting => self.digest_greeting()?,
                Stage::Handshake | Stage::Part0 | Stage::SkipHead => self.digest_head(shared)?,
                Stage::Part1(frame) => self.digest_part1(frame, shared)?,
                Stage::Pixels { frame, place, got } => self.digest_pixels(frame, place, got, shared),
                Stage::Packed { frame, place, got, length } => {
                    self.digest_packed(frame, place, (got, length), shared)
                }
                Stage::Skip { left, more } => self.digest_skip(left, more),
            };
            if !go_on {
                return Ok(());
            }
        }
    }

    fn digest_greeting(&mut self) -> Result<bool, BadMessage> {
        check_greeting(self.inbox.filled())?;
        if self.inbox.filled().len() < GREETING_BYTES {
            return Ok(false);
        }
        self.inbox.consume(GREETING_BYTES);
        put_ready(&mut self.outbox, b"PULL");
        self.stage = Stage::Handshake;
        Ok(true)
    }

    /// A frame's head where a command or the part of a message may begin.
    fn digest_head(&mut self, shared: &mut Shared<'_>) -> Result<bool, BadMessage> {
        let Some(head) = self.head()? else {
            return Ok(false);
        };
        if head.command {
            return self.digest_command(head);
        }
        match self.stage {
            Stage::Handshake => Err(BadMessage::BadHandshake),
            Stage::SkipHead => {
                self.skip(head);
                Ok(true)
            }
            _ => self.digest_part0(head, shared),
        }
    }

    /// The next head, with room made for one that is not complete. A length beyond any limit ends the peer.
    fn head(&mut self) -> Result<Option<Head>, BadMessage> {
        match parse_head(self.inbox.filled())? {
            Some(head) if head.length > limits::PART1_BYTES as u64 => Err(BadMessage::TooLong),
            Some(head) => Ok(Some(head)),
            None => {
                self.inbox.make_room(9);
                Ok(None)
            }
        }
    }

    /// The whole frame of a head whose length the caller has checked, once it is there.
    fn whole(&mut self, head: Head) -> Option<std::ops::Range<usize>> {
        let body = head.bytes..head.bytes + usize::try_from(head.length).ok()?;
        if self.inbox.filled().len() < body.end {
            self.inbox.make_room(body.end);
            return None;
        }
        Some(body)
    }

    fn skip(&mut self, head: Head) {
        self.inbox.consume(head.bytes);
        self.stage = Stage::Skip { left: head.length, more: head.more };
    }

    fn digest_command(&mut self, head: Head) -> Result<bool, BadMessage> {
        if head.length > COMMAND_BYTES {
            return Err(BadMessage::BadFraming);
        }
        let Some(range) = self.whole(head) else {
            return Ok(false);
        };
        let (name, body) = split_command(&self.inbox.filled()[range.clone()])?;
        match (self.stage, name) {
            (Stage::Handshake, b"READY") => {
                if socket_type(body)? != b"PUSH" {
                    put_command(&mut self.outbox, b"ERROR", b"\x13Invalid socket type");
                    let _best_effort = self.flush();
                    return Err(BadMessage::BadHandshake);
                }
                self.stage = Stage::Part0;
            }
            (Stage::Handshake, _) => return Err(BadMessage::BadHandshake),
            (_, b"PING") => {
                let (ttl, context) = body.split_first_chunk().ok_or(BadMessage::BadFraming)?;
                let ttl = u64::from(u16::from_be_bytes(*ttl)) * 100;
                if context.len() > 16 || self.outbox.len() + context.len() + 8 > OUTBOX_BYTES {
                    return Err(BadMessage::BadFraming);
                }
                self.alive_limit = (ttl > 0).then(|| Duration::from_millis(ttl));
                put_command(&mut self.outbox, b"PONG", context);
            }
            // A peer that reports an error leaves by itself; commands of later versions are none of our business.
            _ => {}
        }
        self.inbox.consume(range.end);
        Ok(true)
    }

    fn remember(&mut self, series: SeriesId) {
        if self.series.last() == Some(&series) {
            return;
        }
        self.series.retain(|known| *known != series);
        if self.series.len() == SERIES_MAX {
            self.series.remove(0);
        }
        self.series.push(series);
    }

    /// Accounts for what was under way; the caller then drops the peer.
    pub(in crate::zmtp) fn leave(&mut self, why: Leaving, side: &mut SideBuffer, sink: &mut dyn FrameSink) {
        side.release(self.id);
        let clean = matches!(self.stage, Stage::Part0) && self.inbox.filled().is_empty() || !self.heard;
        let kind = match why {
            Leaving::Bad(kind) => Some(kind),
            Leaving::Closed if clean => None,
            Leaving::Closed => Some(match self.stage {
                Stage::Greeting | Stage::Handshake => BadMessage::BadHandshake,
                _ => BadMessage::PeerLeftMidMessage,
            }),
        };
        match (self.stage, kind) {
            (Stage::Pixels { place, .. } | Stage::Packed { place, .. }, kind) => {
                sink.abandon(place, kind.unwrap_or(BadMessage::PeerLeftMidMessage));
            }
            (_, Some(kind)) => sink.bad(kind),
            (_, None) => {}
        }
        if !self.series.is_empty() {
            sink.disconnected(&self.series);
        }
    }
}
