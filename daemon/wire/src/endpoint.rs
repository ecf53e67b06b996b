//! Endpoints as users write them.
//!
//! In: `tcp://127.0.0.1:5766`, `ipc:///run/user/1000/blinkd/frames.sock`. Out: a checked address or path.
//! Never: a name that leads off loopback without the allowed peers being named.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use crate::source::SourceError;

/// Bytes of a path in a `sockaddr_un`, less the closing zero (Linux 107, others a little fewer).
const SOCKET_PATH_BYTES: usize = 103;

/// Where a source listens, or a publisher connects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    Tcp(SocketAddr),
    Ipc(PathBuf),
}

impl std::str::FromStr for Endpoint {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        let wrong = || SourceError::Endpoint(text.to_owned());
        if let Some(path) = text.strip_prefix("ipc://") {
            return ipc(text, path);
        }
        let (host, port) =
            text.strip_prefix("tcp://").ok_or_else(wrong)?.rsplit_once(':').ok_or_else(wrong)?;
        let port = if port == "*" { 0 } else { port.parse().map_err(|_| wrong())? };
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let address = match bare {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            "*" => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            address => address.parse().map_err(|_| wrong())?,
        };
        Ok(Self::Tcp(SocketAddr::new(address, port)))
    }
}

fn ipc(text: &str, path: &str) -> Result<Endpoint, SourceError> {
    // '@' would be an abstract socket, which has no permissions.
    if path.is_empty() || path.starts_with('@') || path.contains('\0') {
        return Err(SourceError::Endpoint(text.to_owned()));
    }
    if path.len() > SOCKET_PATH_BYTES {
        return Err(SourceError::PathTooLong(text.to_owned()));
    }
    Ok(Endpoint::Ipc(PathBuf::from(path)))
}

impl Endpoint {
    /// Refuses an address that other machines reach, unless the peers that may connect are named.
    pub fn check_reach(&self, allow_peers: &[IpAddr]) -> Result<(), SourceError> {
        match self {
            Self::Tcp(address) if !is_loopback(address.ip()) && allow_peers.is_empty() => {
                Err(SourceError::NotLoopback(self.to_string()))
            }
            Self::Tcp(_) | Self::Ipc(_) => Ok(()),
        }
    }

    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Ipc(path) => Some(path),
            Self::Tcp(_) => None,
        }
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Ipc(path) => write!(f, "ipc://{}", path.display()),
        }
    }
}

/// Loopback, also when an IPv4 address is written as IPv6.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_read_as_zeromq_users_write_them() {
        for (text, means) in [
            ("tcp://127.0.0.1:5766", "tcp://127.0.0.1:5766"),
            ("tcp://localhost:*", "tcp://127.0.0.1:0"),
            ("tcp://*:5766", "tcp://0.0.0.0:5766"),
            ("tcp://[::1]:5766", "tcp://[::1]:5766"),
            ("ipc:///run/blinkd/frames.sock", "ipc:///run/blinkd/frames.sock"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), means);
        }
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_the_remedy() {
        for text in [
            "",
            "tcp://",
            "tcp://127.0.0.1",
            "tcp://127.0.0.1:70000",
            "udp://127.0.0.1:1",
            "ipc://",
            "ipc://@x",
        ] {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert!(error.contains("tcp://ADDRESS:PORT"), "{text}: {error}");
        }
        let long = format!("ipc:///{}", "x".repeat(200));
        assert!(matches!(long.parse::<Endpoint>(), Err(SourceError::PathTooLong(_))));
    }

    #[test]
    fn an_address_off_loopback_needs_named_peers() {
        let open: Endpoint = "tcp://0.0.0.0:5766".parse().unwrap();
        assert!(matches!(open.check_reach(&[]), Err(SourceError::NotLoopback(_))));
        assert!(open.check_reach(&["10.0.0.7".parse().unwrap()]).is_ok());
        let mapped: Endpoint = "tcp://[::ffff:127.0.0.1]:5766".parse().unwrap();
        assert!(mapped.check_reach(&[]).is_ok());
    }
}
