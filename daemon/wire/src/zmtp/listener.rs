//! The listening socket, tcp or ipc.
//!
//! In: an endpoint. Out: accepted connections, non-blocking. Never: a peer that may not connect; a socket file left
//! behind.

use std::io::{Error, ErrorKind};
use std::net::{IpAddr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt;

use super::stream::Stream;
use crate::endpoint::{Endpoint, is_loopback};
use crate::source::{SourceError, SourceSettings};

pub(crate) struct Listener {
    socket: Socket,
    /// Removes the socket file with the listener.
    _file: Option<SocketFile>,
}

enum Socket {
    Tcp(TcpListener),
    Ipc(UnixListener),
}

/// What an attempt to accept gave.
pub(crate) enum Accepted {
    Peer(Stream),
    /// A peer whose address is not allowed; it is closed already.
    Refused,
    Nobody,
    /// The process or the system is out of descriptors or memory: try again later.
    NotNow,
}

/// A socket file, removed when dropped.
pub(crate) struct SocketFile(std::path::PathBuf);

impl SocketFile {
    pub(crate) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    pub(crate) fn bind(
        endpoint: &Endpoint,
        settings: &SourceSettings,
    ) -> Result<(Self, Endpoint), SourceError> {
        endpoint.check_reach(&settings.allow_peers)?;
        let failed = |error: Error| match error.kind() {
            ErrorKind::AddrInUse => SourceError::InUse(endpoint.to_string()),
            _ => SourceError::Io { action: "bind", endpoint: endpoint.to_string(), error },
        };
        match endpoint {
            Endpoint::Tcp(address) => {
                let listener = TcpListener::bind(address).map_err(failed)?;
                listener.set_nonblocking(true).map_err(failed)?;
                widen(&listener, settings.socket_buffer_bytes).map_err(failed)?;
                let bound = Endpoint::Tcp(listener.local_addr().map_err(failed)?);
                Ok((Self { socket: Socket::Tcp(listener), _file: None }, bound))
            }
            Endpoint::Ipc(path) => {
                clear_the_way(path, endpoint)?;
                let listener = UnixListener::bind(path).map_err(failed)?;
                let file = SocketFile::new(path);
                let mode = std::fs::Permissions::from_mode(0o600);
                std::fs::set_permissions(path, mode).map_err(failed)?;
                listener.set_nonblocking(true).map_err(failed)?;
                Ok((Self { socket: Socket::Ipc(listener), _file: Some(file) }, endpoint.clone()))
            }
        }
    }

    pub(crate) fn accept(&self, allow_peers: &[IpAddr]) -> Accepted {
        let accepted = match &self.socket {
            Socket::Tcp(listener) => listener.accept().and_then(|(stream, from)| {
                if !is_loopback(from.ip()) && !allow_peers.contains(&from.ip().to_canonical()) {
                    return Ok(Accepted::Refused);
                }
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                sockopt::set_socket_keepalive(&stream, true)?;
                sockopt::set_tcp_keepidle(&stream, Duration::from_secs(30))?;
                Ok(Accepted::Peer(Stream::Tcp(stream)))
            }),
            Socket::Ipc(listener) => listener.accept().and_then(|(stream, _)| {
                stream.set_nonblocking(true)?;
                Ok(Accepted::Peer(Stream::Ipc(stream)))
            }),
        };
        accepted.unwrap_or_else(|error| match error.kind() {
            // What went wrong with one connection is over with it.
            ErrorKind::WouldBlock | ErrorKind::Interrupted | ErrorKind::ConnectionAborted => Accepted::Nobody,
            _ => Accepted::NotNow,
        })
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match &self.socket {
            Socket::Tcp(listener) => listener.as_fd(),
            Socket::Ipc(listener) => listener.as_fd(),
        }
    }
}

/// Asks for a large receive buffer, which accepted connections inherit. Setting one switches the system's own growth
/// off, so where the system would cut it short (Linux: `net.core.rmem_max`) it is better not to ask.
fn widen(listener: &TcpListener, bytes: usize) -> Result<(), Error> {
    let probe = rustix::net::socket(rustix::net::AddressFamily::INET, rustix::net::SocketType::STREAM, None)?;
    sockopt::set_socket_recv_buffer_size(&probe, bytes)?;
    if sockopt::socket_recv_buffer_size(&probe)? >= bytes {
        sockopt::set_socket_recv_buffer_size(listener, bytes)?;
    }
    Ok(())
}

/// Makes the folder of a socket file (0700) and removes a file that nobody listens on.
pub(crate) fn clear_the_way(path: &Path, endpoint: &Endpoint) -> Result<(), SourceError> {
    let io = |action, error| SourceError::Io { action, endpoint: endpoint.to_string(), error };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|error| io("make the folder of", error))?;
    }
    let kind = match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(io("look at", error)),
        Ok(metadata) => metadata.file_type(),
    };
    if !kind.is_socket() {
        return Err(SourceError::NotASocket(endpoint.to_string()));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(SourceError::InUse(endpoint.to_string())),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(|error| io("remove the stale socket file of", error))
        }
        Err(error) => Err(io("look at", error)),
    }
}
