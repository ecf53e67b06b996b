//! A peer made of bytes, so that it can do what no library would.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use smlm::frame::FrameInfo;

use crate::sample;
pub use crate::zmtp_bytes::*;

pub struct Raw(pub TcpStream);

pub fn frame(info: &FrameInfo) -> Vec<u8> {
    message(&sample::part0(info), &sample::pixels(info))
}

impl Raw {
    /// Connected, nothing said.
    pub fn silent(endpoint: &str) -> Self {
        let stream = TcpStream::connect(endpoint.strip_prefix("tcp://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        Self(stream)
    }

    /// A publisher after its handshake (whose answers it does not wait for).
    pub fn push(endpoint: &str) -> Self {
        let mut raw = Self::silent(endpoint);
        raw.send(&greeting(b"NULL"));
        raw.send(&ready(b"PUSH"));
        raw
    }

    /// A peer that was let go no longer takes bytes, so errors are of no interest.
    pub fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    /// What has come within 5 ms, and whether the connection was closed.
    pub fn hear(&mut self) -> (Vec<u8>, bool) {
        let mut heard = vec![0; 4096];
        match self.0.read(&mut heard) {
            Ok(0) => (Vec::new(), true),
            Ok(count) => (heard[..count].to_vec(), false),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => (Vec::new(), true),
            Err(_) => (Vec::new(), false),
        }
    }
}
