//! A publisher's connection: connecting, the handshake, writing, answering PINGs. Nothing here waits.
//!
//! In: an endpoint and bytes to send. Out: how far it came. Never: a queue (the publisher's).

use std::io::{IoSlice, IoSliceMut};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, sockopt};

use crate::bad_message::BadMessage;
use crate::endpoint::Endpoint;
use crate::zmtp::frame::parse_head;
use crate::zmtp::greeting::{
    COMMAND_BYTES, GREETING_BYTES, check_greeting, greeting, put_command, put_ready, socket_type,
    split_command,
};
use crate::zmtp::stream::{Moved, Stream};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Connecting,
    Greeting,
    Handshake,
    Ready,
}

/// The connection is over.
#[derive(Debug)]
pub(super) struct Over(pub Option<BadMessage>);

pub(super) struct Link {
    stream: Stream,
    stage: Stage,
    /// Handshake and answers; written between messages.
    outbox: Vec<u8>,
    inbox: Vec<u8>,
}

impl Link {
    /// Begins to connect.
    pub(super) fn connect(endpoint: &Endpoint) -> std::io::Result<Self> {
        let (stream, connected) = match endpoint {
            Endpoint::Tcp(address) => {
                let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
                let stream = TcpStream::from(socket(family)?);
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                let connected = rustix::net::connect(&stream, address);
                (Stream::Tcp(stream), connected)
            }
            Endpoint::Ipc(path) => {
                let stream = UnixStream::from(socket(AddressFamily::UNIX)?);
                stream.set_nonblocking(true)?;
                let connected = rustix::net::connect(&stream, &SocketAddrUnix::new(path)?);
                (Stream::Ipc(stream), connected)
            }
        };
        match connected {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Self {
            stream,
            stage: Stage::Connecting,
            outbox: greeting().to_vec(),
            inbox: Vec::with_capacity(512),
        })
    }

    pub(super) fn stream(&self) -> &Stream {
        &self.stream
    }

    pub(super) fn is_ready(&self) -> bool {
        self.stage == Stage::Ready
    }

    pub(super) fn has_answers(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// Besides messages.
    pub(super) fn wants_to_write(&self) -> bool {
        self.stage == Stage::Connecting || self.has_answers()
    }

    /// Takes in what the receiver says and, unless a message is half written, answers.
    pub(super) fn listen(&mut self, between_messages: bool) -> Result<(), Over> {
        if self.stage == Stage::Connecting {
            match sockopt::socket_error(&self.stream) {
                Ok(Ok(())) if peer_is_there(&self.stream) => self.stage = Stage::Greeting,
                Ok(Ok(())) => return Ok(()),
                _ => return Err(Over(None)),
            }
        }
        self.read()?;
        while self.digest().map_err(|kind| Over(Some(kind)))? {}
        while between_messages && !self.outbox.is_empty() {
            match self.stream.write(&[IoSlice::new(&self.outbox)]) {
                Moved::Bytes(bytes) => drop(self.outbox.drain(..bytes)),
                Moved::Wait => break,
                Moved::Closed => return Err(Over(None)),
            }
        }
        Ok(())
    }

    /// Writes as much of a message as the socket takes now.
    pub(super) fn write(&mut self, front: &[u8], pixels: &[u8]) -> Result<usize, Over> {
        match self.stream.write(&[IoSlice::new(front), IoSlice::new(pixels)]) {
            Moved::Bytes(bytes) => Ok(bytes),
            Moved::Wait => Ok(0),
            Moved::Closed => Err(Over(None)),
        }
    }

    fn read(&mut self) -> Result<(), Over> {
        let mut bytes = [0u8; 512];
        loop {
            match self.stream.read(&mut [IoSliceMut::new(&mut bytes)]) {
                Moved::Bytes(count) => {
                    self.inbox.extend_from_slice(&bytes[..count]);
                    if self.inbox.len() as u64 > 2 * COMMAND_BYTES {
                        return Err(Over(Some(BadMessage::TooLong)));
                    }
                }
                Moved::Wait => return Ok(()),
                Moved::Closed => return Err(Over(None)),
            }
        }
    }

    /// One greeting or command out of the inbox; false: more bytes are needed.
    fn digest(&mut self) -> Result<bool, BadMessage> {
        if self.stage == Stage::Greeting {
            check_greeting(&self.inbox)?;
            if self.inbox.len() < GREETING_BYTES {
                return Ok(false);
            }
            self.inbox.drain(..GREETING_BYTES);
            put_ready(&mut self.outbox, b"PUSH");
            self.stage = Stage::Handshake;
        }
        let Some(head) = parse_head(&self.inbox)? else {
            return Ok(false);
        };
        if !head.command || head.length > COMMAND_BYTES {
            return Err(BadMessage::BadFraming);
        }
        let end = head.bytes + usize::try_from(head.length).map_err(|_| BadMessage::TooLong)?;
        let Some(command) = self.inbox.get(head.bytes..end) else {
            return Ok(false);
        };
        let (name, body) = split_command(command)?;
        match name {
            b"READY" if self.stage == Stage::Handshake && socket_type(body)? == b"PULL" => {
                self.stage = Stage::Ready
            }
            b"PING" if self.stage == Stage::Ready => {
                let context =
                    body.get(2..).filter(|context| context.len() <= 16).ok_or(BadMessage::BadFraming)?;
                put_command(&mut self.outbox, b"PONG", context);
            }
            _ if self.stage == Stage::Handshake => return Err(BadMessage::BadHandshake),
            _ => {}
        }
        self.inbox.drain(..end);
        Ok(true)
    }
}

fn socket(family: AddressFamily) -> std::io::Result<OwnedFd> {
    let socket = rustix::net::socket(family, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    Ok(socket)
}

/// A connection that is under way has no peer yet.
fn peer_is_there(stream: &Stream) -> bool {
    rustix::net::getpeername(stream).is_ok()
}
