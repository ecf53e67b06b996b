//! A peer made of bytes, so that it can do what no library would.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use smlm::frame::FrameInfo;

use crate::sample;

pub struct Raw(pub TcpStream);

pub fn greeting(mechanism: &[u8]) -> [u8; 64] {
    let mut greeting = [0u8; 64];
    greeting[0] = 0xff;
    greeting[8] = 1;
    greeting[9] = 0x7f;
    greeting[10] = 3;
    greeting[12..12 + mechanism.len()].copy_from_slice(mechanism);
    greeting
}

pub fn command(name: &[u8], body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![4, (1 + name.len() + body.len()) as u8, name.len() as u8];
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(body);
    bytes
}

pub fn ready(socket_type: &[u8]) -> Vec<u8> {
    let mut body = b"\x0bSocket-Type\0\0\0".to_vec();
    body.push(socket_type.len() as u8);
    body.extend_from_slice(socket_type);
    command(b"READY", &body)
}

/// A part, always with the long head.
pub fn part(bytes: &[u8], more: bool) -> Vec<u8> {
    let mut out = vec![2 | u8::from(more)];
    out.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    out.extend_from_slice(bytes);
    out
}

pub fn message(part0: &[u8], part1: &[u8]) -> Vec<u8> {
    [part(part0, true), part(part1, false)].concat()
}

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
