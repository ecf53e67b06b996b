//! One connection, tcp or ipc, without blocking.
//!
//! In: an accepted or connected socket. Out: reads and writes. Never: a wait.

use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Ipc(UnixStream),
}

/// What a read or write did.
#[derive(Debug)]
pub(crate) enum Moved {
    Bytes(usize),
    /// Nothing now.
    Wait,
    /// The other side closed, or the connection broke.
    Closed,
}

impl Stream {
    pub(crate) fn read(&mut self, into: &mut [IoSliceMut<'_>]) -> Moved {
        moved(match self {
            Self::Tcp(stream) => stream.read_vectored(into),
            Self::Ipc(stream) => stream.read_vectored(into),
        })
    }

    pub(crate) fn write(&mut self, from: &[IoSlice<'_>]) -> Moved {
        moved(match self {
            Self::Tcp(stream) => stream.write_vectored(from),
            Self::Ipc(stream) => stream.write_vectored(from),
        })
    }
}

impl AsFd for Stream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(stream) => stream.as_fd(),
            Self::Ipc(stream) => stream.as_fd(),
        }
    }
}

fn moved(result: std::io::Result<usize>) -> Moved {
    use std::io::ErrorKind::{Interrupted, WouldBlock};
    match result {
        Ok(0) => Moved::Closed,
        Ok(bytes) => Moved::Bytes(bytes),
        Err(error) if matches!(error.kind(), WouldBlock | Interrupted) => Moved::Wait,
        Err(_) => Moved::Closed,
    }
}
